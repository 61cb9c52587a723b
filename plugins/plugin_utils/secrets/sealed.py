# Copyright (c) 2026 GreenLang. All rights reserved.
"""SealedSecrets as objects: what is there, whether it is ours to write, and what is to be written. Pure.

No value is in any message.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from ..applyset.copies import without_copies
from ..applyset.manifests import CONTROL_PREFIX
from ..applyset.membership import PART_OF
from ..errors import InputError
from .crypto import PREFIX, scope_annotations, scope_of
from .notes import PREFIX as NOTES
from .notes import SEEN
from .wanted import Wanted

API_VERSION = "bitnami.com/v1alpha1"
MANAGED = PREFIX + "managed"  # the controller may take such a Secret over
PATCHED = PREFIX + "patch"  # the controller then leaves other keys of the Secret alone

RUNS = (NOTES, CONTROL_PREFIX)  # those of runs, which each run writes as they are to be

Object = dict[str, Any]


class Live:
    """A SealedSecret and its Secret, as the server has them; what they say is read once, here.

    values     of the Secret, by key.
    encrypted  ciphertexts of the SealedSecret, by key.
    scope      that it is sealed with.
    notes      annotations of what a run of ours wrote.
    synced     the controller's condition on it: status and message.
    in_step    whether the Secret came from the ciphertexts that are there now.
    rendered   keys of the Secret that the SealedSecret's template makes.
    added      keys of the Secret that its SealedSecret does not have, where others may not add some.
    touched    sealed keys of which the Secret is no witness: it lacks them, holds them empty, or somebody else than the
               controller wrote them, as far as managedFields tell, or a note of what a run has seen.
    type, immutable  of the Secret.
    sealed_type  that the SealedSecret's template gives, if it gives one.
    foreign    whether somebody else made the Secret, which the controller then does not overwrite.
    orphan     whether the Secret belongs to a SealedSecret that is gone: until Kubernetes has deleted it too, the
               controller refuses it.
    """

    def __init__(self, sealed: Object | None = None, secret: Object | None = None) -> None:
        self.sealed, self.secret = sealed, secret
        metadata, status = _part(sealed, "metadata"), _part(sealed, "status")
        own, agreed = _part(secret, "metadata"), _part(_part(secret, "metadata"), "annotations")
        data: dict[str, str | None] = _part(secret, "data")
        self.values = {key: base64.b64decode(text or "") for key, text in data.items()}
        self.encrypted: dict[str, str] = {**_part(_part(sealed, "spec"), "encryptedData")}
        self.scope = scope_of(metadata.get("annotations"))
        self.notes: dict[str, str] = _part(metadata if sealed else own, "annotations")
        self.synced: Object = next((c for c in status.get("conditions") or [] if c.get("type") == "Synced"), {})
        # The controller says that it unsealed this very generation.
        observed = status.get("observedGeneration")
        unsealed = self.synced.get("status") == "True" and observed == metadata.get("generation", observed)
        self.in_step = secret is not None and unsealed
        patched = agreed.get(PATCHED) == "true"
        template = _part(_part(sealed, "spec"), "template")
        self.rendered, self.sealed_type = set(_part(template, "data")), template.get("type")
        self.added = set() if patched else set(self.values) - set(self.encrypted) - self.rendered
        theirs, controllers = _written(own.get("managedFields") or [], _manager(metadata))
        present = {key for key, value in self.values.items() if value}
        is_seen = SEEN in self.notes and self.notes[SEEN] == own.get("resourceVersion")
        self.touched = set(self.encrypted) - (present if is_seen else present & controllers - theirs)
        self.type, self.immutable = (secret or {}).get("type") or "Opaque", (secret or {}).get("immutable") is True
        owners = [one.get("uid") for one in own.get("ownerReferences") or [] if one.get("kind") == "SealedSecret"]
        self.foreign = secret is not None and not owners and not patched and agreed.get(MANAGED) != "true"
        self.orphan = bool(owners) and metadata.get("uid") not in owners


def _part(obj: Object | None, name: str) -> Object:
    return (obj or {}).get(name) or {}


def _manager(metadata: Object) -> str | None:
    """The name of the controller in managedFields: whoever writes a SealedSecret's status."""
    entries = metadata.get("managedFields") or []
    return next((one.get("manager") for one in entries if "f:status" in (one.get("fieldsV1") or {})), None)


def _written(entries: list[Object], manager: str | None) -> tuple[set[str], set[str]]:
    """The keys of a Secret that others wrote, and those that the controller did.

    It overwrites the others when it starts again, not before. Where its name is not known, its entry has the owner:
    a Secret that came back from a backup has one, too, from somebody else.
    """
    theirs, controllers = set[str](), set[str]()
    for entry in entries:
        fields = entry.get("fieldsV1") or {}
        keys = {name[2:] for name in _part(fields, "f:data") if name.startswith("f:")}
        is_own = entry.get("manager") == manager if manager else "f:ownerReferences" in _part(fields, "f:metadata")
        if is_own:
            controllers |= keys
        else:
            theirs |= keys
    return theirs, controllers


def check(wanted: Wanted, live: Live, allow_scope_change: bool = False) -> None:
    """InputError where what is there must not be replaced by what is wanted."""
    if live.sealed is not None and live.scope != wanted.scope and not allow_scope_change:
        raise InputError(
            f"Secret {wanted} is sealed {live.scope} and scope {wanted.scope} is asked for: "
            "set allow_scope_change if that is meant"
        )
    if live.foreign:
        raise InputError(
            f"Secret {wanted} exists and belongs to no SealedSecret, so that the controller would not overwrite it: "
            f"annotate it with {MANAGED}=true (values that are generated are then kept as they are in it), or delete it"
        )
    hidden = sorted(live.rendered & set(wanted.values))
    if hidden:
        raise InputError(
            f"Secret {wanted}: spec.template.data of its SealedSecret has {', '.join(hidden)} too, which the "
            "controller writes instead of what is sealed: remove them there, or from this task"
        )


def build(
    wanted: Wanted,
    ciphertexts: Mapping[str, str],
    labels: Mapping[str, str],
    notes: Mapping[str, str],
    beside: Object | None = None,
) -> Object:
    """The SealedSecret, as kubeseal would write it; `notes` are annotations of its own that the Secret does not get.

    beside  a SealedSecret of which everything that is not asked for stays: labels, annotations, template.
    """
    scope = scope_annotations(wanted.scope)
    former = _part(_part(beside, "spec"), "template")
    template = {
        **{name: value for name, value in former.items() if name != "metadata"},
        **_metadata(wanted, labels, {**wanted.annotations, **scope}, _part(former, "metadata")),
        "type": wanted.type or former.get("type") or "Opaque",
    }
    if wanted.immutable is not None:
        template["immutable"] = wanted.immutable
    if not template.get("immutable"):
        template.pop("immutable", None)
    return {
        "apiVersion": API_VERSION,
        "kind": "SealedSecret",
        **_metadata(wanted, labels, {**scope, **notes}, _part(beside, "metadata")),
        "spec": {"encryptedData": dict(sorted(ciphertexts.items())), "template": template},
    }


def build_plain(
    wanted: Wanted, values: Mapping[str, bytes], labels: Mapping[str, str], notes: Mapping[str, str]
) -> Object:
    """The Secret itself, where nothing is sealed: as the controller would make it of the SealedSecret."""
    annotations = {**wanted.annotations, **scope_annotations(wanted.scope), **notes}
    made = {"apiVersion": "v1", "kind": "Secret", **_metadata(wanted, labels, annotations)}
    made["type"] = wanted.type or "Opaque"
    if wanted.immutable:
        made["immutable"] = True
    return {**made, "data": {key: base64.b64encode(value).decode() for key, value in sorted(values.items())}}


def _metadata(
    wanted: Wanted, labels: Mapping[str, str], annotations: Mapping[str, str], beside: Object | None = None
) -> Object:
    metadata: Object = {"name": wanted.name, "namespace": wanted.namespace}
    others = {name: text for name, text in _part(beside, "labels").items() if name != PART_OF}
    labels = {**others, **labels, **wanted.labels}
    others = {name: text for name, text in _part(beside, "annotations").items() if not name.startswith(RUNS)}
    annotations = without_copies({**others, **annotations})
    if labels:
        metadata["labels"] = labels
    if annotations:
        metadata["annotations"] = annotations
    return {"metadata": metadata}


def difference(wanted: Wanted, live: Live, changed: list[str]) -> dict[str, str]:
    """A diff of names: which keys there are, and which get a new value."""
    before = "".join(f"{key}: (hidden)\n" for key in sorted(live.values))
    after = "".join(f"{key}: (hidden{', sealed anew' if key in changed else ''})\n" for key in sorted(wanted.values))
    header = f"Secret {wanted}"
    return {"before_header": header, "after_header": header, "before": before, "after": after}
