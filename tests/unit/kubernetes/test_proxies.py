# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which proxy leads to a server: every form of an entry of no_proxy that Go knows, every way of naming a proxy; and the
way through each kind."""

from __future__ import annotations

import socket
import threading

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ConfigError, ConnectionFailed
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes import kubeconfig, proxies
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client

from tests.scripted import answer, scripted

ENTRIES = [
    # entries, host, port, whether they have it
    ("*", "api.example.com", 443, True),
    ("other, *", "10.0.0.1", 443, True),
    ("*.*", "api.example.com", 443, False),
    ("example.com", "example.com", 443, True),
    ("example.com", "api.example.com", 443, True),
    ("example.com", "notexample.com", 443, False),
    (".example.com", "api.example.com", 443, True),
    (".example.com", "example.com", 443, False),
    ("*.example.com", "a.b.example.com", 443, True),
    ("*.example.com", "example.com", 443, False),
    ("EXAMPLE.com", "api.Example.COM", 443, True),
    (" example.com , other", "example.com", 443, True),
    ("a.com example.com", "example.com", 443, False),
    ("example.com:6443", "api.example.com", 6443, True),
    ("example.com:6443", "api.example.com", 443, False),
    ("*.example.com:6443", "api.example.com", 6443, True),
    ("example.com:", "example.com", 443, True),
    (":443", "example.com", 443, False),
    ("10.1.2.3", "10.1.2.3", 443, True),
    ("10.1.2.3:6443", "10.1.2.3", 6443, True),
    ("10.1.2.3:6443", "10.1.2.3", 443, False),
    ("10.1.2", "10.1.2.3", 443, False),
    ("2.3", "10.1.2.3", 443, False),
    ("10.0.0.0/8", "10.1.2.3", 443, True),
    ("10.9.9.9/8", "10.1.2.3", 443, True),
    ("10.0.0.0/255.0.0.0", "10.1.2.3", 443, False),
    ("10.0.0.0/8", "11.1.2.3", 443, False),
    ("10.0.0.0/99", "10.1.2.3", 443, False),
    ("10.0.0.0/8", "api.example.com", 443, False),
    ("fd00::/8", "fd00::1", 443, True),
    ("10.0.0.0/8", "::ffff:10.1.2.3", 443, True),
    ("fd00::1", "fd00:0::1", 443, True),
    ("[fd00::1]:6443", "fd00::1", 6443, True),
    ("[fd00::1]:6443", "fd00::1", 443, False),
    ("[fd00::1]", "fd00::1", 443, False),
    ("bücher.example", "xn--bcher-kva.example", 443, True),
    ("xn--bcher-kva.example", "bücher.example", 443, True),
    ("", "example.com", 443, False),
    (",,", "example.com", 443, False),
    (None, "example.com", 443, False),
]


@pytest.mark.parametrize(("entries", "host", "port", "expected"), ENTRIES)
def test_entries_of_no_proxy(entries: str | None, host: str, port: int, expected: bool) -> None:
    assert proxies.bypassed(host, port, entries) is expected


HERE, SAFE, PLAIN = "http://there:3128", "https://api.example.com", "http://api.example.com"
CHOICES = {
    # name: (server, arguments, environment, the proxy)
    "none": (SAFE, {}, {}, None),
    "of the environment": (SAFE, {}, {"HTTPS_PROXY": HERE}, HERE),
    "lower case goes first": (SAFE, {}, {"HTTPS_PROXY": "http://other", "https_proxy": HERE}, HERE),
    "an empty one is none": (SAFE, {}, {"https_proxy": "", "HTTPS_PROXY": HERE}, HERE),
    "only for its scheme": (SAFE, {}, {"HTTP_PROXY": HERE}, None),
    "in clear text": (PLAIN, {}, {"HTTP_PROXY": HERE, "HTTPS_PROXY": "http://other"}, HERE),
    "Go knows no ALL_PROXY": (SAFE, {}, {"ALL_PROXY": HERE}, None),
    "without a scheme": (SAFE, {}, {"HTTPS_PROXY": "there:3128"}, HERE),
    "excepted": (SAFE, {}, {"HTTPS_PROXY": HERE, "NO_PROXY": "example.com"}, None),
    "excepted, lower case first": (SAFE, {}, {"HTTPS_PROXY": HERE, "no_proxy": "x", "NO_PROXY": "example.com"}, HERE),
    "excepted by the argument": (SAFE, {"no_proxy": "example.com"}, {"HTTPS_PROXY": HERE}, None),
    "the argument replaces NO_PROXY": (SAFE, {"no_proxy": "x"}, {"HTTPS_PROXY": HERE, "NO_PROXY": "*"}, HERE),
    "never for loopback": ("https://127.0.0.1:6443", {}, {"HTTPS_PROXY": HERE}, None),
    "nor for IPv6's": ("https://[::1]:6443", {}, {"HTTPS_PROXY": HERE}, None),
    "nor for its name": ("https://localhost", {}, {"HTTPS_PROXY": HERE}, None),
    "the argument leads to loopback too": ("https://127.0.0.1", {"proxy": HERE}, {}, HERE),
    "the argument goes first": (SAFE, {"proxy": HERE}, {"HTTPS_PROXY": "http://other"}, HERE),
    "NO_PROXY is about those of the environment": (SAFE, {"proxy": HERE}, {"NO_PROXY": "*"}, HERE),
    "default ports": (SAFE, {"proxy": "https://there"}, {}, "https://there:443"),
    "socks5": (SAFE, {"proxy": "socks5://there"}, {}, "socks5://there:1080"),
    "with a password": (SAFE, {"proxy": "http://me:w%40rd@there:1"}, {}, "http://me:w%40rd@there:1"),
}


@pytest.mark.parametrize("case", CHOICES)
def test_choice(case: str) -> None:
    server, arguments, environment, expected = CHOICES[case]
    chosen = kubeconfig.load({"host": server, **arguments}, environment).proxy
    assert (chosen and chosen.url) == expected


@pytest.mark.parametrize("address", ["http://", "ftp://there", "http://there:port", "http://me:secret@:1", "a b"])
@pytest.mark.parametrize("name", ["proxy", "https_proxy"])
def test_an_address_that_is_none_is_named(address: str, name: str) -> None:
    arguments, environment = ({"proxy": address}, {}) if name == "proxy" else ({}, {name: address})
    with pytest.raises(ConfigError, match=name) as caught:
        kubeconfig.load({"host": SAFE, **arguments}, environment)
    assert "secret" not in str(caught.value)


def test_what_is_in_clear_text_is_handed_on_by_the_proxy() -> None:
    with scripted(lambda request: answer(200, {"major": "1"})) as proxy:
        options = {"proxy": f"http://me:word@127.0.0.1:{proxy.port}", "proxy_headers": {"user_agent": "us"}}
        client = Client.from_params({"host": "http://api.example.com:81/prefix", **options})
        assert client.version() == {"major": "1"}
    [asked] = proxy.asked
    assert asked.target == "http://api.example.com:81/prefix/version"
    assert asked.headers("Proxy-Authorization") == ["Basic bWU6d29yZA=="]
    assert asked.headers("Host") == ["api.example.com:81"]


def test_a_proxy_that_refuses_is_named() -> None:
    with scripted(lambda request: answer(407, {})) as proxy:
        client = Client.from_params({"host": SAFE, "proxy": proxy.url}, retry_for=0)
        with pytest.raises(ConnectionFailed, match=r"the proxy refused to connect: HTTP/1\.1 407"):
            client.version()
    assert proxy.asked[0].target == "api.example.com:443"


def test_through_socks5() -> None:
    """It gets the name of the server, and the password."""
    got = bytearray()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        sock, _address = listener.accept()
        with sock, sock.makefile("rb") as stream:
            got.extend(stream.read(3))
            sock.sendall(b"\x05\x02")
            got.extend(stream.read(2 + 2 + 1 + 4))
            sock.sendall(b"\x01\x00")
            got.extend(stream.read(4 + 1 + 15 + 2))
            sock.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
            while stream.readline().strip():
                pass
            sock.sendall(answer(200, {"major": "1"}))

    threading.Thread(target=serve, daemon=True).start()
    proxy = f"socks5://me:word@127.0.0.1:{listener.getsockname()[1]}"
    client = Client.from_params({"host": "http://api.example.com", "proxy": proxy}, retry_for=0)
    assert client.version() == {"major": "1"}
    assert bytes(got) == b"\x05\x01\x02\x01\x02me\x04word\x05\x01\x00\x03\x0fapi.example.com\x00\x50"
    listener.close()
