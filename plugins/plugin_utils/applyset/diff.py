# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the user is shown of a change: an object before and after, without the server's bookkeeping and without secrets. Pure."""

from __future__ import annotations

import copy

from .objects import DIGEST, SERVER_METADATA

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# The last is written by the Deployment controller after every change: it would show as part of whatever comes next.
_HIDDEN_ANNOTATIONS = (DIGEST, LAST_APPLIED, "deployment.kubernetes.io/revision")


def readable(obj: dict | None) -> dict:
    """An object as its owner would have written it."""
    if not obj:
        return {}
    result = {k: copy.deepcopy(v) for k, v in obj.items() if k != "status"}
    meta = {k: v for k, v in (result.get("metadata") or {}).items() if k not in SERVER_METADATA}
    if meta.get("annotations"):
        meta["annotations"] = {k: v for k, v in meta["annotations"].items() if k not in _HIDDEN_ANNOTATIONS}
        if not meta["annotations"]:
            del meta["annotations"]
    result["metadata"] = meta
    return result


def mask(before: dict, after: dict) -> tuple[dict, dict]:
    """Secret values replaced by whether they change."""
    before, after = dict(before), dict(after)
    for section in ("data", "stringData"):
        old, new = before.get(section) or {}, after.get(section) or {}
        if old:
            before[section] = {k: "(unchanged)" if k in new and new[k] == v else "(masked)" for k, v in old.items()}
        if new:
            after[section] = {
                k: ("(unchanged)" if old[k] == v else "(masked, changed)") if k in old else "(masked, new)" for k, v in new.items()
            }
    return before, after


def is_secret(obj: dict | None) -> bool:
    return obj is not None and obj.get("kind") == "Secret" and obj.get("apiVersion") == "v1"


def entry(label: str, before: dict | None, after: dict | None) -> dict:
    """One entry of a task's `diff`; Ansible prints it as a unified diff."""
    old, new = readable(before), readable(after)
    if is_secret(before) or is_secret(after):
        old, new = mask(old, new)
    return {
        "before_header": f"{label}" if before else f"{label} (absent)",
        "after_header": f"{label}" if after else f"{label} (absent)",
        "before": to_yaml(old) if old else "",
        "after": to_yaml(new) if new else "",
    }


def to_yaml(obj: dict) -> str:
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return yaml.dump(obj, Dumper=dumper, default_flow_style=False, sort_keys=True, width=1000)
