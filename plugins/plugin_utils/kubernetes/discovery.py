# Copyright (c) 2026 GreenLang. All rights reserved.
"""Where objects of a kind are: what is not in kinds.py is asked of the server, one request for a group and version."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ..errors import NotFound, Unavailable
from .kinds import BUILT_IN, Resource, group_of, is_core_group


class Discovery:
    """What one server serves. `get` answers the object at a path."""

    def __init__(self, get: Callable[[str], dict[str, Any]]) -> None:
        self._get = get
        self._lock = threading.Lock()
        self._served: dict[str, dict[str, Resource]] = {}  # by apiVersion, then kind

    def resource(self, api_version: str, kind: str) -> Resource:
        """NotFound when the server does not serve that kind."""
        known = BUILT_IN.get((api_version, kind))
        if known is not None:
            return known
        with self._lock:
            served = self._served.get(api_version)
        if served is None:
            served = self._ask(api_version)
            with self._lock:
                self._served[api_version] = served
        if kind not in served:
            close = f" (it serves {', '.join(sorted(served))})" if served and is_core_group(api_version) else ""
            raise NotFound(404, "KindNotServed", f"the server does not serve {kind} in {api_version}{close}")
        return served[kind]

    def preferred(self, group: str, kind: str) -> Resource:
        """In the version that the server prefers (ApplySet records name no version). Unavailable when nobody answers
        for a version that may have it."""
        for (api_version, known), resource in BUILT_IN.items():
            if known == kind and group_of(api_version) == group:
                return resource
        if not group:
            return self.resource("v1", kind)
        info = self._get(f"/apis/{group}")
        versions = [info.get("preferredVersion"), *_mappings(info.get("versions"))]
        silent: Unavailable | None = None
        for version in dict.fromkeys(_text(version, "groupVersion") for version in _mappings(versions)):
            try:
                return self.resource(version, kind)
            except NotFound:
                continue
            except Unavailable as exc:
                silent = exc
        if silent is not None:
            raise silent
        raise NotFound(404, "KindNotServed", f"the server does not serve {kind} in {group}")

    def forget(self) -> None:
        """After a CustomResourceDefinition was established: ask again."""
        with self._lock:
            self._served.clear()

    def kind_of(self, api_version: str, plural: str) -> str | None:
        """The kind of that name in paths, where it is known without asking."""
        with self._lock:
            served = list(self._served.get(api_version, {}).values())
        known = (resource for resource in (*BUILT_IN.values(), *served) if resource.api_version == api_version)
        return next((resource.kind for resource in known if resource.plural == plural), None)

    def _ask(self, api_version: str) -> dict[str, Resource]:
        try:
            answer = self._get(("/apis/" if "/" in api_version else "/api/") + api_version)
        except NotFound:
            return {}
        entries = _mappings(answer.get("resources"))
        names = {_text(entry, "name") for entry in entries}
        served = {}
        for entry in entries:
            kind, plural = _text(entry, "kind"), _text(entry, "name")
            if kind and plural and "/" not in plural:
                reports = f"{plural}/status" in names
                served[kind] = Resource(api_version, kind, plural, entry.get("namespaced") is True, reports)
        return served


def _mappings(entries: object) -> list[dict[str, Any]]:
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _text(entry: dict[str, Any], name: str) -> str:
    return value if isinstance(value := entry.get(name), str) else ""
