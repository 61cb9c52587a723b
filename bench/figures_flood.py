# Copyright (c) 2026 GreenLang. All rights reserved.
"""A tenant that floods the API server: what the others and the platform notice of it, with the levels that role
`tenant` writes for API priority and fairness, and without them."""

from __future__ import annotations

import contextlib
import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client
from ansible_collections.greenlang.vcci.plugins.plugin_utils.waiting import until

from bench.figure import NAME, ROOT, STATE, SUBNET, figures, local_cluster, no_cluster, play, timed
from bench.flood import acting

RATE = 200  # LISTs a second at most
ROUNDS, SECONDS = 5, 6.0  # of each: quiet, flooded
HELD, SIZE = 100, 4000  # ConfigMaps of the tenant that floods, and their bytes
SHARES = (1, 3, 5, 10, 20, 40)
GOAL = 1.5
FLOW = "/apis/flowcontrol.apiserver.k8s.io/v1"
LEVELS = "/debug/api_priority_and_fairness/dump_priority_levels"
POOLS = [{"name": "compute", "count": 3, "capacity": {"cpu": "64", "memory": "256Gi", "pods": "110"}}]
MEMBERS = [
    {"id": name, "name": name, "tier": "professional", "owners": [{"user": f"{name}-dev", "role": "developer"}]}
    for name in ("flooder", "quiet")
]

Found = dict[tuple[str, bool], list[float]]  # milliseconds by who asked, and whether it was flooded


@dataclass
class Asker:
    """Somebody with work of its own in a namespace."""

    name: str
    client: Client
    namespace: str

    def turn(self, number: int) -> float:
        """Milliseconds for a read, a small list and a change of one object, one after the other."""
        path = f"/api/v1/namespaces/{self.namespace}/configmaps"
        begun = time.perf_counter()
        self.client.request("GET", f"{path}/bench")
        self.client.request("GET", f"/api/v1/namespaces/{self.namespace}/pods")
        body = {"data": {"turn": str(number)}}
        self.client.request("PATCH", f"{path}/bench", body=body, content_type="application/merge-patch+json")
        return (time.perf_counter() - begun) * 1000


class Trial:
    """The cluster, who asks, and what each of them waited."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig, self.admin = str(kubeconfig), Client.from_params({"kubeconfig": str(kubeconfig)})
        account = ("system:serviceaccounts", "system:serviceaccounts:vcci-platform", "system:authenticated")
        self.askers = [
            Asker("other", acting(self.kubeconfig, "quiet-dev"), "vcci-tenant-quiet"),
            Asker(
                "platform",
                acting(self.kubeconfig, "system:serviceaccount:vcci-platform:bench", *account),
                "vcci-platform",
            ),
        ]
        self.said: list[tuple[int, ...]] = []

    def close(self) -> None:
        for client in (self.admin, *(asker.client for asker in self.askers)):
            client.close()

    def seats(self) -> str:
        """Of the tenants' level, as the API server counts them."""
        name = 'apiserver_flowcontrol_nominal_limit_seats{priority_level="vcci-tenants"}'
        return next((row.split()[-1] for row in self.admin.text("/metrics").splitlines() if name in row), "none")

    def without_levels(self) -> None:
        """As somebody has it who leaves the API server as it comes."""
        for kind in ("flowschemas", "prioritylevelconfigurations"):
            query = {"labelSelector": "app.kubernetes.io/component=tenant-flow"}
            self.admin.request("DELETE", f"{FLOW}/{kind}", query=query)
        self.levels(there=False)

    def levels(self, *, there: bool) -> None:
        """Wait until the API server's own levels are with, or without, those of tenants."""
        until(
            lambda: ("vcci-tenants" in self.admin.text(LEVELS)) is there,
            60,
            late=lambda waited: VcciError(f"after {waited} s the levels of the API server are not as they were made"),
        )

    def told(self) -> str:
        """What the flood got since this was asked last, by second."""
        answered, refused, size = (statistics.mean(column) for column in zip(*self.said, strict=True))
        self.said.clear()
        return f"flood={answered:.0f}/s refused={refused:.0f}/s {size:.0f} MB/s"

    def rounds(self) -> Found:
        """The median of each run of each asker, quiet and under the flood, in turns."""
        found: Found = {}
        self.run()  # connections are made
        for _round in range(ROUNDS):
            for flooded in (False, True):
                with self.flood() if flooded else contextlib.nullcontext():
                    for name, took in self.run().items():
                        found.setdefault((name, flooded), []).append(statistics.median(took))
        return found

    def run(self) -> dict[str, list[float]]:
        """Each asks in its turn, a hundred times a second together at most."""
        took: dict[str, list[float]] = {asker.name: [] for asker in self.askers}
        end = time.monotonic() + SECONDS
        for number in itertools.count():
            if time.monotonic() > end:
                return took
            for asker in self.askers:
                took[asker.name].append(asker.turn(number))
                time.sleep(0.01)
        raise AssertionError

    @contextlib.contextmanager
    def flood(self) -> Iterator[None]:
        command = [sys.executable, "-m", "bench.flood", self.kubeconfig, "flooder-dev", "vcci-tenant-flooder"]
        pipe = subprocess.PIPE
        with subprocess.Popen([*command, str(RATE)], cwd=ROOT, text=True, stdin=pipe, stdout=pipe) as process:
            assert process.stdout
            assert process.stdout.readline() == "begun\n"
            begun = time.monotonic()
            time.sleep(2)  # until it has connections, and the queues are full
            yield
            words = process.communicate()[0].split()
            took = time.monotonic() - begun
            self.said.append(tuple(round(int(word) / took) for word in words))


@figures("flood", "flood-other", "flood-platform")
def flood() -> Iterator[str]:
    """Alternating runs; the figure is the median of the medians under the flood by that of the quiet ones."""
    with prepared() as trial:
        seats, levels, said = trial.seats(), trial.rounds(), trial.told()
        trial.without_levels()
        bare, bare_said = trial.rounds(), trial.told()
        for asker in trial.askers:
            _quiet, _flooded, without = middle(bare, asker.name)
            note = f"seats={seats} {said}; without levels ratio={without:.2f} {bare_said}"
            yield told(f"flood-{asker.name}", levels, asker.name, note)


@figures("flood-shares", long=True)
def shares() -> Iterator[str]:
    """The same by the shares that tenants have: what tenant_flow_shares is chosen by."""
    with prepared() as trial:
        for number in SHARES:
            body = {"spec": {"limited": {"nominalConcurrencyShares": number}}}
            path = f"{FLOW}/prioritylevelconfigurations/vcci-tenants"
            trial.admin.request("PATCH", path, body=body, content_type="application/merge-patch+json")
            time.sleep(2)  # until the API server has it
            levels, note = trial.rounds(), f"seats={trial.seats()} {trial.told()}"
            for asker in trial.askers:
                yield told(f"flood-shares-{number}-{asker.name}", levels, asker.name, note)


@contextlib.contextmanager
def prepared() -> Iterator[Trial]:
    with no_cluster(), tempfile.TemporaryDirectory() as folder:
        local_cluster(nodes="simulated", pools=POOLS, subnet=SUBNET)
        with contextlib.closing(Trial(STATE / NAME / "kubeconfig")) as trial:
            prepare(trial, Path(folder))
            yield trial


def middle(found: Found, name: str) -> tuple[float, float, float]:
    """Milliseconds when it is quiet, and under the flood, and how many times as many."""
    quiet, flooded = (statistics.median(found[name, which]) for which in (False, True))
    return quiet, flooded, flooded / quiet


def told(figure: str, found: Found, name: str, note: str) -> str:
    quiet, flooded, times = middle(found, name)
    verdict = "ok" if times <= GOAL else "short"
    return f"{figure} {flooded:.1f} ms ratio={times:.2f} goal={GOAL} {verdict} quiet={quiet:.1f} ms {note}"


def prepare(trial: Trial, folder: Path) -> None:
    """Levels and tenants by the role's own tasks, and what everybody reads."""
    shared = yaml.safe_load((ROOT / "group_vars/all/platform.yml").read_text(encoding="utf-8"))
    namespace = shared["platform_namespace"]
    trial.admin.request("POST", "/api/v1/namespaces", body={"metadata": {"name": namespace}})
    variables = {
        **shared,
        "platform_environment": "bench",
        "platform_domain": "platform.example",
        "cluster_assume_empty": False,
        "tenant_list": MEMBERS,
    }
    task = {"ansible.builtin.include_role": {"name": "greenlang.vcci.tenant"}}
    paths = {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"), "KUBECONFIG": trial.kubeconfig}
    timed(*play(folder / "tenants", task, **variables), environment=paths)
    trial.levels(there=True)
    allow(trial.admin, namespace)
    for asker in trial.askers:
        trial.admin.request("POST", f"/api/v1/namespaces/{asker.namespace}/configmaps", body=configmap("bench"))
    for number in range(HELD):
        body = configmap(f"held-{number}", "x" * SIZE)
        trial.admin.request("POST", "/api/v1/namespaces/vcci-tenant-flooder/configmaps", body=body)


def configmap(name: str, text: str = "") -> dict[str, Any]:
    return {"metadata": {"name": name}, "data": {"text": text}}


def allow(client: Client, namespace: str) -> None:
    """The platform's account may write there."""
    group, api = "rbac.authorization.k8s.io", "/apis/rbac.authorization.k8s.io/v1"
    subject = {"kind": "ServiceAccount", "name": "bench", "namespace": namespace}
    role = {"apiGroup": group, "kind": "ClusterRole", "name": "edit"}
    body = {"metadata": {"name": "bench"}, "roleRef": role, "subjects": [subject]}
    client.request("POST", f"{api}/namespaces/{namespace}/rolebindings", body=body)
