# Copyright (c) 2026 GreenLang. All rights reserved.
"""No workload starts below its autoscaler's minimum, and none loses replicas when a manifest leaves them to others."""

from __future__ import annotations

import re

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.replicas import HANDOVER_MANAGER, HELD
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ApplyError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import MERGE_PATCH, Client

KINDS = ["Deployment", "StatefulSet"]
LABELS = {"app": "web"}


def workload(namespace, number=None, kind="Deployment", image="example/web:1"):
    pod = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "main", "image": image}]}}
    spec = {"selector": {"matchLabels": LABELS}, "template": pod}
    if kind == "StatefulSet":
        spec["serviceName"] = "web"
    if number is not None:
        spec["replicas"] = number
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web", "namespace": namespace}, "spec": spec}


def autoscaler(namespace, kind="Deployment"):
    target = {"apiVersion": "apps/v1", "kind": kind, "name": "web"}
    cpu = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"scaleTargetRef": target, "minReplicas": 3, "maxReplicas": 9, "metrics": [cpu]},
    }


def path(namespace, kind="Deployment"):
    return f"/apis/apps/v1/namespaces/{namespace}/{kind.lower()}s/web"


@pytest.fixture
def live(client, namespace):
    """The number of replicas and its managers. Who has ever scaled it is one of them."""

    def look(kind="Deployment"):
        found = client.get("apps/v1", kind, "web", namespace)
        owners = set()
        for entry in found["metadata"]["managedFields"]:
            if "f:replicas" in (entry["fieldsV1"].get("f:spec") or {}):
                owners.add(entry["manager"])
        return found["spec"]["replicas"], owners

    return look


def scale(client, namespace, number, kind="Deployment"):
    body = {"spec": {"replicas": number}}
    query = {"fieldManager": "somebody"}
    client.request("PATCH", path(namespace, kind) + "/scale", body=body, content_type=MERGE_PATCH, query=query)


def both_ways(apply, objects, scaled=False, **options):
    """What the run did, which must be what check mode predicted; and then nothing is left to do.

    scaled  the autoscaler's controller may write replicas in between.
    """
    predicted, done = apply(objects, check=True, **options), apply(objects, **options)
    assert (predicted.created, predicted.configured) == (done.created, done.configured)
    said, was = (re.sub(r"replicas: \d+", "", str(one.diff)) if scaled else one.diff for one in (predicted, done))
    assert said == was
    assert not apply(objects, **options).changed
    assert not apply(objects, check=True, **options).changed
    return done


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("diff", [True, False])
def test_it_is_created_at_the_minimum(apply, namespace, live, kind, diff):
    done = both_ways(apply, [workload(namespace, kind=kind), autoscaler(namespace, kind)], diff=diff)
    assert f"{kind} {namespace}/web" in done.created
    assert live(kind) == (3, {HANDOVER_MANAGER})  # nobody had to raise it, and it is not ours


def test_it_is_left_to_whoever_scales(apply, client, namespace, live):
    objects = [workload(namespace), autoscaler(namespace)]
    apply(objects)
    scale(client, namespace, 5)
    assert not apply(objects).changed
    assert live() == (5, {"somebody"})
    both_ways(apply, [workload(namespace, image="example/web:2"), autoscaler(namespace)])
    assert live()[0] == 5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("diff", [True, False])
def test_a_number_that_is_given_up_stays_as_it_is(apply, namespace, live, kind, diff):
    apply([workload(namespace, 4, kind)])
    done = both_ways(apply, [workload(namespace, kind=kind), autoscaler(namespace, kind)], diff=diff)
    assert done.configured == [f"{kind} {namespace}/web"]
    assert live(kind) == (4, {HANDOVER_MANAGER})


def test_it_stays_without_an_autoscaler_too(apply, namespace, live):
    """That may be in another set, or come later."""
    apply([workload(namespace, 4)])
    both_ways(apply, [workload(namespace)])
    assert live() == (4, {HANDOVER_MANAGER})


def test_a_number_may_be_wanted_again(apply, client, namespace, live):
    apply([workload(namespace, 4)])
    apply([workload(namespace)])
    both_ways(apply, [workload(namespace, 6)])
    assert live() == (6, {"greenlang.vcci"})
    apply([workload(namespace)])
    scale(client, namespace, 7)
    with pytest.raises(ApplyError, match=r"\.spec\.replicas is owned by 'somebody"):
        apply([workload(namespace, 2)])
    assert live()[0] == 7


@pytest.mark.parametrize("number", [0, 2, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_a_recreated_workload_keeps_its_number(apply, client, namespace, live, kind, number):
    """What is below the minimum is raised by its autoscaler at once; and none is no number to keep."""

    def labelled(tier):
        obj = workload(namespace, kind=kind)
        obj["metadata"]["annotations"] = {"applyset.greenlang.io/recreate": "true"}
        obj["spec"]["selector"]["matchLabels"] = obj["spec"]["template"]["metadata"]["labels"] = {
            **LABELS,
            "tier": tier,
        }
        return [obj, autoscaler(namespace, kind)]

    apply(labelled("one"))
    scale(client, namespace, number, kind)
    assert both_ways(apply, labelled("two"), scaled=number == 2).recreated == [f"{kind} {namespace}/web"]
    assert live(kind) == (max(number, 3), {HANDOVER_MANAGER})


def hold(client, namespace, kind, by="restore"):
    body = {"metadata": {"annotations": {HELD: by}}}
    client.request("PATCH", path(namespace, kind), body=body, content_type=MERGE_PATCH, query={"fieldManager": "p"})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("diff", [True, False])
@pytest.mark.parametrize("image", ["example/web:1", "example/web:2"])
def test_what_was_scaled_to_none_comes_back_at_its_minimum(apply, client, namespace, live, kind, diff, image):
    """Whether or not anything else changes; whoever scales next owns the number again."""
    apply([workload(namespace, kind=kind), autoscaler(namespace, kind)])
    scale(client, namespace, 0, kind)
    done = both_ways(apply, [workload(namespace, kind=kind, image=image), autoscaler(namespace, kind)], diff=diff)
    assert done.configured == [f"{kind} {namespace}/web"]
    assert live(kind) == (3, {HANDOVER_MANAGER})
    if diff:
        assert "replicas: 3" in done.diff[0]["after"]
    scale(client, namespace, 5, kind)
    assert not apply([workload(namespace, kind=kind, image=image), autoscaler(namespace, kind)]).changed
    assert live(kind) == (5, {"somebody"})


@pytest.mark.parametrize("least", [None, 1])
def test_a_minimum_that_is_not_said_is_one(apply, client, namespace, live, least):
    scaler = autoscaler(namespace)
    scaler["spec"]["minReplicas"] = least
    apply([workload(namespace), scaler])
    scale(client, namespace, 0)
    both_ways(apply, [workload(namespace), scaler])
    assert live()[0] == 1


def test_what_a_procedure_holds_at_none_stays_there_until_it_ends(apply, client, namespace, live):
    objects = [workload(namespace), autoscaler(namespace)]
    apply(objects)
    hold(client, namespace, "Deployment")
    scale(client, namespace, 0)
    assert not apply(objects).changed
    both_ways(apply, [workload(namespace, image="example/web:2"), autoscaler(namespace)])
    assert live()[0] == 0
    hold(client, namespace, "Deployment", None)
    both_ways(apply, [workload(namespace, image="example/web:2"), autoscaler(namespace)])
    assert live()[0] == 3


def test_what_has_no_autoscaler_stays_at_none(apply, client, namespace, live):
    """Nobody says how many there are to be."""
    apply([workload(namespace)])
    scale(client, namespace, 0)
    assert not apply([workload(namespace)]).changed
    assert live()[0] == 0


class Mortal(Client):
    """Ends in the middle: before the request to the workload that follows the first `lives`."""

    lives = 0

    def raw(self, method, path, **more):
        if method == "PATCH" and "/deployments/" in path:
            if not self.lives:
                raise KeyboardInterrupt
            self.lives -= 1
        return super().raw(method, path, **more)


@pytest.mark.parametrize("lives", [1, 2])
@pytest.mark.parametrize("scaled", [None, 5])
@pytest.mark.parametrize("before", [None, 4])
def test_a_run_that_ends_in_between_loses_nothing(apply, client, kubeconfig, namespace, live, lives, scaled, before):
    """On the way to the creation at the minimum, or from a fixed number to an autoscaler."""
    objects = [workload(namespace), autoscaler(namespace)]
    if before is not None:
        apply([workload(namespace, before)])
    mortal = Mortal.from_params({"kubeconfig": str(kubeconfig)})
    mortal.lives = lives if before is None else lives - 1
    with pytest.raises(KeyboardInterrupt):
        apply(objects, client=mortal)
    mortal.close()
    assert live()[0] == (before or 3)
    if scaled:
        scale(client, namespace, scaled)
    assert f"Deployment {namespace}/web" in both_ways(apply, objects).configured
    assert live() == (scaled or before or 3, {"somebody"} if scaled else {HANDOVER_MANAGER})
