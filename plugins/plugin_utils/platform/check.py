# Copyright (c) 2026 GreenLang. All rights reserved.
"""Ask the running platform what a user would ask of it, and count what it is made of."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InputError, VcciError
from ..kubernetes.client import Client
from ..labels import COMPONENT, OURS
from ..waiting import Deadline, until

try:
    import urllib3

    MISSING: str | None = None
except ImportError as exc:
    MISSING = str(exc)

PAUSE = 0.2  # seconds between two attempts
SHOWN = 200  # characters of an answer that a message has
# The parts of the platform, and where an operator looks at each.
LAYERS = {
    "cluster": "kubectl get nodes",
    "controllers": "kubectl get pods -n cert-manager",
    "secrets": "kubectl get sealedsecrets -A",
    "data": "kubectl get statefulsets -n {namespace}",
    "apps": "https://{host} at {address}",
    "observability": "kubectl port-forward svc/prometheus 9090:9090 -n vcci-observability",
    "tenant": "kubectl get namespaces -l tenant",
}
COUNTED = {
    "v1": ("Namespace", "Service", "ConfigMap", "ServiceAccount", "ResourceQuota"),
    "apps/v1": ("Deployment", "StatefulSet", "DaemonSet"),
    "batch/v1": ("CronJob",),
    "networking.k8s.io/v1": ("NetworkPolicy",),
    "autoscaling/v2": ("HorizontalPodAutoscaler",),
    "policy/v1": ("PodDisruptionBudget",),
    "bitnami.com/v1alpha1": ("SealedSecret",),
}
WORKLOADS = ("Deployment", "StatefulSet")


@dataclass
class Layer:
    """What one part of the platform has."""

    layer: str
    look: str
    objects: int = 0
    workloads: int = 0
    ready: int = 0

    def to_dict(self) -> dict[str, Any]:
        counts = {"objects": self.objects, "workloads": self.workloads, "ready": self.ready}
        return {"layer": self.layer, **counts, "look": self.look}


def run(client: Client, args: Mapping[str, Any], show: Callable[[str], None]) -> dict[str, Any]:
    """Answers, layers and the address; `show` is told the table. An error where an answer is wrong or a layer not up.

    args  `namespace`, `service`, `api_host`, `secret`, and `timeout` in seconds for all answers together.
    """
    if MISSING:
        message = f"platform_check needs the Python package urllib3: {MISSING}. Remedy: pip install urllib3."
        raise InputError(message)
    address = _address(client, args["namespace"], args["service"])
    questions = Questions(_gateway(client, args, address), args["timeout"])
    questions.ask_all()
    found = layers(client, {"namespace": args["namespace"], "host": args["api_host"], "address": address})
    for line in lines(questions.answers, found):
        show(line)
    waiting = [layer.layer for layer in found if layer.ready < layer.workloads]
    if waiting:
        raise VcciError(
            f"workloads of {', '.join(waiting)} are not ready. "
            "Remedy: kubectl get pods -A, or run that layer's playbook.",
            [f"workloads of {name} are not ready" for name in waiting],
        )
    return {"checks": questions.answers, "layers": [layer.to_dict() for layer in found], "address": address}


def layers(client: Client, known: Mapping[str, str]) -> list[Layer]:
    """What this collection made, by the component that it belongs to. `known` is what LAYERS speaks of."""
    rows = {name: Layer(name, look.format(**known)) for name, look in LAYERS.items()}
    for api_version, kinds in COUNTED.items():
        for kind in kinds:
            for obj in _ours(client, api_version, kind):
                row = rows.get(obj["metadata"].get("labels", {}).get(COMPONENT, ""))
                if row is not None:
                    _count(row, kind, obj)
    return list(rows.values())


def lines(answers: list[dict[str, Any]], found: list[Layer]) -> list[str]:
    """The table that an operator reads."""
    shown = [f"    {answer['check']:<22} ok  {answer['seconds']:>7.3f} s" for answer in answers]
    shown.append(f"    {'layer':<14} {'objects':>7}  {'ready':>7}  where to look")
    for row in found:
        ready = f"{row.ready}/{row.workloads}" if row.workloads else "-"
        shown.append(f"    {row.layer:<14} {row.objects:>7}  {ready:>7}  {row.look}")
    return shown


def _ours(client: Client, api_version: str, kind: str) -> list[dict[str, Any]]:
    try:
        return client.list(api_version, kind, label_selector=OURS)
    except VcciError:  # a kind that this cluster does not serve has no objects
        return []


def _count(row: Layer, kind: str, obj: Mapping[str, Any]) -> None:
    row.objects += 1
    if kind in WORKLOADS:
        row.workloads += 1
        row.ready += obj.get("status", {}).get("readyReplicas", 0) >= obj["spec"].get("replicas", 1)


def _address(client: Client, namespace: str, name: str) -> str:
    service = client.get("v1", "Service", name, namespace) or {}
    ingress = (service.get("status", {}).get("loadBalancer", {}).get("ingress") or [{}])[0]
    address = ingress.get("ip") or ingress.get("hostname")
    if not address:
        raise VcciError(
            f"Service {namespace}/{name} has no LoadBalancer address. "
            "Remedy: see its events (kubectl describe service)."
        )
    return str(address)


def _gateway(client: Client, args: Mapping[str, Any], address: str) -> urllib3.HTTPSConnectionPool:
    namespace, name, host = args["namespace"], args["secret"], args["api_host"]
    data = (client.get("v1", "Secret", name, namespace) or {}).get("data") or {}
    if "tls.crt" not in data:
        raise VcciError(
            f"Secret {namespace}/{name} has no certificate yet. Remedy: kubectl describe certificate -n {namespace}."
        )
    # A name that no public DNS knows: connect to the address, and verify the certificate for the name all the same.
    return urllib3.HTTPSConnectionPool(
        address,
        server_hostname=host,
        assert_hostname=host,
        ca_cert_data=base64.b64decode(data["ca.crt"]).decode() if data.get("ca.crt") else None,
        headers={"Host": host, "Content-Type": "application/json"},
        timeout=10,
    )


class Questions:
    """Those that are put to the gateway. `answers` says how long each took."""

    def __init__(self, gateway: urllib3.HTTPSConnectionPool, timeout: float) -> None:
        self.answers: list[dict[str, Any]] = []
        self._gateway, self._deadline = gateway, Deadline(timeout)

    def ask_all(self) -> None:
        self._ask("liveness", "GET", "/health/live")
        self._ask("readiness", "GET", "/health/ready")
        record = {"name": "platform-check", "quantity": 2, "factor": 3}
        path = f"/api/v1/records/{self._ask('write', 'POST', '/api/v1/records', 201, record)['id']}"
        self._ask("read", "GET", path)
        done = self._ask("job done by a worker", "GET", path, status="done")
        if done.get("emissions") != 6:
            raise VcciError(
                f"the worker's answer is {done.get('emissions')!r}, not 6. Remedy: see the log of vcci-worker."
            )

    def _ask(
        self,
        what: str,
        method: str,
        path: str,
        good: int = 200,
        body: Mapping[str, Any] | None = None,
        status: str | None = None,
    ) -> dict[str, Any]:
        """The answer, once it is good and has that `status`. It is asked again where that does no harm: a write without
        an answer may have been done, one that was answered with 503 was not."""
        begun, last = time.monotonic(), ""

        def failed(_waited: int = 0) -> VcciError:
            return VcciError(
                f"{what}: {method} {path} through the gateway was answered with {last}. "
                "Remedy: kubectl logs of api-gateway, vcci-backend-api and vcci-worker."
            )

        def answered() -> list[dict[str, Any]]:
            nonlocal last
            again = method == "GET"
            try:
                answer = self._gateway.request(method, path, body=json.dumps(body) if body else None, retries=False)
                again = again or answer.status == 503
                last = f"{answer.status} {answer.data[:SHOWN].decode(errors='replace')}"
                content = json.loads(answer.data) if answer.status == good else {}
                if answer.status == good and (status is None or content.get("status") == status):
                    return [content]
            except (urllib3.exceptions.HTTPError, ValueError) as exc:
                last = str(exc)
            if not again:
                raise failed()
            return []

        content = until(answered, self._deadline.left, late=failed, pause=PAUSE, longest=PAUSE)[0]
        self.answers.append({"check": what, "seconds": round(time.monotonic() - begun, 3)})
        return content
