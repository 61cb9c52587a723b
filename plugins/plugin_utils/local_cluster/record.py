# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is recorded of a cluster when it is created, in <state>/cluster.json: what cannot be changed later."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from ..errors import VcciError
from ..files import write_whole
from .held import Held
from .layout import Layout, Node, expand_pools, parse_subnet

FILE = "cluster.json"
HELD = "held.json"


def state_directory() -> Path:
    """Where clusters are kept unless told: one place for the machine when root, so that any clone finds them."""
    if os.geteuid() == 0:
        return Path("/var/lib/greenlang-vcci")
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "greenlang-vcci"


def write(layout: Layout, environment: str) -> None:
    """Record a cluster that is not recorded yet."""
    path = layout.state / FILE
    if not path.exists():
        write_whole(path, json.dumps(_identity(layout, environment)), 0o600)


def read(state: Path) -> dict[str, Any] | None:
    """What was recorded of a cluster when it was created, or None."""
    try:
        found: dict[str, Any] = json.loads((state / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return found


def arguments(known: dict[str, Any]) -> dict[str, Any]:
    """The arguments of the plugin with which a recorded cluster was created, as far as stopping it needs them."""
    counts = Counter(pool for _node, _position, pool in known["nodes"])
    return {
        "nodes": known["kind"],
        "subnet": known["subnet"],
        "environment_name": known["environment"],
        "pools": [{"name": pool, "count": count} for pool, count in counts.items()],
    }


def layout(known: dict[str, Any], state: Path) -> Layout:
    """The layout of a recorded cluster; labels, taints and sizes of nodes are not recorded."""
    given = arguments(known)
    nodes = expand_pools(given["pools"], known["kind"], places(known))
    return Layout(known["name"], parse_subnet(known["subnet"]), state, known["kind"], nodes)


def held(state: Path) -> Held:
    """What is down on purpose; kept until other is asked for."""
    try:
        entries = json.loads((state / HELD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Held()
    return Held(frozenset(entries))


def hold(state: Path, entries: Collection[str]) -> None:
    """Record what is down on purpose from now on."""
    if entries or (state / HELD).exists():
        write_whole(state / HELD, json.dumps(sorted(entries)), 0o600)


def places(known: dict[str, Any] | None) -> dict[str, int]:
    """Nodes of a recorded cluster → their positions."""
    return {node: position for node, position, _pool in known["nodes"]} if known else {}


def leaving(layout: Layout) -> list[Node]:
    """Nodes that are recorded and not in the layout."""
    known, stay = read(layout.state), {node.name for node in layout.nodes}
    found = [Node(name, position, pool) for name, position, pool in known["nodes"]] if known else []
    return [node for node in found if node.name not in stay]


def joining(layout: Layout) -> list[str]:
    """Names of nodes that are in the layout and not recorded."""
    known = places(read(layout.state))
    return [node.name for node in layout.nodes if node.name not in known]


def scaled(layout: Layout, environment: str, leave: Sequence[Node] = ()) -> None:
    """Record that the nodes of the layout are those that there are, and some that are yet to leave."""
    identity = _identity(layout, environment)
    nodes = [*identity["nodes"], *([node.name, node.position, node.pool] for node in leave)]
    write_whole(layout.state / FILE, json.dumps({**identity, "nodes": nodes}), 0o600)


def check_same(layout: Layout, environment: str, scale: bool) -> None:
    """Refuse to turn an existing cluster into another: its addresses are in certificates and objects.

    scale  nodes may go, too.
    """
    was, now = read(layout.state), _identity(layout, environment)
    lost = [] if scale else [node.name for node in leaving(layout)]
    if lost:
        raise VcciError(
            f"pools: cluster {layout.name!r} has {', '.join(lost)}, which would go with what runs there. "
            f"Remedy: give its pools as they are, or remove nodes by playbooks/nodes_scale.yml, which empties them."
        )
    for key in ("subnet", "kind", "environment") if was else ():
        if was and was[key] != now[key]:
            raise VcciError(
                f"{key}: cluster {layout.name!r} was created with {was[key]}, not {now[key]}. "
                f"Remedy: give it as it was, or remove the cluster first (state absent) and lose its data."
            )


def _identity(layout: Layout, environment: str) -> dict[str, Any]:
    return {
        "name": layout.name,
        "subnet": str(layout.subnet),
        "kind": layout.kind,
        "environment": environment,
        "nodes": [[node.name, node.position, node.pool] for node in layout.nodes],
    }
