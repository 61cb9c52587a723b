# Copyright (c) 2026 GreenLang. All rights reserved.
"""Exec plugins: the programs that a kubeconfig names to get a credential from, as client-go runs them."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import ConfigError, brief

API = "client.authentication.k8s.io"
VERSIONS = (f"{API}/v1", f"{API}/v1beta1")
MODES = ("Never", "IfAvailable", "Always")
TIMEOUT = 120  # seconds


@dataclass(frozen=True)
class Credential:
    """What a plugin answered; `expires` in seconds since 1970."""

    token: str | None = None
    cert: bytes | None = None
    key: bytes | None = None
    expires: float | None = None


@dataclass(frozen=True)
class ExecPlugin:
    """A plugin of a user. `cluster` is handed to it, where it asks for that."""

    command: str
    api_version: str
    args: tuple[str, ...]
    env: Mapping[str, str]
    interactive: str
    wants_cluster: bool
    hint: str
    what: str  # names it in messages
    cluster: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, spec: Mapping[str, Any], folder: Path, source: str) -> ExecPlugin:
        """From the `exec` of a user, whose fields are of their types. A command with a path is relative to its file."""
        command, version = spec.get("command") or "", spec.get("apiVersion") or ""
        what = f"exec plugin {brief(command)}"
        if not command:
            raise ConfigError(f"{source}: exec has no command")
        if version not in VERSIONS:
            raise ConfigError(f"{source}: {what}: apiVersion {brief(version)!r} is none of {', '.join(VERSIONS)}")
        mode = spec.get("interactiveMode") or ("IfAvailable" if version == VERSIONS[1] else "Never")
        if mode not in MODES:
            raise ConfigError(f"{source}: {what}: interactiveMode {brief(mode)!r} is none of {', '.join(MODES)}")
        return cls(
            command=str(folder / command) if os.sep in command else command,
            api_version=version,
            args=tuple(spec.get("args") or ()),
            env={one["name"]: one.get("value") or "" for one in spec.get("env") or ()},
            interactive=mode,
            wants_cluster=bool(spec.get("provideClusterInfo")),
            hint=_printable(spec.get("installHint") or "install it or use another credential"),
            what=what,
        )

    def of_cluster(self, cluster: Mapping[str, Any]) -> ExecPlugin:
        return replace(self, cluster=cluster if self.wants_cluster else {})

    def run(self) -> Credential:
        """Ask it. ConfigError when it does not answer as it must."""
        try:
            answer = json.loads(self._output())
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict) or answer.get("kind") != "ExecCredential":
            raise ConfigError(f"{self.what} printed no ExecCredential")
        if answer.get("apiVersion") != self.api_version:
            got = brief(answer.get("apiVersion"), 60)
            raise ConfigError(f"{self.what} printed an ExecCredential of {got}, not of {self.api_version}")
        status = answer.get("status")
        if not isinstance(status, dict):
            raise ConfigError(f"{self.what} printed an ExecCredential without status")
        return self._credential(status)

    def _credential(self, status: Mapping[str, Any]) -> Credential:
        names = ("token", "clientCertificateData", "clientKeyData", "expirationTimestamp")
        wrong = [name for name in names if not isinstance(status.get(name) or "", str)]
        if wrong:
            raise ConfigError(f"{self.what}: status.{wrong[0]} is not a text")
        token, cert, key, expires = (status.get(name) or None for name in names)
        if bool(cert) != bool(key):
            raise ConfigError(f"{self.what} printed a certificate without its key, or a key without its certificate")
        if not (token or cert):
            raise ConfigError(f"{self.what} printed neither a token nor a certificate")
        try:
            ends = datetime.datetime.fromisoformat(expires) if expires else None
        except ValueError as exc:
            raise ConfigError(f"{self.what}: status.expirationTimestamp is no time") from exc
        moment = ends.replace(tzinfo=ends.tzinfo or datetime.UTC).timestamp() if ends else None
        return Credential(token, cert.encode() if cert else None, key.encode() if key else None, moment)

    def _output(self) -> bytes:
        terminal = self.interactive != "Never" and sys.stdin is not None and sys.stdin.isatty()
        if self.interactive == "Always" and not terminal:
            raise ConfigError(f"{self.what} wants a terminal (interactiveMode Always), and there is none")
        spec: dict[str, Any] = {"interactive": terminal, **({"cluster": self.cluster} if self.cluster else {})}
        info = json.dumps({"apiVersion": self.api_version, "kind": "ExecCredential", "spec": spec})
        program = shutil.which(self.command)  # along our own path, not the one that `env` may set
        if program is None:
            raise ConfigError(f"{self.what} is not installed: {brief(self.hint)}")
        try:
            done = subprocess.run(
                [program, *self.args],
                env={**os.environ, **self.env, "KUBERNETES_EXEC_INFO": info},
                stdin=None if terminal else subprocess.DEVNULL,
                capture_output=True,
                timeout=TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired as exc:
            raise ConfigError(f"{self.what} did not end within {TIMEOUT} s") from exc
        except (OSError, ValueError) as exc:
            raise ConfigError(f"{self.what} could not be run: {exc}") from exc
        if done.returncode != 0:
            tail = done.stderr.decode("utf-8", "replace").strip().splitlines()[-3:]
            raise ConfigError(f"{self.what} failed with {done.returncode}: {brief(_printable(' | '.join(tail)), 160)}")
        return done.stdout


def _printable(text: str) -> str:
    """Without what would set colours of a terminal, or worse."""
    return "".join(one if one == " " or not unicodedata.category(one).startswith("C") else " " for one in text)
