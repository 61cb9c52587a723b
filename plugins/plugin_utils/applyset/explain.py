# Copyright (c) 2026 GreenLang. All rights reserved.
"""The API server's refusals, told so that the reader knows which object, which field and what to do. Pure."""

from __future__ import annotations

import re

from ..errors import ApiError
from ..labels import PROTECTED
from .plan import Item

_OWNER = re.compile(
    r'conflict with "(?P<manager>[^"]*)"(?: with subresource "(?P<sub>[^"]*)")?(?: using (?P<version>\S+))?'
)
RECREATABLE_HINT = 'annotate the object applyset.greenlang.io/recreate: "true" to have it deleted and created again'
# Deleting these takes data or other people's objects with it: no annotation makes us do that.
NEVER_RECREATED = (*PROTECTED, "Node")


def conflicts(exc: ApiError) -> list[tuple[str, str]]:
    """(field, manager) of each field that another manager owns."""
    found = []
    for cause in exc.causes:
        if cause.get("reason") == "FieldManagerConflict":
            match = _OWNER.search(cause.get("message", ""))
            manager = match["manager"] if match else cause.get("message", "")
            if match and match["sub"]:
                manager += f" ({match['sub']})"
            found.append((cause.get("field", ""), manager))
    return found


def is_immutable(exc: ApiError) -> bool:
    text = str(exc)
    return exc.status == 422 and (
        "immutable" in text
        or "updates to statefulset spec" in text
        or "cannot change roleRef" in text
        or "may not change once set" in text
        or "updates to parameters are forbidden" in text
        or "updates to provisioner are forbidden" in text
        or "Forbidden: pod updates may not" in text
    )


def explain(exc: ApiError, item: Item) -> str:
    """One line for the user."""
    owned = conflicts(exc)
    if owned:
        why = _conflict(owned)
    elif is_immutable(exc):
        why = _immutable(exc, item)
    else:
        why = _refusal(exc, item, str(exc))
    return f"{item.label}: {why}"


def _conflict(owned: list[tuple[str, str]]) -> str:
    fields = "; ".join(f"{field} is owned by {manager!r}" for field, manager in owned)
    return (
        f"{fields}. Remove the field from the manifest to leave it to its owner, or take it over with force_conflicts "
        '(the annotation applyset.greenlang.io/force-conflicts: "true" does so for this object alone)'
    )


def _immutable(exc: ApiError, item: Item) -> str:
    fields = ", ".join(sorted({cause["field"] for cause in exc.causes if cause.get("field")})) or "a field"
    why = f"({_tail(str(exc))}); restore the value, or"
    if item.ref.kind in NEVER_RECREATED:
        return f"{fields} cannot be changed {why} migrate to a new object under another name"
    return f"{fields} cannot be changed on an existing object {why} {RECREATABLE_HINT}"


def _refusal(exc: ApiError, item: Item, text: str) -> str:
    namespace = item.ref.namespace
    if exc.status == 404 and exc.details.get("kind") == "namespaces":
        return f"namespace {namespace} does not exist; create it first, or put its Namespace object into the set"
    if exc.status == 403 and "exceeded quota" in text:
        return f"{_tail(text)}; raise the quota or lower what the object asks for"
    if exc.status == 403 and "being terminated" in text:
        return f"namespace {namespace} is being deleted; wait until it is gone, then apply again"
    if exc.status == 403 and "cannot " in text and "User " in text:
        return f"{text}; the credentials in use lack this permission"
    if exc.status == 403 or "admission webhook" in text or "ValidatingAdmissionPolicy" in text:
        return f"refused at admission: {text}"
    if exc.causes:
        return "; ".join(f"{cause.get('field') or 'object'}: {cause.get('message')}" for cause in exc.causes)
    return text


def _tail(text: str) -> str:
    """The end of a message such as `Service "x" is invalid: spec.clusterIPs[0]: Invalid value: …: it is immutable`."""
    text = re.sub(r"Invalid value: .*?: (?=[a-z ]*(?:immutable|may not|cannot))", "", text, flags=re.DOTALL)
    head, sep, rest = text.partition(" is invalid: ")
    return (rest if sep else head).strip()[:600]
