# Copyright (c) 2026 GreenLang. All rights reserved.
"""Fleets of tenants on a control plane with simulated nodes, beside kubectl and a loop of kubernetes.core.k8s."""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.cluster import Cluster
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.plan import Plan, parse_fleet, plan_fleet
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.problems import Problems
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.quota import Allowance
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.settings import Settings

from bench.figure import (
    NAME,
    ROOT,
    STATE,
    SUBNET,
    TOOLS,
    figures,
    line,
    local_cluster,
    no_cluster,
    play,
    timed,
    values,
)
from bench.memory import Peak

TIERS = yaml.safe_load((ROOT / "roles/tenant/vars/main/tiers.yml").read_text(encoding="utf-8"))["__tenant_tiers"]
POOLS = [{"name": "compute", "count": 3, "capacity": {"cpu": "64", "memory": "256Gi", "pods": "110"}}]
CLASSES = ["fast-ssd", "standard", "nfs-storage"]
# As role `tenant` has them, so that every tenant gets the whole contract.
SETTINGS = {
    "platform_api": [{"app": "api-gateway", "port": 8443}],
    "storage_classes": CLASSES,
    "registries": ["greenlang"],
    "ingress_classes": ["nginx"],
    "issuers": ["vcci-ca"],
    "priority_level": "vcci-tenants",
    "inside_cidrs": ["10.0.0.0/8"],
    "ingress_namespace": "ingress-nginx",
}
SAME = Settings(
    part_of="vcci-scope3-platform",
    platform_namespace="vcci-platform",
    platform_api=(("api-gateway", 8443),),
    storage_classes=tuple(CLASSES),
    registries=("greenlang",),
    ingress_classes=("nginx",),
    issuers=("vcci-ca",),
    priority_level="vcci-tenants",
    inside=("10.0.0.0/8",),
    ingress_namespace="ingress-nginx",
)
MANY, MORE = 1000, 5000
LOOPED = 30
MEMORY_GOAL = 600  # MiB


def tenants(prefix: str, count: int) -> list[dict[str, Any]]:
    """Tenants of all tiers, as people write them."""
    return [tenant(prefix, number) for number in range(count)]


def tenant(prefix: str, number: int) -> dict[str, Any]:
    name = f"{prefix}-{number:04}"
    return {
        "id": name,
        "name": f"Tenant {number} of {prefix}",
        "tier": list(TIERS)[number % len(TIERS)],
        "owners": [{"group": f"{name}-admins"}, {"user": f"auditor@{number}.example", "role": "viewer"}],
        "egress": [{"cidr": "203.0.113.0/24", "ports": [443]}],
    }


def objects(members: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the plugin tenants makes of each of them."""
    plan = planned(members)
    return [json.loads(json.dumps(entry)) for entry in plan.objects(plan.asked)]


def planned(members: list[dict[str, Any]]) -> Plan:
    read = parse_fleet(members, TIERS, Problems())
    return plan_fleet(read, SAME, Cluster(), "2026-01-01T00:00:00Z", Allowance())[0]


class Fleet:
    """Runs of one bench's cluster; files are written before anything is timed."""

    def __init__(self, folder: str) -> None:
        self.folder, self.kubeconfig = Path(folder), str(STATE / NAME / "kubeconfig")
        self.environment = {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"), "KUBECONFIG": self.kubeconfig}

    def manifests(self, name: str, members: list[dict[str, Any]]) -> Path:
        path = self.folder / name
        plan, prefix = planned(members), members[0]["id"]
        flows = [flow for number, _members in plan.shares() for flow in plan.flows(number, f"{prefix}-{number}")]
        made = [*objects(members), *flows]
        text = yaml.dump_all(made, Dumper=yaml.CSafeDumper, explicit_start=True)
        path.write_text(text, encoding="utf-8")
        return path

    def ours(self, name: str, members: list[dict[str, Any]], **options: object) -> list[str]:
        given = {"kubeconfig": self.kubeconfig, "tenants": "{{ tenants }}", "tiers": TIERS, **SETTINGS, **options}
        command = play(self.folder / name, {"greenlang.vcci.tenants": given})
        return self.with_data(name, command, {"tenants": members})

    def looped(self, name: str, entries: list[dict[str, Any]]) -> list[str]:
        task = {
            "kubernetes.core.k8s": {"definition": "{{ item }}"},
            "loop": "{{ objects }}",
            "loop_control": {"label": "{{ item.kind }}"},
        }
        return self.with_data(name, play(self.folder / name, task), {"objects": entries})

    def with_data(self, name: str, command: list[str], data: dict[str, Any]) -> list[str]:
        """Variables in YAML, as people have them, which takes Ansible longer to read than JSON."""
        path = self.folder / name / "group_vars" / "all.yml"
        path.with_suffix(".json").unlink()
        path.write_text(yaml.dump(data, Dumper=yaml.CSafeDumper), encoding="utf-8")
        return command

    def kubectl(self, path: Path) -> list[str]:
        return [str(STATE / NAME / "bin" / "kubectl"), "apply", "--server-side", "-f", str(path)]

    def time(self, command: list[str]) -> float:
        return timed(*command, environment=self.environment, folder=self.folder)[0]

    def floor(self) -> float:
        return self.time(play(self.folder / "floor", {"ansible.builtin.ping": {}}))


@contextlib.contextmanager
def fleet() -> Iterator[Fleet]:
    with no_cluster(), tempfile.TemporaryDirectory() as folder:
        local_cluster(nodes="simulated", pools=POOLS, subnet=SUBNET)
        yield Fleet(folder)


STEPS = ("onboard", "unchanged", "one", "loop", "seconds-each")


@figures("tenants-1000", *(f"tenants-1000-{step}" for step in STEPS))
def thousand() -> Iterator[str]:
    """Two rounds, each on a cluster of its own: what one side made keeps controllers busy, so turns alternate."""
    took: dict[str, list[float]] = {name: [] for name in ("ours", "kubectl", "ours again", "kubectl again")}
    one, loop = [], []
    for turn in range(2):
        with fleet() as run:
            members = tenants("ours", MANY)
            theirs = run.manifests("kubectl.yml", tenants("kubectl", MANY))
            runs = {"ours": run.ours("ours", members), "kubectl": run.kubectl(theirs)}
            for step in ("", " again"):
                for side in ("ours", "kubectl") if turn == 0 else ("kubectl", "ours"):
                    took[side + step].append(run.time(runs[side]))
            one.append(run.time(run.ours("more", [*members, *tenants("more", 1)], only=["more-0000"])))
            loop.append(run.time(run.looped("one", objects(tenants("loop", 1)))))
            if turn == 0:
                floor = run.floor()
                few = objects(tenants("thirty", 2))[:LOOPED]
                thirty = (run.time(run.looped("thirty", few)) - floor) / LOOPED
    count = len(objects(tenants("x", 1)))
    yield share("tenants-1000-onboard", took["ours"], took["kubectl"], 0.45, f"{count} objects a tenant")
    yield share("tenants-1000-unchanged", took["ours again"], took["kubectl again"], 0.08)
    yield share("tenants-1000-one", one, loop, 0.5, f"{count} objects")
    note = f"extrapolated from {LOOPED} objects, {thirty:.2f} s each"
    yield share("tenants-1000-loop", took["ours"], [thirty * count * MANY], 0.01, note)
    yield line("tenants-1000-seconds-each", statistics.mean(took["ours"]) / MANY, "s", 0.1, "whole run by tenant")


@figures("tenants-5000", "tenants-5000-unchanged", "tenants-5000-memory")
def five_thousand() -> Iterator[str]:
    with fleet() as run:
        small, large = (run.ours(f"fleet-{count}", tenants("fleet", count)) for count in (MANY, MORE))
        run.time(small)
        again = [run.time(small) for _turn in range(3)]
        first = run.time(large)
        runs, peaks = zip(*(_peak(run, large) for _turn in range(2)), strict=True)
        yield share(
            "tenants-5000-unchanged", list(runs), again, 6, f"onboarding the other {MORE - MANY:,} took {first:.0f} s"
        )
        note = "all processes of the run, shared pages counted once"
        yield line("tenants-5000-memory", max(peaks), "MiB", MEMORY_GOAL, note)


def share(name: str, ours: list[float], theirs: list[float], goal: float, note: str = "") -> str:
    """A figure beside a peer's, of the means of the rounds."""
    mean, peer = statistics.mean(ours), statistics.mean(theirs)
    how = f"ours={values(ours)} theirs={values(theirs)} {note}".rstrip()
    verdict = "ok" if mean / peer <= goal else "short"
    return f"{name} {mean:.1f} s ratio={mean / peer:.3f} goal={goal:g} {verdict} {how}"


def _peak(run: Fleet, command: list[str]) -> tuple[float, float]:
    """Seconds, and the most that the processes held together, in MiB."""
    begun = time.monotonic()
    environment = {"HOME": str(Path.home()), "PATH": "/usr/bin:/bin", "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    process = subprocess.Popen(
        [str(TOOLS / command[0]), *command[1:]],
        cwd=run.folder,
        env={**environment, **run.environment},
        stdout=subprocess.DEVNULL,
    )
    with Peak(process.pid) as peak:
        code = process.wait()
    if code:
        raise SystemExit(f"error: {' '.join(command)} ended with {code}")
    return time.monotonic() - begun, peak.mib
