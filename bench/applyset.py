# Copyright (c) 2026 GreenLang. All rights reserved.
"""applyset against kubectl and kubernetes.core, on one server in one run.

    VCCI_TEST_KUBECONFIG=… VCCI_TEST_KUBECTL=… \\
      python -m bench.applyset [--sample tenants] [--objects 1000] [--rounds 3] [--with-kubernetes-core]

Every round uses namespaces of its own, so that no side finds another's objects, and the sides take turns within a
round. "own" is the whole run less Ansible's floor (a playbook with one ping task); "bare" is own beside the same
applies by as many threads that do nothing else. Prints the median of the rounds, with minimum and maximum behind it.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from typing import Any

import yaml

from bench.memory import Peak
from bench.samples import SAMPLES
from tests.helpers import daemon_pid, services

ROOT = pathlib.Path(__file__).resolve().parents[1]
ANSIBLE = pathlib.Path(sys.executable).with_name("ansible-playbook")
GOALS = {
    ("tenants", 1000): {"first own": 0.45, "first whole": 0.75, "unchanged own": 0.20, "unchanged whole": 0.22},
    ("tenants", 10000): {"first whole": 0.40, "unchanged own": 0.06, "unchanged whole": 0.06},
    ("secrets", 1000): {"first own": 0.45, "first whole": 0.75, "unchanged own": 0.20, "unchanged whole": 0.65},
}
BARE_GOAL = 1.25
MEMORY_GOALS = {10000: 300}  # MiB
CORE_GOALS = {"first whole": 0.20, "unchanged whole": 0.15}


class Bench:
    def __init__(self, folder: str, sample: str) -> None:
        self.folder, self.sample = pathlib.Path(folder), sample
        self.kubeconfig, self.kubectl = os.environ["VCCI_TEST_KUBECONFIG"], os.environ["VCCI_TEST_KUBECTL"]
        self.run_id = uuid.uuid4().hex[:6]
        self.namespaces: list[str] = []
        self.peak = 0.0  # MiB that a playbook held at most

    def timed(self, *command: str) -> float:
        env = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"), "KUBECONFIG": self.kubeconfig}
        began = time.monotonic()
        with tempfile.TemporaryFile("w+") as said:
            process = subprocess.Popen(command, cwd=self.folder, env=env, stdout=said, stderr=subprocess.STDOUT)
            with Peak(process.pid) as peak:
                code = process.wait()
            took = time.monotonic() - began
            if code:
                said.seek(0)
                raise SystemExit(f"{' '.join(command)}: {said.read()[-4000:]}")
        self.peak = peak.mib
        return took

    def manifests(self, side: str, count: int) -> str:
        """A YAML file, because that is what users have; JSON text would favour us."""
        names = [f"b{self.run_id}-{side}-{i}" for i in range(count // 10)]
        self.namespaces += names
        path = self.folder / f"{side}.yml"
        made = SAMPLES[self.sample](names)
        path.write_text(yaml.dump_all(made, Dumper=yaml.CSafeDumper, explicit_start=True))
        return str(path)

    def playbook(self, task: dict[str, Any]) -> float:
        python = {"ansible_python_interpreter": sys.executable}
        play = {"hosts": "localhost", "gather_facts": False, "vars": python, "tasks": [task]}
        (self.folder / "play.yml").write_text(json.dumps([play]))
        return self.timed(str(ANSIBLE), "-i", "localhost,", "-c", "local", "play.yml")

    def server_seconds(self) -> float:
        """Processor seconds that etcd and the API server have used so far; 0 where they are not this machine's."""
        used = 0.0
        state = pathlib.Path(self.kubeconfig).parent
        for name in {"etcd", "kube-apiserver"} & set(services(state)):
            process = pathlib.Path("/proc", str(daemon_pid(state, name)))
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            used += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return used

    def floor(self) -> float:
        return self.playbook({"ansible.builtin.ping": {}})

    def applyset(self, path: str, side: str) -> float:
        task = {"name": "bench", "namespace": f"b{self.run_id}-{side}-0", "src": path}
        return self.playbook({"greenlang.vcci.applyset": task})

    def bare(self, path: str) -> float:
        command = [sys.executable, "-m", "bench.bare", self.kubeconfig, path]
        done = subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, check=True)
        return float(done.stdout)

    def core(self, path: str) -> float:
        return self.playbook({"kubernetes.core.k8s": {"src": path, "apply": False, "state": "present"}})

    def clean(self) -> None:
        for start in range(0, len(self.namespaces), 200):
            some = self.namespaces[start : start + 200]
            self.timed(self.kubectl, "delete", "namespace", "--ignore-not-found", "--wait=false", *some)


def spread(values: list[float]) -> str:
    return f"min={min(values):.2f} median={statistics.median(values):.2f} max={max(values):.2f}"


def report(name: str, ours: list[float], theirs: list[float], goal: float | None) -> None:
    ratio = statistics.median(ours) / statistics.median(theirs)
    verdict = "" if goal is None else f" goal={goal} {'ok' if ratio <= goal else 'short'}"
    how = f"ours[{spread(ours)}] theirs[{spread(theirs)}]"
    print(f"{name} {statistics.median(ours):.2f} s ratio={ratio:.2f}{verdict} {how}", flush=True)


STEPS = ("first", "unchanged")


def steps(side: str) -> tuple[str, ...]:
    """Requests alone know nothing of what is unchanged."""
    return STEPS[:1] if side == "bare" else STEPS


class Rounds:
    """What each side took, by step; what our runs cost the server, and the most that one of them held."""

    def __init__(self, sides: list[str]) -> None:
        self.sides, self.memory = sides, 0.0
        self.floor: list[float] = []
        self.took: dict[tuple[str, str], list[float]] = {(side, step): [] for side in sides for step in steps(side)}
        self.server: dict[str, list[float]] = {step: [] for step in STEPS}

    def run(self, bench: Bench, number: int, count: int) -> None:
        self.floor.append(bench.floor())
        # What one side created keeps the controllers busy for a while: who comes second pays, so turns alternate.
        for side in self.sides if number % 2 == 0 else reversed(self.sides):
            path = bench.manifests(f"{side}{number}", count)
            for step in steps(side):
                self.took[side, step].append(self.once(bench, side, step, number, path))

    def once(self, bench: Bench, side: str, step: str, number: int, path: str) -> float:
        if side == "kubectl":
            return bench.timed(bench.kubectl, "apply", "--server-side", "-f", path)
        if side in ("bare", "core"):
            return bench.bare(path) if side == "bare" else bench.core(path)
        used = bench.server_seconds()
        took = bench.applyset(path, f"{side}{number}")
        self.memory = max(self.memory, bench.peak)
        self.server[step].append(bench.server_seconds() - used)
        return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", choices=SAMPLES, default="tenants")
    parser.add_argument("--objects", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--with-kubernetes-core", action="store_true")
    given = parser.parse_args()
    rounds = Rounds(["ours", "kubectl", "bare"] + (["core"] if given.with_kubernetes_core else []))
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(folder, given.sample)
        try:
            for number in range(given.rounds):
                rounds.run(bench, number, given.objects)
        finally:
            bench.clean()
    tell(rounds, given.sample, given.objects)


def tell(rounds: Rounds, sample: str, count: int) -> None:
    floor, goals = statistics.median(rounds.floor), GOALS.get((sample, count), {})
    name = f"applyset-{count}" if sample == "tenants" else f"applyset-{sample}-{count}"
    print(f"{name}-ansible {floor:.2f} s [{spread(rounds.floor)}]")
    for step in STEPS:
        prefix, ours, kubectl = f"{name}-{step}", rounds.took["ours", step], rounds.took["kubectl", step]
        own = [seconds - floor for seconds in ours]
        least = statistics.median(rounds.server[step]) / (os.cpu_count() or 1)
        if least:  # what the same writes cost the server, whoever sends them, spread over all processors
            middle = statistics.median(own)
            verdict = "ok" if middle / least <= 3 else "short"
            how = f"goal=3 {verdict} own={middle:.2f} s"
            print(f"{prefix}-floor {least:.2f} s ratio={middle / least:.2f} {how}", flush=True)
        report(f"{prefix}-own", own, kubectl, goals.get(f"{step} own"))
        report(f"{prefix}-whole", ours, kubectl, goals.get(f"{step} whole"))
        if step in steps("bare"):
            report(f"{prefix}-bare", own, rounds.took["bare", step], BARE_GOAL)
        if "core" in rounds.sides:
            report(f"{prefix}-core", ours, rounds.took["core", step], CORE_GOALS[f"{step} whole"])
    if count in MEMORY_GOALS:
        goal, memory = MEMORY_GOALS[count], rounds.memory
        verdict = "ok" if memory <= goal else "short"
        print(f"{name}-memory {memory:.0f} MiB ratio={memory / goal:.2f} goal={goal} {verdict}", flush=True)


if __name__ == "__main__":
    main()
