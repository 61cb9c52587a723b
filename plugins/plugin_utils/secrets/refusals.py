# Copyright (c) 2026 GreenLang. All rights reserved.
"""What Kubernetes or the controller would not make of a Secret, found before anything is written. Pure."""

from __future__ import annotations

from ..errors import InputError
from . import checks
from .state import SecretState

AGAIN = (
    "delete the Secret, after {field} of its SealedSecret was changed, so that the controller makes it again from what "
    "is sealed, or take another name"
)


def check(state: SecretState, merge: bool, is_sealed: bool) -> None:
    """InputError; `is_sealed` tells whether the controller writes the Secret."""
    _check_keys(state, merge)
    if state.live.secret is None or state.live.orphan:
        return
    _check_type(state, merge, is_sealed)
    _check_immutable(state, merge, is_sealed)


def _check_keys(state: SecretState, merge: bool) -> None:
    """That a Secret of this type has what it must have."""
    wanted, live = state.wanted, state.live
    kind = wanted.type or (live.sealed_type if merge else None) or "Opaque"
    keys = {*wanted.values, *live.rendered, *(live.encrypted if merge else ()), *(live.values if merge else ())}
    lacking = checks.lacking(kind, keys)
    if lacking:
        raise InputError(f"Secret {wanted}: type {kind} needs {', '.join(lacking)}, which is not among its values")


def _check_type(state: SecretState, merge: bool, is_sealed: bool) -> None:
    wanted, live = state.wanted, state.live
    kind = wanted.type or (live.type if merge else "Opaque")
    if kind != live.type:
        remedy = AGAIN.format(field="spec.template.type") if is_sealed else "delete the Secret, or take another name"
        raise InputError(
            f"Secret {wanted} has type {live.type}, which Kubernetes never changes, and {kind} is asked for: ask for "
            f"type {live.type}; or {remedy}"
        )


def _check_immutable(state: SecretState, merge: bool, is_sealed: bool) -> None:
    wanted, live = state.wanted, state.live
    asked = live.immutable if merge and wanted.immutable is None else bool(wanted.immutable)
    remedy = AGAIN.format(field="spec.template.immutable") if is_sealed else "delete the Secret, or take another name"
    if live.immutable:
        changed = {key for key, value in state.values.items() if live.values.get(key) != value}
        changed |= set(state.changed) - set(wanted.values)
        if changed:
            raise InputError(f"Secret {wanted} is immutable, and {', '.join(sorted(changed))} would change: {remedy}")
        if not asked:
            raise InputError(
                f"Secret {wanted} is immutable, which Kubernetes never changes: ask for immutable: true; or {remedy}"
            )
    elif asked and is_sealed:
        raise InputError(
            f"Secret {wanted} is there and not immutable, and the controller only makes new ones so: ask for "
            f"immutable: false; or {remedy}"
        )
