# Copyright (c) 2026 GreenLang. All rights reserved.
"""objects_info beside kubernetes.core.k8s_info: as many looks at the same objects, Ansible's start included."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.figure import NAME, STATE, SUBNET, figures, local_cluster, no_cluster, play, ratio, timed, values

LOOKS, ROUNDS, GOAL = 20, 3, 0.15
SIDES = ("greenlang.vcci.objects_info", "kubernetes.core.k8s_info")


@figures(f"looks-{LOOKS}")
def looks() -> Iterator[str]:
    with no_cluster(), tempfile.TemporaryDirectory() as name:
        local_cluster(nodes="none", subnet=SUBNET)
        options = {"kind": "ConfigMap", "namespace": "kube-system", "kubeconfig": str(STATE / NAME / "kubeconfig")}
        took: dict[str, list[float]] = {side: [] for side in SIDES}
        for turn in range(ROUNDS):
            for side in SIDES:
                task = {side: options, "loop": list(range(LOOKS))}
                took[side].append(timed(*play(Path(name) / f"{side}-{turn}", task))[0])
        ours, theirs = (statistics.median(took[side]) for side in SIDES)
        yield ratio(f"looks-{LOOKS}", ours, theirs, GOAL, " ".join(values(took[side]) for side in SIDES))
