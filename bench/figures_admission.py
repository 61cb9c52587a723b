# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the admission policies of tenants add to the creation of a pod, on a control plane with simulated nodes."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ApiError, VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants import cases
from ansible_collections.greenlang.vcci.plugins.plugin_utils.waiting import until

from bench.figure import NAME, ROOT, STATE, SUBNET, figures, line, local_cluster, no_cluster, play, timed

TENANT, OTHER = "vcci-tenant-bench", "bench-no-tenant"
IMAGE = "greenlang/pause:v1"
ANNOTATIONS = {"id": "bench", "tier": "starter", "registries": "greenlang", "hosts": "bench.example"}
OURS = {"app.kubernetes.io/managed-by": "greenlang.vcci", "app.kubernetes.io/component": "tenant", "tenant": "bench"}
PODS, GOAL = 500, 2  # ms


@figures("admission-pod")
def pod() -> Iterator[str]:
    """Dry runs in a tenant's namespace and in one that is none, in turns: the same but for the policies."""
    with no_cluster(), tempfile.TemporaryDirectory() as folder:
        local_cluster(nodes="simulated", pools=[{"name": "compute"}], subnet=SUBNET)
        client = Client.from_params({"kubeconfig": str(STATE / NAME / "kubeconfig")})
        prepare(client, Path(folder))
        took: dict[str, list[float]] = {TENANT: [], OTHER: []}
        for turn in range(PODS):
            for namespace in (TENANT, OTHER) if turn % 2 else (OTHER, TENANT):
                took[namespace].append(created(client, namespace))
        client.close()
        late = {namespace: statistics.quantiles(times, n=20)[-1] for namespace, times in took.items()}
        middle = {namespace: statistics.median(times) for namespace, times in took.items()}
        note = (
            f"p95 {late[TENANT]:.1f} and {late[OTHER]:.1f} ms, median {middle[TENANT]:.1f} and {middle[OTHER]:.1f} ms"
        )
        yield line("admission-pod", late[TENANT] - late[OTHER], "ms", GOAL, f"with and without policies: {note}")


def prepare(client: Client, folder: Path) -> None:
    """The policies by the role's own tasks, and both namespaces; it waits until a policy is obeyed."""
    shared = yaml.safe_load((ROOT / "group_vars/all/platform.yml").read_text(encoding="utf-8"))
    variables = {**shared, "platform_environment": "bench", "platform_domain": "platform.example"}
    marked = {"labels": OURS, "annotations": {f"tenant.vcci.io/{key}": value for key, value in ANNOTATIONS.items()}}
    for name, more in ((shared["platform_namespace"], {}), (TENANT, marked), (OTHER, {})):
        client.request("POST", "/api/v1/namespaces", body={"metadata": {"name": name, **more}})
    task = {"ansible.builtin.include_role": {"name": "greenlang.vcci.tenant", "tasks_from": "admission"}}
    paths = {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"), "KUBECONFIG": str(STATE / NAME / "kubeconfig")}
    timed(*play(folder / "admission", task, **variables), environment=paths)
    until(lambda: refused(client), 60, late=lambda waited: VcciError(f"no policy is obeyed after {waited} s"))
    time.sleep(1)  # the others


def refused(client: Client) -> bool:
    """Whether an image of nobody's registry is."""
    try:
        path, foreign = cases.path("v1", TENANT, "pods"), cases.pod("other.example/app:v1")
        client.request("POST", path, body=foreign, query={"dryRun": "All"})
    except ApiError:
        return True
    return False


def created(client: Client, namespace: str) -> float:
    """Milliseconds."""
    begun = time.perf_counter()
    client.request("POST", cases.path("v1", namespace, "pods"), body=web(), query={"dryRun": "All"})
    return (time.perf_counter() - begun) * 1000


def web() -> dict[str, Any]:
    """A pod as people write them: two containers, each with an environment, and a volume."""
    environment = [{"name": f"SETTING_{number}", "value": "x" * 20} for number in range(10)]
    both = [{**cases.container(IMAGE, env=environment), "name": name} for name in ("web", "proxy")]
    spec = {"containers": both, "volumes": [{"name": "tmp", "emptyDir": {}}]}
    return cases.merged(cases.pod(IMAGE), {"metadata": {"labels": {"app": "web"}}, "spec": spec})
