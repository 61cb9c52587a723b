# Copyright (c) 2026 GreenLang. All rights reserved.
"""How one logs in to Vault or OpenBao: by a token, by AppRole, or by the signed text (JWT) that says who runs this.

A pod has one of its ServiceAccount in a file, and a job of most CI systems has one too: then nothing has to be kept.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ...errors import InputError, VcciError
from .vault_api import REACHED, WAYS, ask, told

with contextlib.suppress(ImportError):  # vault_api.py tells
    from hvac.exceptions import InvalidPath, InvalidRequest

# Method → the settings that it takes, the first of which it needs.
METHODS = {
    "token": ("token",),
    "approle": ("role_id", "secret_id", "login_mount"),
    "kubernetes": ("role", "jwt", "jwt_file", "login_mount"),
    "jwt": ("role", "jwt", "jwt_file", "login_mount"),
}
SETTINGS = {"method"}.union(*METHODS.values())
OF_POD = "/var/run/secrets/kubernetes.io/serviceaccount/token"
LARGEST = 65536  # bytes of a signed text
BOUND = {
    "approle": "role_id and secret_id must be those of a role that is there, and not used up",
    "kubernetes": "vault.role must be one that is bound to this ServiceAccount and its namespace",
    "jwt": "vault.role must be one whose claims and audience this text has, and the text must not have ended",
}


def method_of(settings: Mapping[str, str]) -> str:
    """InputError where the settings are not those of one method."""
    method = settings.get("method") or ("approle" if settings.get("role_id") else "token")
    if method not in METHODS:
        raise InputError(f"vault.method: one of {', '.join(METHODS)} is needed, not {method}")
    takes = METHODS[method]
    strange = sorted(SETTINGS.difference(takes, {"method"}) & set(settings))
    if strange:
        raise InputError(f"vault.{strange[0]}: is not of method {method}, which takes {', '.join(takes)}")
    if method != "token" and not settings.get(takes[0]):
        raise InputError(f"vault.{takes[0]}: is needed by method {method}")
    if settings.get("jwt") and settings.get("jwt_file"):
        raise InputError("vault.jwt, vault.jwt_file: give one of them")
    if method == "jwt" and not (settings.get("jwt") or settings.get("jwt_file")):
        raise InputError(
            "vault.jwt_file: is needed by method jwt, a file with the signed text; or the text as vault.jwt"
        )
    return method


def log_in(client: Any, method: str, settings: Mapping[str, str]) -> None:
    """Give the client a token; by method token it has one, given or found."""
    if method == "token":
        if not client.token:
            raise InputError(
                "vault: a token is needed: token, VAULT_TOKEN, or that of `vault login`; or another method, such as "
                "role_id and secret_id of an AppRole"
            )
        return
    mount = settings.get("login_mount", method).strip("/")
    verb, ways = f"the login at {mount}", {**WAYS, "Forbidden": BOUND[method], "InvalidRequest": BOUND[method]}
    ways["InvalidPath"] = "vault.login_mount must be where this method is enabled"
    request = _request(client, method, mount, settings)
    try:
        answer = ask("Vault", verb, request, ways)
    except (InvalidPath, InvalidRequest) as exc:
        raise told(exc, "Vault", verb, ways) from None
    token = (answer.get("auth") or {}).get("client_token")
    if not token:
        raise VcciError(f"Vault: {verb} was answered without a token; {REACHED}")
    client.token = token


def _request(client: Any, method: str, mount: str, settings: Mapping[str, str]) -> Callable[[], Any]:
    if method == "approle":
        role, secret = settings["role_id"], settings.get("secret_id")
        return lambda: client.auth.approle.login(role_id=role, secret_id=secret, mount_point=mount, use_token=False)
    role, text = settings["role"], settings.get("jwt") or _signed(settings.get("jwt_file", OF_POD))
    # Both methods are asked alike.
    return lambda: client.auth.jwt.jwt_login(role=role, jwt=text, path=mount, use_token=False)


def _signed(path: str) -> str:
    try:
        with Path(path).expanduser().open(encoding="ascii") as handle:
            text = handle.read(LARGEST).strip()
    except (OSError, UnicodeDecodeError, RuntimeError) as exc:
        why = getattr(exc, "strerror", None) or "no signed text"
        raise InputError(f"vault.jwt_file: {path} cannot be read: {why}") from None
    if not text:
        raise InputError(f"vault.jwt_file: {path} is empty")
    return text
