# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which proxy leads to a server, as Go's HTTP client chooses it, and the way through it. Choosing needs no network.

http and https proxies are asked to CONNECT, or get the whole address where the server is asked in clear text; socks5
ones resolve the server's name themselves.
"""

from __future__ import annotations

import base64
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, unquote, urlsplit

from ..errors import ConfigError, brief

PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
CONNECT_TIMEOUT = 10.0  # seconds until a connection is open, its TLS included
LONGEST_HEAD = 65536  # bytes of a proxy's answer


class ProxyError(OSError):
    """The proxy does not lead to the server."""


@dataclass(frozen=True)
class Proxy:
    """`headers` go to it alone."""

    scheme: str
    host: str
    port: int
    username: str | None = None
    password: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Its address, with the password, as it is handed to exec plugins."""
        user = "" if self.username is None else f"{quote(self.username, safe='')}:{quote(self.password, safe='')}@"
        return f"{self.scheme}://{user}{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def lines(self) -> list[str]:
        """Header lines for an http proxy."""
        lines = [f"{name}: {value}" for name, value in self.headers.items()]
        if self.username is not None and "Proxy-Authorization" not in self.headers:
            pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
            lines.append(f"Proxy-Authorization: Basic {pair}")
        return lines


def parse(address: str, what: str, headers: Mapping[str, str] | None = None) -> Proxy:
    """Of an address as Go takes it: a URL, or host and port. ConfigError names `what`, never the address's password."""
    try:
        url = urlsplit(address if "://" in address else "http://" + address)
        host, port = url.hostname, url.port
        checked_host(host or "")
    except (ValueError, UnicodeError):
        host = None
    if not host:
        raise ConfigError(f"{what} is not the address of a proxy: {brief(_public(address))}")
    if url.scheme not in PORTS:
        raise ConfigError(f"{what}: {brief(url.scheme)} is no kind of proxy known here; there are http, https, socks5")
    username = unquote(url.username) if url.username is not None else None
    return Proxy(url.scheme, host, port or PORTS[url.scheme], username, unquote(url.password or ""), headers or {})


def _public(address: str) -> str:
    return address.rpartition("@")[2]


def checked_host(host: str) -> str:
    """The name of a server as DNS and TLS know it. ValueError when it can be no such name."""
    if not host or any(character <= " " or character in '/\\?#@"<>^`{|}\x7f' for character in host):
        raise ValueError(host)
    return host.encode("idna").decode()


def from_environment(
    server: SplitResult, env: Mapping[str, str], no_proxy: str | None, headers: Mapping[str, str] | None = None
) -> Proxy | None:
    """That of HTTPS_PROXY or HTTP_PROXY, in lower case first; none for a loopback address, nor where NO_PROXY, or
    `no_proxy` in its place, has the server."""
    name = f"{server.scheme}_proxy"
    name = next((one for one in (name, name.upper()) if env.get(one)), "")
    host = (server.hostname or "").lower()
    if not name or host == "localhost" or getattr(_address(host), "is_loopback", False):
        return None
    excepted = no_proxy if no_proxy is not None else env.get("no_proxy") or env.get("NO_PROXY")
    return None if bypassed(host, port_of(server), excepted) else parse(env[name], name, headers)


def port_of(server: SplitResult) -> int:
    return server.port or PORTS[server.scheme]


def bypassed(host: str, port: int, no_proxy: str | None) -> bool:
    """Whether a comma-separated list has a server: `*`, addresses, networks, names (with what is below them; with a
    leading dot or `*.` only that), each maybe with a port; networks have none."""
    host = _ascii(host.lower())
    return any(_has(entry.strip().lower(), host, port) for entry in (no_proxy or "").split(","))


def _has(entry: str, host: str, port: int) -> bool:
    if not entry or entry == "*":
        return entry == "*"
    address = _address(host)
    network = _network(entry)
    if network is not None:
        return address is not None and address in network
    name, wanted = _split(entry)
    if not name or wanted not in ("", str(port)):
        return False
    if address is not None or _address(name) is not None:
        return address is not None and _address(name) == address
    name = _ascii(name.removeprefix("*"))
    return host.endswith(name) if name.startswith(".") else host == name or host.endswith("." + name)


def _split(entry: str) -> tuple[str, str]:
    """Name and port. An IPv6 address that is followed by a port stands in brackets."""
    if entry.startswith("["):
        name, _bracket, rest = entry[1:].partition("]")
        return (name, rest[1:]) if rest.startswith(":") else (entry, "")
    name, colon, port = entry.rpartition(":")
    return (name, port) if colon and ":" not in name else (entry, "")


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    if not text.rpartition("/")[2].isdigit() or "/" not in text:
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _ascii(name: str) -> str:
    try:
        return name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        return name


# --- the way ---------------------------------------------------------------------------------------------------------
def connect(host: str, port: int, proxy: Proxy | None, timeout: float, authority: bytes | None = None) -> socket.socket:
    """A connection to the server, or through the proxy; `authority` is trusted beside the system's for an https one."""
    if proxy is None:
        return socket.create_connection((host, port), timeout=timeout)
    sock = connect_to(proxy, timeout, authority)
    try:
        if proxy.scheme.startswith("socks5"):
            _socks(sock, proxy, host, port)
        else:
            _tunnel(sock, proxy, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    except BaseException:
        sock.close()
        raise
    return sock


def connect_to(proxy: Proxy, timeout: float, authority: bytes | None = None) -> socket.socket:
    """A connection to the proxy itself."""
    try:
        sock = socket.create_connection((proxy.host, proxy.port), timeout=timeout)
        if proxy.scheme != "https":
            return sock
        context = ssl.create_default_context()
        if authority:
            context.load_verify_locations(cadata=authority.decode("ascii", "replace"))
        return context.wrap_socket(sock, server_hostname=proxy.host)
    except OSError as exc:
        raise ProxyError(f"the proxy {proxy.host}:{proxy.port} does not answer: {exc}") from exc


def _tunnel(sock: socket.socket, proxy: Proxy, target: str) -> None:
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}", *proxy.lines()]
    sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    head = b""
    while b"\r\n\r\n" not in head:
        part = sock.recv(1)  # what follows the head is the server's
        if not part or len(head) > LONGEST_HEAD:
            raise ProxyError("the proxy closed the connection")
        head += part
    first = head.split(b"\r\n", 1)[0]
    if first.split(b" ", 2)[1:2] != [b"200"]:
        raise ProxyError("the proxy refused to connect: " + brief(first.decode("latin-1")))


def _socks(sock: socket.socket, proxy: Proxy, host: str, port: int) -> None:
    """RFC 1928, with the password of RFC 1929."""
    method = 0 if proxy.username is None else 2
    sock.sendall(bytes([5, 1, method]))
    if _exactly(sock, 2) != bytes([5, method]):
        raise ProxyError("the proxy wants another kind of login")
    if proxy.username is not None:
        name, word = proxy.username.encode()[:255], proxy.password.encode()[:255]
        sock.sendall(bytes([1, len(name)]) + name + bytes([len(word)]) + word)
        if _exactly(sock, 2)[1]:
            raise ProxyError("the proxy does not accept its user and password")
    address = _address(host)
    if address is None:
        where = bytes([3, len(host)]) + host.encode()
    else:
        where = bytes([1 if address.version == 4 else 4]) + address.packed
    sock.sendall(b"\x05\x01\x00" + where + port.to_bytes(2, "big"))
    version, refused, _reserved, kind = _exactly(sock, 4)
    if version != 5 or refused:
        raise ProxyError(f"the proxy refused to connect: {refused}")
    _exactly(sock, {1: 4, 4: 16}.get(kind) or _exactly(sock, 1)[0])
    _exactly(sock, 2)


def _exactly(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = sock.recv(count - len(data))
        if not part:
            raise ProxyError("the proxy closed the connection")
        data += part
    return data
