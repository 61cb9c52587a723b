# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is a tenant's and what is not, tried against the API server in dry runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from ..errors import ApiError, InputError, VcciError
from ..kubernetes.client import JSON, MERGE_PATCH, Client
from ..tables import table
from ..waiting import until
from .attempts import Attempt, Target, attempts
from .bounds import bounds
from .fit import fitted
from .objects import LIMITS, QUOTA
from .rules import rules

RBAC = "rbac.authorization.k8s.io/v1"
CONCURRENCY = 8
Connect = Callable[[str, tuple[str, ...]], Client]


class _StillWrongError(VcciError):
    pass


def verify(
    connect: Connect, namespaces: list[str], image: str, wait_timeout: float, say: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """Each tenant tries the next one; the result of plugin tenant_attempts, failed when a cell is wrong.

    Of one tenant alone, all is tried but what is another's.

    connect       makes a client that acts as a user and its groups; as ourselves for an empty user.
    wait_timeout  seconds in which what is wrong is tried again: an API server obeys a policy some seconds after it
                  was first written.
    say           is told how many cells are still wrong.
    """
    if not namespaces:
        raise InputError("namespaces: none is named; isolation is proved between two at least")
    ourselves = connect("", ())
    targets = [_target(ourselves, namespace) for namespace in namespaces]
    tried: list[Attempt] = []
    for here, there in zip(targets, [*targets[1:], targets[0]], strict=True):
        other = there.namespace if there is not here else None
        all_of_it = (*attempts(here, other, image), *rules(here, image))
        tried += [replace(attempt, body=fitted(attempt.body, here.ranges)) for attempt in all_of_it]
    users = {(attempt.user, attempt.groups) for attempt in tried}
    clients = {who: connect(*who) if who[0] else ourselves for who in users}
    answers: dict[int, str | None] = {}
    wrong = list(range(len(tried)))

    def answer(index: int) -> None:
        answers[index] = _try(clients[tried[index].user, tried[index].groups], tried[index])

    def right() -> bool:
        list(pool.map(answer, wrong))
        wrong[:] = [index for index in wrong if not tried[index].verdict(answers[index])[1]]
        return not wrong

    with ThreadPoolExecutor(max_workers=CONCURRENCY) as pool, contextlib.suppress(_StillWrongError):
        until(
            right,
            wait_timeout,
            say,
            awaited=lambda: f"{len(wrong)} of {len(tried)} cells are wrong",
            late=lambda _waited: _StillWrongError(""),
            pause=1.0,
            longest=3.0,
        )
    return judged([(attempt, answers[index]) for index, attempt in enumerate(tried)])


def judged(tried: list[tuple[Attempt, str | None]]) -> dict[str, Any]:
    """Attempts and the server's refusals → a table, and what is wrong."""
    rows = [("from", "what", "must be", "was", "")]
    wrong: list[str] = []
    for attempt, message in tried:
        wanted = "refused" if attempt.refusal else "allowed"
        was, right = attempt.verdict(message)
        rows.append((attempt.source, attempt.name, wanted, was, "ok" if right else "WRONG"))
        if not right:
            why = f": {message}" if message else ""
            wrong.append(f"{attempt.source}: {attempt.name} must be {wanted}, was {was}{why}")
    as_lists = [list(row) for row in rows[1:]]
    seen = {"lines": table(rows), "rows": as_lists, "wrong": wrong, "cells": len(tried)}
    if not wrong:
        return seen
    said = "\n".join([f"{len(wrong)} of {len(tried)} cells are wrong:", *wrong])
    return {**seen, "failed": True, "msg": said, "errors": wrong}


def _target(client: Client, namespace: str) -> Target:
    quota = client.get("v1", "ResourceQuota", QUOTA, namespace)
    ranges = client.list("v1", "LimitRange", namespace)
    limits: dict[str, Any] = next((one for one in ranges if one["metadata"]["name"] == LIMITS), {})
    binding = client.get(RBAC, "RoleBinding", "tenant-admin", namespace)
    found = client.get("v1", "Namespace", namespace)
    if found is None or quota is None or binding is None:
        raise InputError(f"{namespace} is no tenant's namespace, or its tenant was cordoned")
    entries = limits.get("spec", {}).get("limits", [])
    container: dict[str, Any] = next((entry for entry in entries if entry["type"] == "Container"), {})
    owner = next(iter(binding.get("subjects") or []), None)
    allowed = bounds(found["metadata"].get("annotations") or {})
    return Target(namespace, owner, quota["spec"]["hard"], container.get("max") or {}, allowed, tuple(ranges))


def _try(client: Client, attempt: Attempt) -> str | None:
    """The server's refusal; None when it was allowed."""
    query = {} if attempt.method == "GET" else {"dryRun": "All"}
    form = MERGE_PATCH if attempt.method == "PATCH" else JSON
    try:
        client.request(attempt.method, attempt.path, query=query, body=attempt.body, content_type=form)
    except ApiError as exc:
        if exc.status in (403, 422):
            return exc.message
        raise
    return None
