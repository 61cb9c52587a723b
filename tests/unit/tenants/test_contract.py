# Copyright (c) 2026 GreenLang. All rights reserved.
"""The contract of a tier: its fields, their defaults, what a tenant may have instead, and what they become."""

from __future__ import annotations

import dataclasses
import json

import pytest
import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants import contract as _contract
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.access import _RULES
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.cluster import Cluster
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.counts import DERIVED, with_counts
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.plan import parse_fleet, plan_fleet
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.problems import Problems
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.quota import Allowance
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.settings import Settings

from tests.helpers import ROOT

SETTINGS = Settings("vcci", "vcci-platform", (), ("standard",), ingress_classes=("nginx",), issuers=("vcci-ca",))
TIERS = yaml.safe_load((ROOT / "roles/tenant/vars/main/tiers.yml").read_text())["__tenant_tiers"]
# What the API server calls the kinds that Roles name, and their groups.
SERVED = {
    "": ["pods", "services", "configmaps", "persistentvolumeclaims", "secrets", "serviceaccounts"],
    "apps": ["deployments", "statefulsets", "replicasets", "daemonsets"],
    "batch": ["jobs", "cronjobs"],
    "autoscaling": ["horizontalpodautoscalers"],
    "policy": ["poddisruptionbudgets"],
    "networking.k8s.io": ["ingresses"],
}
FEW = {"quota": {"pods": 5}}


def planned(tier=None, overrides=None, tiers=None, node_pools=None, settings=SETTINGS, **tenant):
    problems = Problems()
    data = {"id": "acme", "name": "Acme", "tier": "own", **tenant, **({"overrides": overrides} if overrides else {})}
    fleet = parse_fleet([data], tiers or {"own": {**FEW, **(tier or {})}}, problems, node_pools=node_pools)
    assert not problems.found
    return plan_fleet(fleet, settings, Cluster(), "2026-11-23T10:00:00Z", Allowance())


def bounds(*args, **kwargs):
    return planned(*args, **kwargs)[0].bounds["acme"]


def said(*args, **kwargs):
    """The annotations of contract, by field."""
    return _contract.told(bounds(*args, **kwargs).written)


def test_defaults_of_every_field():
    assert said() == {
        "priority_classes": [],
        "node_pools": ["compute"],
        "volume_attributes_classes": [],
        "runtime_classes": [],
        "ingress_classes": ["nginx"],
        "issuers": ["vcci-ca"],
        "extended_resources": [],
        "annotations": {"cert-manager.io/cluster-issuer": ["vcci-ca"]},
        "load_balancers": 0,
        "max_service_ports": 32,
        "max_tls_entries": 20,
        "max_grace_seconds": 300,
        "max_object_bytes": 262144,
    }
    assert set(said()) == set(_contract.FIELDS) == {field.name for field in dataclasses.fields(_contract.Contract)}


def test_annotations_of_a_namespace():
    written = bounds({"node_pools": ["compute", "gpu"], "max_grace_seconds": 60}).written
    assert written["tenant.vcci.io/node-pools"] == "compute,gpu"
    assert written["tenant.vcci.io/priority-classes"] == ""
    assert written["tenant.vcci.io/max-grace-seconds"] == "60"
    assert json.loads(written["tenant.vcci.io/annotations"]) == {"cert-manager.io/cluster-issuer": ["vcci-ca"]}
    assert all(isinstance(value, str) for value in written.values())


@pytest.mark.parametrize(
    ("field", "tier", "tenant", "says"),
    [
        ("priority_classes", ["batch"], None, ["batch"]),
        ("priority_classes", ["batch"], ["urgent"], ["urgent"]),
        ("priority_classes", ["batch"], [], []),
        ("node_pools", ["compute", "memory"], None, ["compute", "memory"]),
        ("runtime_classes", None, ["gvisor"], ["gvisor"]),
        ("volume_attributes_classes", ["gold"], None, ["gold"]),
        ("ingress_classes", [], None, []),
        ("ingress_classes", None, ["internal"], ["internal"]),
        ("issuers", ["letsencrypt"], None, ["letsencrypt"]),
        ("max_service_ports", 5, None, 5),
        ("max_service_ports", "5", 6, 6),
        ("max_tls_entries", 0, None, 0),
        ("max_grace_seconds", 3600, 30, 30),
        ("max_object_bytes", 1048576, None, 1048576),
        ("load_balancers", 2, None, 2),
        ("load_balancers", 2, 0, 0),
        ("extended_resources", {"nvidia.com/gpu": 1}, None, ["nvidia.com/gpu"]),
        ("extended_resources", {"nvidia.com/gpu": "0"}, None, []),
        (
            "extended_resources",
            {"nvidia.com/gpu": "1"},
            {"amd.com/gpu": 2, "nvidia.com/gpu": 0},
            ["amd.com/gpu"],
        ),
        (
            "annotations",
            ["a.example/b"],
            None,
            {"a.example/b": None, "cert-manager.io/cluster-issuer": ["vcci-ca"]},
        ),
        (
            "annotations",
            {"a.example/b": ["1"]},
            {"c.example/d": []},
            {"a.example/b": ["1"], "c.example/d": [], "cert-manager.io/cluster-issuer": ["vcci-ca"]},
        ),
        ("annotations", {"cert-manager.io/cluster-issuer": None}, None, {"cert-manager.io/cluster-issuer": None}),
    ],
)
def test_what_a_tier_and_a_tenant_say(field, tier, tenant, says):
    """A tenant's list or number stands instead of its tier's; its dictionary is laid over it."""
    found = said({} if tier is None else {field: tier}, None if tenant is None else {field: tenant})
    assert found[field] == says


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("priority_classes", "gold", "must be a list"),
        ("priority_classes", ["Gold"], "the name of a PriorityClass"),
        ("priority_classes", ["system-cluster-critical"], "not a tenant's to name"),
        ("priority_classes", ["vcci-data"], "not a tenant's to name"),
        ("node_pools", [{}], "the name of a pool of nodes"),
        ("node_pools", ["a,b"], "the name of a pool of nodes"),
        ("runtime_classes", ["a\n"], "the name of a RuntimeClass"),
        ("ingress_classes", {"a": 1}, "must be a list"),
        ("issuers", [7], "the name of a ClusterIssuer"),
        ("annotations", ["nginx"], "an annotation with its domain"),
        ("annotations", {"a.example/b": "c"}, "must be a list"),
        ("annotations", {"a.example/b": [1]}, "a list of texts"),
        ("annotations", 3, "must be a list"),
        ("extended_resources", ["nvidia.com/gpu"], "dictionary of amounts"),
        ("extended_resources", {"cpu": 1}, "a resource of a device"),
        ("extended_resources", {"hugepages-2Mi": "1Gi"}, "a resource of a device"),
        ("extended_resources", {"kubernetes.io/x": 1}, "a resource of a device"),
        ("extended_resources", {"nvidia.com/gpu": "500m"}, "whole number of devices"),
        ("extended_resources", {"nvidia.com/gpu": -1}, "negative"),
        ("load_balancers", -1, "a number from 0 to 1000"),
        ("load_balancers", True, "a number from 0 to 1000"),
        ("load_balancers", 1.5, "a number from 0 to 1000"),
        ("max_service_ports", 0, "a number from 1"),
        ("max_tls_entries", "many", "a number from 0"),
        ("max_grace_seconds", 29, "a number from 30"),
        ("max_grace_seconds", 86401, "to 86400"),
        ("max_object_bytes", 1048577, "to 1048576"),
        ("max_object_bytes", "²", "a number from 1024"),
        ("max_load_balancers", 1, "unknown key 'max_load_balancers'"),
    ],
)
def test_what_is_no_contract(field, value, text):
    """In a tier and in a tenant's overrides alike, with the place."""
    for tier, overrides, place in (({field: value}, {}, "tiers.own"), ({}, {field: value}, "(acme).overrides")):
        problems = Problems()
        tenant = {"id": "acme", "name": "Acme", "tier": "own", "overrides": overrides}
        parse_fleet([tenant], {"own": {**FEW, **tier}}, problems)
        assert len(problems.found) == 1, problems.found
        assert place in problems.found[0]
        assert text in problems.found[0]


def test_pools_that_the_cluster_does_not_have():
    for tier, overrides, place in (
        ({"node_pools": ["gpus"]}, {}, "tiers.own.node_pools"),
        ({}, {"node_pools": ["gpus"]}, "tenant acme: overrides.node_pools"),
    ):
        problems = Problems()
        tenant = {"id": "acme", "name": "Acme", "tier": "own", "overrides": overrides}
        parse_fleet([tenant], {"own": {**FEW, **tier}}, problems, node_pools=["compute", "gpu"])
        assert problems.found == [f"{place}: unknown pool 'gpus'; known are compute, gpu"]


# --- limits --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("tier", "overrides", "balancers", "ports"),
    [
        ({}, {}, "0", "0"),
        ({"load_balancers": 2}, {}, "2", "64"),
        ({"load_balancers": 2, "max_service_ports": 10}, {}, "2", "20"),
        ({"load_balancers": 2}, {"load_balancers": 3, "max_service_ports": 4}, "3", "12"),
        ({"load_balancers": 2}, {"load_balancers": 0}, "0", "0"),
        ({"load_balancers": 2}, {"max_service_ports": 100}, "2", "200"),
        ({"load_balancers": 2}, {"quota": {"services.loadbalancers": "4"}}, "4", "128"),
        ({"load_balancers": 2}, {"quota": {"services.loadbalancers": "4", "services.nodeports": "5"}}, "4", "5"),
        ({"load_balancers": 2}, {"max_service_ports": 100, "quota": {"services.nodeports": "5"}}, "2", "5"),
        # as the version before had it, in tiers and overrides of inventories
        ({"quota": {"services.loadbalancers": "2"}}, {}, "2", "64"),
        ({"quota": {"services.loadbalancers": "2", "services.nodeports": "0"}}, {}, "2", "0"),
        ({}, {"quota": {"services.loadbalancers": 1}}, "1", "32"),
        (
            {"load_balancers": 0, "quota": {"services.nodeports": "7"}},
            {"load_balancers": 1},
            "1",
            "32",
        ),
    ],
)
def test_load_balancers_have_the_node_ports_that_they_need(tier, overrides, balancers, ports):
    found = bounds(tier, overrides)
    assert found.hard["services.loadbalancers"] == balancers
    assert found.hard["services.nodeports"] == ports
    assert found.written["tenant.vcci.io/load-balancers"] == balancers


def test_policies_read_the_number_of_load_balancers_however_it_is_written():
    found = bounds({}, {"quota": {"services.loadbalancers": "1k"}})
    assert found.hard["services.loadbalancers"] == "1k"
    assert found.written["tenant.vcci.io/load-balancers"] == "1000"


@pytest.mark.parametrize(
    ("tier", "overrides", "amount", "allowed"),
    [
        ({}, {}, None, []),
        ({"extended_resources": {"nvidia.com/gpu": 0}}, {}, "0", []),
        ({"extended_resources": {"nvidia.com/gpu": 2}}, {}, "2", ["nvidia.com/gpu"]),
        ({"quota": {"requests.nvidia.com/gpu": "4"}}, {}, "4", ["nvidia.com/gpu"]),
        ({"extended_resources": {"nvidia.com/gpu": 2}, "quota": {"requests.nvidia.com/gpu": 0}}, {}, "0", []),
        (
            {"quota": {"requests.nvidia.com/gpu": 0}},
            {"extended_resources": {"nvidia.com/gpu": 1}},
            "1",
            ["nvidia.com/gpu"],
        ),
        ({"extended_resources": {"nvidia.com/gpu": 2}}, {"quota": {"requests.nvidia.com/gpu": 0}}, "0", []),
    ],
)
def test_devices_are_counted_and_allowed_together(tier, overrides, amount, allowed):
    found = bounds(tier, overrides)
    assert found.hard.get("requests.nvidia.com/gpu") == amount
    assert _contract.told(found.written)["extended_resources"] == allowed


def creatable():
    """(resource, group) of what any Role of a tenant may create."""
    found = set()
    for rules in _RULES.values():
        for rule in rules:
            if "create" in rule["verbs"] or "*" in rule["verbs"]:
                wanted = {resource for resource in rule["resources"] if "/" not in resource}
                served = {(one, group) for group in rule["apiGroups"] for one in SERVED.get(group, ()) if one in wanted}
                assert wanted == {resource for resource, _group in served}, "add the new kind to SERVED"
                found |= served
    return sorted(found)


@pytest.mark.parametrize("tier", [FEW, *TIERS.values()], ids=["one that counts nothing", *TIERS])
@pytest.mark.parametrize(("resource", "group"), creatable())
def test_every_kind_that_a_tenant_may_create_is_counted(tier, resource, group):
    hard = bounds(tiers={"own": tier}).hard
    names = [f"count/{resource}.{group}"] if group else [resource, f"count/{resource}"]
    assert [name for name in names if int(hard.get(name, 0)) > 0]


def test_pods_that_ended_and_what_controllers_make():
    hard = bounds(tiers={"own": TIERS["starter"]}).hard
    assert hard["count/pods"] == "40"
    assert hard["count/replicasets.apps"] == "120"
    assert hard["count/controllerrevisions.apps"] == str(12 * (5 + 10))
    assert hard["count/certificates.cert-manager.io"] == "10"
    assert hard["count/certificaterequests.cert-manager.io"] == "50"


@pytest.mark.parametrize(
    ("said", "name", "count"),
    [
        ({"pods": "1k"}, "count/pods", "2000"),
        ({"pods": "3", "count/pods": "5"}, "count/pods", "5"),
        ({"count/deployments.apps": "0"}, "count/replicasets.apps", "0"),
        ({"count/secrets": "3"}, "count/secrets", "3"),
        ({"secrets": "3"}, "secrets", "3"),
        ({}, "count/serviceaccounts", "100"),
    ],
)
def test_a_count_that_is_said_stays(said, name, count):
    whole = with_counts(said)
    assert whole[name] == count
    assert not {"secrets", "count/secrets"} <= whole.keys()
    assert whole.keys() >= DERIVED.keys()


def test_tenants_of_a_tier_share_what_it_gives():
    """A thousand tenants are bounded by one object, unless one has something of its own."""
    problems = Problems()
    data = [{"id": f"t{number}", "name": "T", "tier": "own"} for number in range(3)]
    data[2]["storage_classes"] = {"standard": "1Gi"}
    fleet = parse_fleet(data, {"own": FEW}, problems)
    plan, _wrong = plan_fleet(fleet, SETTINGS, Cluster(), "now", Allowance())
    assert plan.bounds["t0"] is plan.bounds["t1"]
    assert plan.bounds["t2"] is not plan.bounds["t1"]


def test_no_affinity_across_namespaces():
    plan, _wrong = planned()
    quota = next(o for o in plan.objects(plan.going()) if o["metadata"]["name"] == "tenant-cross-namespace")
    assert quota["spec"] == {"hard": {"pods": "0"}, "scopes": ["CrossNamespacePodAffinity"]}


def test_hosts_that_nobody_serves_are_one_error():
    problems = Problems()
    data = [{"id": name, "name": "T", "tier": "own", "hosts": [f"{name}.example"]} for name in ("acme", "globex")]
    data.append({"id": "plain", "name": "T", "tier": "own"})
    fleet = parse_fleet(data, {"own": FEW}, problems)
    none = dataclasses.replace(SETTINGS, ingress_classes=())
    plan, wrong = plan_fleet(fleet, none, Cluster(), "now", Allowance())
    assert len(wrong) == 1
    assert "acme, globex" in wrong[0]
    assert "tenant_ingress_classes" in wrong[0]
    assert [tenant.id for tenant in plan.going()] == ["plain"]
    unknown = dataclasses.replace(SETTINGS, ingress_classes=None)
    assert plan_fleet(fleet, unknown, Cluster(), "now", Allowance())[1] == []
    own = parse_fleet(data, {"own": {**FEW, "ingress_classes": ["internal"]}}, problems)
    assert plan_fleet(own, none, Cluster(), "now", Allowance())[1] == []
    assert plan_fleet(fleet, none, Cluster(), "now", Allowance(), only=["plain"])[1] == []


def test_the_document_tells_of_every_field():
    text = (ROOT / "docs/tiers.md").read_text()
    assert [name for name in (*_contract.FIELDS, "quota", "limits", "storage_classes") if f"`{name}`" not in text] == []
