# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which objects may be deleted and created again when an immutable field changes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..errors import InputError
from ..kubernetes.kinds import is_built_in
from ..labels import is_protected
from .manifests import Ref

# Beside labels.PROTECTED: deleting a node takes its pods along, deleting a snapshot takes the data.
_HOLD_DATA = {
    ("", "Node"),
    ("snapshot.storage.k8s.io", "VolumeSnapshot"),
    ("snapshot.storage.k8s.io", "VolumeSnapshotContent"),
    ("groupsnapshot.storage.k8s.io", "VolumeGroupSnapshot"),
    ("groupsnapshot.storage.k8s.io", "VolumeGroupSnapshotContent"),
}
_WORD = re.compile(r"^(?P<kind>[A-Z][A-Za-z0-9]*)(?:\.(?P<group>[a-z0-9.-]+))?\Z")


def holds_data(group: str, kind: str) -> bool:
    """Whether deleting such an object takes data or other people's objects along: nothing makes us do that."""
    return is_protected(group, kind) or (group, kind) in _HOLD_DATA


def word_for(ref: Ref) -> str:
    """How the option `recreate` names the kind of an object: Job, or Certificate.cert-manager.io."""
    return ref.kind if is_built_in(ref.group) else f"{ref.kind}.{ref.group}"


def check_words(words: Iterable[str]) -> None:
    """An error for a word of the option `recreate` that is no kind, or one of those that hold data."""
    for word in words:
        match = _WORD.match(word)
        if match is None:
            raise InputError(f"recreate: {word!r} is no kind; write Job, or Certificate.cert-manager.io")
        kind, group = match["kind"], match["group"]
        if holds_data(group or "", kind) or (group is None and kind == "CustomResourceDefinition"):
            raise InputError(
                f"recreate: {kind} is never deleted to be created again, for its data or other objects would go with "
                "it; migrate to a new object under another name"
            )


def is_allowed(ref: Ref, words: Iterable[str], annotated: bool) -> bool:
    """Whether an object may be recreated: its own annotation says so, or one of the option's words is its kind."""
    if holds_data(ref.group, ref.kind):
        return False
    return annotated or any(word in (word_for(ref), f"{ref.kind}.{ref.group}") for word in words)
