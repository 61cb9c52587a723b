# Copyright (c) 2026 GreenLang. All rights reserved.
"""Where pods may go and what keeps them: budgets, room, volumes, what is not well."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.budgets import (
    keeping,
    kept_together,
    matches,
    never,
    owner,
)
from ansible_collections.greenlang.vcci.plugins.plugin_utils.upgrade import capacity, volumes, workloads

NOW = datetime.datetime(2026, 11, 26, 4, tzinfo=datetime.UTC)


def pod(name: str, node: str = "a", **more: Any) -> dict[str, Any]:
    """`cpu` is what it asks for; `spec` and `meta` are merged in."""
    spec = {"nodeName": node, "containers": [{"resources": {"requests": {"cpu": str(more.pop("cpu", "1"))}}}]}
    meta = {"name": name, "namespace": "ns", "labels": {"app": "x"}, **more.pop("meta", {})}
    conditions = [{"type": "Ready", "status": str(more.pop("ready", True))}]
    status = {"phase": more.pop("phase", "Running"), "conditions": conditions}
    return {"kind": "Pod", "metadata": meta, "spec": {**spec, **more}, "status": status}


def node(name: str, cpu: str = "4", *, labels: dict | None = None, **spec: Any) -> dict[str, Any]:
    known = {"kubernetes.io/hostname": name, **(labels or {})}
    return {
        "metadata": {"name": name, "labels": known},
        "spec": spec,
        "status": {"allocatable": {"cpu": cpu, "pods": "10"}},
    }


def budget(expected: int, allowed: int = 0, name: str = "b", healthy: int | None = None, **spec: Any) -> dict[str, Any]:
    status = {"expectedPods": expected, "disruptionsAllowed": allowed, "desiredHealthy": expected}
    status["currentHealthy"] = expected if healthy is None else healthy
    return {
        "metadata": {"name": name, "namespace": "ns"},
        "spec": {"selector": {"matchLabels": {"app": "x"}}, **spec},
        "status": status,
    }


@pytest.mark.parametrize(
    ("names", "needed", "spec", "says"),
    [
        ("pqr", 2, {"minAvailable": 2}, "ns/b lets 1 of ns/p, ns/q, ns/r be away at one time"),
        ("pqr", 1, {"minAvailable": 1}, "ns/b lets 2 of ns/p, ns/q, ns/r be"),
        ("p", 2, {"minAvailable": 2}, None),  # the other two find a place
        ("", 2, {"minAvailable": 2}, None),
        ("pqr", 3, {"minAvailable": 3}, None),  # never: said by itself
    ],
)
def test_a_budget_of_pods_that_are_away_together(names: str, needed: int, spec: dict, says: str | None) -> None:
    kept = budget(3, **spec)
    kept["status"]["desiredHealthy"] = needed
    away = [*map(pod, names), pod("unready", ready=False), pod("other", meta={"labels": {"app": "y"}})]
    found = kept_together(away, [kept])
    assert [namespace for namespace, _what in found] == (["ns"] if says else [])
    assert all(says and says in what for _namespace, what in found)


@pytest.mark.parametrize(
    ("spec", "expected", "wanted", "why"),
    [
        ({"maxUnavailable": 0}, 3, None, "maxUnavailable is 0"),
        ({"maxUnavailable": "0%"}, 3, None, "maxUnavailable is 0%"),
        ({"maxUnavailable": "1%"}, 3, None, None),  # rounded up: 1
        ({"maxUnavailable": 1}, 1, None, None),
        ({"minAvailable": 1}, 1, None, "minAvailable is 1 of 1"),
        ({"minAvailable": 1}, 2, None, None),
        ({"minAvailable": 1}, 1, 2, None),  # it wants two: only one is there yet
        ({"minAvailable": 2}, 3, 2, None),  # two workloads share it
        ({"minAvailable": "100%"}, 5, None, "minAvailable is 100% of 5"),
        ({"minAvailable": "51%"}, 2, None, "minAvailable is 51% of 2"),  # rounded up: 2
        ({"minAvailable": "50%"}, 2, None, None),
        ({"minAvailable": 0}, 1, None, None),
        ({"minAvailable": 1}, 0, None, None),  # no pods: nothing to keep
        ({"maxUnavailable": 0}, 0, None, None),
        ({}, 3, None, None),
    ],
)
def test_a_budget_that_never_allows(spec: dict, expected: int, wanted: int | None, why: str | None) -> None:
    assert never(budget(expected, **spec), wanted) == why


@pytest.mark.parametrize(
    ("pods", "budgets", "never_", "says"),
    [
        ([pod("p")], [budget(2, 1, minAvailable=1)], [], ""),
        ([pod("p")], [budget(1, minAvailable=1)], [True], "never allows a disruption (minAvailable is 1 of 1)"),
        ([pod("p")], [budget(3, minAvailable=2, healthy=2)], [False], "2 are healthy, 3 must be; it allows none now"),
        ([pod("p")], [budget(2, 1), budget(2, 1, name="c")], [True], "ns/b and ns/c: an eviction heeds one"),
        ([pod("p", phase="Succeeded")], [budget(1, maxUnavailable=0)], [], ""),
        ([pod("p", phase="Pending")], [budget(1, maxUnavailable=0)], [], ""),
        ([pod("p", meta={"deletionTimestamp": "now"})], [budget(1, maxUnavailable=0)], [], ""),
        ([pod("p", ready=False)], [budget(1, maxUnavailable=0, healthy=0)], [True], "maxUnavailable is 0"),
        ([pod("p", ready=False)], [budget(1, maxUnavailable=0, healthy=1)], [], ""),  # its budget is met without it
        (
            [pod("p", ready=False)],
            [budget(1, maxUnavailable=0, healthy=0, unhealthyPodEvictionPolicy="AlwaysAllow")],
            [],
            "",
        ),
        ([pod("p", meta={"labels": {"app": "other"}})], [budget(1, maxUnavailable=0)], [], ""),
        ([pod("p", meta={"namespace": "other"})], [budget(1, maxUnavailable=0)], [], ""),
        ([pod("p"), pod("q")], [budget(2, maxUnavailable=0)], [True, True], "never"),
    ],
)
def test_what_keeps_pods(pods: list, budgets: list, never_: list[bool], says: str) -> None:
    found = keeping(pods, budgets)
    assert [one.never for one in found] == never_
    assert all(says in str(one) and str(one).startswith(f"Pod {one.pod} of ") for one in found)


@pytest.mark.parametrize(
    ("reference", "labels", "name"),
    [
        ({"kind": "ReplicaSet", "name": "api-6f"}, {"pod-template-hash": "6f"}, "Deployment api"),
        ({"kind": "ReplicaSet", "name": "api"}, {}, "ReplicaSet api"),
        ({"kind": "StatefulSet", "name": "db"}, {}, "StatefulSet db"),
        (None, {}, "nobody"),
    ],
)
def test_the_owner_is_named(reference: dict | None, labels: dict, name: str) -> None:
    references = [{**reference, "controller": True}] if reference else []
    assert owner(pod("p", meta={"ownerReferences": references, "labels": labels})) == name


@pytest.mark.parametrize(
    ("selector", "labels", "held"),
    [
        (None, {"a": "1"}, False),
        ({}, {}, True),
        ({"matchLabels": {"a": "1"}}, {"a": "1", "b": "2"}, True),
        ({"matchLabels": {"a": "1"}}, {"a": "2"}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, {"a": "2"}, True),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, {}, True),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {}, False),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, {}, True),
    ],
)
def test_selectors(selector: dict | None, labels: dict, held: bool) -> None:
    assert matches(selector, labels) is held


TAINT = {"key": "workload-type", "value": "memory", "effect": "NoSchedule"}
TOLERATES = {"key": "workload-type", "operator": "Equal", "value": "memory", "effect": "NoSchedule"}
APART = {
    "podAntiAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "x"}}}
        ]
    }
}


def near(*names: str) -> dict[str, Any]:
    terms = [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": list(names)}]}]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}


DAEMON = {"ownerReferences": [{"kind": "DaemonSet", "name": "d", "controller": True}]}


@pytest.mark.parametrize(
    ("nodes", "pods", "homeless", "says"),
    [
        ([node("a"), node("b")], [pod("p")], 0, ""),
        ([node("a"), node("b", "1")], [pod("p", cpu=2)], 1, "b has too little cpu"),
        ([node("a"), node("b")], [pod("p", cpu=2), pod("q", "b", cpu=3)], 1, "b has too little cpu"),
        ([node("a"), node("b")], [pod("p", cpu=3), pod("q", cpu=3)], 1, "too little cpu"),  # one of them
        ([node("a"), node("b"), node("c")], [pod("p", cpu=3), pod("q", cpu=3)], 0, ""),
        ([node("a"), node("b")], [pod("p", cpu=2), pod("q", "b", cpu=3, phase="Succeeded")], 0, ""),
        ([node("a")], [pod("p")], 1, "there is no other node"),
        ([node("a"), node("b", unschedulable=True)], [pod("p")], 1, "b takes no pods"),
        ([node("a"), node("b", taints=[TAINT])], [pod("p")], 1, "b has the taint workload-type=memory:NoSchedule"),
        ([node("a"), node("b", taints=[TAINT])], [pod("p", tolerations=[TOLERATES])], 0, ""),
        ([node("a"), node("b", taints=[TAINT])], [pod("p", tolerations=[{"operator": "Exists"}])], 0, ""),
        ([node("a"), node("b", taints=[{**TAINT, "effect": "PreferNoSchedule"}])], [pod("p")], 0, ""),
        ([node("a"), node("b")], [pod("p", nodeSelector={"pool": "gpu"})], 1, "none that its node selector names"),
        ([node("a"), node("b", labels={"pool": "gpu"})], [pod("p", nodeSelector={"pool": "gpu"})], 0, ""),
        ([node("a"), node("b")], [pod("p", affinity=near("a"))], 1, "none that its affinity names"),
        ([node("a"), node("b")], [pod("p", affinity=near("a", "b"))], 0, ""),
        ([node("a"), node("b")], [pod("p", affinity=APART), pod("q", "b")], 1, "beside which it must not be"),
        ([node("a"), node("b")], [pod("p", affinity=APART), pod("q", "b", meta={"namespace": "other"})], 0, ""),
        ([node("a")], [pod("p", meta=DAEMON)], 0, ""),
        ([node("a")], [pod("p", meta={"annotations": {capacity.MIRROR: "x"}})], 0, ""),
        ([node("a")], [pod("p", phase="Failed")], 0, ""),
    ],
)
def test_room_for_the_pods_of_a_node(nodes: list, pods: list, homeless: int, says: str) -> None:
    found = capacity.without(["a"], nodes, pods)
    assert len(found) == homeless
    assert all(says in line for line in found)


THREE = [node("a"), node("b"), node("c")]
FULL = [pod("p", cpu=2), pod("q", "b", cpu=2), pod("r", "c", cpu=2)]


@pytest.mark.parametrize(
    ("groups", "returns", "says"),
    [
        ([["a"], ["b"]], True, []),  # the one is back before the other goes
        ([["a", "b"]], True, ["without nodes a, b no room is left for ", "they wait until these are back"]),
        ([["a", "b"]], False, ["without nodes a, b no room is left for ", "add a node to the pool first"]),
        ([["a", "b", "c"]], True, ["(there is no other node)"]),
    ],
)
def test_nodes_that_are_away_together_give_each_other_no_room(groups: list, returns: bool, says: list[str]) -> None:
    found = capacity.room_left(THREE, FULL, {}, groups, returns=returns)
    assert [one.blocks for one in found] == [not returns for _group in groups if says]
    assert [text for text in says if text not in found[0].what] == []


def test_what_a_pod_asks_for() -> None:
    def asks(cpu: str, **more: object) -> dict[str, Any]:
        return {"resources": {"requests": {"cpu": cpu}}, **more}

    spec = {
        "initContainers": [asks("200m", restartPolicy="Always"), asks("2")],
        "containers": [asks("500m"), asks("1")],
        "overhead": {"cpu": "100m"},
    }
    assert float(capacity.requests({"metadata": {}, "spec": spec})["cpu"]) == pytest.approx(2.3)


def volume(name: str, *names: str) -> dict[str, Any]:
    required = near(*names)["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] if names else None
    return {"metadata": {"name": name}, "spec": {"nodeAffinity": {"required": required}} if names else {}}


@pytest.mark.parametrize(
    ("there", "bound"),
    [([volume("v", "a")], {"ns/p": "a"}), ([volume("v", "a", "b")], {}), ([volume("v")], {}), ([], {})],
)
def test_pods_whose_volume_is_on_their_node_alone(there: list, bound: dict) -> None:
    claim = {"metadata": {"name": "c", "namespace": "ns"}, "spec": {"volumeName": "v"}}
    used = pod("p", volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "c"}}, {"name": "t", "emptyDir": {}}])
    tainted = node("a", taints=[TAINT], unschedulable=True)
    assert volumes.bound([used, pod("q")], [claim], there, [tainted, node("b")]) == bound


def claimed(*names: str) -> list[dict[str, Any]]:
    return [{"name": one, "persistentVolumeClaim": {"claimName": one}} for one in names]


@pytest.mark.parametrize(
    ("reach", "away", "bound"),
    [
        ({"v": "ab"}, "", None),  # one after the other: the other one can have it
        ({"v": "ab"}, "a", None),
        ({"v": "ab"}, "ab", "a, b"),
        ({"v": "ab"}, "abc", "a, b"),
        ({"v": "abc"}, "ab", None),
        ({"v": "a"}, "ab", "a"),
        ({"v": "bc"}, "bc", "b, c"),  # nor may its own node have it any more
        ({"v": "ab", "w": "ac"}, "", "a"),  # it needs both
        ({"v": "ab", "w": "abc"}, "ab", "a, b"),
        ({"v": "ab", "w": "bc"}, "b", "b"),
        ({"v": "abc", "w": ""}, "abc", "a, b, c"),  # w is on the network
        ({"v": ""}, "ab", None),
        ({}, "abc", None),
    ],
)
def test_volumes_that_only_nodes_that_are_away_together_can_have(reach: dict, away: str, bound: str | None) -> None:
    claims = [{"metadata": {"name": name, "namespace": "ns"}, "spec": {"volumeName": name}} for name in reach]
    there = [volume(name, *nodes) for name, nodes in reach.items()]
    found = volumes.bound([pod("p", volumes=claimed(*reach))], claims, there, THREE, set(away))
    assert found == ({"ns/p": bound} if bound else {})


def test_what_is_told_of_volumes_on_several_nodes() -> None:
    pods = {"ns/p": "a, b", "ns/q": "a", "ns/r": "a, b"}
    lost, alone = (one.what for one in reversed(volumes.bound_to(pods, returns=False)))
    assert lost.startswith("volumes of ns/p, ns/r are on nodes a, b alone. Remedy: back it up")
    assert alone.startswith("volumes of ns/q are on node a alone. Remedy: back it up")
    waits = [one.what.partition("Remedy: ")[2] for one in volumes.bound_to(pods, returns=True)]
    assert waits == ["they are down until it is back", "they are down until one of these is back"]


@pytest.mark.parametrize(("returns", "blocks"), [(True, False), (False, True)])
def test_volumes_block_where_a_node_does_not_return(returns: bool, blocks: bool) -> None:
    [found] = volumes.bound_to({"ns/p": "a", "ns/q": "a"}, returns=returns)
    assert found.blocks is blocks
    assert "ns/p, ns/q" in found.what


def workload(kind: str, status: dict, replicas: int | None = 2, generation: int = 1) -> dict[str, Any]:
    spec = {} if replicas is None else {"replicas": replicas}
    meta = {"name": "w", "namespace": "ns", "generation": generation}
    return {"kind": kind, "metadata": meta, "spec": spec, "status": {"observedGeneration": 1, **status}}


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (workload("Deployment", {"readyReplicas": 2}), None),
        (workload("Deployment", {"readyReplicas": 1}), "Deployment ns/w has 1 of 2 pods Ready"),
        (workload("Deployment", {}), "0 of 2"),
        (workload("Deployment", {}, 0), None),
        (workload("StatefulSet", {}, None), "0 of 1"),
        (workload("DaemonSet", {"desiredNumberScheduled": 3, "numberReady": 2}), "2 of 3"),
        (workload("DaemonSet", {"desiredNumberScheduled": 3, "numberReady": 3}), None),
        (workload("Deployment", {"readyReplicas": 2}, generation=2), "is being rolled out"),
    ],
)
def test_what_is_not_well(found: dict, says: str | None) -> None:
    told = workloads.unready([found], {"vcci-tenant-a"})
    assert (says in told[0].what and told[0].blocks) if says else not told


def test_what_a_tenant_has_broken_keeps_nobody() -> None:
    """Nor a backup that it calls so and never made: it is suspended with its tenant."""
    [told] = workloads.unready([workload("Deployment", {})], {"ns"})
    assert not told.blocks
    assert "has 0 of 2 pods Ready. Remedy: none is needed" in told.what
    job = {"kind": "CronJob", "metadata": {"name": "backup", "namespace": "ns"}, "spec": {"suspend": True}}
    assert workloads.of_backups([job], 26, NOW, {"ns"}) == []


@pytest.mark.parametrize(
    ("status", "spec", "says"),
    [
        ({"lastSuccessfulTime": "2026-11-26T01:00:00Z"}, {}, None),
        ({"lastSuccessfulTime": "2026-11-24T01:00:00Z"}, {}, "51 hours ago, 26 are allowed"),
        ({}, {}, "never succeeded"),
        ({"lastSuccessfulTime": "2026-11-26T01:00:00Z"}, {"suspend": True}, "is suspended"),
    ],
)
def test_the_age_of_backups(status: dict, spec: dict, says: str | None) -> None:
    job = {"kind": "CronJob", "metadata": {"name": "db-backup", "namespace": "ns"}, "spec": spec, "status": status}
    told = workloads.of_backups([job], 26, NOW)
    assert (says in told[0].what) if says else not told
    command = "kubectl create job db-backup-now --from=cronjob/db-backup -n ns"
    assert all(command in one.what for one in told)
