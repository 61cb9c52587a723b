# Copyright (c) 2026 GreenLang. All rights reserved.
"""From the plugin's arguments to a cluster that is as they say, and to the plugin's result."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import VcciError, brief
from . import capacity, held, record, status, versions
from .cluster import LocalCluster, Outcome
from .layout import Layout, expand_pools, parse_subnet
from .releases import Change

NAME = r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?"


def converge(args: Mapping[str, Any], check: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """Start, stop or remove the cluster that the arguments describe, or say in `check` what that would do."""
    try:
        return _result(*_reach(args, check, say))
    except OSError as exc:  # a full disk, a directory that may not be written: the message names the file
        file = exc.filename or exc.filename2 or "(no file)"
        raise VcciError(
            f"local cluster {args['name']!r}: {exc.strerror}: {file}. "
            f"Remedy: mend that (disk space, permissions), then run again; what was done is kept."
        ) from exc


def _cluster(args: Mapping[str, Any], say: Callable[[str], None]) -> LocalCluster:
    name = args["name"]
    if not re.fullmatch(NAME, name):
        raise VcciError(
            f"name: {brief(name)!r} is no name for a cluster. "
            f"Remedy: at most 20 of a-z, 0-9 and -, a letter first and no - last."
        )
    state = Path(args["state_dir"] or record.state_directory()) / name
    known = record.read(state)
    if known and args["state"] != "started":  # it is stopped and removed as it was created, whatever is asked for now
        args = {**args, **record.arguments(known)}
    nodes = expand_pools(args["pools"], args["nodes"], record.places(known))
    layout = Layout(name, parse_subnet(args["subnet"]), state, args["nodes"], nodes)
    capacity.check(layout)
    given = Path(args["binaries_dir"]) if args["binaries_dir"] else None
    kept = record.held(state) if args["held"] is None else held.parse(args["held"], layout)
    change = Change(args["version"], tuple(args["upgrade"]), args["scale"])
    return LocalCluster(layout, args["environment_name"], given, kept, say, change, args["wait_timeout"])


def _reach(args: Mapping[str, Any], check: bool, say: Callable[[str], None]) -> tuple[LocalCluster, Outcome]:
    cluster = _cluster(args, say)
    if args["state"] != "started":
        return cluster, cluster.stop(check) if args["state"] == "stopped" else cluster.remove(check)
    if check:
        runs = versions.recorded(cluster.layout) if cluster.exists() else None
        known = {"kubernetes": runs.control_plane.version} if runs else {}
        return cluster, Outcome(cluster.plan(), versions=known)
    cluster.refuse()
    with cluster.turn():
        cluster = _cluster(args, say)  # what is held and which versions run may be others since the run before
        return cluster, cluster.start()


def _result(cluster: LocalCluster, outcome: Outcome) -> dict[str, Any]:
    layout, plan = cluster.layout, "".join(f"{line}\n" for line in outcome.actions)
    return {
        "changed": outcome.changed,
        "actions": outcome.actions,
        "kubeconfig": str(layout.kubeconfig),
        "server": layout.server,
        "api_cidr": layout.api_cidr,
        "pod_cidr": layout.pod_cidr,
        "dns_address": layout.dns_address,
        "nodes": outcome.nodes,
        "leaving": cluster.leaving,
        "versions": outcome.versions,
        "held": sorted(record.held(layout.state).entries),
        "daemons": status.daemons(layout.state),
        "bin_dir": str(layout.state / "bin"),
        "files_dir": str(layout.state / "files"),
        "volumes_dir": str(layout.state / "volumes"),
        "exists": cluster.exists(),
        "ca_certificate": cluster.authority(),
        "diff": {"before": "", "after": plan, "before_header": layout.name, "after_header": layout.name},
    }
