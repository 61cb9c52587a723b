# Copyright (c) 2026 GreenLang. All rights reserved.
"""A tenant that does not want to stop, and does all at once that it can: it is suspended, resumed and offboarded all
the same, in bounded time, and the certificate names what was removed by force.

Its objects are from before the admission policies, which refuse most of them: those that are there stay.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants import ending, sweep

from tests.helpers import Client, eventually

TIERS = {"any": {"quota": {"pods": 50, "count/pods": 80}}}
WAIT = 3  # seconds in which it may end by itself
YEAR = 31536000
OURS = {"app.kubernetes.io/managed-by": "greenlang.vcci", "app.kubernetes.io/component": "tenant-offboarding"}
HELD = {"finalizers": ["example.com/held"]}
RESTRICTED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
POD = {
    "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [{"name": "main", "image": "greenlang/pause:v1", "securityContext": RESTRICTED}],
    "tolerations": [{"operator": "Exists"}],
    "terminationGracePeriodSeconds": YEAR,
}
TEMPLATE = {"metadata": {"labels": {"app": "x"}}, "spec": POD}
SELECTOR = {"selector": {"matchLabels": {"app": "x"}}, "template": TEMPLATE}


def owned(name: str, kind: str = "ConfigMap", uid: str = "none", api_version: str = "v1") -> dict:
    return {
        "ownerReferences": [{"apiVersion": api_version, "kind": kind, "name": name, "uid": uid, "controller": True}]
    }


def selecting(name: str) -> dict:
    labels = {"app": name}
    return {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": POD}}


class Hostile:
    """A tenant's namespace, and what it makes there."""

    def __init__(self, client: Client, tenant_id: str) -> None:
        self.client, self.id, self.where = client, tenant_id, f"vcci-tenant-{tenant_id}"

    def make(self, api_version: str, kind: str, name: str, meta: dict | None = None, **content: object) -> dict:
        path = self.client.resource(api_version, kind).path(self.where)
        metadata = {"name": name, **(meta or {})}
        return self.client.request(
            "POST", path, body={"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}
        )

    def get(self, api_version: str, kind: str, name: str) -> dict | None:
        return self.client.get(api_version, kind, name, self.where)

    def running(self) -> list[str]:
        pods = self.client.list("v1", "Pod", self.where)
        return sorted(p["metadata"]["name"] for p in pods if p["status"].get("phase") not in ("Succeeded", "Failed"))

    def build(self) -> None:
        """Workloads and pods that are in the way of a suspension."""
        boss = self.make("v1", "ConfigMap", "boss")["metadata"]["uid"]
        web = self.make("apps/v1", "Deployment", "web", spec={"replicas": 2, **selecting("web")})["metadata"]["uid"]
        for name, owner in (
            ("of-a-config-map", owned("boss", uid=boss)),
            ("of-another-kind", owned("web", "Deployment", web, "apps/v1")),
        ):
            self.make("apps/v1", "Deployment", name, owner, spec={"replicas": 1, **selecting(name)})
        self.make("apps/v1", "ReplicaSet", "set", owned("boss", uid=boss), spec={"replicas": 1, **selecting("set")})
        controller = {"replicas": 1, "selector": {"app": "old"}, "template": selecting("old")["template"]}
        self.make("v1", "ReplicationController", "old", HELD, spec=controller)
        self.make("apps/v1", "StatefulSet", "store", HELD, spec={"serviceName": "store", **selecting("store")})
        self.make("apps/v1", "DaemonSet", "every", spec=selecting("every"))
        once = {"template": {"spec": {**POD, "restartPolicy": "Never"}}}
        self.make("batch/v1", "Job", "job", HELD, spec={"parallelism": 2, "completions": 50, **once})
        self.make("batch/v1", "CronJob", "night", spec={"schedule": "* * * * *", "jobTemplate": {"spec": once}})
        self.make("policy/v1", "PodDisruptionBudget", "never", spec={"maxUnavailable": 0, "selector": {}})
        odd = {"annotations": {"tenant.vcci.io/before-suspension": "²"}}
        self.make("apps/v1", "Deployment", "a-odd", odd, spec={"replicas": 0, **selecting("odd")})
        # On no node, so that only the API server knows of them.
        dead = {"spec": {**POD, "nodeName": "gone"}}
        far = {
            "selector": {"matchLabels": {"app": "far"}},
            "template": {"metadata": {"labels": {"app": "far"}}, **dead},
        }
        self.make("apps/v1", "ReplicaSet", "far", spec={"replicas": 1, **far})
        self.make("v1", "Pod", "hidden", {"labels": OURS}, **dead)
        self.make("v1", "Pod", "stays", {**HELD, **owned("boss", uid=boss)}, **dead)
        self.make("v1", "Pod", "vcci-tenant-backup", {**HELD, "labels": OURS}, **dead)

    def bury(self) -> None:
        """What is in the way of a deletion: finalizers that are nobody's, on any kind."""
        for kind, finalizer in (
            ("ConfigMap", "example.com/held"),
            ("Secret", "kubernetes.io/fake"),
            ("ServiceAccount", "foregroundDeletion"),
        ):
            self.make("v1", kind, "held", {"finalizers": [finalizer]})
        cleanup = {"finalizers": ["service.kubernetes.io/load-balancer-cleanup"]}
        self.make("v1", "Service", "held", cleanup, spec={"ports": [{"port": 80}]})
        claim = {"accessModes": ["ReadWriteOnce"], "storageClassName": "none"}
        claim["resources"] = {"requests": {"storage": "1Mi"}}
        self.make("v1", "PersistentVolumeClaim", "held", HELD, spec=claim)
        self.make("hostile.example/v1", "Widget", "held", HELD)


@pytest.fixture
def widgets(client):
    """A kind of the cluster's own, of which a tenant has an object."""
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget"}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    spec = {"group": "hostile.example", "scope": "Namespaced", "names": names, "versions": [version]}
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    client.request("POST", path, body={"metadata": {"name": "widgets.hostile.example"}, "spec": spec})
    eventually(lambda: client.get("hostile.example/v1", "Widget", "x", "default") is None and served(client), "kind")
    yield
    client.request("DELETE", f"{path}/widgets.hostile.example")


def served(client: Client) -> bool:
    try:
        client.forget_kinds()
        return bool(client.list("hostile.example/v1", "Widget", "default") == [])
    except VcciError:
        return False


@contextlib.contextmanager
def silent_api(client: Client) -> Iterator[None]:
    """An API for which nobody answers: a namespace that is deleted meanwhile does not go."""
    path = "/apis/apiregistration.k8s.io/v1/apiservices"
    spec = {"group": "gone.example", "version": "v1", "groupPriorityMinimum": 1000, "versionPriority": 10}
    spec["service"] = {"namespace": "default", "name": "gone"}
    spec["insecureSkipTLSVerify"] = True
    client.request("POST", path, body={"metadata": {"name": "v1.gone.example"}, "spec": spec})
    try:
        eventually(lambda: is_silent(client), "the API is known")
        yield
    finally:
        client.request("DELETE", f"{path}/v1.gone.example")
        eventually(lambda: not is_silent(client), "the API is forgotten")


def is_silent(client: Client) -> bool:
    try:
        sweep.kinds(client)
    except VcciError:
        return True
    return False


@pytest.fixture
def hostile(quota, client, prefix, widgets):
    people = [{"group": "people"}]
    made = quota(tiers=TIERS, tenants=[{"id": f"{prefix}-h", "name": "Hostile", "tier": "any", "owners": people}])
    assert not made.get("failed"), made
    found = Hostile(client, f"{prefix}-h")
    body = {"metadata": {"annotations": {"tenant.vcci.io/max-grace-seconds": "2"}}}
    client.request("PATCH", f"/api/v1/namespaces/{found.where}", body=body, content_type="application/merge-patch+json")
    eventually(lambda: found.get("v1", "ServiceAccount", "default"), "account")
    found.build()
    # Two of the Deployment, one of each other, one a node; what is of a Job comes and goes.
    names = ("web", "of-a-config-map", "of-another-kind", "set", "far", "old", "store", "every")
    eventually(lambda: all(any(p.startswith(n) for p in found.running()) for n in names), found.running)
    yield found
    for obj in sweep.in_namespace(client, sweep.kinds(client), found.where):  # of a test that failed
        ending.take_finalizers(client, obj, [])


@pytest.fixture
def controller(kubeconfig, hostile):
    """A controller of the tenant's own, outside the cluster: it makes again what is stopped, as long as it may."""
    asks = {"impersonate_user": "somebody", "impersonate_groups": ["people", "system:authenticated"]}
    made = Client.from_params({"kubeconfig": str(kubeconfig), **asks}, retry_for=0)
    its, ended, refused = Hostile(made, hostile.id), threading.Event(), []

    def fight() -> None:
        number = 0
        while not ended.wait(0.05):
            number += 1
            try:
                its.make("v1", "Pod", f"again-{number}", HELD, spec=POD)
            except VcciError as exc:
                refused.append(exc.message)
            try:
                path = made.resource("apps/v1", "Deployment").path(its.where, "web")
                body = {"metadata": {"annotations": {"turn": str(number)}}, "spec": {"replicas": 2}}
                made.request("PATCH", path, body=body, content_type="application/merge-patch+json")
            except VcciError as exc:
                refused.append(exc.message)

    thread = threading.Thread(target=fight)
    thread.start()
    yield refused
    ended.set()
    thread.join()
    made.close()


def test_suspended_resumed_and_offboarded(quota, hostile, client, controller, tmp_path):
    def reach(state: str, **options: object) -> dict:
        return quota(called="tenant_state", id=hostile.id, state=state, wait_timeout=WAIT, **options)

    # Pods that would be lost are named, whatever they carry; then they go.
    asked = reach("suspended")
    assert asked["failed"]
    assert "hidden" in asked["msg"]
    assert "vcci-tenant-backup" in asked["msg"]
    done = reach("suspended", delete_pods=True)
    assert not done.get("failed"), done["msg"]
    assert hostile.running() == []
    assert any("Pod stays: removed without waiting for its node, with finalizers" in line for line in done["forced"])
    assert any(f"had {YEAR} s to stop, and got 2 s" in line for line in done["forced"])
    for kind, name in (("Deployment", "of-a-config-map"), ("Deployment", "of-another-kind"), ("ReplicaSet", "set")):
        assert hostile.get("apps/v1", kind, name)["spec"]["replicas"] == 0
    assert any("exceeded quota: tenant-suspended" in line for line in controller)

    # One odd value does not keep the others from being resumed.
    back = reach("active")
    assert not back.get("failed"), back["msg"]
    assert "Deployment a-odd: its annotation" in str(back["warnings"])
    assert hostile.get("apps/v1", "Deployment", "of-another-kind")["spec"]["replicas"] == 1
    assert not hostile.get("batch/v1", "CronJob", "night")["spec"]["suspend"]
    hostile.bury()

    # Access goes first, so that nothing is made again, and everything is deleted.
    options = {"directory": str(tmp_path), "quarantine_days": 0, "image": "greenlang/vcci-probe:v1.0.0"}
    done = reach("cordoned", delete_pods=True, **options)
    assert not done.get("failed"), done["msg"]
    assert client.list("v1", "Pod", hostile.where) == []
    assert not reach("cordoned", delete_pods=True, **options)["changed"]
    eventually(lambda: 'User "somebody" cannot' in controller[-1], lambda: controller[-1])
    for state in ("backed_up", "quarantined", "deleting"):
        done = reach(state, **options)
        assert not done.get("failed"), done["msg"]
    with silent_api(client):
        asked = reach("absent", **options)
        assert "the API gone.example/v1 does not answer" in asked["msg"]
        assert "deletionTimestamp" not in client.get("v1", "Namespace", hostile.where)["metadata"]
    done = reach("absent", **options)
    assert not done.get("failed"), done["msg"]
    assert client.get("v1", "Namespace", hostile.where) is None

    said = json.loads((tmp_path / hostile.id / "certificate.json").read_text())
    assert said["swept"]["remaining"] == 0
    forced = {entry["object"] for entry in said["forced"]}
    assert {f"{kind} held" for kind in ("ConfigMap", "Secret", "PersistentVolumeClaim", "Widget")} <= forced
    assert {"Job job", "StatefulSet store", "ReplicationController old"} <= forced
    assert {"object": "Widget held", "what": "finalizers taken off: example.com/held"} in said["forced"]
    assert said["existed"]["Widget"] == ["held"]
    assert not reach("absent", **options)["changed"]
    found = client.get("v1", "ConfigMap", f"tenant-offboarding-{hostile.id}", "default")
    assert len(json.dumps(found)) < 4096
