# Copyright (c) 2026 GreenLang. All rights reserved.
"""The doors of the API gateway, as its own configuration says them: each host with each of its locations. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

_TOKEN = re.compile(r"""\s*(?:#[^\n]*|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|([{};])|([^\s;{}"'#][^\s;{}]*))""")


class Route(NamedTuple):
    """What a client asks for: without a host, by plain HTTP and whatever name. `status` is what must be answered, or
    None for any answer that is not an error of the server."""

    host: str
    path: str
    secure: bool
    status: int | None


@dataclass
class _Directive:
    words: list[str]
    inner: list[_Directive] = field(default_factory=list)


def routes(configuration: str) -> list[Route]:
    """In the order of the configuration of NGINX. What has no host of its own counts by plain HTTP only: by TLS it is
    refused, and asked for apart."""
    found: list[Route] = []
    http = [inner for one in _parse(configuration) if one.words[:1] == ["http"] for inner in one.inner]
    for server in (one for one in http if one.words[:1] == ["server"]):
        secure = any("ssl" in one.words for one in server.inner if one.words[:1] == ["listen"])
        hosts = [name for one in server.inner if one.words[:1] == ["server_name"] for name in one.words[1:]]
        if secure and not hosts:
            continue
        for location in (one for one in server.inner if one.words[:1] == ["location"]):
            found += [route for host in hosts or [""] for route in _of_location(host, secure, location)]
    return list(dict.fromkeys(found))


def refuses_strangers(configuration: str) -> bool:
    """Whether a client that asks by TLS for no host of ours is to get no certificate."""
    return bool(re.search(r"^\s*ssl_reject_handshake\s+on\s*;", configuration, re.MULTILINE))


def _of_location(host: str, secure: bool, location: _Directive) -> list[Route]:
    words = location.words[1:]
    if len(words) > 1 and words[0] not in ("=", "^~"):
        return []  # a pattern has no path of its own
    path = words[-1] if words else ""
    if not path.startswith("/"):
        return []
    for one in location.inner:
        if one.words[:1] == ["return"] and len(one.words) > 1 and one.words[1].isdigit():
            return [Route(host, path, secure, int(one.words[1]))]
    # What programs answer at the folder itself is theirs; that they are ready is said below it.
    return [Route(host, "/health/ready" if path == "/health/" else path, secure, None)]


def _parse(text: str) -> list[_Directive]:
    root = _Directive([])
    open_ones, words = [root], list[str]()
    for match in _TOKEN.finditer(text):
        quoted, mark, word = match.groups()
        if quoted is not None or word is not None:
            words.append(quoted[1:-1] if quoted is not None else word)
        elif mark == "{":
            block = _Directive(words)
            open_ones[-1].inner.append(block)
            open_ones.append(block)
            words = []
        elif mark == ";":
            open_ones[-1].inner.append(_Directive(words))
            words = []
        elif mark == "}" and len(open_ones) > 1:
            open_ones.pop()
            words = []
    return root.inner
