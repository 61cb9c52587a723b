# Copyright (c) 2026 GreenLang. All rights reserved.
"""buildah, with a storage of its own, building one image after another into the cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from ...errors import VcciError
from ...files import write_whole
from ..building import ticking
from .archives import Archives
from .definitions import Image
from .settings import apt_settings, debian_archive, pip_settings

AUTHORITIES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")  # variables that name certificates of registries


class Buildah:
    """`work` is a directory for this run; `keys` are those of all images that may be built or built upon."""

    def __init__(self, work: Path, archives: Archives, keys: Mapping[str, str]) -> None:
        self._work, self._archives, self._keys, self._lock = work, archives, keys, threading.Lock()
        self._policy = work / "policy.json"
        self._policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}', encoding="utf-8")
        self._secrets = self._machine_settings()
        self._debian = debian_archive(_output("apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)"))
        self._driver = "overlay" if self._works("overlay") else "vfs"

    def build(self, image: Image, parent: Image | None, label: str, say: Callable[[str], None]) -> None:
        """Build one image into the cache."""
        with ticking(f"building {label}", say):
            if parent:
                self._have(parent)
            with tempfile.TemporaryDirectory(dir=self._work) as scratch:
                context = self._context(image, Path(scratch) / "context")
                self._buildah(image, "bud", *self._options(image, parent, context), str(context))
            finished = self._work / f"{self._keys[image.name]}.tar"
            target = f"docker-archive:{finished}:{image.reference}"
            self._buildah(image, "push", "--signature-policy", str(self._policy), image.reference, target)
            self._archives.keep(finished, self._keys[image.name])

    def _options(self, image: Image, parent: Image | None, context: Path) -> list[str]:
        arguments = dict(sorted(image.args.items()))
        if parent:
            arguments = {"BASE": parent.reference, **arguments}
        if image.program:
            arguments["BINARY"] = image.program
        options = [
            # Layers are worth their time where images share a context; a whole root file system would be stored several
            # times.
            f"--layers={'false' if image.rootfs else 'true'}",
            "--pull-never",
            *("--signature-policy", str(self._policy)),
        ]
        for name, path in self._secrets.items():
            options += ["--secret", f"id={name},src={path}"]
        for key, value in arguments.items():
            options += ["--build-arg", f"{key}={value}"]
        if image.target:
            options += ["--target", image.target]
        return [*options, "--tag", image.reference, "--file", str(context / "Containerfile")]

    def _context(self, image: Image, directory: Path) -> Path:
        """The build context: as it is in the tree, plus what the table asks for."""
        shutil.copytree(image.context, directory, ignore=shutil.ignore_patterns("__pycache__"))
        if image.program:
            shutil.copyfile(self._archives.program(image), directory / image.program)
        if image.rootfs:
            tree = directory.parent / "rootfs"
            options = ["--variant=minbase", "--include=ca-certificates", image.rootfs, str(tree), *self._debian]
            self._call(image, ["debootstrap", *options])
            left_out = ["--exclude=./etc/hostname", "--exclude=./etc/resolv.conf"]
            options = ["--create", "--numeric-owner", "--directory", str(tree), *left_out]
            self._call(image, ["tar", *options, "--file", str(directory / "rootfs.tar"), "."])
            shutil.rmtree(tree)
        return directory

    def _have(self, parent: Image) -> None:
        """Have a parent that an earlier run built in this run's storage."""
        with self._lock:
            if not self._succeeds(self._driver, "inspect", "--type", "image", parent.reference):
                source = f"docker-archive:{self._archives.archive(self._keys[parent.name])}"
                self._buildah(parent, "pull", "--signature-policy", str(self._policy), source)

    # --- this machine ------------------------------------------------------------------------------------------------
    def _machine_settings(self) -> dict[str, Path]:
        """How this machine reaches registries, as files that a build sees and no image keeps, by their ids."""
        named = [Path(os.environ[name]) for name in AUTHORITIES if os.environ.get(name)]
        authority = next((path for path in named if path.is_file()), None)
        inside = "/run/secrets/ca" if authority else ""
        texts = {
            "pip": pip_settings(_output(sys.executable, "-m", "pip", "config", "list"), inside),
            "apt": apt_settings(_output("apt-config", "dump"), inside),
            "ca": authority.read_text(encoding="utf-8") if authority else "",
        }
        for name, text in texts.items():
            write_whole(self._work / f"secret-{name}", text, 0o600, durable=False)
        return {name: self._work / f"secret-{name}" for name in texts}

    def _works(self, driver: str) -> bool:
        """Whether a driver can make a container here: overlay cannot on top of another overlay."""
        steps = (("from", "--name", "probe", "scratch"), ("mount", "probe"), ("rm", "probe"))
        return all(self._succeeds(driver, *step) for step in steps)

    # --- commands ----------------------------------------------------------------------------------------------------
    def _command(self, driver: str, *arguments: str) -> list[str]:
        storage = ["--root", str(self._work / driver), "--runroot", str(self._work / f"{driver}-run")]
        return ["buildah", *storage, "--storage-driver", driver, *arguments]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "BUILDAH_ISOLATION": "chroot", "DPKG_FORCE": "unsafe-io", "TMPDIR": str(self._work)}

    def _succeeds(self, driver: str, *arguments: str) -> bool:
        command = self._command(driver, *arguments)
        return subprocess.run(command, capture_output=True, check=False, env=self._environment()).returncode == 0

    def _buildah(self, image: Image, *arguments: str) -> None:
        self._call(image, self._command(self._driver, *arguments))

    def _call(self, image: Image, command: list[str]) -> None:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            last = "\n".join(done.stdout.strip().splitlines()[-15:])
            raise VcciError(
                f"building image {image.name} failed: {command[0]} ended with {done.returncode}:\n{last}\n"
                "Remedy: look at the lines above (network, disk), then run again; what was built is kept."
            )


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""
