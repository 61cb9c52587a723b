# Copyright (c) 2026 GreenLang. All rights reserved.
"""New ciphertexts of what one sealing key does not decrypt. Pure. No value is in any message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import InputError
from . import crypto
from .keyring import SealingKey

Object = dict[str, Any]


@dataclass(frozen=True)
class Resealer:
    """Seals for `target` what any of the keys decrypts; `random` is that of crypto.seal()."""

    keys: list[SealingKey]
    target: SealingKey
    random: Callable[[int], bytes]

    def renewed(self, sealed: Object) -> dict[str, str]:
        """By key, what is sealed anew of a SealedSecret.

        The scope is the SealedSecret's own, never its template's. InputError names the first that cannot be unsealed.
        """
        bound_to, where, found = place_of(sealed), name_of(sealed), {}
        for key, text in encrypted(sealed).items():
            try:
                if self._is_current(text, bound_to):
                    continue
                value = crypto.unseal([one.private for one in self.keys], text, bound_to)
            except crypto.NotSealed as exc:
                raise InputError(f"{where}: {key}: {exc.message}: nothing was changed") from exc
            except crypto.Unsealable as exc:
                raise InputError(f"{where}: no sealing key decrypts {key}: nothing was changed") from exc
            found[key] = crypto.seal(self.target.private.public_key(), value, bound_to, self.random)
        return found

    def _is_current(self, text: str, bound_to: bytes) -> bool:
        try:
            crypto.unseal([self.target.private], text, bound_to)
        except crypto.NotSealed:
            raise
        except crypto.Unsealable:
            return False
        return True


def encrypted(sealed: Object) -> dict[str, str]:
    return (sealed.get("spec") or {}).get("encryptedData") or {}


def of_old_form(sealed: Object) -> bool:
    """Whether all of it is one ciphertext, as before version 0.7, which is not looked at here."""
    return bool((sealed.get("spec") or {}).get("data"))


def name_of(sealed: Object) -> str:
    metadata = sealed.get("metadata") or {}
    return f"SealedSecret {metadata.get('namespace') or '(no namespace)'}/{metadata.get('name') or '(no name)'}"


def place_of(sealed: Object) -> bytes:
    """What its values are bound to. InputError where the manifest does not say."""
    metadata = sealed.get("metadata") or {}
    scope = crypto.scope_of(metadata.get("annotations"))
    namespace, name = metadata.get("namespace") or "", metadata.get("name") or ""
    if scope != "cluster-wide" and not namespace:
        raise InputError(
            f"{name_of(sealed)} is sealed {scope} and has no metadata.namespace: write there the one it was sealed for"
        )
    if scope == "strict" and not name:
        raise InputError(f"{name_of(sealed)} is sealed strict and has no metadata.name: write there its name")
    return crypto.label(scope, namespace, name)
