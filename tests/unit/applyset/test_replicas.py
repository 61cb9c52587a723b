# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which workloads are created at the minimum of an autoscaler, and when the number of replicas is ours to hand over."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import plan, replicas
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.manifests import DIGEST, Ref


def autoscaler(least=3, kind="Deployment", name="web", api_version="apps/v1", version="v2", namespace="n"):
    spec = {"scaleTargetRef": {"apiVersion": api_version, "kind": kind, "name": name}, "maxReplicas": 9}
    return {
        "apiVersion": f"autoscaling/{version}",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "scaler", "namespace": namespace},
        "spec": {**spec, **({} if least is None else {"minReplicas": least})},
    }


def workload(number=None, kind="Deployment", name="web", api_version="apps/v1", namespace="n"):
    spec = {} if number is None else {"replicas": number}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


WEB = Ref("apps", "Deployment", "n", "web")
MINIMUMS = {
    # name: (objects, what is created at which number)
    "a Deployment": ([autoscaler(), workload()], {WEB: 3}),
    "the other version": ([workload(), autoscaler(version="v1")], {WEB: 3}),
    "a StatefulSet": ([autoscaler(kind="StatefulSet")], {Ref("apps", "StatefulSet", "n", "web"): 3}),
    "a custom resource": (
        [autoscaler(kind="Farm", api_version="a.example.com/v1")],
        {Ref("a.example.com", "Farm", "n", "web"): 3},
    ),
    "one": ([autoscaler(least=1)], {WEB: 1}),
    "none is for the autoscaler alone": ([autoscaler(least=0)], {}),
    "no minimum is one": ([autoscaler(least=None)], {WEB: 1}),
    "an autoscaler of another API": ([{**autoscaler(), "apiVersion": "autoscaling.example.com/v1"}], {}),
    "an autoscaler without specification": ([{**autoscaler(), "spec": None}], {}),
    "no autoscaler": ([workload()], {}),
}


@pytest.mark.parametrize("case", MINIMUMS)
def test_minimums(case):
    objects, expected = MINIMUMS[case]
    assert replicas.minimums(objects) == expected


def test_an_item_knows_its_minimum():
    others = [workload(name="other"), workload(namespace="m"), workload(kind="StatefulSet")]
    items = plan.build([workload(), *others, autoscaler()], "set")
    assert [item.minimum for item in items] == [3, 0, 0, 0, 0]


LEAVES = {
    "a Deployment without": (workload(), True),
    "a StatefulSet without": (workload(kind="StatefulSet"), True),
    "null": ({**workload(), "spec": {"replicas": None}}, True),
    "a number": (workload(2), False),
    "none at all is a number": (workload(0), False),
    "a DaemonSet": (workload(kind="DaemonSet"), False),
    "another Deployment": (workload(api_version="example.com/v1"), False),
}


@pytest.mark.parametrize("case", LEAVES)
def test_who_leaves_the_number_to_others(case):
    manifest, expected = LEAVES[case]
    assert replicas.leaves_number(manifest) is expected


def test_whose_the_number_is():
    fields = {"f:spec": {"f:replicas": {}, "f:template": {}}}
    entry = {"manager": "m", "operation": "Apply", "apiVersion": "apps/v1", "fieldsV1": fields}
    assert replicas.number_is_ours({"managedFields": [entry]}, "m")
    assert not replicas.number_is_ours({"managedFields": [entry]}, "other")
    assert not replicas.number_is_ours({"managedFields": [{**entry, "fieldsV1": {"f:spec": {"f:template": {}}}}]}, "m")
    assert not replicas.number_is_ours({"managedFields": [{**entry, "operation": "Update"}]}, "m")
    assert not replicas.number_is_ours({}, "m")


def test_a_manifest_with_a_number_is_not_the_one_that_was_asked_for():
    """With its digest a run that ends after it would be taken for complete."""
    (item,) = plan.build([workload()], "set")
    sent = replicas.unfinished(replicas.with_number(item.desired, 3))
    assert sent["spec"] == {"replicas": 3}
    assert "annotations" not in sent["metadata"]
    assert sent["metadata"]["labels"] == item.desired["metadata"]["labels"]
    item.desired["metadata"]["annotations"]["a"] = "b"
    assert replicas.unfinished(item.desired)["metadata"]["annotations"] == {"a": "b"}
    assert "replicas" not in item.desired["spec"]
    assert DIGEST in item.desired["metadata"]["annotations"]


def test_the_number_alone_is_handed_over():
    assert replicas.number_alone(plan.build([workload()], "set")[0].desired, 3) == workload(3)
