# Copyright (c) 2026 GreenLang. All rights reserved.
"""What a tier sells and what it bounds, asked of the API server as the tenant's own people."""

from __future__ import annotations

import contextlib
import json

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ApiError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.counts import DEFAULTS, DERIVED

from tests.helpers import eventually

from .conftest import FLOWS

TIERS = {
    "small": {"quota": {"requests.cpu": 1, "pods": 5}},
    "large": {"quota": {"requests.cpu": 4, "pods": 5}, "load_balancers": 1, "max_service_ports": 2},
    "tiny": {"quota": {"requests.cpu": 1, "pods": 0}},
    "counted": {"quota": {"requests.cpu": 1, "pods": 5, "count/serviceaccounts": 2}},
}
CONTAINER = {"name": "c", "image": "greenlang/x:v1", "resources": {"requests": {"cpu": "1m"}}}
SAFE = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def tenants(prefix, *tiers):
    return [
        {
            "id": f"{prefix}-{number}",
            "name": "T",
            "tier": tier,
            "owners": [{"user": f"{prefix}-{number}-dev", "role": "developer"}, {"group": f"{prefix}-{number}-people"}],
        }
        for number, tier in enumerate(tiers)
    ]


def pod(name, **spec):
    return {"metadata": {"name": name}, "spec": {"containers": [{**CONTAINER, "securityContext": SAFE}], **spec}}


def create(client, where, what, body, **query):
    return client.request("POST", f"/api/v1/namespaces/{where}/{what}", body=body, query=query or None)


def may(client, user, verb, resource, namespace, name="", group=""):
    attributes = {"verb": verb, "group": group, "resource": resource, "namespace": namespace, "name": name}
    body = {"spec": {"user": user, "groups": ["system:authenticated"], "resourceAttributes": attributes}}
    answer = client.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body=body)
    return answer["status"]["allowed"]


def test_a_tenant_sees_its_own_namespace_and_no_other(quota, client, prefix):
    quota(tiers=TIERS, tenants=tenants(prefix, "small", "small"))
    own, other, dev = f"vcci-tenant-{prefix}-0", f"vcci-tenant-{prefix}-1", f"{prefix}-0-dev"
    assert may(client, dev, "get", "namespaces", own, own)
    assert not may(client, dev, "get", "namespaces", other, other)
    assert not may(client, dev, "list", "namespaces", "")
    assert [
        verb for verb in ("update", "patch", "delete", "watch") if may(client, dev, verb, "namespaces", own, own)
    ] == []
    assert may(client, dev, "list", "pods", own, group="metrics.k8s.io")
    assert may(client, dev, "get", "pods", own, "x", group="metrics.k8s.io")
    assert not may(client, dev, "list", "pods", other, group="metrics.k8s.io")


def test_what_the_quota_of_a_tier_lets_in(quota, client, prefix):
    quota(tiers=TIERS, tenants=tenants(prefix, "small", "large"))
    small, large = f"vcci-tenant-{prefix}-0", f"vcci-tenant-{prefix}-1"

    def counted():
        status = client.get("v1", "ResourceQuota", "tenant-quota", large).get("status") or {}
        return (DEFAULTS.keys() | DERIVED.keys()) - {name for name in DERIVED if "cert-manager" in name} <= {
            *(status.get("used") or {})
        }

    eventually(counted, "not every limit is counted")
    balancer = {"spec": {"type": "LoadBalancer", "ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "b"}]}}
    named = {"metadata": {"name": "web"}, **balancer}
    create(client, large, "services", named)  # as `kubectl expose` makes it, with node ports
    with pytest.raises(ApiError, match=r"services\.loadbalancers"):
        create(client, large, "services", {"metadata": {"name": "second"}, **balancer})
    with pytest.raises(ApiError, match=r"services\.loadbalancers"):
        create(client, small, "services", named)
    with pytest.raises(ApiError, match=r"services\.nodeports"):
        create(client, small, "services", {**named, "spec": {**balancer["spec"], "type": "NodePort"}})


@pytest.mark.parametrize(
    ("kind", "term", "admitted"),
    [
        ("podAntiAffinity", {"namespaceSelector": {}}, False),
        ("podAffinity", {"namespaceSelector": {}}, False),
        ("podAntiAffinity", {"namespaces": ["kube-system"]}, False),
        ("podAntiAffinity", {"namespaceSelector": {"matchLabels": {"a": "b"}}}, False),
        ("podAntiAffinity", {}, True),
    ],
)
@pytest.mark.parametrize("when", ["required", "preferred"])
def test_affinity_stays_within_the_namespace(quota, client, prefix, kind, term, admitted, when):
    quota(tiers=TIERS, tenants=tenants(prefix, "small"))
    where = f"vcci-tenant-{prefix}-0"

    def counted():
        return client.get("v1", "ResourceQuota", "tenant-cross-namespace", where).get("status", {}).get("hard")

    eventually(counted, "the limit is not known yet")
    whole = {"labelSelector": {"matchLabels": {"a": "b"}}, "topologyKey": "kubernetes.io/os", **term}
    terms = [whole] if when == "required" else [{"weight": 1, "podAffinityTerm": whole}]
    wall = pod("wall", affinity={kind: {f"{when}DuringSchedulingIgnoredDuringExecution": terms}})
    if admitted:
        create(client, where, "pods", wall, dryRun="All")
    else:
        with pytest.raises(ApiError, match="tenant-cross-namespace"):
            create(client, where, "pods", wall, dryRun="All")


def test_a_quota_of_the_version_before_with_more_in_use(quota, client, prefix):
    """Its tenants are converged, and the run says what they have too much of; then it changes nothing any more."""
    data, where = tenants(prefix, "counted"), f"vcci-tenant-{prefix}-0"
    quota(tiers=TIERS, tenants=data)
    path = f"/api/v1/namespaces/{where}/resourcequotas/tenant-quota"
    old = {"spec": {"hard": {**dict.fromkeys((*DEFAULTS, *DERIVED)), "pods": "5"}}}
    ours = {"fieldManager": "greenlang.vcci"}
    client.request("PATCH", path, body=old, content_type="application/merge-patch+json", query=ours)

    def made_account(number):
        with contextlib.suppress(ApiError):  # admission knows of the quota's change a moment later
            create(client, where, "serviceaccounts", {"metadata": {"name": f"a{number}"}})
        return client.get("v1", "ServiceAccount", f"a{number}", where)

    for number in range(3):
        eventually(lambda number=number: made_account(number), "an account is let in")

    def forgotten():
        return "count/serviceaccounts" not in client.request("GET", path)["status"]["used"]

    eventually(forgotten, "the quota controller still counts what it has no limit of")
    told = "count/serviceaccounts is 2, and 4 are in use already"
    predicted = quota("--check", tiers=TIERS, tenants=data, force_conflicts=True)
    assert not predicted.get("failed"), predicted
    assert told in str(predicted["warnings"])
    made = quota(tiers=TIERS, tenants=data, force_conflicts=True)
    assert made["counts"] == predicted["counts"] == {"created": 0, "configured": 1, "unchanged": 16}
    assert told in str(made["warnings"])

    def refused():  # once the quota's status has the limit
        try:
            create(client, where, "serviceaccounts", {"metadata": {"name": "more"}}, dryRun="All")
        except ApiError as exc:
            return "count/serviceaccounts" in str(exc)
        return False

    eventually(refused, "an account is let in beyond the limit")
    again = quota(tiers=TIERS, tenants=data)
    assert not again["changed"]
    assert "count/serviceaccounts is 2" in str(again["warnings"])
    assert "count/serviceaccounts" in str(quota(called="tenants_info")["tenants"][f"{prefix}-0"]["headroom"])


def test_who_is_refused_stops_nobody_else(quota, client, prefix):
    data = tenants(prefix, "small", "small")
    quota(tiers=TIERS, tenants=data)
    first, second = (f"vcci-tenant-{prefix}-{number}" for number in range(2))
    create(client, first, "pods", pod("runs"))

    def counted():
        return client.get("v1", "ResourceQuota", "tenant-quota", first)["status"]["used"].get("pods") == "1"

    eventually(counted, "the quota controller does not count")
    data[0]["tier"], data[1]["tier"] = "tiny", "large"
    data += tenants(prefix, "small", "small", "small")[2:]
    others = f"not converged: {prefix}-0; the other 2 are. Why:\n- tenant {prefix}-0: pods would be 0, and 1 are in use"
    predicted = quota("--check", tiers=TIERS, tenants=data)
    assert predicted["failed"]
    assert others in predicted["msg"]
    assert client.get("v1", "Namespace", f"vcci-tenant-{prefix}-2") is None
    made = quota(tiers=TIERS, tenants=data)
    assert made["failed"]
    assert others in made["msg"]
    assert made["changed"]
    assert made["counts"] == predicted["counts"]
    assert list(made["refused"]) == [f"{prefix}-0"]
    assert client.get("v1", "Namespace", second)["metadata"]["labels"]["tenant-tier"] == "large"
    assert client.get("v1", "Namespace", first)["metadata"]["labels"]["tenant-tier"] == "small"
    assert client.get("v1", "ResourceQuota", "tenant-quota", f"vcci-tenant-{prefix}-2") is not None

    alone = quota(tiers=TIERS, tenants=data, only=[f"{prefix}-0"])
    assert "nothing was written" in alone["msg"]
    assert not quota(tiers=TIERS, tenants=data, only=[f"{prefix}-1"]).get("failed")
    judged = quota(tiers=TIERS, tenants=data, judge_only=True)
    assert not judged.get("failed")
    assert not judged["changed"]
    assert list(judged["refused"]) == [f"{prefix}-0"]


def test_what_was_changed_by_hand_at_one_tenant_stops_no_other(quota, client, prefix):
    """Three tenants, whatever shares they are in; a quota of one is somebody else's."""
    data = tenants(prefix, "small", "small", "small")
    quota(tiers=TIERS, tenants=data)
    path = f"/api/v1/namespaces/vcci-tenant-{prefix}-1/resourcequotas/tenant-quota"
    edit = {"content_type": "application/merge-patch+json", "query": {"fieldManager": "edit"}}
    client.request("PATCH", path, body={"spec": {"hard": {"pods": "6"}}}, **edit)
    for tenant in data:
        tenant["hosts"] = [f"{tenant['id']}.example"]
    predicted = quota("--check", tiers=TIERS, tenants=data)
    assert predicted["failed"]
    made = quota(tiers=TIERS, tenants=data)
    assert made["failed"]
    assert f"not converged: {prefix}-1; the other 2 are" in made["msg"]
    assert "force_conflicts" in made["msg"]
    assert list(made["refused"]) == list(predicted["refused"]) == [f"{prefix}-1"]
    for number in (0, 2):
        said = client.get("v1", "Namespace", f"vcci-tenant-{prefix}-{number}")["metadata"]["annotations"]
        assert said["tenant.vcci.io/hosts"] == f"{prefix}-{number}.example"
    assert not quota(tiers=TIERS, tenants=data, force_conflicts=True).get("failed")
    assert not quota(tiers=TIERS, tenants=data)["changed"]


def test_capacity_is_laid_over_what_the_nodes_say(quota, prefix):
    data = [
        {"id": f"{prefix}-0", "name": "T", "tier": "large", "overrides": {"extended_resources": {"a.example/b": 2}}}
    ]
    ratios = {"cpu": 1, "a.example/b": 1}
    without = quota("--check", tiers=TIERS, tenants=data, overcommit=ratios)
    assert not without.get("failed"), without
    assert "overcommitment of a.example/b" in str(without["warnings"])
    told = quota("--check", tiers=TIERS, tenants=data, overcommit=ratios, capacity={"a.example/b": 2})
    assert "warnings" not in told or "overcommitment of a.example/b" not in str(told["warnings"])
    assert told["commitment"]["a.example/b"]["allocatable"] == "2"
    assert told["commitment"]["cpu"]["allocatable"] == without["commitment"]["cpu"]["allocatable"] != "0"
    refused = quota("--check", tiers=TIERS, tenants=data, overcommit=ratios, capacity={"a.example/b": 1})
    assert "variable tenant_capacity" in refused["msg"]


@pytest.fixture
def level(client, prefix):
    """A priority level of the test's own; its uid."""
    spec = {
        "type": "Limited",
        "limited": {"nominalConcurrencyShares": 1, "borrowingLimitPercent": 0, "limitResponse": {"type": "Reject"}},
    }
    path = f"{FLOWS}/prioritylevelconfigurations"
    made = client.request("POST", path, body={"metadata": {"name": f"{prefix}-level"}, "spec": spec})
    yield made["metadata"]["uid"]
    client.request("DELETE", f"{path}/{prefix}-level")


def test_requests_of_tenants_have_a_level_of_their_own(quota, client, prefix, kubectl, level):
    """Whoever of them is converged: the level that the API server says it put a request in."""
    data = tenants(prefix, "small", "small", "small")

    def put_in(*who):
        said = kubectl("get", "--raw=/version", "-v=8", *who, everything=True)
        return f"X-Kubernetes-Pf-Prioritylevel-Uid: {level}" in said

    def going():  # other tests' tenants, which the data does not know: in their shares until they are gone
        every = client.list("v1", "Namespace", label_selector="tenant")
        return [one["metadata"]["name"] for one in every if "deletionTimestamp" in one["metadata"]]

    eventually(lambda: not going(), lambda: f"still there: {going()}")
    quota(tiers=TIERS, tenants=data, priority_level=f"{prefix}-level")
    account = f"system:serviceaccount:vcci-tenant-{prefix}-1:default"
    groups = ("--as-group=system:serviceaccounts", f"--as-group=system:serviceaccounts:vcci-tenant-{prefix}-1")
    eventually(lambda: put_in(f"--as={prefix}-0-dev"), "the request of an owner is in another level")
    eventually(lambda: put_in("--as=x", f"--as-group={prefix}-2-people"), "the request of a group's is")
    eventually(lambda: put_in(f"--as={account}", *groups), "the request of a ServiceAccount is")
    assert not put_in("--as=somebody")
    assert not put_in("--as=system:serviceaccount:kube-system:default", "--as-group=system:serviceaccounts:kube-system")

    again = quota(tiers=TIERS, tenants=data, priority_level=f"{prefix}-level")
    assert not again["changed"]
    data[0]["owners"] = []
    everyone = client.list("flowcontrol.apiserver.k8s.io/v1", "FlowSchema")
    schemas = [json.dumps(schema) for schema in everyone if schema["metadata"]["name"].startswith(f"vcci-{prefix}")]
    assert 1 <= len(schemas) <= 3
    assert sum(f"{prefix}-0-dev" in schema for schema in schemas) == 1
    only = quota(tiers=TIERS, tenants=data, priority_level=f"{prefix}-level", only=[f"{prefix}-0"])
    assert only["counts"]["configured"] == 3  # both bindings, and the schema of their share
    eventually(lambda: not put_in(f"--as={prefix}-0-dev"), "who is no owner any more is in the tenants' level")
    assert put_in("--as=x", f"--as-group={prefix}-2-people")
