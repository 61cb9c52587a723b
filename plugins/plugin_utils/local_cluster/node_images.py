# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which images each node has, recorded beside its containerd, and how it gets them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

from ..errors import VcciError
from . import host
from .images import store
from .layout import Layout, Node
from .node_daemons import SOCKET
from .pki import write_changed


def ctr(layout: Layout, node: Node, containerd: Path) -> list[str]:
    """containerd's own client, inside a node; `containerd` is the directory of its programs."""
    return [*layout.inside(node), str(containerd / "ctr"), "--address", SOCKET, "--namespace", "k8s.io"]


def seed(
    layout: Layout, archives: Mapping[str, Path], containerd: Path, cache: Path, say: Callable[[str], None]
) -> None:
    """Give new nodes the images of these archives (image name -> file) before their containerd starts."""
    new = [node for node in layout.nodes if not (layout.node_state(node) / "containerd").exists()]
    if not new:
        return
    unpacked = store.provide(archives, containerd, cache, say)
    for node in new:
        state = layout.node_state(node)
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        store.link(unpacked, state / "containerd")
        _record(layout, node, {name: str(path) for name, path in archives.items()})


def load(
    layout: Layout, nodes: Sequence[Node], archives: Mapping[str, Path], containerd: Path, say: Callable[[str], None]
) -> list[str]:
    """Load archives (image name -> file) into those nodes that lack them; return `<node>: image <name>` for each."""

    def one(node: Node) -> list[str]:
        known, missing = _known(layout, node), _lacking(layout, node, archives)
        for count, name in enumerate(missing, 1):
            say(f"{node.name}: loading image {name} ({count} of {len(missing)})")
            _import(layout, node, containerd, archives[name])
            known[name] = str(archives[name])
            _record(layout, node, known)
        return [f"{node.name}: image {name}" for name in missing]

    with ThreadPoolExecutor(len(nodes) or 1) as pool:
        return list(chain.from_iterable(pool.map(one, nodes)))


def lacking(layout: Layout, nodes: Sequence[Node], archives: Mapping[str, Path]) -> list[str]:
    """Which images some of these nodes lack."""
    return sorted(set(chain.from_iterable(_lacking(layout, node, archives) for node in nodes)))


def _import(layout: Layout, node: Node, containerd: Path, archive: Path) -> None:
    arguments = ["images", "import", "--snapshotter=overlayfs", str(archive)]
    done = host.run(*ctr(layout, node, containerd), *arguments, check=False)
    if done.returncode:
        raise VcciError(
            f"{node.name}: `ctr {' '.join(arguments)[:200]}` failed: {done.stderr.strip()[-400:]}. "
            f"Remedy: free disk space if that is said; else remove {archive} and run again."
        )


def _lacking(layout: Layout, node: Node, archives: Mapping[str, Path]) -> list[str]:
    known = _known(layout, node)
    return [name for name, path in archives.items() if known.get(name) != str(path)]


def _known(layout: Layout, node: Node) -> dict[str, str]:
    record = layout.node_state(node) / "images.json"
    known: dict[str, str] = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    return known


def _record(layout: Layout, node: Node, known: Mapping[str, str]) -> None:
    write_changed(layout.node_state(node) / "images.json", json.dumps(known))
