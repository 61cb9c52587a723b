# Copyright (c) 2026 GreenLang. All rights reserved.
"""Fleets of tenants on a control plane with simulated nodes, beside kubectl and a loop of kubernetes.core.k8s over the same objects."""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

from bench.figure import NAME, ROOT, STATE, SUBNET, figures, line, local_cluster, no_cluster, timed
from bench.memory import Peak

TIERS = yaml.safe_load((ROOT / "roles/tenant/vars/main/tiers.yml").read_text(encoding="utf-8"))["__tenant_tiers"]
POOLS = [{"name": "compute", "count": 3, "capacity": {"cpu": "64", "memory": "256Gi", "pods": "110"}}]
CLASSES = ["fast-ssd", "standard", "nfs-storage"]
SETTINGS = {"platform_api": [{"app": "api-gateway", "port": 8443}], "storage_classes": CLASSES, "registries": ["greenlang"]}
LOOPED = 30
MEMORY_GOAL = 600  # MiB


def tenants(prefix: str, count: int) -> list[dict]:
    """Tenants of all tiers, as people write them."""
    return [{"id": f"{prefix}-{number:04}", "name": f"Tenant {number} of {prefix}", "tier": list(TIERS)[number % len(TIERS)],
             "owners": [{"group": f"{prefix}-{number:04}-admins"}, {"user": f"auditor@{number}.example", "role": "viewer"}],
             "egress": [{"cidr": "203.0.113.0/24", "ports": [443]}]} for number in range(count)]


def objects(members: list[dict]) -> list[dict]:
    """What tier_quota makes of them."""
    sys.path.insert(0, str(ROOT / "collections"))
    from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants import objects as _tenant_objects
    from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants import plan as _tenant_plan
    from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.problems import Problems

    read, tiers = _tenant_plan.read(members, TIERS, Problems())
    settings = _tenant_objects.Settings("vcci-scope3-platform", "vcci-platform", (("api-gateway", 8443),), tuple(CLASSES), ("greenlang",))
    plan, _wrong = _tenant_plan.plan(read, tiers, settings, _tenant_plan.Live(), "2026-01-01T00:00:00Z", ratios={})
    return [json.loads(json.dumps(entry)) for entry in plan.objects(read)]


class Fleet:
    """Runs of one bench's cluster; files are written before anything is timed."""

    def __init__(self, folder: str) -> None:
        self.folder, self.state = Path(folder), STATE / NAME
        self.environment = {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"), "KUBECONFIG": str(self.state / "kubeconfig")}

    def data(self, name: str, content: object) -> Path:
        """An inventory with these group_vars, as people have them."""
        inventory = self.folder / name
        (inventory / "group_vars").mkdir(parents=True)
        (inventory / "group_vars" / "all.yml").write_text(yaml.dump(content, Dumper=yaml.CSafeDumper), encoding="utf-8")
        (inventory / "hosts.yml").write_text("all: {hosts: {localhost: {ansible_connection: local}}}\n", encoding="utf-8")
        return inventory

    def manifests(self, name: str, members: list[dict]) -> Path:
        path = self.folder / name
        path.write_text(yaml.dump_all(objects(members), Dumper=yaml.CSafeDumper, explicit_start=True), encoding="utf-8")
        return path

    def play(self, task: dict, inventory: Path) -> list[str]:
        play = {"hosts": "localhost", "gather_facts": False, "vars": {"ansible_python_interpreter": sys.executable}, "tasks": [task]}
        (inventory / "play.json").write_text(json.dumps([play]), encoding="utf-8")
        return ["ansible-playbook", "-i", str(inventory / "hosts.yml"), str(inventory / "play.json")]

    def ours(self, name: str, members: list[dict], **options: object) -> list[str]:
        quota = {"kubeconfig": str(self.state / "kubeconfig"), "tenants": "{{ tenants }}", "tiers": TIERS, **SETTINGS, **options}
        return self.play({"greenlang.vcci.tier_quota": quota}, self.data(name, {"tenants": members}))

    def looped(self, name: str, entries: list[dict]) -> list[str]:
        task = {"kubernetes.core.k8s": {"definition": "{{ item }}"}, "loop": "{{ objects }}", "loop_control": {"label": "{{ item.kind }}"}}
        return self.play(task, self.data(name, {"objects": entries}))

    def kubectl(self, path: Path) -> list[str]:
        return [str(self.state / "bin" / "kubectl"), "apply", "--server-side", "-f", str(path)]

    def time(self, command: list[str]) -> float:
        return timed(*command, environment=self.environment, folder=self.folder)[0]

    def floor(self) -> float:
        return self.time(self.play({"ansible.builtin.ping": {}}, self.data("floor", {})))


@contextlib.contextmanager
def fleet() -> Iterator[Fleet]:
    with no_cluster(), tempfile.TemporaryDirectory() as folder:
        local_cluster(nodes="simulated", pools=POOLS, subnet=SUBNET)
        yield Fleet(folder)


@figures("tenants-1000", "tenants-1000-onboard", "tenants-1000-unchanged", "tenants-1000-one", "tenants-1000-loop", "tenants-1000-seconds-each")
def thousand() -> Iterator[str]:
    """Two rounds, each on a cluster of its own: what one side made keeps the controllers busy for a while, so turns alternate."""
    took: dict[str, list[float]] = {name: [] for name in ("ours", "kubectl", "ours again", "kubectl again")}
    one, loop = [], []
    for turn in range(2):
        with fleet() as run:
            members = tenants("ours", 1000)
            runs = {"ours": run.ours("ours", members),
                    "kubectl": run.kubectl(run.manifests("kubectl.yml", tenants("kubectl", 1000)))}
            for step in ("", " again"):
                for side in ("ours", "kubectl") if turn == 0 else ("kubectl", "ours"):
                    took[side + step].append(run.time(runs[side]))
            one.append(run.time(run.ours("more", [*members, *tenants("more", 1)], only=["more-0000"])))
            loop.append(run.time(run.looped("one", objects(tenants("loop", 1)))))
            if turn == 0:
                floor = run.floor()
                thirty = (run.time(run.looped("thirty", objects(tenants("thirty", 2))[:LOOPED])) - floor) / LOOPED
    count = len(objects(tenants("x", 1)))
    yield share("tenants-1000-onboard", took["ours"], took["kubectl"], 0.45, f"{count} objects a tenant")
    yield share("tenants-1000-unchanged", took["ours again"], took["kubectl again"], 0.12)
    yield share("tenants-1000-one", one, loop, 0.5, f"{count} objects")
    yield share("tenants-1000-loop", took["ours"], [thirty * count * 1000], 0.01, f"extrapolated from {LOOPED} objects, {thirty:.2f} s each")
    yield line("tenants-1000-seconds-each", statistics.mean(took["ours"]) / 1000, "s", 0.1, "whole run by tenant")


@figures("tenants-5000", "tenants-5000-unchanged", "tenants-5000-memory")
def five_thousand() -> Iterator[str]:
    with fleet() as run:
        small, large = (run.ours(f"fleet-{count}", tenants("fleet", count)) for count in (1000, 5000))
        run.time(small)
        again = [run.time(small) for _turn in range(3)]
        first = run.time(large)
        runs, peaks = zip(*(_peak(run, large) for _turn in range(2)), strict=True)
        yield share("tenants-5000-unchanged", list(runs), again, 6, f"onboarding the other 4,000 took {first:.0f} s")
        yield line("tenants-5000-memory", max(peaks), "MiB", MEMORY_GOAL, "all processes of the run, shared pages counted once")


def share(name: str, ours: list[float], theirs: list[float], goal: float, note: str = "") -> str:
    """A figure beside a peer's, of the means of the rounds."""
    mean, peer = statistics.mean(ours), statistics.mean(theirs)
    spread = f"ours=[{', '.join(f'{value:.1f}' for value in ours)}] theirs=[{', '.join(f'{value:.1f}' for value in theirs)}]"
    verdict = "ok" if mean / peer <= goal else "short"
    return f"{name} {mean:.1f} s ratio={mean / peer:.3f} goal={goal:g} {verdict} {spread}{' ' + note if note else ''}"


def _peak(run: Fleet, command: list[str]) -> tuple[float, float]:
    """Seconds, and the most that the processes held together, in MiB."""
    begun = time.monotonic()
    process = subprocess.Popen([str(ROOT / ".venv/bin" / command[0]), *command[1:]], cwd=run.folder, stdout=subprocess.DEVNULL,
                               env={"HOME": str(Path.home()), "PATH": "/usr/bin:/bin", "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), **run.environment})
    with Peak(process.pid) as peak:
        code = process.wait()
    if code:
        raise SystemExit(f"error: {' '.join(command)} ended with {code}")
    return time.monotonic() - begun, peak.mib
