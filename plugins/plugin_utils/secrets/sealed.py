# Copyright (c) 2026 GreenLang. All rights reserved.
"""SealedSecrets as objects: what is there, whether it can be kept, and what is to be written. No I/O here, and no value in any message."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..errors import InputError
from . import crypto as _sealing
from .values import Wanted

API_VERSION = "bitnami.com/v1alpha1"
MANAGED = _sealing.PREFIX + "managed"  # the controller may take such a Secret over
PATCHED = _sealing.PREFIX + "patch"  # the controller then leaves other keys of the Secret alone


@dataclass
class Live:
    """A SealedSecret and its Secret, as the server has them."""

    sealed: dict | None = None
    secret: dict | None = None

    @property
    def values(self) -> dict[str, bytes]:
        return {key: base64.b64decode(text or "") for key, text in ((self.secret or {}).get("data") or {}).items()}

    @property
    def synced(self) -> dict:
        """The controller's word on it."""
        conditions = ((self.sealed or {}).get("status") or {}).get("conditions") or []
        return next((c for c in conditions if c.get("type") == "Synced"), {})

    @property
    def scope(self) -> str:
        return _sealing.scope_of(_metadata(self.sealed).get("annotations"))

    @property
    def notes(self) -> dict[str, str]:
        """Annotations of what a run of ours wrote."""
        return _metadata(self.sealed or self.secret).get("annotations") or {}

    @property
    def encrypted(self) -> dict[str, str]:
        return ((self.sealed or {}).get("spec") or {}).get("encryptedData") or {}

    @property
    def in_step(self) -> bool:
        """Whether the Secret came from the ciphertexts that are there now: the controller says that it unsealed this very generation."""
        observed = ((self.sealed or {}).get("status") or {}).get("observedGeneration")
        return self.secret is not None and self.synced.get("status") == "True" and observed == _metadata(self.sealed).get("generation", observed)

    @property
    def touched(self) -> set[str]:
        """Keys of the Secret that somebody else wrote after the controller: it overwrites them when it starts again, not before."""
        theirs: set[str] = set()
        entries = _metadata(self.secret).get("managedFields") or []
        for entry in entries:
            fields = entry.get("fieldsV1") or {}
            if "f:ownerReferences" not in (fields.get("f:metadata") or {}):
                theirs |= {name[2:] for name in fields.get("f:data") or {} if name.startswith("f:")}
        return theirs

    @property
    def foreign(self) -> bool:
        """Whether somebody else made the Secret, which the controller then does not overwrite."""
        metadata = _metadata(self.secret)
        annotations = metadata.get("annotations") or {}
        owned = any(owner.get("kind") == "SealedSecret" for owner in metadata.get("ownerReferences") or [])
        return self.secret is not None and not owned and "true" not in (annotations.get(MANAGED), annotations.get(PATCHED))

    @property
    def orphan(self) -> bool:
        """Whether the Secret belongs to a SealedSecret that is gone: Kubernetes deletes it soon, and until then the controller refuses it."""
        owners = [owner for owner in _metadata(self.secret).get("ownerReferences") or [] if owner.get("kind") == "SealedSecret"]
        return bool(owners) and all(owner.get("uid") != _metadata(self.sealed).get("uid") for owner in owners)

    def added(self) -> set[str]:
        """Keys of the Secret that its SealedSecret does not have."""
        annotations = _metadata(self.secret).get("annotations") or {}
        return set() if annotations.get(PATCHED) == "true" else set(self.values) - set(self.encrypted)


def _metadata(obj: dict | None) -> dict:
    return (obj or {}).get("metadata") or {}


def check(wanted: Wanted, live: Live, allow_scope_change: bool = False) -> None:
    if live.sealed is not None and live.scope != wanted.scope and not allow_scope_change:
        raise InputError(f"Secret {wanted} is sealed {live.scope} and scope {wanted.scope} is asked for: set allow_scope_change if that is meant")
    if live.foreign:
        raise InputError(
            f"Secret {wanted} exists and belongs to no SealedSecret, so that the controller would not overwrite it: annotate it with "
            f"{MANAGED}=true (values that are generated are then kept as they are in it), or delete it"
        )


def keepable(wanted: Wanted, live: Live, data: Mapping[str, bytes], truth: Mapping[str, bytes]) -> dict[str, str]:
    """The ciphertexts that hold what is wanted already. `truth` is what touched keys were found to hold sealed."""
    if not live.in_step or live.scope != wanted.scope or live.added():
        return {}
    values, touched = live.values, live.touched
    return {
        key: text
        for key, text in live.encrypted.items()
        if key in data and values.get(key) == data[key] and (key not in touched or truth.get(key, data[key]) == data[key])
    }


def build(
    wanted: Wanted, data: Mapping[str, bytes], kept: Mapping[str, str], labels: dict, seal: Callable[[bytes], str], notes: dict | None = None
) -> dict:
    """The SealedSecret, as kubeseal would write it; `notes` are annotations of its own, which the Secret does not get."""
    labels, notes = {**labels, **wanted.labels}, notes or {}
    scope = _sealing.scope_annotations(wanted.scope)
    annotations = {**wanted.annotations, **scope}
    named = {"name": wanted.name, "namespace": wanted.namespace, **({"labels": labels} if labels else {})}
    template: dict = {"metadata": {**named, **({"annotations": annotations} if annotations else {})}, "type": wanted.type}
    if wanted.immutable:
        template["immutable"] = True
    return {
        "apiVersion": API_VERSION,
        "kind": "SealedSecret",
        "metadata": {**named, **({"annotations": {**scope, **notes}} if scope or notes else {})},
        "spec": {"encryptedData": {key: kept.get(key) or seal(value) for key, value in sorted(data.items())}, "template": template},
    }


def annotated(obj: dict, notes: dict) -> dict:
    return {**obj, "metadata": {**obj["metadata"], "annotations": {**obj["metadata"].get("annotations", {}), **notes}}} if notes else obj


def difference(wanted: Wanted, live: Live, changed: list[str]) -> dict:
    """A diff of names: which keys there are, and which get a new value."""
    before = "".join(f"{key}: (hidden)\n" for key in sorted(live.values))
    after = "".join(f"{key}: (hidden{', sealed anew' if key in changed else ''})\n" for key in sorted(wanted.values))
    return {"before_header": f"Secret {wanted}", "after_header": f"Secret {wanted}", "before": before, "after": after}
