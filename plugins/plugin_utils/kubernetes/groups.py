# Copyright (c) 2026 GreenLang. All rights reserved.
"""API groups that a server of its own answers for, behind the API server: while it is away nothing can be said of its
objects, and all else goes on."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from ..errors import ApiError, ConnectionFailed, NotFound, Unavailable
from .kinds import is_built_in
from .rules import conditions, why

PATIENCE = 5.0  # seconds for what an APIService says is away: it may just be started anew
AWAY = (502, 503, 504)
_PATH = re.compile(r"/apis/(?P<group>[^/]+)/(?P<version>[^/]+)")
_SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices/"


class Away(NamedTuple):
    """patience  seconds for which it is asked again; None for as long as anything else."""

    group_version: str
    message: str
    patience: float | None


class Groups:
    """`get` asks the API server for the object at a path, once."""

    def __init__(self, get: Callable[[str], dict[str, Any]]) -> None:
        self._get = get
        self._lost: dict[str, Away] = {}

    def forget(self) -> None:
        self._lost.clear()

    def check(self, path: str) -> None:
        """Unavailable for the path of a group that was waited for in vain."""
        if self._lost and (away := self._lost.get(_group_version(path))):
            raise _error(away)

    def away(self, path: str, refusal: ApiError) -> Away | None:
        """Why that path was answered so, if whoever answers for its group is away; None where it is the API server."""
        group_version = _group_version(path)
        if not group_version or refusal.status not in AWAY:
            return None
        group, _slash, version = group_version.partition("/")
        name = f"{version}.{group}"
        try:
            service = self._get(_SERVICES + name)
        except (ConnectionFailed, NotFound):
            return None
        except ApiError as exc:
            # Who may read no APIServices knows at least that the API server answers.
            told = f"nobody answers for the API {group_version} ({refusal}): see kubectl get apiservice {name}"
            return Away(group_version, told, None) if exc.status == 403 else None
        if not (service.get("spec") or {}).get("service"):
            return None
        available = conditions(service.get("status") or {}).get("Available", {})
        down = available.get("status") == "False"
        reason = why(available) if down else str(refusal)
        told = (
            f"APIService {name} is not available ({reason}), so nothing can be said of its objects; repair what "
            "answers for it, or delete it if nothing is to answer for it any more"
        )
        return Away(group_version, told, PATIENCE if down else None)

    def lose(self, away: Away) -> Unavailable:
        """It was waited for in vain: what is to be raised, of this and of all later requests."""
        self._lost[away.group_version] = away
        return _error(away)


def _group_version(path: str) -> str:
    """Of a path in a group that another server may answer for; else empty."""
    found = _PATH.match(path)
    return f"{found['group']}/{found['version']}" if found and not is_built_in(found["group"]) else ""


def _error(away: Away) -> Unavailable:
    return Unavailable(503, "ServiceUnavailable", away.message)
