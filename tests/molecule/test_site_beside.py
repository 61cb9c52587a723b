# Copyright (c) 2026 GreenLang. All rights reserved.
"""A second cluster with a real node comes, is killed, and goes: the platform beside it keeps all that it has on the
machine, and nothing is left of the other."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster import host, record
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.layout import Layout

from tests.helpers import STATE, connect, daemon_pid, eventually, in_cgroups, kill, own_cluster, services, supervisors
from tests.molecule.conftest import Site

NUMBERS = range(56, 60)  # of its subnet


def layout_of(state: Path) -> Layout:
    known = record.read(state)
    assert known
    return record.layout(known, state)


def on_machine(layout: Layout) -> dict[str, Any]:
    """What the machine has of a cluster: interfaces, routes, namespaces, mounts, cgroups of its nodes."""
    routes = json.loads(subprocess.run(["ip", "-json", "route"], text=True, capture_output=True, check=True).stdout)
    groups = [path for folder in host.cgroups(layout.cgroup) for path in folder.glob("*") if path.is_dir()]
    return {
        "links": {link["ifname"] for link in host.links() if f"{link['ifname']}-".startswith(f"{layout.bridge}-")},
        "routes": {route["dst"] for route in routes if f'"{layout.bridge}"' in json.dumps(route)},
        "namespaces": {name for name in host.namespaces() if name.startswith(f"vcci-{layout.name}-")},
        "mounts": {point for point, _kind, _options in host.mounts() if layout.runtime in [*Path(point).parents]},
        "cgroups": {str(path) for path in groups},
    }


def daemons(state: Path) -> dict[str, int]:
    return {service: daemon_pid(state, service) for service in services(state)}


def test_a_cluster_comes_and_goes_beside_the_platform(site: Site) -> None:
    ours = layout_of(site.state)
    before, running = on_machine(ours), daemons(site.state)
    assert all(before.values()), before
    assert all(running.values()), running
    with own_cluster("beside", NUMBERS, nodes="real", pools=[{"name": "compute", "count": 1}]) as state:
        theirs = layout_of(state)
        assert all(on_machine(theirs).values()), on_machine(theirs)
        killed = daemons(state)
        kill(killed.values())
        kill(in_cgroups(state.name))
        eventually(lambda: all(pid not in (0, killed[name]) for name, pid in daemons(state).items()), "it heals")
        eventually(lambda: answers(state), "it answers", every=1)
        assert (on_machine(ours), daemons(site.state)) == (before, running)
    assert not any(on_machine(theirs).values()), on_machine(theirs)
    assert not supervisors(STATE / theirs.name)
    assert (on_machine(ours), daemons(site.state)) == (before, running)


def answers(state: Path) -> bool:
    try:
        return connect(state / "kubeconfig").text("/readyz") == "ok"
    except VcciError:
        return False
