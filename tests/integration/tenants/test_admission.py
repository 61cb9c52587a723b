# Copyright (c) 2026 GreenLang. All rights reserved.
"""Every rule of the admission policies, refused beside allowed, as a person of a tenant against the real API server.

The person's rights are wide: what is refused here, a policy refuses. Everything is a dry run.
"""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ApiError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import MERGE_PATCH, Client
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants import cases as c
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.bounds import bounds
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.cases_network import network_cases
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.cases_objects import object_cases
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.cases_pods import pod_cases

from tests.helpers import eventually
from tests.integration.tenants import admission_rows as rows

RBAC = "rbac.authorization.k8s.io"
CORE = ["pods", "pods/ephemeralcontainers", "services", "configmaps", "secrets", "persistentvolumeclaims"]
RULES = [
    {"apiGroups": [""], "resources": [*CORE, "serviceaccounts"], "verbs": ["*"]},
    {
        "apiGroups": ["apps", "batch", "policy", "networking.k8s.io", "discovery.k8s.io"],
        "resources": ["*"],
        "verbs": ["*"],
    },
]
CLUSTER_WIDE = [
    ("scheduling.k8s.io/v1", "priorityclasses", {"metadata": {"name": "adm-gold"}, "value": 10}),
    ("node.k8s.io/v1", "runtimeclasses", {"metadata": {"name": "adm-runtime"}, "handler": "runc"}),
]
TENANTS = {"bounded": rows.BEFORE, "generous": rows.GENEROUS, "pinned": rows.PINNED}
LABELS = {"app.kubernetes.io/managed-by": "greenlang.vcci", "app.kubernetes.io/component": "tenant"}
SECURITY = {"pod-security.kubernetes.io/enforce": "restricted"}


class Ruled:
    """Namespaces of tenants, under the policies; what a person of them is refused."""

    def __init__(self, admin: Client, kubeconfig: Path) -> None:
        self.run, self.admin = uuid.uuid4().hex[:6], admin
        groups = ["system:authenticated"]
        self.connection = {"kubeconfig": str(kubeconfig), "impersonate_groups": groups}
        self.person = Client.from_params({**self.connection, "impersonate_user": "adm-person"})

    def namespace(self, name: str) -> str:
        return f"vcci-tenant-{name}-{self.run}"

    def make(self, name: str) -> None:
        where = self.namespace(name)
        self.admin.request("POST", "/api/v1/namespaces", body={"metadata": {"name": where}})
        access = c.path(f"{RBAC}/v1", where, "")
        users = ("adm-person", rows.SOLVER, rows.AGENT)
        subjects = [{"apiGroup": RBAC, "kind": "User", "name": user} for user in users]
        role = {"apiGroup": RBAC, "kind": "Role", "name": "people"}
        meta = {"metadata": {"name": "people"}}
        self.admin.request("POST", f"{access}roles", body={**meta, "rules": RULES})
        self.admin.request("POST", f"{access}rolebindings", body={**meta, "roleRef": role, "subjects": subjects})

    def rule(self, name: str) -> None:
        """From now on it is a tenant's."""
        annotations = {rows.PREFIX + key: value for key, value in TENANTS[name].items()}
        meta = {"labels": {**LABELS, **SECURITY, "tenant": name}, "annotations": annotations}
        path = f"/api/v1/namespaces/{self.namespace(name)}"
        self.admin.request("PATCH", path, body={"metadata": meta}, content_type=MERGE_PATCH)

    def refused(self, method: str, path: str, body: object, client: Client | None = None) -> str | None:
        form = {"content_type": MERGE_PATCH} if method == "PATCH" else {}
        try:
            (client or self.person).request(method, path, body=body, query={"dryRun": "All"}, **form)
        except ApiError as exc:
            return exc.message
        return None


@pytest.fixture(scope="module")
def ruled(site, kubeconfig) -> Iterator[Ruled]:
    site.run("tenant", tenant_list=[], tags="admission", apps_frontend_host="vcci.elsewhere.example")
    made = Ruled(site.client, kubeconfig)
    with contextlib.ExitStack() as stack:
        for api, resource, body in CLUSTER_WIDE:
            path = f"/apis/{api}/{resource}"
            made.admin.request("POST", path, body=body)
            stack.callback(made.admin.request, "DELETE", f"{path}/{body['metadata']['name']}")
        for name in TENANTS:
            made.make(name)
            stack.callback(made.admin.request, "DELETE", f"/api/v1/namespaces/{made.namespace(name)}")
        where = made.namespace("bounded")
        for number, (resource, there, _change, _refusal) in enumerate([*rows.UPDATES, *rows.DELETIONS]):
            named = {"metadata": {"name": f"x{number}"}}
            body = c.merged(c.merged(rows.BASES[resource], there), named)
            made.admin.request("POST", c.path(rows.APIS[resource], where, resource), body=body)
        for name in TENANTS:
            made.rule(name)
        for name in ("bounded", "generous"):
            eventually(lambda name=name: refused_all(made, name), "the policies are obeyed")
        yield made
        for number, (resource, there, _change, _refusal) in enumerate(rows.UPDATES):
            if "finalizers" in there.get("metadata", {}):
                path = f"{c.path(rows.APIS[resource], where, resource)}/x{number}"
                none = {"metadata": {"finalizers": None}}
                made.admin.request("PATCH", path, body=none, content_type=MERGE_PATCH)


def refused_all(made: Ruled, name: str) -> bool:
    """Whether each policy is obeyed that has just been written: one refusal of each."""
    seen = {}
    for case in all_cases(name):
        policy = case.refusal and case.resource + case.refusal[:12]
        if policy and policy not in seen:
            seen[policy] = made.refused("POST", case.path(made.namespace(name)), case.body)
    return all(seen.values())


def all_cases(name: str) -> list[c.Case]:
    allowed = bounds({rows.PREFIX + key: value for key, value in TENANTS[name].items()})
    return [*pod_cases(rows.IMAGE, allowed), *network_cases(allowed), *object_cases(rows.IMAGE, allowed)]


def judge(refused: str | None, refusal: str) -> None:
    if not refusal:
        assert refused is None
    else:
        assert refused is not None, f"allowed, and should say {refusal}"
        assert re.search(refusal, refused), refused


CREATED = [
    *((("bounded", case)) for case in all_cases("bounded")),
    *(("generous", case) for case in all_cases("generous")),
]


@pytest.mark.parametrize(("name", "case"), CREATED, ids=lambda value: getattr(value, "name", value))
def test_made(ruled, name, case):
    """The tables of tenant_verify, for a namespace of the version before and for one that has much."""
    judge(ruled.refused("POST", case.path(ruled.namespace(name)), case.body), case.refusal)


@pytest.mark.parametrize(("resource", "change", "refusal"), rows.SOLD)
def test_sold(ruled, resource, change, refusal):
    """What one tier has and the other has not."""
    body, path = c.merged(rows.BASES[resource], change), c.path(rows.APIS[resource], "{}", resource)
    judge(ruled.refused("POST", path.format(ruled.namespace("bounded")), body), refusal)
    judge(ruled.refused("POST", path.format(ruled.namespace("generous")), body), "")


@pytest.mark.parametrize(("resource", "change", "refusal"), rows.NEVER)
def test_never_sold(ruled, resource, change, refusal):
    path = c.path(rows.APIS[resource], ruled.namespace("generous"), resource)
    judge(ruled.refused("POST", path, c.merged(rows.BASES[resource], change)), refusal)


@pytest.mark.parametrize("number", range(len(rows.UPDATES)))
def test_changed(ruled, number):
    """Only what changed is judged."""
    resource, _there, change, refusal = rows.UPDATES[number]
    path = f"{c.path(rows.APIS[resource], ruled.namespace('bounded'), resource)}/x{number}"
    judge(ruled.refused("PATCH", path, change), refusal)


@pytest.mark.parametrize("number", range(len(rows.DELETIONS)))
def test_deleted(ruled, number):
    resource, _there, options, refusal = rows.DELETIONS[number]
    path = f"{c.path(rows.APIS[resource], ruled.namespace('bounded'), resource)}/x{len(rows.UPDATES) + number}"
    judge(ruled.refused("DELETE", path, options), refusal)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({}, "nodeSelector not allowed: .any node.; node pools of this tenant are memory .tier memory, node_pools."),
        (rows.spec(nodeSelector={"workload-type": "memory"}), ""),
        (rows.spec(nodeSelector={"workload-type": "memory"}, tolerations=[rows.MEMORY]), ""),
        (rows.spec(nodeSelector={"workload-type": "other"}), "nodeSelector not allowed"),
    ],
)
def test_a_pod_does_not_run_outside_its_pools(ruled, change, refusal):
    """Where the pool that is open to all is not the tenant's, a pod has to choose."""
    path = c.path("v1", ruled.namespace("pinned"), "pods")
    judge(ruled.refused("POST", path, c.merged(rows.BASES["pods"], change)), refusal)


@pytest.mark.parametrize(("host", "refusal"), rows.PLATFORM_HOSTS)
def test_hosts_of_the_platform_are_no_tenants(ruled, host, refusal):
    """Whatever a namespace says; neither is a certificate of one."""
    path = c.path("networking.k8s.io/v1", ruled.namespace("pinned"), "ingresses")
    certified = c.merged(c.ingress("globex.example"), rows.spec(tls=[{"hosts": [host], "secretName": "x"}]))
    for body in (c.ingress(host), certified):
        judge(ruled.refused("POST", path, body), refusal)


def test_each_refused_host_is_told_once(ruled):
    """Beside one that is anybody's."""
    path = c.path("networking.k8s.io/v1", ruled.namespace("bounded"), "ingresses")
    both = rows.spec(rules=[c.rule("api.platform.example"), c.rule("acme.test")])
    told = ruled.refused("POST", path, c.merged(c.ingress("globex.example"), both))
    assert [told.count(f"host not allowed: {host};") for host in ("api.platform.example", "acme.test")] == [1, 1]


def test_the_default_class_is_everybodys(ruled):
    """A class for both tenants: the server allows one default, and forgets a deleted one some time later."""
    classes = "/apis/scheduling.k8s.io/v1/priorityclasses"
    default = {"metadata": {"name": "adm-default"}, "value": 1, "globalDefault": True}
    named = c.merged(rows.BASES["pods"], rows.spec(priorityClassName="adm-default"))
    ruled.admin.request("POST", classes, body=default)
    try:
        for name in ("bounded", "generous"):
            path = c.path("v1", ruled.namespace(name), "pods")
            eventually(lambda path=path: ruled.refused("POST", path, named) is None, "the class is known")
            judge(ruled.refused("POST", path, rows.BASES["pods"]), "")
    finally:
        ruled.admin.request("DELETE", f"{classes}/adm-default")


def test_an_object_of_which_nobody_manages_a_field_hides_nothing(ruled):
    """A port that somebody chose looks like one that was given, once the managers are gone."""
    path = c.path("v1", ruled.namespace("generous"), "services")
    body = c.merged(rows.BASES["services"], {"metadata": {"name": "hidden"}})
    ruled.admin.request("POST", path, body=body)
    ruled.admin.request("PATCH", f"{path}/hidden", body=rows.FIXED, content_type=MERGE_PATCH)
    chosen = rows.spec(type="LoadBalancer", ports=[{"port": 80, "nodePort": 32003}])
    judge(ruled.refused("PATCH", f"{path}/hidden", chosen), "nodePort not allowed: 32003")


# --- who else writes there ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(("user", "resource", "change", "refusal"), rows.OTHERS)
def test_controllers(ruled, user, resource, change, refusal):
    """They make what a tenant's template says, which is judged; what they add themselves is not."""
    groups = ["system:authenticated", "system:serviceaccounts", f"system:serviceaccounts:{user.split(':')[2]}"]
    client = Client.from_params({**ruled.connection, "impersonate_user": user, "impersonate_groups": groups})
    body = c.merged(rows.BASES[resource], change)
    judge(
        ruled.refused("POST", c.path(rows.APIS[resource], ruled.namespace("bounded"), resource), body, client), refusal
    )
    client.close()


@pytest.mark.parametrize(("resource", "change", "refusal"), rows.PLATFORM)
def test_the_platform(ruled, resource, change, refusal):
    path = c.path(rows.APIS[resource], ruled.namespace("bounded"), resource)
    judge(ruled.refused("POST", path, c.merged(rows.BASES[resource], change), ruled.admin), refusal)


def test_everything_of_a_namespace_goes_with_it(ruled, kubectl):
    """Controllers are not hindered: workloads run, and end."""
    where = ruled.namespace("generous")
    for kind in ("deployments", "daemonsets", "statefulsets"):
        ruled.person.request("POST", c.path("apps/v1", where, kind), body=c.workload(rows.IMAGE))
    ruled.person.request("POST", c.path("batch/v1", where, "jobs"), body=c.job(rows.IMAGE))
    ruled.person.request("POST", c.path("v1", where, "services"), body=c.service())
    ruled.person.request("POST", c.path("networking.k8s.io/v1", where, "ingresses"), body=c.ingress("globex.example"))
    suspended = c.path("apps/v1", where, f"deployments/{c.NAME}")
    ruled.admin.request("PATCH", suspended, body=rows.SUSPENDED, content_type=MERGE_PATCH)
    owners = {"ReplicaSet", "DaemonSet", "StatefulSet", "Job"}

    def made() -> set[str]:
        pods = ruled.admin.list("v1", "Pod", where)
        return {pod["metadata"]["ownerReferences"][0]["kind"] for pod in pods if pod["metadata"].get("ownerReferences")}

    eventually(lambda: made() == owners, made)
    kubectl("delete", "namespace", where)
    ruled.make("generous")
