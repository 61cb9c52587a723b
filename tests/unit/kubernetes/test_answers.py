# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is no answer of an API server never gets further than the client, and what the server warns of is kept."""

from __future__ import annotations

import itertools
import json
import socket
import threading
import time

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import (
    ApiError,
    ConfigError,
    ConnectionFailed,
    GivenUp,
    InputError,
    VcciError,
    brief,
)
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes import answers
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes import client as clients
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.kinds import Resource

from tests.scripted import answer, scripted

OBJECT = "/api/v1/namespaces/n/configmaps/c"
GOOD = {"metadata": {"name": "c", "namespace": "n"}}
BROKEN = {
    # name: (method, path, body)
    "nothing": ("GET", OBJECT, b""),
    "half": ("GET", OBJECT, b'{"metadata": {"na'),
    "HTML": ("GET", OBJECT, b"<html>"),
    "null": ("GET", OBJECT, b"null"),
    "a list": ("PATCH", OBJECT, b"[]"),
    "a text": ("PATCH", OBJECT, b'"c"'),
    "a number": ("PATCH", OBJECT, b"5"),
    "an empty object": ("PATCH", OBJECT, b"{}"),
    "nested": ("GET", OBJECT, b"[" * 100_000),
    "not UTF-8": ("GET", OBJECT, b'"\xff"'),
    "a status": ("GET", OBJECT, b'{"kind": "Status", "status": "Success"}'),
    "a failure": ("DELETE", OBJECT, b'{"kind": "Status", "status": "Failure"}'),
    "nothing deleted": ("DELETE", OBJECT, b"{}"),
    "no metadata": ("GET", OBJECT, b'{"kind": "ConfigMap"}'),
    "metadata of text": ("GET", OBJECT, b'{"metadata": "c"}'),
    "no name": ("GET", OBJECT, b'{"metadata": {}}'),
    "a name of number": ("GET", OBJECT, b'{"metadata": {"name": 5}}'),
    "labels of text": ("GET", OBJECT, b'{"metadata": {"name": "c", "labels": "a=b"}}'),
    "fields of a mapping": ("GET", OBJECT, b'{"metadata": {"name": "c", "managedFields": {}}}'),
    "an uid of number": ("GET", OBJECT, b'{"metadata": {"name": "c", "uid": 1}}'),
    "items of text": ("GET", "/api/v1/pods", b'{"items": "none"}'),
    "items without names": ("GET", "/api/v1/pods", b'{"items": [{"metadata": {}}]}'),
    "items of numbers": ("GET", "/apis/apps/v1/deployments", b'{"items": [1]}'),
    "a list's metadata": ("GET", "/api/v1/pods", b'{"items": [], "metadata": 5}'),
    "no discovery": ("GET", "/apis/apps/v1", b"[]"),
    "an empty discovery": ("GET", "/apis/apps/v1", b"{}"),
    "no version": ("GET", "/version", b'{"kind": "Status"}'),
}
GOOD_ONES = [
    ("GET", OBJECT, GOOD),
    ("PATCH", OBJECT, {"metadata": {"name": "c", "labels": None, "uid": "u"}}),
    ("DELETE", OBJECT, {"kind": "Status", "status": "Success"}),
    ("DELETE", OBJECT, GOOD),
    ("GET", "/api/v1/pods", {"items": None, "metadata": {}}),
    ("GET", "/api/v1/pods", {"items": [GOOD]}),
    ("GET", "/apis/apps/v1", {"resources": []}),
    ("GET", "/version", {"major": "1"}),
    ("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {"metadata": {}, "status": {"allowed": True}}),
    ("POST", OBJECT + "/eviction", {"kind": "Status", "status": "Success"}),
]


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_no_answer(case: str) -> None:
    with pytest.raises(answers.Broken):
        answers.read(*BROKEN[case])


@pytest.mark.parametrize(("method", "path", "body"), GOOD_ONES)
def test_what_is_one(method: str, path: str, body: dict) -> None:
    assert answers.read(method, path, json.dumps(body).encode()) == body


def test_an_answer_that_is_none_is_asked_for_again() -> None:
    said = iter([answer(200, b""), answer(200, b'{"met'), answer(200, []), answer(200, GOOD)])
    with scripted(lambda request: next(said)) as server:
        assert Client.from_params({"host": server.url}).request("GET", OBJECT) == GOOD


def test_a_server_that_answers_something_else_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "FIRST_PATIENCE", 0.3)
    with scripted(lambda request: answer(200, b"<html>")) as server:
        client = Client.from_params({"host": server.url})
        with pytest.raises(ConnectionFailed, match=r"the answer of http://\S+ is not JSON; is it an API server"):
            client.get("v1", "ConfigMap", "c", "n")


HTTP = {
    "no HTTP": b"SSH-2.0-OpenSSH\r\n\r\n",
    "a length of text": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
    "a length below 0": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}",
    "a chunk of text": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "no gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    "no deflate": b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: 2\r\n\r\n{}",
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n{}",
    "a status of text": b"HTTP/1.1 OK OK\r\n\r\n",
}


@pytest.mark.parametrize("case", HTTP)
def test_what_is_no_http_is_a_lost_connection(case: str) -> None:
    said = iter([HTTP[case], answer(200, GOOD)])
    with scripted(lambda request: next(said)) as server:
        assert Client.from_params({"host": server.url}).request("GET", OBJECT) == GOOD


REFUSALS = {
    # name: body of an answer of status 422
    "nothing": b"",
    "HTML": b"<html>",
    "null": b"null",
    "a list": b"[]",
    "details of text": b'{"message": "no", "details": "none"}',
    "causes of text": b'{"message": "no", "details": {"causes": "none"}}',
    "causes of numbers": b'{"message": "no", "details": {"causes": [1, {"field": 5}]}}',
    "a message of number": b'{"message": 5, "reason": {"a": 1}}',
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals_of_any_form(case: str) -> None:
    with scripted(lambda request: answer(422, REFUSALS[case])) as server, pytest.raises(ApiError) as caught:
        Client.from_params({"host": server.url}).request("GET", OBJECT)
    assert caught.value.status == 422
    assert all(isinstance(value, str) for cause in caught.value.causes for value in cause.values())


# --- patience --------------------------------------------------------------------------------------------------------
def refusing(status: int, *headers: str):
    body = {"kind": "Status", "message": "etcdserver: leader changed", "reason": "Unavailable"}
    return lambda request: answer(status, body, *headers)


@pytest.mark.parametrize("fault", [lambda request: None, refusing(503), refusing(429), refusing(500)])
def test_one_patience_for_all_requests_of_a_run(fault) -> None:
    """Whoever waits ends with the first whose time is over, and nothing is asked any more; the next run asks once."""
    healthy = threading.Event()
    healthy.set()
    with scripted(lambda request: answer(200, GOOD) if healthy.is_set() else fault(request)) as server:
        client = Client.from_params({"host": server.url}, retry_for=0.6)
        client.request("GET", OBJECT)
        healthy.clear()
        caught: list[VcciError] = []

        def ask(pause: float) -> None:
            time.sleep(pause)
            try:
                client.request("GET", OBJECT)
            except VcciError as exc:
                caught.append(exc)

        threads = [threading.Thread(target=ask, args=(number * 0.05,)) for number in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(caught) == 10
        assert [isinstance(exc, GivenUp) for exc in caught].count(False) == 1
        assert len({str(exc) for exc in caught}) == 1
        assert str(client.given_up) == str(caught[0])
        before = len(server.asked)
        with pytest.raises(GivenUp):
            client.request("GET", OBJECT)
        assert len(server.asked) == before
        client.begin()
        with pytest.raises(VcciError):
            client.request("GET", OBJECT)
        assert len(server.asked) == before + 1
        client.begin()
        healthy.set()
        assert client.request("GET", OBJECT) == GOOD
        assert client.given_up is None


def test_a_request_that_is_not_repeated_says_nothing_of_others() -> None:
    said = itertools.chain([None, None], itertools.repeat(answer(200, GOOD)))
    with scripted(lambda request: next(said)) as server:
        client = Client.from_params({"host": server.url})
        for _turn in range(2):
            with pytest.raises(ConnectionFailed):
                client.request("GET", OBJECT, retry=False)
        assert client.request("GET", OBJECT) == GOOD


def test_an_answer_that_drips_is_too_slow() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        sock, _address = listener.accept()
        try:
            for byte in itertools.cycle(b" "):
                sock.sendall(bytes([byte]))
                time.sleep(0.1)
        except OSError:
            pass

    threading.Thread(target=drip, daemon=True).start()
    client = Client.from_params({"host": f"http://127.0.0.1:{listener.getsockname()[1]}"}, timeout=0.5, retry_for=0)
    begun = time.monotonic()
    with pytest.raises(ConnectionFailed, match="does not answer"):
        client.version()
    assert time.monotonic() - begun < 60
    listener.close()


def test_a_list_without_end_has_one() -> None:
    page = answer(200, {"items": [GOOD], "metadata": {"continue": "again"}})
    with scripted(lambda request: page) as server:
        client = Client.from_params({"host": server.url})
        with pytest.raises(VcciError, match="again and again"):
            client.list("v1", "ConfigMap", "n")


def test_a_list_that_is_always_too_old_is_an_error() -> None:
    def reply(request):
        if "continue" in request.target:
            return answer(410, {"reason": "Expired", "message": "too old"})
        return answer(200, {"items": [GOOD], "metadata": {"continue": "more"}})

    with scripted(reply) as server, pytest.raises(ApiError, match="too old"):
        Client.from_params({"host": server.url}).list("v1", "ConfigMap", "n")
    assert len(server.asked) < 20


# --- warnings --------------------------------------------------------------------------------------------------------
HEADERS = {
    '299 - "a"': ["a"],
    '299 - "a", 299 kube "b"': ["a", "b"],
    '299 - "say \\"a, b\\" \\\\"': ['say "a, b" \\'],
    '199 - "a"': [],
    '299 - "a" "Wed, 21 Oct 2026 07:28:00 GMT"': ["a"],
    "299 - a": [],
    "nonsense": [],
    "": [],
}


@pytest.mark.parametrize("header", HEADERS)
def test_headers_of_warnings(header: str) -> None:
    assert answers.warnings(header) == HEADERS[header]


def test_warnings_are_kept_once_with_their_objects() -> None:
    def reply(request):
        return answer(200, GOOD, 'Warning: 299 - "old"', 'Warning: 299 - "older"')

    with scripted(reply) as server:
        client = Client.from_params({"host": server.url})
        client.request("GET", OBJECT)
        assert client.warnings == []
        client.request("PATCH", OBJECT, body=b"{}")
        client.request("PATCH", OBJECT, body=b"{}")
        client.request("PATCH", "/apis/apps/v1/namespaces/n/deployments/d", query={"dryRun": "All"}, body=b"{}")
        client.request("POST", "/api/v1/namespaces", body={"metadata": {"name": "m"}})
        thing = {"kind": "Thing", "metadata": {"name": "t"}}
        for _turn in range(2):
            client.request("PATCH", "/apis/a.example/v1/things/t", body=json.dumps(thing).encode())
        client.request("DELETE", "/api/v1/namespaces/n/pods/p")
    names = "ConfigMap n/c, Deployment n/d, Namespace m, Thing.a.example t and 1 more"
    assert client.warnings == [f"{names}: old", f"{names}: older"]


# --- names and texts -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["a/b", "..", ".", "a%2Fb", "a/../b"])
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    maps = Resource("v1", "ConfigMap", "configmaps", True)
    for place in ((name, "c"), ("n", name)):
        with pytest.raises(InputError, match="can be no name"):
            maps.path(*place)


@pytest.mark.parametrize(("path", "query"), [(OBJECT, {"fieldManager": "\ud800"}), (OBJECT + "\udfff", None)])
def test_half_a_character_is_refused(path, query) -> None:
    with pytest.raises(InputError, match="half a surrogate pair"):
        Client.from_params({"host": "http://127.0.0.1:1"}).request("PATCH", path, query=query)


def test_what_is_beyond_the_basic_plane_is_sent_as_it_is() -> None:
    with scripted(lambda request: answer(200, GOOD)) as server:
        Client.from_params({"host": server.url}).request("PATCH", OBJECT, body={"data": {"a": "🚀"}})
    assert "🚀".encode() in server.asked[0].body


@pytest.mark.parametrize("value", ["x" * 10_000, ["y"] * 10_000, "a\nb" * 1000, "\ud800" * 5000, {"k": "v" * 9999}])
def test_messages_are_short(value: object) -> None:
    shown = brief(value)
    assert len(shown) <= 100
    assert "\n" not in shown
    shown.encode()
    for error in (ConfigError(f"option: {value}"), InputError(f"option: {value}")):
        assert all(len(line) < 300 for line in str(error).splitlines())
