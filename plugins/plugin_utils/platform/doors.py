# Copyright (c) 2026 GreenLang. All rights reserved.
"""Ask at every door of the platform as its users do: through the gateway's address, or that of the ingress controller
in front of it, over TLS that is verified.

A door that answers wrongly is a fault; the others are asked all the same.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from ..applyset.workers import Workers
from ..errors import VcciError
from ..kubernetes.client import Client
from ..waiting import Deadline, until
from .routes import Route, refuses_strangers, routes
from .state import Fault, Object

try:
    import urllib3

    MISSING: str | None = None
except ImportError as exc:
    MISSING = str(exc)

PAUSE = 0.2  # seconds between two attempts
SHOWN = 200  # characters of an answer that a message has
AT_A_TIME = 6  # doors; the gateway limits what one client may ask
NOBODY = "nobody.invalid"  # a host that is nobody's
MOVED = (301, 308)  # to HTTPS, as controllers have it
LAYER = "apps"
DOCUMENT = {"title": "platform-check", "text": "Kilograms of carbon dioxide that the platform's own check emits."}
QUESTION = "greenhouse+gases+of+checking+the+platform"


class Doors:
    """`answers` says what was asked and how long each answer took, `faults` what was wrong.

    authority  certificates that are trusted; those of the system without any.
    timeout    seconds that all doors together have; at their end each is asked once more.
    ports      at that address, for plain HTTP and for TLS.
    """

    def __init__(
        self, address: str, host: str, authority: str | None, timeout: float, ports: tuple[int, int] = (80, 443)
    ) -> None:
        self.address, self.host, self.authority = address, host, authority
        self.answers: list[dict[str, Any]] = []
        self.faults: list[Fault] = []
        self._ports, self._deadline, self._lock = ports, Deadline(timeout), threading.Lock()

    # --- what is asked -----------------------------------------------------------------------------------------------
    def ask_all(self, found: Iterable[Route], workers: Workers, write: bool = True) -> None:
        """Every route, the platform's own questions, and what must stay closed. With `write` off nothing is written."""
        with contextlib.closing(self._pool(self.host)) as api:
            jobs: list[Callable[[], None]] = [
                lambda: self._health(api, "liveness", "/health/live"),
                lambda: self._health(api, "readiness", "/health/ready"),
                *([lambda: self._work(api), lambda: self._search(api)] if write else []),
                *(functools.partial(self._route, route) for route in found),
            ]
            workers.map(lambda job: job(), jobs)

    def refuse_stranger(self) -> None:
        """A host that is nobody's gets no certificate."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # whatever is offered is too much
        with self._told(f"TLS for {NOBODY}"), contextlib.suppress(OSError):
            with socket.create_connection((self.address, self._ports[1]), timeout=5) as plain:
                context.wrap_socket(plain, server_hostname=NOBODY).close()
            raise VcciError("a certificate was given for a host that is nobody's, and must be refused")

    def behind_ingress(self, hosts: Iterable[str]) -> None:
        """What a controller answers by plain HTTP: each host is led to HTTPS, and one that is nobody's is not found."""
        for host, good in (*((host, MOVED) for host in hosts), (NOBODY, (404,))):
            with self._told(f"http://{host}/"), contextlib.closing(self._pool(host, secure=False)) as pool:
                self._ask(pool, "GET", "/", good, any_content=True)

    def connect(self, what: str, address: str, port: int) -> None:
        """A load balancer takes connections at this port."""

        def taken() -> bool:
            with contextlib.suppress(OSError):
                socket.create_connection((address, port), timeout=5).close()
                return True
            return False

        def late(_waited: int) -> VcciError:
            return VcciError("takes no connections")

        with self._told(f"{what} at {address}:{port}"):
            until(taken, self._deadline.left, late=late, pause=PAUSE, longest=1.0)

    def _health(self, pool: Any, what: str, path: str) -> None:
        with self._told(what):
            self._ask(pool, "GET", path)

    def _work(self, pool: Any) -> None:
        """A write, a read, and a job that a worker has done; what needs one that failed is not asked."""
        with self._told("write") as good:
            record = {"name": "platform-check", "quantity": 2, "factor": 3}
            path = f"/api/v1/records/{self._ask(pool, 'POST', '/api/v1/records', (201,), record)['id']}"
        if not good:
            return
        with self._told("read"):
            self._ask(pool, "GET", path)
        with self._told("job done by a worker"):
            done = self._ask(pool, "GET", path, status="done")
            if done.get("emissions") != 6:
                raise VcciError(f"the worker's answer is {done.get('emissions')!r}, not 6")

    def _search(self, pool: Any) -> None:
        """A document is stored and found by what it means, where the API says that it has a search; the same one each
        time."""
        ready: dict[str, Any] = {}
        with contextlib.suppress(VcciError):  # another door tells of it
            ready = self._ask(pool, "GET", "/health/ready")
        if "weaviate" not in (ready.get("checks") or {}):
            return
        with self._told("document stored and found"):
            stored = self._ask(pool, "POST", "/api/v1/documents", (201,), DOCUMENT)["id"]
            found = self._ask(pool, "GET", f"/api/v1/search?q={QUESTION}").get("documents") or []
            if stored not in [one.get("id") for one in found]:
                raise VcciError(f"the document {stored} is not among the {len(found)} that are found")

    def _route(self, route: Route) -> None:
        scheme = "https" if route.secure else "http"
        where = f"{scheme}://{route.host or self.address}{route.path}"
        with self._told(where), contextlib.closing(self._pool(route.host, route.secure)) as pool:
            good = None if route.status is None else (route.status,)
            self._ask(pool, "GET", route.path, good, any_content=True)

    # --- how ---------------------------------------------------------------------------------------------------------
    def _pool(self, host: str, secure: bool = True) -> Any:
        """A name that no public DNS knows: connect to the address, and verify the certificate for the name."""
        headers = {"Host": host or self.address, "Content-Type": "application/json"}
        if not secure:
            return urllib3.HTTPConnectionPool(
                self.address, self._ports[0], headers=headers, timeout=10, maxsize=AT_A_TIME
            )
        return urllib3.HTTPSConnectionPool(
            self.address,
            self._ports[1],
            server_hostname=host,
            assert_hostname=host,
            ca_cert_data=self.authority,
            headers=headers,
            timeout=10,
            maxsize=AT_A_TIME,
        )

    @contextlib.contextmanager
    def _told(self, what: str) -> Iterator[list[bool]]:
        """Write down how long it took, or what was wrong; what is yielded is true when it went well."""
        begun, good = time.monotonic(), list[bool]()
        try:
            yield good
        except VcciError as exc:
            with self._lock:
                remedy = "kubectl logs of api-gateway, vcci-backend-api and vcci-worker"
                self.faults.append(Fault(f"door {what}", exc.message, LAYER, True, remedy=remedy))
            return
        good.append(True)
        with self._lock:
            self.answers.append({"check": what, "seconds": round(time.monotonic() - begun, 3)})

    def _ask(
        self,
        pool: Any,
        method: str,
        path: str,
        good: Collection[int] | None = (200,),
        body: Mapping[str, Any] | None = None,
        status: str | None = None,
        any_content: bool = False,
    ) -> dict[str, Any]:
        """The answer, once it is good and has that `status`. It is asked again where that does no harm: a write without
        an answer may have been done, one that was answered with 503 was not."""
        last = ""

        def failed(_waited: int = 0) -> VcciError:
            return VcciError(f"{method} {path} through the gateway was answered with {last}")

        def answered() -> list[dict[str, Any]]:
            nonlocal last
            again = method == "GET"
            try:
                answer = pool.request(
                    method, path, body=json.dumps(body) if body else None, retries=False, redirect=False
                )
                again = again or answer.status == 503
                last = f"{answer.status} {answer.data[:SHOWN].decode(errors='replace')}"
                right = answer.status in good if good is not None else answer.status < 500 and answer.status != 429
                content = json.loads(answer.data) if right and not any_content else {}
                if right and (status is None or content.get("status") == status):
                    return [content]
            except (urllib3.exceptions.HTTPError, ValueError) as exc:
                last = str(exc)
            if not again:
                raise failed()
            return []

        return until(answered, self._deadline.left, late=failed, pause=PAUSE, longest=PAUSE)[0]


def ask(client: Client, args: Mapping[str, Any], services: list[Object], write: bool) -> tuple[Doors, str]:
    """Find the gateway, and ask at all doors; its address, empty where it has none, which is a fault.

    services  those of type LoadBalancer that are to take connections.
    """
    namespace, name = args["namespace"], args["service"]
    label, way = _way_in(client, args)
    secret = client.get("v1", "Secret", args["secret"], namespace)
    address, data = address_of(way or {}), (secret or {}).get("data") or {}
    authority = base64.b64decode(data["ca.crt"]).decode() if data.get("ca.crt") else None
    doors = Doors(address, args["api_host"], authority, args["timeout"])
    if not address:
        lacking = "no address of an ingress controller" if args["ingress"] else "no LoadBalancer address"
        doors.faults.append(_lack(way, label, f"has {lacking}"))
    if "tls.crt" not in data:
        doors.faults.append(_lack(secret, f"Secret {namespace}/{args['secret']}", "has no certificate yet"))
    if doors.faults:
        return doors, address
    found = (client.get("v1", "ConfigMap", f"{name}-config", namespace) or {}).get("data") or {}
    configuration = str(found.get("nginx.conf") or "")
    asked = routes(configuration)
    if args["ingress"]:  # of the gateway's own ports, only what the controller leads on is a door
        asked = [route for route in asked if route.secure]
        doors.behind_ingress(dict.fromkeys(route.host for route in asked))
    doors.ask_all(asked, Workers(AT_A_TIME), write)
    if refuses_strangers(configuration):
        doors.refuse_stranger()
    for service in services:
        for port in (service.get("spec") or {}).get("ports") or []:
            if port.get("protocol", "TCP") == "TCP" and address_of(service):
                doors.connect(f"Service {service['metadata']['name']}", address_of(service), port["port"])
    return doors, address


def _way_in(client: Client, args: Mapping[str, Any]) -> tuple[str, Object | None]:
    """What tells the address from outside, with its name. A controller tells it some time after an Ingress is there."""
    namespace, ingress = args["namespace"], args["ingress"]
    if not ingress:
        return f"Service {namespace}/{args['service']}", client.get("v1", "Service", args["service"], namespace)
    deadline, found = Deadline(args["timeout"]), list[Object | None]()

    def told() -> bool:
        found[:] = [client.get("networking.k8s.io/v1", "Ingress", ingress, namespace)]
        return found[0] is None or bool(address_of(found[0])) or deadline.passed

    until(told, args["timeout"] + 1.0, late=lambda _waited: VcciError("the Ingress could not be read"), pause=PAUSE)
    return f"Ingress {namespace}/{ingress}", found[0]


def _lack(obj: Object | None, label: str, what: str) -> Fault:
    """Why nothing can be asked."""
    kind, _space, name = label.partition(" ")
    namespace, _slash, name = name.partition("/")
    look = f"kubectl describe {kind.lower()} {name} -n {namespace}, and its events"
    wrong = what if obj is not None else "is not there"
    return Fault(label, f"{wrong}, so that no door can be asked", LAYER, True, remedy=look if obj is not None else "")


def address_of(way: Object) -> str:
    """Of the load balancer of a Service or an Ingress; empty where it has none."""
    ingress = (((way.get("status") or {}).get("loadBalancer") or {}).get("ingress") or [{}])[0]
    return str(ingress.get("ip") or ingress.get("hostname") or "")
