# Copyright (c) 2026 GreenLang. All rights reserved.
"""A running platform on real nodes moves to the next minor of Kubernetes, back, and again with kill -9 at every step,
and with a node that for a while never gets Ready.

Users write, read and search through the gateway all the while, and try again when they are told to: none of their
requests may fail while it is upgraded, with kills or without, and every record that they were told is stored is there
at the end. What is there before an upgrade is there after it; what came after the snapshot is gone after the way back,
which users notice: the cluster knows other pods then than those that run.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator

import urllib3
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster import record
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.layout import API_PORT

from tests.helpers import ROOT, STATE, eventually
from tests.injection.scene import Scene
from tests.soak.upgrade import Site, backup, own_site, sql

BEFORE, AFTER = "1.36", "1.37"
STEPS = 9  # look, snapshot, control plane, six nodes; the verification comes after them
CONTROL_PLANE = 2  # steps before it
# The order in which they are taken: compute-1, compute-2, gpu-1, memory-1, memory-2, memory-3.
FIRST, LAST = ("compute-1", "compute-2"), "gpu-1"  # the one that never gets Ready, on which nothing runs; and before it
DONE_BEFORE, NEVER = 3 + len(FIRST), 120  # steps, and seconds in which a node must be Ready
HOST, RECORDS, DOCUMENTS = "api.vcci.local.test", "/api/v1/records", "/api/v1/documents"
ASKED = (
    ("GET", "/health/live", None),
    ("GET", "/", None),
    ("POST", RECORDS, {"name": "written meanwhile", "quantity": 1}),
    ("GET", f"{RECORDS}?limit=1", None),
    ("POST", DOCUMENTS, {"title": "stored meanwhile", "text": "Emissions of freight by rail."}),
    ("GET", "/api/v1/search?q=freight", None),
)
# What the API says while a store does not answer: 503, and Retry-After 5 s.
AGAIN = urllib3.Retry(12, connect=1, read=1, status_forcelist=[503], allowed_methods=None, raise_on_status=False)
STEP = 1800  # seconds for a step to begin
PAUSE = 0.02


class Users:
    """Who asks at the gateway, one after the other; `asked` counts, `failed` says what went wrong in which phase, and
    `stored` has the numbers of the records that were."""

    def __init__(self, address: str) -> None:
        self.asked, self.failed, self._end = 0, list[tuple[str, str]](), threading.Event()
        self.stored = set[int]()
        self.phase = ""
        self._pool = urllib3.HTTPSConnectionPool(
            address, 443, server_hostname=HOST, assert_hostname=False, cert_reqs="CERT_NONE", timeout=10, retries=AGAIN
        )
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def _ask(self) -> None:
        while not self._end.wait(PAUSE):
            method, path, body = ASKED[self.asked % len(ASKED)]
            self.asked += 1
            try:
                answer = self._pool.request(method, path, headers={"Host": HOST}, json=body)
                trouble = "" if answer.status < 500 else f"status {answer.status}"
                if (path, answer.status) == (RECORDS, 201):
                    self.stored.add(answer.json()["id"])
            except urllib3.exceptions.HTTPError as exc:
                trouble = str(exc)
            if trouble:
                self.failed.append((self.phase, f"{time.strftime('%H:%M:%S')} {method} {path}: {trouble}"))

    def __enter__(self) -> Users:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._end.set()
        self._thread.join()


def soak() -> str:
    urllib3.disable_warnings()
    with own_site() as site:
        site.play(ROOT, "site.yml", cluster_local_version=BEFORE)
        assert version(site) == BEFORE
        backup(site)
        address = site.kubectl(
            "get",
            "service",
            "api-gateway",
            "-n",
            "vcci-platform",
            "-o",
            "jsonpath={.status.loadBalancer.ingress[0].ip}",
        )
        with Users(address) as users:
            mark(site, "before")
            users.phase = "upgrade"
            begun = time.monotonic()
            upgrade(site)
            took = time.monotonic() - begun
            assert version(site) == AFTER
            mark(site, "after")
            users.phase = "rollback"
            site.play(ROOT, "playbooks/cluster_rollback.yml", cluster_rollback_confirm=site.name)
            assert (version(site), marks(site)) == (BEFORE, {"before"})
            users.phase = "upgrade with kills"
            for number in range(STEPS):
                if number == DONE_BEFORE:
                    users.phase = "upgrade with a node that never gets Ready"
                    never_ready(site)
                    users.phase = "upgrade with kills"
                kill_at(site, number)
            upgrade(site)
            assert (version(site), marks(site)) == (AFTER, {"before"})
        there = set(map(int, sql(site, "select id from records").split()))
        assert users.stored <= there, f"{len(users.stored - there)} of {len(users.stored)} records are lost"
        again = site.play(ROOT, "site.yml")
        assert again == 0, f"site.yml says changed={again} after the upgrade"
        site.play(ROOT, "playbooks/verify.yml")
    assert users.asked >= 2000, f"{users.asked} requests are too few"
    upgrading = [f"{phase}: {what}" for phase, what in users.failed if phase != "rollback"]
    told = "; ".join([*upgrading[:5], *upgrading[-1:]])
    assert not upgrading, f"{len(upgrading)} of {users.asked} requests failed, first and last: {told}"
    back = len(users.failed)
    figures = (
        f"{took:.0f} s for the control plane and six nodes; {STEPS} kills, and a node that never got Ready; "
        f"0 of {users.asked - back} requests failed, 0 of {len(users.stored)} records lost"
    )
    return f"{figures}, and {back} during the way back"


def upgrade(site: Site) -> None:
    site.play(ROOT, "playbooks/cluster_upgrade.yml", cluster_upgrade_version=AFTER)


def version(site: Site) -> str:
    """The minor of the control plane, which is that of every node."""
    server = json.loads(site.kubectl("version", "-o", "json"))["serverVersion"]
    nodes = {node["status"]["nodeInfo"]["kubeletVersion"] for node in site.objects("nodes")}
    assert nodes == {server["gitVersion"]}, f"the nodes run {sorted(nodes)}, the control plane {server['gitVersion']}"
    return ".".join(server["gitVersion"].removeprefix("v").split(".")[:2])


def mark(site: Site, name: str) -> None:
    site.kubectl("create", "configmap", f"mark-{name}", "-n", "default")


def marks(site: Site) -> set[str]:
    names = (item["metadata"]["name"] for item in site.objects("configmaps", "-n", "default"))
    return {name.removeprefix("mark-") for name in names if name.startswith("mark-")}


def kill_at(site: Site, number: int) -> None:
    """Begin the upgrade, or go on with it, and kill it when as many steps were taken and the next is recorded."""
    if number <= CONTROL_PLANE:  # until it has moved, each run looks anew whether all is well
        eventually(lambda: not unready(site), lambda: f"all pods are Ready; not those of {unready(site)}", 1)
    with started(site) as run:
        eventually(lambda: taken(site) >= number or run.poll() is not None, f"step {number}", 0.5, within=STEP)
        assert run.poll() is None, f"the upgrade ended before step {number}: {run.communicate()[0][-3000:]}"


def unready(site: Site) -> list[str]:
    """What lacks a pod, as after a way back, or when more are asked for; all while nobody can be asked."""
    try:
        found = site.objects("deployments,statefulsets", "-A")
    except AssertionError:
        return ["all"]
    return [
        item["metadata"]["name"]
        for item in found
        if item["status"].get("readyReplicas", 0) < max(item["spec"]["replicas"], item["status"].get("replicas", 0))
    ]


def never_ready(site: Site) -> None:
    """The node that is replaced next does not reach the API server any more: the upgrade ends in a state that it tells.
    With its kubelet down on purpose nothing is begun. When both is over, the upgrade may go on."""
    with started(site, cluster_upgrade_wait_timeout=NEVER) as run:
        eventually(lambda: taken(site) >= DONE_BEFORE or run.poll() is not None, f"step {LAST}", 0.1, within=STEP)
        with cut_off(site, LAST):
            told = run.communicate()[0]
    assert run.returncode, f"the upgrade ended well though {LAST} was cut off: {told[-3000:]}"
    done = ["look", "snapshot", "control plane", *(f"node {name}" for name in FIRST)]
    for says in (
        f"nodes {LAST} are not Ready after",
        f"{LAST} says ",
        f"{LAST}: kubelet: ",
        f"Done before, and not done again: {', '.join(done)}.",
        f"cordoned: {LAST}",
        f"not Ready: {LAST} (",
        f"it goes on with step 'node {LAST}'",
    ):
        assert says in told, f"{says!r} is not in what the upgrade said: {told[-4000:]}"
    nodes = site.objects("nodes")
    cordoned = {node["metadata"]["name"] for node in nodes if node["spec"].get("unschedulable")}
    new = {node["metadata"]["name"] for node in nodes if f"v{AFTER}." in node["status"]["nodeInfo"]["kubeletVersion"]}
    assert (cordoned, new) == ({LAST}, set(FIRST)), f"cordoned {cordoned}, new {new}"
    hold(site, [f"{LAST}/kubelet"])
    with started(site) as run:
        told = run.communicate()[0]
    assert f"held: {LAST}/kubelet is down on purpose" in told, told[-3000:]
    hold(site, [])


@contextlib.contextmanager
def cut_off(site: Site, name: str) -> Iterator[None]:
    """What runs in this node's namespace, its pods not, reaches no API server."""
    known = record.read(STATE / site.name)
    assert known
    layout = record.layout(known, STATE / site.name)
    [node] = [one for one in layout.nodes if one.name == name]
    inside = ["nsenter", f"--net=/run/netns/{layout.netns(node)}", "nft"]
    table = f"""
        add table inet cut
        add chain inet cut out {{ type filter hook output priority 0; }}
        add rule inet cut out ip daddr {layout.api_address} tcp dport {API_PORT} drop
    """
    subprocess.run([*inside, "-f", "-"], input=table, text=True, check=True)
    try:
        yield
    finally:
        subprocess.run([*inside, "delete", "table", "inet", "cut"], check=True)


def hold(site: Site, held: list[str]) -> None:
    """Have this be down on purpose, and nothing else."""
    Scene(site.name, site.play).hold(*held)


@contextlib.contextmanager
def started(site: Site, **variables: object) -> Iterator[subprocess.Popen[str]]:
    command = site.command("playbooks/cluster_upgrade.yml", cluster_upgrade_version=AFTER, **variables)
    with subprocess.Popen(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as run:
        try:
            yield run
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(run.pid, signal.SIGKILL)


def taken(site: Site) -> int:
    """How many steps of the upgrade were taken; -1 before its first one is recorded, or while nobody can be asked."""
    with contextlib.suppress(AssertionError):
        named = "--field-selector=metadata.name=procedures-nodes"
        known = [one["data"] for one in site.objects("configmaps", "-n", "kube-system", named)]
        texts = [text for data in known for key, text in data.items() if re.match(r"cluster_upgrade\b", key)]
        entries = [json.loads(text) for text in texts]
        running = [entry for entry in entries if entry["state"] == "running" and entry["step"]]
        return max((len(entry["taken"]) for entry in running), default=-1)
    return -1
