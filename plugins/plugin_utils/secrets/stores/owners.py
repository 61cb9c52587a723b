# Copyright (c) 2026 GreenLang. All rights reserved.
"""Whose the fields of a Secret in the cluster are, as managedFields tell. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...applyset.options import FIELD_MANAGER
from ...applyset.owned import our_entry
from ...applyset.takeover import is_client_side
from ...errors import InputError
from ..wanted import Wanted


def own_keys(secret: Mapping[str, Any] | None) -> set[str]:
    return own(secret, "f:data")


def own(obj: Mapping[str, Any] | None, *steps: str) -> set[str]:
    """The fields of an object's map that are ours."""
    node: Any = our_entry((obj or {}).get("metadata") or {}, FIELD_MANAGER) or {}
    for step in steps:
        node = node.get(step) or {}
    return {name[2:] for name in node if name.startswith("f:")}


def other_owners(secret: Mapping[str, Any] | None) -> dict[str, str]:
    """The keys of a Secret that others wrote, and who."""
    found: dict[str, str] = {}
    for entry in ((secret or {}).get("metadata") or {}).get("managedFields") or []:
        if (entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply") or is_client_side(entry):
            continue
        data = (entry.get("fieldsV1") or {}).get("f:data") or {}
        found |= {name[2:]: str(entry.get("manager")) for name in data if name.startswith("f:")}
    return found


def refuse_owned(secret: Wanted, found: Mapping[str, Any] | None) -> None:
    """A Secret that a controller goes on writing would not stay as it is made here."""
    for owner in ((found or {}).get("metadata") or {}).get("ownerReferences") or []:
        if owner.get("controller"):
            what = f"{owner.get('kind')} {owner.get('name')}"
            raise InputError(
                f"Secret {secret} belongs to {what}, whose controller goes on writing it: delete that first, with "
                "kubectl delete --cascade=orphan, so that the Secret stays; nothing was changed"
            )
