# Copyright (c) 2026 GreenLang. All rights reserved.
"""Sealing without a cluster, beside a loop of kubeseal processes over the same Secrets."""

from __future__ import annotations

import base64
import datetime
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.generators import sealing_pair

from bench.figure import NAME, ROOT, STATE, SUBNET, figures, line, local_cluster, no_cluster, play, timed, values

COUNT, VALUES, LOOPED, ROUNDS = 1000, 3, 200, 3
GOALS = {"secrets-1000-seal": 0.08, "secrets-1000-seal-own": 0.05}
SETTINGS = {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections")}
POOLS = [{"name": "compute", "count": 1, "capacity": {"cpu": "4", "memory": "8Gi", "pods": "110"}}]


def secrets() -> list[dict[str, Any]]:
    return [{"name": f"s{number}", "values": values_of(number)} for number in range(COUNT)]


def values_of(number: int) -> dict[str, str]:
    return {f"k{key}": f"value {key} of {number}" for key in range(VALUES)}


def manifest(one: dict[str, Any]) -> str:
    """A Secret as kubeseal takes it."""
    data = {key: base64.b64encode(value.encode()).decode() for key, value in one["values"].items()}
    metadata = {"name": one["name"], "namespace": "bench"}
    return json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})


def looped(program: Path, certificate: Path) -> float:
    """Seconds for all Secrets, from the first LOOPED of them."""
    texts = [manifest(one) for one in secrets()[:LOOPED]]
    command = [str(program), "--cert", str(certificate)]
    begun = time.monotonic()
    for text in texts:
        subprocess.run(command, input=text, text=True, stdout=subprocess.DEVNULL, check=True)
    return (time.monotonic() - begun) / LOOPED * COUNT


def floor_of(folder: Path) -> float:
    """Seconds that Ansible takes for nothing."""
    commands = [play(folder / f"floor-{turn}", {"ansible.builtin.ping": {}}) for turn in range(ROUNDS)]
    return min(timed(*command, environment=SETTINGS)[0] for command in commands)


@figures("secrets-1000", "secrets-1000-seal", "secrets-1000-seal-own", "secrets-1000-unchanged")
def thousand() -> Iterator[str]:
    with no_cluster(), tempfile.TemporaryDirectory() as name:
        local_cluster(nodes="simulated", pools=POOLS, subnet=SUBNET)  # for kubeseal, which comes with it
        folder, program = Path(name), STATE / NAME / "bin" / "kubeseal"
        certificate = folder / "sealing.pem"
        certificate.write_bytes(sealing_pair(datetime.datetime.now(datetime.UTC), 30)[0])
        options = {
            "secrets": "{{ secrets }}",
            "namespace": "bench",
            "certificate": str(certificate),
            "cluster": False,
            "fingerprint_key": "k" * 32,
        }
        floor = floor_of(folder)
        first, again, theirs = [], [], []
        for turn in range(ROUNDS):
            task = {"greenlang.vcci.sealed_secret": {**options, "directory": str(folder / f"sealed-{turn}")}}
            command = play(folder / f"ours-{turn}", task, secrets=secrets())
            first.append(timed(*command, environment=SETTINGS)[0])
            theirs.append(looped(program, certificate))
            again.append(timed(*command, environment=SETTINGS)[0] - floor)
    ours, peer = statistics.mean(first), statistics.mean(theirs)
    how = f"ours={values(first)} theirs={values(theirs)} extrapolated from {LOOPED} processes"
    yield share("secrets-1000-seal", ours, peer, f"{how}; whole run")
    yield share("secrets-1000-seal-own", ours - floor, peer, f"{how}; less Ansible's floor of {floor:.1f} s")
    yield line("secrets-1000-unchanged", statistics.median(again), "s", 0.5, f"above Ansible's floor of {floor:.1f} s")


def share(name: str, seconds: float, peer: float, note: str) -> str:
    goal = GOALS[name]
    verdict = "ok" if seconds / peer <= goal else "short"
    return f"{name} {seconds:.1f} s ratio={seconds / peer:.3f} goal={goal} {verdict} {note}"
