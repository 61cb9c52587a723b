# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the user is shown of a change: an object before and after, without the server's bookkeeping and without secrets.
Pure."""

from __future__ import annotations

import copy
from collections.abc import Container, Mapping
from typing import Any

import yaml

from .copies import LAST_APPLIED, is_copy
from .manifests import DIGEST, SERVER_METADATA, is_secret

Object = Mapping[str, Any]
# The last is written by the Deployment controller after every change: it would show as part of whatever comes next.
_HIDDEN_ANNOTATIONS = (DIGEST, LAST_APPLIED, "deployment.kubernetes.io/revision")
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def readable(obj: Object | None, hidden: Container[str] = ("status",)) -> dict[str, Any]:
    """An object as its owner would have written it, without those of its fields."""
    if not obj:
        return {}
    result = {k: copy.deepcopy(v) for k, v in obj.items() if k not in hidden}
    meta = {k: v for k, v in (result.get("metadata") or {}).items() if k not in SERVER_METADATA}
    if meta.get("annotations"):
        meta["annotations"] = {k: v for k, v in meta["annotations"].items() if not _is_hidden(k, v)}
        if not meta["annotations"]:
            del meta["annotations"]
    result["metadata"] = meta
    return result


def _is_hidden(name: str, text: str) -> bool:
    """Others' copies too: those of a Secret hold its values."""
    return name in _HIDDEN_ANNOTATIONS or is_copy(name, text)


def mask(before: Object, after: Object) -> tuple[dict[str, Any], dict[str, Any]]:
    """Secret values replaced by whether they change."""
    masked_before, masked_after = dict(before), dict(after)
    for section in ("data", "stringData"):
        old, new = before.get(section) or {}, after.get(section) or {}
        if old:
            masked_before[section] = {key: _masked(key, old, new, "(masked)") for key in old}
        if new:
            masked_after[section] = {
                key: _masked(key, new, old, "(masked, changed)" if key in old else "(masked, new)") for key in new
            }
    return masked_before, masked_after


def _masked(key: str, values: Object, others: Object, differs: str) -> str:
    return "(unchanged)" if key in others and others[key] == values[key] else differs


def entry(
    label: str, before: Object | None, after: Object | None, hidden: Container[str] = ("status",)
) -> dict[str, str]:
    """One entry of a task's `diff`; Ansible prints it as a unified diff."""
    old, new = readable(before, hidden), readable(after, hidden)
    if is_secret(before or {}) or is_secret(after or {}):
        old, new = mask(old, new)
    return {
        "before_header": f"{label}" if before else f"{label} (absent)",
        "after_header": f"{label}" if after else f"{label} (absent)",
        "before": to_yaml(old) if old else "",
        "after": to_yaml(new) if new else "",
    }


def to_yaml(obj: Object) -> str:
    return str(yaml.dump(obj, Dumper=_DUMPER, default_flow_style=False, sort_keys=True, width=1000))
