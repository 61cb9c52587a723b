# Copyright (c) 2026 GreenLang. All rights reserved.
"""Container images out of images/images.yml: built with buildah where the cache lacks them, kept as docker archives.

An archive's name carries a digest of everything that decides its content: its line in the table, its context, its program, and the same
of the image it stands on. An archive appears whole (rename) or not at all, with a record of its size, time and SHA-256; one that no longer
matches is built again. buildah's own storage lives only while something is built, below the cache, so the host's is never touched. Runs
that want images at the same time take turns: the second finds what the first built.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError

try:
    import yaml
except ImportError:  # the import test of ansible-test has none; Ansible always does
    yaml = None  # type: ignore[assignment]

REGISTRY = "docker.io/greenlang"
FORMAT = 1  # raise it when the same inputs are to give other archives
FIELDS = {"args", "context", "from", "load", "program", "repository", "rootfs", "tag", "target"}
TICK = 20  # seconds between two signs of life of a build
KEEP_DAYS = 14  # how long an archive stays that no clone asked for
WORKERS = 2  # builds at once: one computes while another downloads
COMMANDS = {"buildah": "buildah", "debootstrap": "debootstrap", "tar": "tar"}


@dataclass(frozen=True)
class Image:
    """One line of the table."""

    name: str
    context: Path
    tag: str
    repository: str
    parent: str = ""
    program: str = ""
    rootfs: str = ""
    target: str = ""
    args: dict = field(default_factory=dict)
    load: bool = True

    @property
    def reference(self):
        return "{}:{}".format(self.repository if "/" in self.repository else REGISTRY + "/" + self.repository, self.tag)


def read_table(path):
    """The images of a table file by name; a parent always comes before those that stand on it."""
    try:
        table = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as exc:
        raise VcciError(f"images: cannot read {path}: {exc}") from exc
    if not isinstance(table, dict):
        raise VcciError(f"images: {path} is no mapping of image names. Remedy: see the comment at its top.")
    images = {name: _read_image(Path(path).parent, name, line) for name, line in table.items()}
    ordered: dict = {}

    def add(name, dependants):
        if name in dependants:
            raise VcciError("images: {} stand on each other. Remedy: mend `from` in {}.".format(", ".join(dependants), path))
        if name not in images:
            raise VcciError(f"images: {dependants[-1]} is built from {name!r}, which {path} does not list.")
        if images[name].parent:
            add(images[name].parent, [*dependants, name])
        ordered.setdefault(name, images[name])

    for name in images:
        add(name, [])
    return ordered


def _read_image(directory, name, line):
    unknown = sorted(set(line) - FIELDS) if isinstance(line, dict) else ["it is no mapping"]
    if unknown or not isinstance(line.get("tag"), str):
        raise VcciError(
            "images: {}: {}. Remedy: see the comment at the top of the table.".format(
                name, "tag is missing or no string" if not unknown else "unknown: " + ", ".join(unknown)
            )
        )
    return Image(
        name,
        directory / line.get("context", name),
        line["tag"],
        line.get("repository", name),
        line.get("from", ""),
        line.get("program", ""),
        line.get("rootfs", ""),
        line.get("target", ""),
        {key: str(value) for key, value in line.get("args", {}).items()},
        line.get("load", True),
    )


def select(images, only):
    """The wanted images and all that they stand on, in build order."""
    if only is None:
        return list(images.values())
    unknown = sorted(set(only) - set(images))
    if unknown:
        raise VcciError("images: no image is called {}. Remedy: choose from {}.".format(", ".join(unknown), ", ".join(images)))
    wanted = set()
    for name in only:
        while name:
            wanted.add(name)
            name = images[name].parent
    return [image for name, image in images.items() if name in wanted]


def context_digest(directory):
    """A digest of the names, modes and contents of a directory's files, without what Python leaves behind."""
    known = hashlib.sha256()
    for path in sorted(Path(directory).rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            stat = path.stat()
            known.update(f"{path.relative_to(directory)}\0{stat.st_mode & 0o111:o}\0{stat.st_size}\0".encode())
            known.update(path.read_bytes())
    return known.hexdigest()


def image_key(image, context, program, parent):
    """The name of an image's archive without its suffix: `context`, `program` and `parent` are what it is made of, as digests or keys."""
    parts = [FORMAT, image.reference, image.rootfs, image.target, image.args, context, program, parent]
    return f"{image.name}-{hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]}"


def pip_settings(listing, authority):
    """A pip configuration file out of what `pip config list` prints; `authority` is where the certificates are inside a build."""
    kept = {}
    for line in listing.splitlines():
        match = re.match(r"(?:global|install|:env:)\.([a-z-]+)='(.*)'$", line)
        if match and match[1] in ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "default-timeout", "retries"):
            kept[match[1].replace("default-", "")] = match[2]
    if authority:
        kept["cert"] = authority
    return "[global]\n" + "".join("{} = {}\n".format(*item) for item in sorted(kept.items()))


def apt_settings(dump, authority):
    """The part of `apt-config dump` that says how to reach an archive."""
    kept = []
    for line in dump.splitlines():
        if re.match(r'Acquire::((https?)::(Proxy|Proxy::.*|Timeout)|Check-Valid-Until|Check-Date|Retries|ForceIPv4) "', line):
            kept.append(line)
    if authority:
        kept.append(f'Acquire::https::CAInfo "{authority}";')
    return "\n".join(kept) + "\n"


def build_images(table_path, cache_dir, bin_dir, progress, only=None):
    """Build what the cache lacks of the table's images (or of `only`); return the archive of each by name.

    `bin_dir` holds the programs that images are made of; `progress` takes one line of text. Raises VcciError.
    """
    images = read_table(table_path)
    cache = _Cache(Path(cache_dir), Path(bin_dir))
    chosen = select(images, only)
    keys = cache.keys(chosen)
    if cache.lacking(chosen, keys):
        with locked(cache.directory / "lock"):
            lacking = cache.lacking(chosen, keys)
            if lacking:
                _build(cache, images, keys, lacking, progress)
                cache.prune(time.time() - KEEP_DAYS * 86400)
    return {image.name: cache.archive(keys[image.name]) for image in chosen if only is None or image.name in only}


def images_to_build(table_path, cache_dir, bin_dir, only=None):
    """The names of images that `build_images` would build, in order, or that it cannot judge because a program is not there yet."""
    chosen = select(read_table(table_path), only)
    cache = _Cache(Path(cache_dir), Path(bin_dir))
    absent = {image.name for image in chosen if image.program and not (Path(bin_dir) / image.program).is_file()}
    present = [image for image in chosen if image.name not in absent]
    lacking = {image.name for image in cache.lacking(present, cache.keys(present))}
    return [image.name for image in chosen if image.name in lacking | absent]


class _Cache:
    """The archives, each with its record: `<key>.tar` and `<key>.json`."""

    def __init__(self, directory, programs):
        self.directory, self._programs = directory, programs

    def archive(self, key):
        return self.directory / (key + ".tar")

    def keys(self, images):
        keys: dict = {}
        contexts: dict = {}
        absent = [image for image in images if image.program and not self.program(image).is_file()]
        if absent:
            raise VcciError(
                "images {} need programs that are not in {}: {}. Remedy: build binaries/ first (`make up` does).".format(
                    ", ".join(image.name for image in absent), self._programs, ", ".join(image.program for image in absent)
                )
            )
        for image in images:
            if image.context not in contexts:
                if not (image.context / "Containerfile").is_file():
                    raise VcciError(f"image {image.name}: {image.context} has no Containerfile.")
                contexts[image.context] = context_digest(image.context)
            program = _known_digest(self.program(image)) if image.program else ""
            keys[image.name] = image_key(image, contexts[image.context], program, keys.get(image.parent, ""))
        return keys

    def program(self, image):
        return self._programs / image.program

    def lacking(self, images, keys):
        return [image for image in images if not self._whole(self.archive(keys[image.name]))]

    def _whole(self, archive):
        try:
            size, mtime, digest = json.loads(archive.with_suffix(".json").read_text(encoding="utf-8"))
            stat = archive.stat()
        except (FileNotFoundError, ValueError):
            return False
        if stat.st_size != size or (stat.st_mtime_ns != mtime and sha256(archive) != digest):
            return False
        if os.access(self.directory, os.W_OK):
            os.utime(archive.with_suffix(".json"))  # asked for now: see prune
        return True

    def prune(self, before):
        """Remove the archives that were last asked for before a time, except those that something was unpacked from beside them."""
        for record in self.directory.glob("*.json"):
            archive = record.with_suffix(".tar")
            if record.stat().st_mtime < before and not archive.with_name(archive.name + ".root").exists():
                archive.unlink(missing_ok=True)
                record.unlink()

    def keep(self, partial, key):
        """Take a finished file in under its key; older archives of the same image stay for other clones."""
        stat, digest = partial.stat(), sha256(partial)
        record = self.archive(key).with_suffix(".json")
        record.unlink(missing_ok=True)
        partial.rename(self.archive(key))
        temporary = record.with_suffix(".partial")
        temporary.write_text(json.dumps([stat.st_size, stat.st_mtime_ns, digest]), encoding="utf-8")
        temporary.rename(record)


def sha256(path):
    known = hashlib.sha256()
    with open(path, "rb") as handle:
        for block in iter(lambda: handle.read(1 << 20), b""):
            known.update(block)
    return known.hexdigest()


def _known_digest(path):
    """The SHA-256 of a program, from the manifest beside it when that still fits: hashing a gigabyte costs seconds."""
    path = path.resolve()
    try:
        size, mtime, digest = json.loads((path.parent / "manifest.json").read_text(encoding="utf-8"))[path.name]
    except (FileNotFoundError, KeyError, ValueError):
        return sha256(path)
    stat = path.stat()
    return digest if (stat.st_size, stat.st_mtime_ns) == (size, mtime) else sha256(path)


@contextmanager
def locked(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build(cache, images, keys, lacking, progress):
    """Build images in the order of their dependencies, several at once; those of one context after each other, to share layers."""
    _preflight()
    with _storage(cache.directory) as work:
        buildah = _Buildah(work, cache)
        waiting, running, done, failures = list(lacking), {}, 0, []
        with ThreadPoolExecutor(WORKERS) as pool:
            while running or (waiting and not failures):
                pending = {image.name for image in waiting} | {image.name for image in running.values()}
                busy = {image.context for image in running.values() if image.context.name != "binary"}
                for image in [] if failures else list(waiting):
                    if len(running) < WORKERS and image.parent not in pending and image.context not in busy:
                        done += 1
                        waiting.remove(image)
                        busy.add(image.context)
                        label = f"image {image.name} ({done} of {len(lacking)})"
                        running[pool.submit(buildah.build, image, images.get(image.parent), keys, label, progress)] = image
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    del running[future]
                    if future.exception():
                        failures.append(future.exception())
        if failures:
            raise failures[0]


def _preflight():
    lacks = sorted(package for command, package in COMMANDS.items() if not shutil.which(command))
    if lacks:
        raise VcciError(
            "building images needs {}. Remedy: apt-get install {} (`make setup` does).".format(", ".join(lacks), " ".join(lacks))
        )
    if os.geteuid() != 0:
        raise VcciError("building images needs root. Remedy: run as root, or use nodes: simulated, which need none.")


@contextmanager
def _storage(cache):
    """A directory for one run, beside the archives so that renames work; what killed runs left there is removed first."""
    for left in [*cache.glob(".work-*"), *cache.glob("*.partial")]:
        _remove(left)
    work = Path(tempfile.mkdtemp(prefix=".work-", dir=cache))
    try:
        yield work
    finally:
        _remove(work)


def _remove(path):
    """Remove a directory, and before it what is mounted in it."""
    if not path.is_dir():
        path.unlink(missing_ok=True)
        return
    mounts = [line.split()[4].replace("\\040", " ") for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]
    for mount in sorted((mount for mount in mounts if mount.startswith(str(path) + "/")), reverse=True):
        subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)
    shutil.rmtree(path, ignore_errors=True)


class _Buildah:
    """buildah with a storage of its own."""

    def __init__(self, work, cache):
        self._work, self._cache, self._lock = work, cache, threading.Lock()
        self._policy = work / "policy.json"
        self._policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}', encoding="utf-8")
        self._secrets = self._host_settings(work)
        self._driver = "overlay" if self._works("overlay") else "vfs"

    def _command(self, driver, *arguments):
        return [
            "buildah",
            "--root",
            str(self._work / driver),
            "--runroot",
            str(self._work / (driver + "-run")),
            "--storage-driver",
            driver,
            *arguments,
        ]

    def _environment(self):
        return {**os.environ, "BUILDAH_ISOLATION": "chroot", "DPKG_FORCE": "unsafe-io", "TMPDIR": str(self._work)}

    def _works(self, driver):
        """Whether a driver can make a container here: overlay cannot on top of another overlay."""
        for step in (["from", "--name", "probe", "scratch"], ["mount", "probe"], ["rm", "probe"]):
            if subprocess.run(self._command(driver, *step), capture_output=True, check=False, env=self._environment()).returncode:
                return False
        return True

    def _host_settings(self, work):
        """What this machine knows about reaching registries, as files that a build sees and no image keeps: id -> path."""

        def output(*command):
            try:
                return subprocess.run(command, capture_output=True, text=True, check=False).stdout
            except FileNotFoundError:
                return ""

        authority = next(
            (os.environ[name] for name in ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE") if os.path.isfile(os.environ.get(name, ""))),
            "",
        )
        inside = "/run/secrets/ca" if authority else ""
        texts = {
            "pip": pip_settings(output(sys.executable, "-m", "pip", "config", "list"), inside),
            "apt": apt_settings(output("apt-config", "dump"), inside),
            "ca": Path(authority).read_text(encoding="utf-8") if authority else "",
        }
        secrets = {}
        for name, text in texts.items():
            secrets[name] = work / ("secret-" + name)
            secrets[name].touch(mode=0o600)
            secrets[name].write_text(text, encoding="utf-8")
        lines = output("apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)").splitlines()
        self._archive = [line.split()[1] for line in lines if line.startswith("Debian ")][:1]
        return secrets

    def build(self, image, parent, keys, label, progress):
        """Build one image into the cache."""
        with ticking("building " + label, progress):
            base = []
            if parent:
                self._ensure(parent, keys)
                base = ["--build-arg", "BASE=" + parent.reference]
            with tempfile.TemporaryDirectory(dir=self._work) as scratch:
                context = self._context(image, Path(scratch) / "context")
                options = [word for key, value in sorted(image.args.items()) for word in ("--build-arg", key + "=" + value)]
                if image.program:
                    options += ["--build-arg", "BINARY=" + image.program]
                if image.target:
                    options += ["--target", image.target]
                secrets = [word for name, path in self._secrets.items() for word in ("--secret", f"id={name},src={path}")]
                # Layers are worth their time where images share a context; a whole root file system would be stored several times.
                self._run(
                    image.name,
                    "bud",
                    "--layers=" + ("false" if image.rootfs else "true"),
                    "--pull-never",
                    "--signature-policy",
                    str(self._policy),
                    *secrets,
                    *base,
                    *options,
                    "--tag",
                    image.reference,
                    "--file",
                    str(context / "Containerfile"),
                    str(context),
                )
            partial = self._work / (keys[image.name] + ".tar")
            self._run(
                image.name, "push", "--signature-policy", str(self._policy), image.reference, f"docker-archive:{partial}:{image.reference}"
            )
            self._cache.keep(partial, keys[image.name])

    def _ensure(self, parent, keys):
        """Have a parent that an earlier run built in this run's storage."""
        with self._lock:
            if subprocess.run(
                self._command(self._driver, "inspect", "--type", "image", parent.reference),
                capture_output=True,
                check=False,
                env=self._environment(),
            ).returncode:
                self._run(
                    parent.name, "pull", "--signature-policy", str(self._policy), f"docker-archive:{self._cache.archive(keys[parent.name])}"
                )

    def _context(self, image, directory):
        """The build context: as it is in the tree, plus what the table asks for."""
        shutil.copytree(image.context, directory, ignore=shutil.ignore_patterns("__pycache__"))
        if image.program:
            shutil.copyfile(self._cache.program(image), directory / image.program)
        if image.rootfs:
            tree = directory.parent / "rootfs"
            self._call(
                image.name, ["debootstrap", "--variant=minbase", "--include=ca-certificates", image.rootfs, str(tree), *self._archive]
            )
            self._call(
                image.name,
                [
                    "tar",
                    "--create",
                    "--numeric-owner",
                    "--directory",
                    str(tree),
                    "--exclude=./etc/hostname",
                    "--exclude=./etc/resolv.conf",
                    "--file",
                    str(directory / "rootfs.tar"),
                    ".",
                ],
            )
            shutil.rmtree(tree)
        return directory

    def _run(self, name, *arguments):
        self._call(name, self._command(self._driver, *arguments))

    def _call(self, name, command):
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
                f"building image {name} failed: {command[0]} ended with {done.returncode}:\n{last}\n"
                "Remedy: look at the lines above (network, disk), then run again; what was built is kept."
            )


@contextmanager
def ticking(what, progress):
    """Say that a build runs, and how long, until the block ends."""
    begun, ended = time.monotonic(), threading.Event()
    progress(what + " …")

    def tick():
        while not ended.wait(TICK):
            progress(f"{what} … {time.monotonic() - begun:.0f} s")

    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        yield
    finally:
        ended.set()
        ticker.join()
    progress(f"{what}: done in {time.monotonic() - begun:.0f} s")
