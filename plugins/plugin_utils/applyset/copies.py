# Copyright (c) 2026 GreenLang. All rights reserved.
"""Annotations in which tools keep a whole copy of an object, or a plain digest of it. Pure.

On a Secret, and on what becomes one, they would show its values to whoever sees its metadata, so they are never written
there: a manifest that was exported has them. kubeseal strips those of kubectl and kubecfg; others do the same.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Mapping
from typing import Any

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
SEALED_GROUP = "bitnami.com/"
LONGEST = 1024 * 1024  # bytes of what a packed annotation is looked at: the API server takes no larger object
# kubectl and kubecfg; kapp, with its differences; Rancher; kopf's operators; the digest of external-secrets; many more
# write `<their name>/last-applied`. The last of all is applyset's own.
_NAMES = re.compile(
    r".+/last-applied(-.*)?|kapp\.k14s\.io/original(-.*)?|objectset\.rio\.cattle\.io/applied"
    r"|.+/last-handled-configuration|reconcile\.external-secrets\.io/data-hash|applyset\.greenlang\.io/digest"
)
_KIND = re.compile(r"""["']?kind["']?\s*:\s*["']?Secret\b""")
_DATA = re.compile(r"""["']?(data|stringData)["']?\s*:""")

Annotations = Mapping[str, str]


def is_copy(name: str, text: str) -> bool:
    """Whether an annotation is known to hold a copy or a digest, or holds a Secret with its data whatever its name."""
    return _NAMES.fullmatch(name) is not None or any(
        _KIND.search(found) and _DATA.search(found) for found in (text, _unpacked(text))
    )


def without_copies(annotations: Annotations) -> dict[str, str]:
    return {name: text for name, text in annotations.items() if not is_copy(name, text or "")}


def of_secret(obj: Mapping[str, Any]) -> bool:
    """Whether an object is a Secret, or becomes one."""
    version, kind = str(obj.get("apiVersion")), obj.get("kind")
    return (version, kind) == ("v1", "Secret") or (kind == "SealedSecret" and version.startswith(SEALED_GROUP))


def stripped(obj: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The manifest of such an object without these annotations, and the names of those that it had."""
    made, names = _without(obj)
    template = (obj.get("spec") or {}).get("template") if isinstance(obj.get("spec"), dict) else None
    if obj["kind"] == "SealedSecret" and isinstance(template, dict):
        inner, more = _without(template)
        if more:
            made, names = {**made, "spec": {**obj["spec"], "template": inner}}, [*names, *more]
    return made, sorted(set(names))


def _without(obj: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    meta = obj.get("metadata")
    annotations = meta.get("annotations") if isinstance(meta, dict) else None
    if not isinstance(meta, dict) or not isinstance(annotations, dict):
        return obj, []
    kept = {name: text for name, text in annotations.items() if not (isinstance(text, str) and is_copy(name, text))}
    if len(kept) == len(annotations):
        return obj, []
    rest = {key: value for key, value in meta.items() if key != "annotations"}
    return {**obj, "metadata": {**rest, **({"annotations": kept} if kept else {})}}, sorted(
        set(annotations) - set(kept)
    )


def _unpacked(text: str) -> str:
    """What base64, with gzip within or not, holds; empty where it is none."""
    if len(text) < 40 or " " in text.strip():
        return ""
    try:
        data = base64.b64decode(text, validate=True)
        if data[:2] == b"\x1f\x8b":
            data = zlib.decompressobj(wbits=31).decompress(data, LONGEST)
    except (binascii.Error, ValueError, zlib.error):
        return ""
    return data.decode("utf-8", "replace")
