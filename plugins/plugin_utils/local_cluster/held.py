# Copyright (c) 2026 GreenLang. All rights reserved.
"""What of a cluster is down on purpose: whole nodes, or single daemons. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import VcciError, brief
from .control_plane_daemons import NAMES as CONTROL_PLANE
from .layout import Layout
from .node_daemons import NAMES

NEEDED = ("etcd", "kube-apiserver")  # without them nothing can be asked of the cluster


@dataclass(frozen=True)
class Held:
    """Entries as the option has them: `<node>`, `<node>/<daemon>`, or `<daemon>` of the control plane."""

    entries: frozenset[str] = frozenset()

    def daemons(self, node: str = "") -> frozenset[str]:
        """The names of the daemons that are held, of a node or (without) of the control plane."""
        if not node:
            return frozenset(name for name in CONTROL_PLANE if name in self.entries)
        return frozenset(name for name in NAMES if node in self.entries or f"{node}/{name}" in self.entries)

    def refuse_moved(self, parts: Sequence[str]) -> None:
        """Nothing that is down gets another version: it would not be seen to work in it."""
        for part in parts:
            held = [entry for entry in sorted(self.entries) if _is_of(entry, part)]
            if held:
                raise VcciError(
                    f"upgrade: {part} gets no other version while {', '.join(held)} is held: it would not be seen to "
                    "work in it. Remedy: release it (local_cluster with held: []), then run this again."
                )

    @property
    def answers(self) -> bool:
        """Whether there is an API server to ask."""
        return not self.daemons() & set(NEEDED)


def parse(entries: Sequence[str], layout: Layout) -> Held:
    """Refuses what is no node and no daemon of this cluster."""
    nodes = [node.name for node in layout.nodes]
    real = nodes if layout.kind == "real" else []
    for entry in entries:
        node, slash, daemon = entry.partition("/")
        if (node in real and (not slash or daemon in NAMES)) or entry in CONTROL_PLANE:
            continue
        raise VcciError(
            f"held: {brief(entry, 80)!r} is nothing that can be held. Remedy: give a node "
            f"({brief(', '.join(real), 60) or 'there is none that is real'}), a daemon of one ({', '.join(NAMES)}) as "
            "<node>/<daemon>, or a daemon of the control plane, as make status names them."
        )
    return Held(frozenset(entries))


def _is_of(entry: str, part: str) -> bool:
    """Whether what is held is of a node, or of the control plane."""
    return entry in CONTROL_PLANE if part == "control-plane" else entry.partition("/")[0] == part
