# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is asked at the doors of a gateway that answers as written here, by TLS with a certificate of its own."""

from __future__ import annotations

import contextlib
import datetime
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.workers import Workers
from ansible_collections.greenlang.vcci.plugins.plugin_utils.platform.doors import QUESTION, Doors
from ansible_collections.greenlang.vcci.plugins.plugin_utils.platform.routes import Route
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.helpers import PATIENCE
from tests.scripted import Request, Scripted, answer

Answers = dict[str, list[tuple[int, object]]]  # by method, host and path
HOST, APP = "api.vcci.test", "app.vcci.test"
RECORD = f"GET {HOST}/api/v1/records/7"
GOOD: Answers = {
    f"GET {HOST}/health/live": [(200, {})],
    f"GET {HOST}/health/ready": [(503, {}), (200, {})],
    f"POST {HOST}/api/v1/records": [(503, {}), (201, {"id": 7})],
    RECORD: [(200, {"status": "new"}), (200, {"status": "new"}), (200, {"status": "done", "emissions": 6})],
    f"GET {APP}/": [(504, {}), (200, {})],
    f"GET {HOST}/metrics": [(404, {})],
}
ROUTES = [Route(APP, "/", True, None), Route(HOST, "/metrics", True, 404)]
ASKED = {"liveness", "readiness", "write", "read", "job done by a worker", f"https://{APP}/", f"https://{HOST}/metrics"}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of both hosts, with its key, signed by itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    names = x509.SubjectAlternativeName([x509.DNSName(HOST), x509.DNSName(APP)])
    begun, ended = now - datetime.timedelta(days=1), now + datetime.timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), begun, ended)
    made = builder.add_extension(names, False).add_extension(x509.BasicConstraints(True, None), True)
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(
        made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) + key.private_bytes(*form)
    )
    return path


Serve = Callable[[Answers], int]


@pytest.fixture
def serve(certificate: Path) -> Iterator[Serve]:
    """Start a server that gives these answers in turn, the last of them from then on; its port."""
    with contextlib.ExitStack() as stack:

        def start(answers: Answers) -> int:
            class Handler(BaseHTTPRequestHandler):
                protocol_version = "HTTP/1.1"

                def answer(self) -> None:
                    self.rfile.read(int(self.headers.get("Content-Length") or 0))
                    given = answers.get(f"{self.command} {self.headers['Host']}{self.path}", [(500, "no such door")])
                    status, content = given.pop(0) if len(given) > 1 else given[0]
                    body = json.dumps(content).encode()
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

                do_GET = do_POST = answer

                def log_message(self, *_args: object) -> None:
                    pass

            server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            server.daemon_threads = True
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            context.sni_callback = refuse_others
            server.socket = context.wrap_socket(server.socket, server_side=True)
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            return server.server_port

        yield start


def refuse_others(_socket: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> int | None:
    return None if name in (HOST, APP) else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME


def asked(port: int, certificate: Path, timeout: float = PATIENCE, write: bool = True) -> Doors:
    doors = Doors("127.0.0.1", HOST, certificate.read_text(), timeout, (port, port))
    doors.ask_all(ROUTES, Workers(4), write)
    return doors


# The same without anything that has to be awaited.
AT_ONCE = {path: given[-1:] for path, given in GOOD.items()}


def answers(change: Answers | None = None) -> Answers:
    return {**{path: list(given) for path, given in GOOD.items()}, **(change or {})}


def test_answers_are_awaited(serve: Serve, certificate: Path) -> None:
    doors = asked(serve(answers()), certificate)
    assert doors.faults == []
    assert {answer["check"] for answer in doors.answers} == ASKED


def test_nothing_is_written_when_only_reads_are_asked_for(serve: Serve, certificate: Path) -> None:
    doors = asked(serve(answers({f"POST {HOST}/api/v1/records": [(500, {})]})), certificate, write=False)
    assert doors.faults == []
    assert {answer["check"] for answer in doors.answers} == ASKED - {"write", "read", "job done by a worker"}


SEARCHED: Answers = {
    f"GET {HOST}/health/ready": [(200, {"checks": {"weaviate": "ok"}})],
    f"POST {HOST}/api/v1/documents": [(503, {}), (201, {"id": "a"})],
    f"GET {HOST}/api/v1/search?q={QUESTION}": [(503, {}), (200, {"documents": [{"id": "b"}, {"id": "a"}]})],
}


def test_a_document_is_stored_and_found_where_there_is_a_search(serve: Serve, certificate: Path) -> None:
    doors = asked(serve(answers({key: list(given) for key, given in SEARCHED.items()})), certificate)
    assert doors.faults == []
    assert {answer["check"] for answer in doors.answers} == {*ASKED, "document stored and found"}


WRONG: dict[str, tuple[Answers, dict[str, str]]] = {
    "dead": (
        {f"GET {HOST}/health/live": [(500, "no")]},
        {"door liveness": 'GET /health/live through the gateway was answered with 500 "no"'},
    ),
    "a write that may have been done": (
        {f"POST {HOST}/api/v1/records": [(500, {}), (201, {"id": 7})]},
        {"door write": "POST /api/v1/records through the gateway was answered with 500"},
    ),
    "no worker": ({RECORD: [(200, {"status": "new"})]}, {"door job done by a worker": "GET /api/v1/records/7"}),
    "a wrong worker": (
        {RECORD: [(200, {"status": "done", "emissions": 5})]},
        {"door job done by a worker": "the worker's answer is 5, not 6"},
    ),
    "a frontend that is away": ({f"GET {APP}/": [(504, {})]}, {f"door https://{APP}/": "answered with 504"}),
    "an open door that must be closed": (
        {f"GET {HOST}/metrics": [(200, "figures")]},
        {f"door https://{HOST}/metrics": 'answered with 200 "figures"'},
    ),
    "a search that finds something else": (
        {**SEARCHED, f"GET {HOST}/api/v1/search?q={QUESTION}": [(200, {"documents": [{"id": "b"}]})]},
        {"door document stored and found": "the document a is not among the 1 that are found"},
    ),
    "several at once": (
        {f"GET {HOST}/health/live": [(502, {})], f"GET {APP}/": [(502, {})], RECORD: [(404, {})]},
        {"door liveness": "502", f"door https://{APP}/": "502", "door read": "404", "door job done by a worker": "404"},
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_every_wrong_answer_is_told_and_the_others_are_asked(serve: Serve, certificate: Path, name: str) -> None:
    change, expected = WRONG[name]
    doors = asked(serve(answers({**AT_ONCE, **change})), certificate, timeout=2)
    found = {fault.object: fault.wrong for fault in doors.faults}
    assert set(found) == set(expected)
    for door, message in expected.items():
        assert message in found[door]
    assert all(fault.remedy for fault in doors.faults)


def test_a_certificate_of_another_is_not_taken(serve: Serve, certificate: Path) -> None:
    doors = Doors("127.0.0.1", "other.vcci.test", certificate.read_text(), 0.3, (1, serve(answers())))
    doors.ask_all([], Workers(2), write=False)
    assert {fault.object for fault in doors.faults} == {"door liveness", "door readiness"}


def test_strangers_are_to_be_refused(serve: Serve, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = serve(answers())
    doors = Doors("127.0.0.1", HOST, None, 1, (port, port))
    doors.refuse_stranger()
    assert doors.faults == []
    monkeypatch.setattr("tests.unit.platform.test_doors.refuse_others", lambda *_arguments: None)
    port = serve(answers())
    doors = Doors("127.0.0.1", HOST, None, 1, (port, port))
    doors.refuse_stranger()
    assert ["must be refused" in fault.wrong for fault in doors.faults] == [True]


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({HOST: 308, APP: 301}, []),
        ({HOST: 200, APP: 308}, [f"door http://{HOST}/"]),
        ({HOST: 308, APP: 404}, [f"door http://{APP}/"]),
        ({HOST: 308, APP: 308, "nobody.invalid": 200}, ["door http://nobody.invalid/"]),
        ({HOST: 308, APP: 308, "nobody.invalid": 308}, ["door http://nobody.invalid/"]),
    ],
)
def test_what_a_controller_answers_by_plain_http(given: dict[str, int], wrong: list[str]) -> None:
    def reply(request: Request) -> bytes:
        return answer(given.get(request.headers("host")[0], 404), {})

    with contextlib.closing(Scripted(reply)) as server:
        doors = Doors("127.0.0.1", HOST, None, 0.3, (server.port, 1))
        doors.behind_ingress([HOST, APP])
    assert [fault.object for fault in doors.faults] == wrong
    assert len(doors.answers) == 3 - len(wrong)


def test_a_load_balancer_takes_connections(serve: Serve) -> None:
    port = serve(answers())
    doors = Doors("127.0.0.1", HOST, None, 0.2)
    doors.connect("Service x", "127.0.0.1", port)
    doors.connect("Service y", "127.0.0.1", 1)
    assert [answer["check"] for answer in doors.answers] == [f"Service x at 127.0.0.1:{port}"]
    assert [fault.object for fault in doors.faults] == ["door Service y at 127.0.0.1:1"]
