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

from ...errors import InputError, Overtaken
from ...files import why, write_all
from ...nesting import is_deep
from ...waiting import Deadline
from .. import crypto, fingerprints, notes
from ..certificate import SealingCertificate
from ..decide import Evidence
from ..manifest_form import damage
from ..options import Options
from ..sealed import Live, build, check
from ..state import SecretState
from ..wanted import Wanted, Where, generated, rotated
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
        states = [SecretState(secret, live) for secret, live in zip(wanted, map(Live, there), strict=True)]
        rotate = rotated(wanted, self.options.rotate)
        for state in states:
            check(state.wanted, state.live, self.options.allow_scope_change)
            _refuse_unsealable(state, rotate, _path(directory, state.wanted))
        _add_prints(states, key)
        return states

    def accept(self, states: list[SecretState]) -> None:
        """The API server's limit holds already."""

    def save(self, states: list[SecretState], mark: Mapping[str, str] = NO_MARK) -> Saved:
        """There are no servers to tell, and so no mark."""
        there = [state.live.sealed for state in states]
        made = _manifests(states, there, self.options, self.certificate)
        if not self.options.directory:
            sealed = {str(state.wanted): one["spec"]["encryptedData"] for state, one in zip(states, made, strict=True)}
            return Saved(False, " sealed", more={"files": [], "sealed": sealed})
        files = _write(states, made, there, self.options)
        return Saved(bool(files), f": {len(files)} files written", more={"files": files})

    def was_written(self, secret: Wanted) -> bool:
        return False

    def settle(self, states: list[SecretState]) -> None:
        """Files are there at once."""


def _refuse_unsealable(state: SecretState, rotate: frozenset[Where], path: Path) -> None:
    """What is no ciphertext holds no value: a given one is sealed anew, a generated one is lost, unless it is found."""
    wanted, encrypted = state.wanted, state.live.encrypted
    for key in sorted(encrypted.keys() & wanted.values.keys()):
        try:
            crypto.taken_apart(encrypted[key])
        except crypto.NotSealed as exc:
            if key in generated(wanted) and wanted.where(key) not in rotate:
                raise InputError(
                    f"{path}: {key} of SealedSecret {wanted}: {exc.message}, and its value is generated: put it back "
                    f"as it was committed, or rotate {wanted.name}/{key} to have a new one made"
                ) from None
            del encrypted[key]


def _add_prints(states: list[SecretState], key: str | None) -> None:
    """What is asked for, as fingerprints."""
    prints = fingerprints.prints([state.wanted for state in states], key) if key else {}
    for state in states if key else ():
        state.prints, state.key_id = prints[str(state.wanted)], fingerprints.key_id(key or "")


def copy_manifests(states: list[SecretState], options: Options, certificate: SealingCertificate) -> list[str]:
    """Save what a cluster has as manifests besides; the files that changed. With merge, what only they have stays."""
    _add_prints(states, options.fingerprint_key)
    there = [read_manifest(_path(options.directory, state.wanted)) for state in states]
    for state, manifest in zip(states, there, strict=True):
        live = Live(manifest)
        if options.merge and live.scope == state.wanted.scope:
            besides = {key: text for key, text in live.encrypted.items() if key not in state.wanted.values}
            state.others = {**besides, **state.others}
    made = _manifests(states, there, options, certificate)
    return _write(states, made, there, options)


def read_manifest(path: Path) -> dict[str, Any] | None:
    """None when there is no such file; InputError when it is something else."""
    try:
        text = path.read_text(encoding="utf-8")
        content = None if is_deep(text) else yaml.load(text, Loader=LOADER)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, yaml.YAMLError) as exc:
        raise InputError(f"{path} cannot be read as a manifest") from exc
    if not isinstance(content, dict) or content.get("kind") != "SealedSecret":
        raise InputError(f"{path} exists and is not a SealedSecret")
    wrong = damage(content, path.parent.name, path.stem)
    if wrong:
        raise InputError(f"{path} exists, and its {wrong}: put it right, or back as it was committed")
    return content


def _manifests(
    states: list[SecretState], there: list[dict[str, Any] | None], options: Options, certificate: SealingCertificate
) -> list[dict[str, Any]]:
    made = []
    for state, manifest in zip(states, there, strict=True):
        former = (manifest or state.live.sealed) if options.merge else _rendered(state.live.sealed)
        one = build(state.wanted, certificate.seal(state), options.labels, _notes(state), former)
        made.append(json.loads(json.dumps(one)))  # Ansible's own kinds of text are none that YAML knows
    return made


def _rendered(sealed: dict[str, Any] | None) -> dict[str, Any]:
    """Of a SealedSecret, the keys that its template makes: they are others' and stay."""
    template = ((sealed or {}).get("spec") or {}).get("template") or {}
    return {"spec": {"template": {"data": template["data"]}}} if template.get("data") else {}


def _notes(state: SecretState) -> dict[str, str]:
    """Those of a cluster, and what only manifests need; the fingerprints of others' keys stay."""
    known = notes.texts(state.live.notes, notes.FINGERPRINTS) if state.prints else {}
    prints = {key: text for key, text in known.items() if key in state.others} | state.prints
    made = {**state.notes, **notes.note(notes.FINGERPRINTS, prints), **notes.note(notes.ENDS, state.ends)}
    return made | ({notes.FINGERPRINT_KEY: state.key_id} if state.key_id else {})


def _write(
    states: list[SecretState], made: list[dict[str, Any]], there: list[dict[str, Any] | None], options: Options
) -> list[str]:
    """Those that differ from what was read, unless somebody else has changed one of them since: Overtaken."""
    each = [(_path(options.directory, state.wanted), new) for state, new in zip(states, made, strict=True)]
    changed = [(path, new, old) for (path, new), old in zip(each, there, strict=True) if new != old]
    if not options.check:
        for path, _new, old in changed:
            if read_manifest(path) != old:
                raise Overtaken(f"{path} was changed by somebody else since it was read")
        texts = {path: _text(new) for path, new, _old in changed}
        try:
            write_all(texts)
        except OSError as exc:
            raise InputError(f"{exc.filename or options.directory} cannot be written: {why(exc)}") from exc
    return [str(path) for path, _new, _old in changed]


def _text(manifest: dict[str, Any]) -> str:
    return f"---\n{yaml.dump(manifest, Dumper=DUMPER, width=10**9, sort_keys=True, allow_unicode=True)}"


def _path(directory: str | None, secret: Wanted) -> Path:
    return Path(directory or "") / secret.namespace / f"{secret.name}.yml"
