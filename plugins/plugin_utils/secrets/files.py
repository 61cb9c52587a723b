# Copyright (c) 2026 GreenLang. All rights reserved.
"""SealedSecrets as manifests in a directory that may be committed, with or without a cluster; or their ciphertexts alone.

<directory>/<namespace>/<name>.yml. What did not change stays byte for byte; nothing is written unless everything could be sealed.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from ..errors import InputError
from . import consumers as _sealed_consumers
from . import crypto as _sealing
from . import fingerprints as _sealed_prints
from . import sealed as _sealed
from . import values as _values
from .values import Wanted

try:
    import yaml

    # libyaml, where PyYAML has it: ten times as fast.
    LOADER, DUMPER = (getattr(yaml, f"CSafe{kind}", getattr(yaml, f"Safe{kind}")) for kind in ("Loader", "Dumper"))
except ImportError:  # it comes with Ansible
    pass


def path_of(directory: str, secret: Wanted) -> Path:
    return Path(directory) / secret.namespace / f"{secret.name}.yml"


def load(path: Path) -> dict | None:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise InputError(f"{path} cannot be read as a manifest") from exc
    if not isinstance(content, dict) or content.get("kind") != "SealedSecret":
        raise InputError(f"{path} exists and is not a SealedSecret")
    return content


def replace(path: Path, text: str, mode: int = 0o644, folder: int = 0o777) -> None:
    """As a whole or not at all."""
    try:
        path.parent.mkdir(folder, parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as exc:
        raise InputError(f"{path} cannot be written: {exc.strerror}") from exc
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(text)
    os.chmod(draft, mode)
    os.replace(draft, path)


def save(directory: str, manifests: list[tuple[Wanted, dict]], check: bool, before: Mapping[Wanted, dict | None] | None = None) -> list[str]:
    """The files that changed. `before` is what was read of them already."""
    before = before or {}
    changed = []
    for secret, manifest in manifests:
        path = path_of(directory, secret)
        plain = json.loads(json.dumps(manifest))  # Ansible's own kinds of text are none that YAML knows
        if (before[secret] if secret in before else load(path)) == plain:
            continue
        text = "---\n" + yaml.dump(plain, Dumper=DUMPER, width=10**9, sort_keys=True, allow_unicode=True)
        changed.append(str(path))
        if not check:
            replace(path, text)
    return changed


def offline(
    wanted: list[Wanted],
    certificate: Callable[[], _sealing.Certificate],
    *,
    directory: str | None,
    fingerprint_key: str | None,
    labels: dict,
    rotate: list[str],
    allow_scope_change: bool,
    check: bool,
) -> dict:
    """Without a cluster. Where nothing is kept (no directory), the ciphertexts are the result."""
    rotated = _values.rotated(wanted, rotate)
    if directory and not fingerprint_key:
        raise InputError("fingerprint_key: needed for a directory without a cluster: it tells which values are as they were")
    before = {w: load(path_of(directory, w)) if directory else None for w in wanted}
    prints = _sealed_prints.prints(wanted, fingerprint_key) if fingerprint_key else {}
    for secret in wanted:
        _sealed.check(secret, _sealed.Live(before[secret]), allow_scope_change)
    new = set()
    for secret in wanted:
        live, noted = _sealed.Live(before[secret]), _sealed_prints.held(before[secret])
        for key in secret.values:
            where = (secret.namespace, secret.name, key)
            if live.scope != secret.scope or key not in live.encrypted or noted.get(key) != prints.get(where, "") or where in rotated:
                new.add(where)
    sources = _values.sources(wanted)
    new |= {where for where, of in sources.items() if of & new}
    generated = {(w.namespace, w.name, key) for w in wanted for key in _values.made(w)}
    for where in new:
        unknown = sorted("/".join(source[1:]) for source in (sources[where] & generated) - new)
        if unknown:
            raise InputError(
                f"{'/'.join(where)} must be sealed anew and is composed of {', '.join(unknown)}, whose value only the cluster knows: "
                "run it with the cluster, or rotate that too"
            )
    fresh: dict[str, set[str]] = {str(w): set() for w in wanted}
    for namespace, name, key in new:
        fresh[f"{namespace}/{name}"].add(key)
    values = _values.resolve(wanted, {}, rotated)
    manifests = []
    for secret in wanted:
        live, bound_to = _sealed.Live(before[secret]), _sealing.label(secret.scope, secret.namespace, secret.name)
        data = {key: values[(secret.namespace, secret.name, key)] for key in secret.values}
        kept = {key: text for key, text in live.encrypted.items() if key not in fresh[str(secret)]}

        def seal(value: bytes, bound_to: bytes = bound_to) -> str:
            return "" if check else _sealing.seal(certificate().key, value, bound_to)

        notes = {
            **_sealed_consumers.note(_sealed_consumers.noted(before[secret], data, fresh[str(secret)])),
            **(_sealed_prints.note(prints, secret) if prints else {}),
        }
        manifests.append((secret, _sealed.build(secret, data, kept, labels, seal, notes)))
    files = save(directory, manifests, check, before) if directory else []
    answer = {
        "changed": bool(files),
        "files": files,
        "secrets": {
            str(w): {"scope": w.scope, "keys": sorted(w.values), "changed_keys": sorted(fresh[str(w)])}
            for w in wanted
        },
        "msg": f"{len(wanted)} Secrets: {len(files)} files written" if directory else f"{len(wanted)} Secrets sealed",
    }
    if not directory:
        answer["sealed"] = {str(w): manifest["spec"]["encryptedData"] for w, manifest in manifests}
    return answer
