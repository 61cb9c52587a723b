# Copyright (c) 2026 GreenLang. All rights reserved.
"""The application's way to Weaviate: members that hang or refuse are left for one that answers; texts become
vectors."""

from __future__ import annotations

import importlib.util
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any, cast

import pytest
from vcci import documents
from vcci.embedding import Model
from vcci.weaviate import Weaviate, WeaviateError

NAME = "weaviate.test"
HANGS, REFUSES, ANSWERS = "127.61.0.1", "127.61.0.2", "127.61.0.3"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = b'{"key": "%s"}' % self.headers["Authorization"].encode()
        self.send_response(200 if self.path == "/good" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def members(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """One takes connections and says nothing, one refuses them, one answers; their common port."""
    server = ThreadingHTTPServer((ANSWERS, 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    port, ask = server.server_port, socket.getaddrinfo
    silent = socket.create_server((HANGS, port))

    def found(host: str, *arguments: object, **more: object) -> list:
        if host != NAME:
            return ask(host, *arguments, **more)  # type: ignore[arg-type]  # just passed on
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (one, port)) for one in (HANGS, REFUSES, ANSWERS)]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    yield port
    server.shutdown()
    server.server_close()
    silent.close()


def test_a_member_that_answers_is_found_and_kept(members: int) -> None:
    weaviate = Weaviate(f"http://{NAME}:{members}", "k", answer=0.2)
    assert weaviate.ask("GET", "/good") == (200, {"key": "Bearer k"})
    assert weaviate.ask("GET", "/bad")[0] == 404
    assert weaviate.addresses[0] == ANSWERS


def test_nobody_answers() -> None:
    with pytest.raises(WeaviateError, match="ConnectionRefusedError"):
        Weaviate("http://127.0.0.1:1", "k").ask("GET", "/good")


class Collection:
    """Answers as Weaviate does: of so many copies, and another has made it if it is `late`."""

    def __init__(self, copies: int, late: bool) -> None:
        self.copies, self.late, self.there, self.said = copies, late, False, list[str]()

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        if path == "/v1/graphql":
            self.said.append(body["query"])
            return 200, {"data": {"Get": {"Document": None}}}
        if method == "POST":
            self.there = True
            return (422, {"error": "class name Document already exists"}) if self.late else (200, {})
        return (200, {"replicationConfig": {"factor": self.copies}}) if self.there else (404, None)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(("copies", "level"), [(1, False), (3, True)])
def test_a_quorum_is_asked_where_there_are_copies(
    copies: int, level: bool, late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "Model", lambda: SimpleNamespace(embed=lambda _text: [1.0]))
    collection = Collection(copies, late)
    assert documents.Documents(cast("Weaviate", collection)).search("steel", 3) == []
    assert ["consistencyLevel: QUORUM" in query for query in collection.said] == [level]


def test_texts_that_mean_the_same_are_near() -> None:
    pytest.importorskip("tokenizers")
    if importlib.util.find_spec("wordllama") is None:
        pytest.skip("needs the model that wordllama brings")
    model = Model()
    steel, metal, cake = map(model.embed, ("Emissions of a supplier of steel", "CO2 of metal purchases", "apple pie"))
    near, far = (sum(a * b for a, b in zip(steel, other, strict=True)) for other in (metal, cake))
    assert near > far + 0.1
    assert sum(a * a for a in model.embed("x")) == pytest.approx(1)
    assert model.embed("")[0] == 1.0
