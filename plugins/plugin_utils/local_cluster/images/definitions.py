# Copyright (c) 2026 GreenLang. All rights reserved.
"""What images/images.yml says: the images, on which others they stand, and which of them a caller means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ...errors import VcciError

REGISTRY = "docker.io/greenlang"
FIELDS = {"args", "context", "from", "load", "program", "repository", "rootfs", "tag", "target"}


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
    args: Mapping[str, str] = field(default_factory=dict)
    load: bool = True

    @property
    def reference(self) -> str:
        whole = self.repository if "/" in self.repository else f"{REGISTRY}/{self.repository}"
        return f"{whole}:{self.tag}"


def read_table(path: Path) -> dict[str, Image]:
    """The images of a table file by name; a parent always comes before those that stand on it."""
    try:
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as exc:
        raise VcciError(f"images: cannot read {path}: {exc}") from exc
    if not isinstance(table, dict):
        raise VcciError(f"images: {path} is no mapping of image names. Remedy: see the comment at its top.")
    return _parents_first({name: _read_image(path.parent, name, line) for name, line in table.items()}, path)


def select(images: dict[str, Image], only: Sequence[str] | None) -> list[Image]:
    """The wanted images and all that they stand on, in build order."""
    if only is None:
        return list(images.values())
    unknown = sorted(set(only) - set(images))
    if unknown:
        raise VcciError(f"images: no image is called {', '.join(unknown)}. Remedy: choose from {', '.join(images)}.")
    wanted = set(only)
    for image in reversed(images.values()):  # parents come first, so from the last to the first
        if image.name in wanted and image.parent:
            wanted.add(image.parent)
    return [image for name, image in images.items() if name in wanted]


def without_programs(images: Mapping[str, Image]) -> list[str]:
    """The names of images that hold none of the programs: these can be built while those are."""
    return [name for name, image in images.items() if not image.program]


def loaded(images: Mapping[str, Image], archives: Mapping[str, Path]) -> dict[str, Path]:
    """The archives that nodes load: all but those that only serve to build others or to run beside the nodes."""
    return {name: path for name, path in archives.items() if images[name].load}


def _read_image(directory: Path, name: str, line: Any) -> Image:
    unknown = sorted(set(line) - FIELDS) if isinstance(line, dict) else ["it is no mapping"]
    if unknown or not isinstance(line.get("tag"), str):
        wrong = f"unknown: {', '.join(unknown)}" if unknown else "tag is missing or no string"
        raise VcciError(f"images: {name}: {wrong}. Remedy: see the comment at the top of the table.")
    return Image(
        name=name,
        context=directory / line.get("context", name),
        tag=line["tag"],
        repository=line.get("repository", name),
        parent=line.get("from", ""),
        program=line.get("program", ""),
        rootfs=line.get("rootfs", ""),
        target=line.get("target", ""),
        args={key: str(value) for key, value in line.get("args", {}).items()},
        load=line.get("load", True),
    )


def _parents_first(images: Mapping[str, Image], path: Path) -> dict[str, Image]:
    ordered: dict[str, Image] = {}

    def add(name: str, dependants: list[str]) -> None:
        if name in dependants:
            raise VcciError(f"images: {', '.join(dependants)} stand on each other. Remedy: mend `from` in {path}.")
        if name not in images:
            raise VcciError(f"images: {dependants[-1]} is built from {name!r}, which {path} does not list.")
        if images[name].parent:
            add(images[name].parent, [*dependants, name])
        ordered.setdefault(name, images[name])

    for name in images:
        add(name, [])
    return ordered
