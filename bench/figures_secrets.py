# Copyright (c) 2026 GreenLang. All rights reserved.
"""Sealing without a cluster, beside a loop of kubeseal processes over the same Secrets."""

from __future__ import annotations

import base64
import datetime
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figure import NAME, ROOT, STATE, SUBNET, figures, line, local_cluster, no_cluster, timed

COUNT, VALUES, LOOPED, ROUNDS = 1000, 3, 200, 3
POOLS = [{"name": "compute", "count": 1, "capacity": {"cpu": "4", "memory": "8Gi", "pods": "110"}}]


def secrets() -> list[dict]:
    return [{"name": f"s{number}", "values": {f"k{key}": f"value {key} of {number}" for key in range(VALUES)}} for number in range(COUNT)]


def _certificate(path: Path) -> None:
    sys.path.insert(0, str(ROOT / "collections"))
    from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import keyring as _sealing_keys

    path.write_bytes(_sealing_keys.make(datetime.datetime.now(datetime.UTC), 30)[0])


def _play(folder: Path, name: str, task: dict) -> list[str]:
    inventory = folder / name
    (inventory / "group_vars").mkdir(parents=True)
    (inventory / "group_vars" / "all.json").write_text(json.dumps({"secrets": secrets() if "ping" not in str(task) else []}), encoding="utf-8")
    (inventory / "hosts.yml").write_text("all: {hosts: {localhost: {ansible_connection: local}}}\n", encoding="utf-8")
    play = [{"hosts": "localhost", "gather_facts": False, "vars": {"ansible_python_interpreter": sys.executable}, "tasks": [task]}]
    (inventory / "play.json").write_text(json.dumps(play), encoding="utf-8")
    return ["ansible-playbook", "-i", str(inventory / "hosts.yml"), str(inventory / "play.json")]


def _looped(program: Path, certificate: Path) -> float:
    """Seconds for all Secrets, from the first LOOPED of them."""
    texts = []
    for one in secrets()[:LOOPED]:
        data = {key: base64.b64encode(value.encode()).decode() for key, value in one["values"].items()}
        texts.append(json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": one["name"], "namespace": "bench"}, "data": data}))
    begun = time.monotonic()
    for text in texts:
        subprocess.run([str(program), "--cert", str(certificate)], input=text, text=True, stdout=subprocess.DEVNULL, check=True)
    return (time.monotonic() - begun) / LOOPED * COUNT


@figures("secrets-1000", "secrets-1000-seal", "secrets-1000-seal-own", "secrets-1000-unchanged")
def thousand() -> Iterator[str]:
    with no_cluster(), tempfile.TemporaryDirectory() as name:
        local_cluster(nodes="simulated", pools=POOLS, subnet=SUBNET)  # for kubeseal, which comes with it
        folder, program = Path(name), STATE / NAME / "bin" / "kubeseal"
        certificate = folder / "sealing.pem"
        _certificate(certificate)
        settings = {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections")}
        options = {"secrets": "{{ secrets }}", "namespace": "bench", "certificate": str(certificate), "cluster": False, "fingerprint_key": "k" * 32}
        floor = min(timed(*_play(folder, f"floor-{turn}", {"ansible.builtin.ping": {}}), environment=settings)[0] for turn in range(ROUNDS))
        first, again, theirs = [], [], []
        for turn in range(ROUNDS):
            task = {"greenlang.vcci.sealed_secret": {**options, "directory": str(folder / f"sealed-{turn}")}}
            command = _play(folder, f"ours-{turn}", task)
            first.append(timed(*command, environment=settings)[0])
            theirs.append(_looped(program, certificate))
            again.append(timed(*command, environment=settings)[0] - floor)
    ours, peer = statistics.mean(first), statistics.mean(theirs)
    spread = f"ours=[{', '.join(f'{one:.1f}' for one in first)}] theirs=[{', '.join(f'{one:.1f}' for one in theirs)}]"
    for name, seconds, note in (("seal", ours, "whole run"), ("seal-own", ours - floor, f"less Ansible's floor of {floor:.1f} s")):
        verdict = "ok" if seconds / peer <= 0.05 else "short"
        yield f"secrets-1000-{name} {seconds:.1f} s ratio={seconds / peer:.3f} goal=0.05 {verdict} {spread} extrapolated from {LOOPED} processes; {note}"
    yield line("secrets-1000-unchanged", statistics.median(again), "s", 0.5, f"above Ansible's floor of {floor:.1f} s")
