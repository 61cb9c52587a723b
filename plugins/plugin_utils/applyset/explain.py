# Copyright (c) 2026 GreenLang. All rights reserved.
"""The API server's refusals, told so that the reader knows which object, which field and what to do. Pure."""

from __future__ import annotations

import re

from ..errors import ApiError
from . import recreatable
from .immutable import is_immutable, statement, told
from .manifests import DIGEST, RECREATE
from .plan import Item

_OWNER = re.compile(
    r'conflict with "(?P<manager>[^"]*)"(?: with subresource "(?P<sub>[^"]*)")?(?: using (?P<version>\S+))?'
)
_LONGEST = 600  # characters of the server's words


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
    before = next((manager for field, manager in owned if DIGEST in field), None)
    if before is not None:
        return f"it was applied by field manager {before!r} before; use that as field_manager, or set force_conflicts"
    fields = "; ".join(f"{field} is owned by {manager!r}" for field, manager in owned)
    return (
        f"{fields}. Remove the field from the manifest to leave it to its owner, or take it over with force_conflicts "
        '(the annotation applyset.greenlang.io/force-conflicts: "true" does so for this object alone)'
    )


def _immutable(exc: ApiError, item: Item) -> str:
    fields = ", ".join(sorted({cause["field"] for cause in exc.causes if cause.get("field")})) or "a field"
    why = f"({told(exc.causes, str(exc))[:_LONGEST]}); restore the value, or"
    if recreatable.holds_data(item.ref.group, item.ref.kind):
        return f"{fields} cannot be changed {why} migrate to a new object under another name"
    return (
        f'{fields} cannot be changed on an existing object {why} annotate the object {RECREATE}: "true" to have it '
        f"deleted and created again, or allow that for its kind: recreate: [{recreatable.word_for(item.ref)}]"
    )


def _refusal(exc: ApiError, item: Item, text: str) -> str:
    namespace = item.ref.namespace
    if exc.status == 404 and exc.details.get("kind") == "namespaces":
        return f"namespace {namespace} does not exist; create it first, or put its Namespace object into the set"
    if exc.status == 403 and "exceeded quota" in text:
        return f"{told([], text)}; raise the quota or lower what the object asks for"
    if exc.status == 403 and "being terminated" in text:
        return f"namespace {namespace} is being deleted; wait until it is gone, then apply again"
    if exc.status == 403 and "cannot " in text and "User " in text:
        return f"{text}; the credentials in use lack this permission"
    if exc.status == 403 or is_of_admission(text):
        return f"refused at admission: {text}"
    if exc.causes:
        return "; ".join(
            f"{cause.get('field') or 'object'}: {_short(str(cause.get('message')))}" for cause in exc.causes
        )
    return text


def is_of_admission(text: str) -> bool:
    """Whether a policy or a webhook refused it, in the API server's words."""
    return "admission webhook" in text or "ValidatingAdmissionPolicy" in text


def _short(message: str) -> str:
    """Without the value where that is a whole object."""
    return message if len(message) <= _LONGEST else statement(message)[:_LONGEST]
