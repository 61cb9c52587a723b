# Copyright (c) 2026 GreenLang. All rights reserved.
"""Whether a cluster works, and the waits until it does; what is held does not count."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ..errors import VcciError
from ..waiting import until
from . import capacity, objects
from .control_plane import ControlPlane
from .held import Held
from .layout import Layout
from .nodes import Nodes

READY_SECONDS = 180  # until all nodes must be Ready, unless told
SETTLE_SECONDS = 60  # until the supervision must have started again what ended during a start


def answers(control: ControlPlane, held: Held, layout: Layout, real: Nodes | None) -> bool:
    """Whether the API server answers, and all nodes are there, Ready, and claim what they should."""
    try:
        with control.client(retry_for=0, timeout=5) as client:
            nodes = client.list("v1", "Node")
    except VcciError:
        return False
    names = {node["metadata"]["name"] for node in nodes}
    whole = names >= {node.name for node in layout.nodes} and not capacity.lacking(layout, nodes)
    return whole and not _unready(nodes, held, real)


def wait_nodes(
    layout: Layout, control: ControlPlane, held: Held, real: Nodes | None, seconds: int, say: Callable[[str], None]
) -> None:
    """Wait until all nodes are Ready; `real` are those that are not simulated."""
    waiting: dict[str, dict[str, Any]] = {}
    simulated = layout.kind == "simulated"

    def awaited() -> str:
        return f"{len(waiting)} of {len(layout.nodes)} nodes to be Ready ({', '.join(waiting)})"

    with control.client() as client:

        def ready() -> bool:
            waiting.clear()
            waiting.update(_unready(client.list("v1", "Node"), held, real))
            if waiting and simulated and control.processes.fails("kwok"):
                last = control.processes.last_lines("kwok")
                remedy = f"Remedy: the whole log is {control.processes.logs / 'kwok.log'}."
                raise VcciError(f"kwok, which simulates the nodes, ended; its last words:\n{last}\n{remedy}")
            return not waiting

        if not (simulated and "kwok" in held.daemons()):
            late = partial(_late, layout, waiting, real)
            until(ready, seconds, say, awaited=awaited, late=late, pause=0.25, longest=0.25)


def _late(layout: Layout, waiting: dict[str, dict[str, Any]], real: Nodes | None, waited: int) -> VcciError:
    """What the first of the nodes that are not Ready, and its kubelet, say."""
    name, node = next(iter(waiting.items()))
    logs = (layout.state / "nodes" / name if real else layout.state) / "logs"
    lines = [
        f"nodes {', '.join(waiting)} are not Ready after {waited} s",
        f"{name} says {objects.why_not_ready(node)}",
        *(f"{name}: {words}" for words in (real.last_words(name) if real else [])),
        f"Remedy: mend that (the logs are below {logs}), then run again: it goes on from here.",
    ]
    return VcciError("\n".join(lines), lines)


def check_daemons(control: ControlPlane, nodes: Nodes | None) -> None:
    """Raise when a daemon ended after its start, and its supervision does not get it to stay."""

    def late(_waited: int) -> VcciError:
        try:
            control.check_alive()
            if nodes:
                nodes.check_alive()
        except VcciError as exc:
            return exc
        return VcciError("a daemon ended after its start. Remedy: run again, it goes on from here.")

    def alive() -> bool:
        return not control.stale() and not (nodes and nodes.stale())

    until(alive, SETTLE_SECONDS, late=late, pause=0.25, longest=0.5)


def _unready(nodes: list[dict[str, Any]], held: Held, real: Nodes | None) -> dict[str, dict[str, Any]]:
    """Those of which it is not known that they are Ready now, by name."""
    since = real.reporting() if real else {}
    named = {str(node["metadata"]["name"]): node for node in nodes}
    unsure = [name for name in named if not objects.has_reported(named[name], since.get(name, 0.0))]
    return {name: named[name] for name in sorted(unsure) if not held.daemons(name)}
