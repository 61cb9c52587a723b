# Copyright (c) 2026 GreenLang. All rights reserved.
"""SealedSecrets as manifests in a directory that may be committed, or, without one, their ciphertexts alone.

No cluster is asked. <directory>/<namespace>/<name>.yml: what did not change stays byte for byte, and nothing is written
unless everything could be sealed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ...errors import InputError
from ...files import write_whole
from ...waiting import Deadline
from .. import fingerprints
from ..certificate import SealingCertificate
from ..decide import Evidence
from ..options import Options
from ..sealed import Live, build, check
from ..state import SecretState
from ..wanted import Wanted
from .store import NO_MARK, Saved

# libyaml, where PyYAML has it: ten times as fast.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class DirectoryStore:
    """Values cannot be read back from here: fingerprints tell which are as they were."""

    evidence: Evidence = "fingerprints"

    def __init__(self, options: Options, deadline: Deadline) -> None:
        self.options = options
        self.certificate = SealingCertificate(None, options, deadline)

    def load(self, wanted: list[Wanted]) -> list[SecretState]:
        directory, key = self.options.directory, self.options.fingerprint_key
        if directory and not key:
            raise InputError(
                "fingerprint_key: needed for a directory without a cluster: it tells which values are as they were"
            )
        there = [read_manifest(_path(directory, secret)) if directory else None for secret in wanted]
        prints = fingerprints.prints(wanted, key) if key else {}
        states = []
        for secret, live in zip(wanted, map(Live, there), strict=True):
            check(secret, live, self.options.allow_scope_change)
            states.append(SecretState(secret, live, prints=prints.get(str(secret), {})))
        return states

    def accept(self, states: list[SecretState]) -> None:
        """The API server's limit holds already."""

    def save(self, states: list[SecretState], mark: Mapping[str, str] = NO_MARK) -> Saved:
        """There are no servers to tell, and so no mark."""
        made = _manifests(states, self.options, self.certificate)
        if not self.options.directory:
            sealed = {str(state.wanted): one["spec"]["encryptedData"] for state, one in zip(states, made, strict=True)}
            return Saved(False, " sealed", more={"files": [], "sealed": sealed})
        files = _write(states, made, [state.live.sealed for state in states], self.options)
        return Saved(bool(files), f": {len(files)} files written", more={"files": files})

    def settle(self, states: list[SecretState]) -> None:
        """Files are there at once."""


def copy_manifests(states: list[SecretState], options: Options, certificate: SealingCertificate) -> list[str]:
    """Save what a cluster has as manifests besides; the files that changed."""
    wanted = [state.wanted for state in states]
    prints = fingerprints.prints(wanted, options.fingerprint_key) if options.fingerprint_key else {}
    for state in states:
        state.prints = prints.get(str(state.wanted), {})
    made = _manifests(states, options, certificate)
    there = [read_manifest(_path(options.directory, secret)) for secret in wanted]
    return _write(states, made, there, options)


def read_manifest(path: Path) -> dict[str, Any] | None:
    """None when there is no such file; InputError when it is something else."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise InputError(f"{path} cannot be read as a manifest") from exc
    if not isinstance(content, dict) or content.get("kind") != "SealedSecret":
        raise InputError(f"{path} exists and is not a SealedSecret")
    return content


def write_manifest(path: Path, text: str) -> None:
    """As a whole or not at all.

    fsync takes three to five milliseconds a file: seconds for a thousand. Git, or the next run, has it again.
    """
    try:
        write_whole(path, text, durable=False)
    except OSError as exc:
        raise InputError(f"{path} cannot be written: {exc.strerror}") from exc


def _manifests(states: list[SecretState], options: Options, certificate: SealingCertificate) -> list[dict[str, Any]]:
    made = []
    for state in states:
        notes = {**state.notes, **fingerprints.note(state.prints)}
        one = build(state.wanted, certificate.seal(state), options.labels, notes)
        made.append(json.loads(json.dumps(one)))  # Ansible's own kinds of text are none that YAML knows
    return made


def _write(
    states: list[SecretState], made: list[dict[str, Any]], there: list[dict[str, Any] | None], options: Options
) -> list[str]:
    changed = []
    for state, manifest, before in zip(states, made, there, strict=True):
        if manifest == before:
            continue
        path = _path(options.directory, state.wanted)
        changed.append(str(path))
        if not options.check:
            text = yaml.dump(manifest, Dumper=DUMPER, width=10**9, sort_keys=True, allow_unicode=True)
            write_manifest(path, f"---\n{text}")
    return changed


def _path(directory: str | None, secret: Wanted) -> Path:
    return Path(directory or "") / secret.namespace / f"{secret.name}.yml"
