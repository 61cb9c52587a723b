# Copyright (c) 2026 GreenLang. All rights reserved.
"""Vault or OpenBao as the keeper of values (external.py): a KV engine of version 2.

Each write names the version that it follows (check-and-set), and is refused where there is a later one.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ...errors import InputError, Overtaken, VcciError
from ..wanted import Wanted
from .keeper import Kept, Members, settings_of
from .vault_api import MISSING, REACHED, ask, told, words_of
from .vault_login import SETTINGS, log_in, method_of

with contextlib.suppress(ImportError):  # vault_api.py tells
    import hvac
    from hvac.exceptions import InvalidPath, InvalidRequest

KNOWN = {"address", "ca_cert", "mount", "namespace", "prefix", *SETTINGS}
PATH = re.compile(r"[A-Za-z0-9_.@=+-]+(/[A-Za-z0-9_.@=+-]+)*")
TIMEOUT = 30  # seconds for one request


class Vault:
    title = "Vault"
    limit = 1024 * 1024  # bytes; what its storage takes, it says

    def __init__(self, given: Mapping[str, Any]) -> None:
        if MISSING:
            raise InputError(f"Vault and OpenBao need the Python package hvac: {MISSING}")
        self.settings = settings_of("vault", given, KNOWN)
        self.mount, self.prefix = self.settings.get("mount", "secret").strip("/"), self.settings["prefix"].strip("/")
        self.method = method_of(self.settings)
        login = self.settings.get("login_mount", self.method).strip("/")
        for option, text in (("mount", self.mount), ("prefix", self.prefix), ("login_mount", login)):
            if not PATH.fullmatch(text) or {".", ".."} & set(text.split("/")):
                raise InputError(
                    f"vault.{option}: names of letters, digits and _ . @ = + -, with / between, are needed"
                )
        self.client = self._connected()
        self._check_engine()

    # --- connection --------------------------------------------------------------------------------------------------
    def _connected(self) -> Any:
        address = self.settings.get("address") or os.environ.get("VAULT_ADDR") or ""
        _check_address(address)
        bundle = self.settings.get("ca_cert") or os.environ.get("VAULT_CACERT") or os.environ.get("VAULT_CAPATH")
        if bundle and not Path(bundle).expanduser().exists():
            raise InputError(f"vault.ca_cert: {bundle} is not there")
        client = hvac.Client(
            url=address.rstrip("/"),
            # None: VAULT_TOKEN, or what `vault login` left; who logs in needs neither, and sends none along
            token=self.settings.get("token") if self.method == "token" else "",
            verify=str(Path(bundle).expanduser()) if bundle else True,
            namespace=self.settings.get("namespace") or os.environ.get("VAULT_NAMESPACE"),
            timeout=TIMEOUT,
            allow_redirects=False,  # the token would go along
        )
        log_in(client, self.method, self.settings)
        return client

    def _check_engine(self) -> None:
        """A write to version 1 would make an object named data/… there."""
        name, path = f"vault.mount {self.mount}", f"/v1/sys/internal/ui/mounts/{self.mount}"
        try:
            found = ask(name, "looking at it", lambda: self.client.adapter.get(path)).get("data") or {}
        except (InvalidPath, InvalidRequest) as exc:
            raise told(exc, name, "looking at it") from None
        version = (found.get("options") or {}).get("version")
        if found.get("type") != "kv" or version != "2":
            what = f"KV version {version or 1}" if found.get("type") == "kv" else "another engine"
            raise InputError(
                f"{name} is {what}; a KV engine of version 2 is needed (`vault secrets enable -path=… kv-v2`)"
            )

    # --- the keeper --------------------------------------------------------------------------------------------------
    def name(self, secret: Wanted) -> str:
        return f"Vault secret {self.mount}/{self._path(secret)}"

    def _path(self, secret: Wanted) -> str:
        return f"{self.prefix}/{secret.namespace}/{secret.name}"

    def read(self, secret: Wanted) -> Kept:
        answer = self._version(secret)
        if answer is None:
            return Kept(None, 0)
        members, version = answer
        if members is None:
            raise InputError(
                f"{self.name(secret)}: version {version} was deleted, and is not replaced unasked: bring it back by "
                f"`vault kv undelete -versions={version}`, or an earlier one by `vault kv rollback`; or, if all may be "
                "lost, remove it by `vault kv metadata delete`"
            )
        return Kept(members, version)

    def former(self, secret: Wanted, kept: Kept) -> Members:
        answer = self._version(secret, kept.version - 1) if kept.version > 1 else None
        return (answer[0] if answer else None) or {}

    def write(self, secret: Wanted, members: Members, kept: Kept) -> Kept:
        put = self.client.secrets.kv.v2.create_or_update_secret
        arguments = {"path": self._path(secret), "mount_point": self.mount, "secret": members, "cas": kept.version}
        try:
            answer = ask(self.name(secret), "the write", lambda: put(**arguments))
        except InvalidRequest as exc:
            if "did not match" not in words_of(exc):
                raise told(exc, self.name(secret), "the write") from None
            lost = "was changed by somebody else since it was read; nothing of it was written"
            raise Overtaken(f"{self.name(secret)} {lost}") from None
        return Kept(members, _number(answer.get("data"), self.name(secret)))

    def _version(self, secret: Wanted, version: int | None = None) -> tuple[Members | None, int] | None:
        """Members and number of a version, by default the latest; without members if it was deleted."""
        get = self.client.secrets.kv.v2.read_secret_version
        arguments = {"path": self._path(secret), "mount_point": self.mount, "version": version}
        try:
            answer = ask(self.name(secret), "the read", lambda: get(**arguments, raise_on_deleted_version=False))
        except InvalidPath as exc:
            answer = exc.json if isinstance(exc.json, dict) and exc.json.get("data") else {}
        if not answer:
            return None
        data = answer.get("data") or {}
        return data.get("data"), _number(data.get("metadata"), self.name(secret))


def _number(metadata: Mapping[str, Any] | None, name: str) -> int:
    """Of a version."""
    number = (metadata or {}).get("version")
    if not isinstance(number, int):
        raise VcciError(f"{name}: the answer names no version, and so is none of a KV engine of version 2; {REACHED}")
    return number


def _check_address(address: str) -> None:
    """The token goes there, and values come from there: only over TLS, but to this very machine."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError("vault.address: an address that begins with https:// is needed, there or in VAULT_ADDR")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise InputError(f"vault.address: {address} is not encrypted, and the token would go there: https:// is needed")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
