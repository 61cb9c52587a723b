# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin local_cluster: its documentation is in plugins/modules/local_cluster.py.

It runs on the control node, in the action, so that what a long build or start waits for is seen while it waits.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.cluster import LocalCluster, Outcome, read_layout
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.layout import Layout, expand_pools, parse_subnet

ARGUMENTS = {
    "name": {"type": "str", "default": "local"},
    "state": {"type": "str", "default": "started", "choices": ["started", "stopped", "absent"]},
    "nodes": {"type": "str", "default": "real", "choices": ["real", "simulated", "none"]},
    "pools": {"type": "list", "elements": "dict", "default": [{"name": "compute", "count": 3}], "options": {
        "name": {"type": "str", "required": True},
        "count": {"type": "int", "default": 1},
        "labels": {"type": "dict", "default": {}},
        "taints": {"type": "list", "elements": "dict", "default": []},
        "capacity": {"type": "dict", "default": {}},
    }},
    "subnet": {"type": "str", "default": "10.77.0.0/16"},
    "environment_name": {"type": "str", "default": "local"},
    "state_dir": {"type": "path"},
    "binaries_dir": {"type": "path"},
}


def state_directory() -> Path:
    """Where clusters are kept unless told: one place for the machine when root, so that any clone finds them."""
    if os.geteuid() == 0:
        return Path("/var/lib/greenlang-vcci")
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "greenlang-vcci"


class ActionModule(ActionBase):
    """Start, stop or remove a local cluster."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict | None = None) -> dict:
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(ARGUMENTS)
        self._said = Display()
        try:
            cluster = self._cluster(args)
            outcome = self._perform(cluster, args["state"])
        except VcciError as exc:
            return {**result, "failed": True, "msg": str(exc)}
        except OSError as exc:  # a full disk, a directory that may not be written: the message names the file
            return {**result, "failed": True, "msg": f"local cluster {args['name']!r}: {exc.strerror}: {exc.filename or exc.filename2 or '(no file)'}. "
                                                     f"Remedy: mend that (disk space, permissions), then run again; what was done is kept."}
        layout = cluster.layout
        plan = "".join(f"{line}\n" for line in outcome.actions)
        return {**result, "changed": outcome.changed, "actions": outcome.actions, "kubeconfig": str(layout.kubeconfig), "server": layout.server,
                "nodes": outcome.nodes, "versions": outcome.versions, "bin_dir": str(layout.state / "bin"), "files_dir": str(layout.state / "files"),
                "volumes_dir": str(layout.state / "volumes"), "exists": cluster.exists(), "ca_certificate": cluster.authority(),
                "diff": {"before": "", "after": plan, "before_header": layout.name, "after_header": layout.name}}

    def _progress(self, line: str) -> None:
        self._said.display(f"    {line}", color="bright gray" if self._said.verbosity < 0 else None)

    def _cluster(self, args: dict) -> LocalCluster:
        name = args["name"]
        if not re.fullmatch(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?", name):
            raise VcciError(f"name: {name!r} is no name for a cluster. Remedy: at most 20 of a-z, 0-9 and -, a letter first and no - last.")
        state = Path(args["state_dir"] or state_directory()) / name
        known = read_layout(state) if args["state"] != "started" else None
        if known:  # what exists is stopped and removed as it was created, whatever is asked for now
            counts: dict[str, int] = {}
            for _node, _position, pool in known["nodes"]:
                counts[pool] = counts.get(pool, 0) + 1
            pools = [{"name": pool, "count": count} for pool, count in counts.items()]
            args = {**args, "nodes": known["kind"], "subnet": known["subnet"], "environment_name": known["environment"], "pools": pools}
        nodes = expand_pools(args["pools"], args["nodes"])
        layout = Layout(name, parse_subnet(args["subnet"]), state, args["nodes"], nodes)
        given = Path(args["binaries_dir"]) if args["binaries_dir"] else None
        return LocalCluster(layout, args["environment_name"], given, self._progress)

    def _perform(self, cluster: LocalCluster, state: str) -> Outcome:
        check = self._task.check_mode
        if state == "started":
            return Outcome(cluster.plan()) if check else cluster.start()
        return cluster.stop(check) if state == "stopped" else cluster.remove(check)
