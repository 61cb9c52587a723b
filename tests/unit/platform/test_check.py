# Copyright (c) 2026 GreenLang. All rights reserved.
"""What platform_check asks and counts, of a gateway and an API server that answer as written here."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import urllib3
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client
from ansible_collections.greenlang.vcci.plugins.plugin_utils.platform import check

Answers = dict[str, list[tuple[int, object]]]
RECORD = "GET /api/v1/records/7"
GOOD: Answers = {
    "GET /health/live": [(200, {})],
    "GET /health/ready": [(503, {}), (200, {})],
    "POST /api/v1/records": [(503, {}), (201, {"id": 7})],
    RECORD: [(200, {"status": "new"}), (200, {"status": "new"}), (200, {"status": "done", "emissions": 6})],
}


@pytest.fixture
def serve() -> Iterator[Callable[[Answers], int]]:
    """Start a server that gives these answers in turn, the last of them from then on; its port."""
    servers = []

    def start(answers: Answers) -> int:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                given = answers.get(f"{self.command} {self.path.partition('?')[0]}", [(404, {})])
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
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return server.server_port

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def asked(port: int, timeout: float = 5) -> check.Questions:
    questions = check.Questions(urllib3.HTTPConnectionPool("127.0.0.1", port), timeout)
    questions.ask_all()
    return questions


def test_answers_are_awaited(serve) -> None:
    answers = asked(serve({path: list(given) for path, given in GOOD.items()})).answers
    assert [answer["check"] for answer in answers] == ["liveness", "readiness", "write", "read", "job done by a worker"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"GET /health/live": [(500, "no")]},
            'liveness: GET /health/live through the gateway was answered with 500 "no"',
        ),
        ({"POST /api/v1/records": [(500, {}), (201, {"id": 7})]}, "write: POST /api/v1/records .* answered with 500"),
        ({RECORD: [(200, {"status": "new"})]}, "job done by a worker: GET /api/v1/records/7"),
        ({RECORD: [(200, {"status": "done", "emissions": 5})]}, "the worker's answer is 5, not 6"),
    ],
    ids=["dead", "a write that may have been done", "no worker", "a wrong worker"],
)
def test_a_wrong_answer_is_one_clear_error(serve, change: Answers, message: str) -> None:
    with pytest.raises(VcciError, match=message):
        asked(serve({**{path: list(given) for path, given in GOOD.items()}, **change}), timeout=0.5)


def test_what_is_counted(serve) -> None:
    def workload(component: str, wanted: int, ready: int) -> dict[str, object]:
        labels = {"app.kubernetes.io/component": component}
        meta = {"uid": f"{component}{wanted}{ready}", "name": "x", "labels": labels}
        return {"metadata": meta, "spec": {"replicas": wanted}, "status": {"readyReplicas": ready}}

    items = [workload("data", 1, 1), workload("data", 3, 2), workload("apps", 2, 2), workload("somebody", 1, 0)]
    port = serve({"GET /apis/apps/v1/deployments": [(200, {"items": items})]})
    client = Client.from_params({"host": f"http://127.0.0.1:{port}"})
    found = {layer.layer: layer for layer in check.layers(client, {"namespace": "n", "host": "h", "address": "a"})}
    client.close()
    assert (found["data"].objects, found["data"].workloads, found["data"].ready) == (2, 2, 1)
    assert found["apps"].to_dict() == {
        "layer": "apps",
        "objects": 1,
        "workloads": 1,
        "ready": 1,
        "look": "https://h at a",
    }
    shown = check.lines([{"check": "liveness", "seconds": 0.0123}], list(found.values()))
    assert shown[0] == "    liveness               ok    0.012 s"
    assert "    data                 2      1/2  kubectl get statefulsets -n n" in shown
    assert "    cluster              0        -  kubectl get nodes" in shown
