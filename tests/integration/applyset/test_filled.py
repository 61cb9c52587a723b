# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the server filled in where a manifest said nothing goes where it is in the way of what the manifest says now."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import ApplyError

Spec = dict[str, Any]
LABELS = {"app": "web"}
POD: Spec = {"containers": [{"name": "main", "image": "example/main:1"}]}
SECRET = {"name": "data", "secret": {"secretName": "web"}}


def workload(kind: str, namespace: str, volumes: list[Spec] | None = None, **spec: object) -> Spec:
    pod = {**POD, **({"volumes": volumes} if volumes is not None else {})}
    template = {"metadata": {"labels": LABELS}, "spec": pod}
    whole: Spec = {"selector": {"matchLabels": LABELS}, "template": template}
    if kind != "DaemonSet":
        whole["replicas"] = 0
    if kind == "StatefulSet":
        whole["serviceName"] = "web"
    meta = {"name": "web", "namespace": namespace}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": meta, "spec": {**whole, **spec}}


def cron_job(_kind: str, namespace: str, volumes: list[Spec]) -> Spec:
    pod = {**POD, "restartPolicy": "Never", "volumes": volumes}
    spec = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": {"spec": pod}}}}
    meta = {"name": "web", "namespace": namespace}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta, "spec": spec}


RECREATE, ON_DELETE = {"type": "Recreate"}, {"type": "OnDelete"}
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    # kind, what was said, what is said now
    "a Deployment's strategy": ("Deployment", {}, {"strategy": RECREATE}),
    "a Deployment's strategy, which was said": (
        "Deployment",
        {"strategy": {"type": "RollingUpdate"}},
        {"strategy": RECREATE},
    ),
    "a part of it": (
        "Deployment",
        {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}},
        {"strategy": RECREATE},
    ),
    "a StatefulSet's strategy": ("StatefulSet", {}, {"updateStrategy": ON_DELETE}),
    "a DaemonSet's strategy": ("DaemonSet", {}, {"updateStrategy": ON_DELETE}),
    "a volume": ("Deployment", {"volumes": [{"name": "data"}]}, {"volumes": [SECRET]}),
    "a volume beside others": (
        "StatefulSet",
        {"volumes": [{"name": "tmp"}, {"name": "data"}]},
        {"volumes": [{"name": "tmp"}, SECRET]},
    ),
    "both at once": (
        "Deployment",
        {"volumes": [{"name": "data"}]},
        {"volumes": [SECRET], "strategy": RECREATE},
    ),
    "a volume of a CronJob's": ("CronJob", {"volumes": [{"name": "data"}]}, {"volumes": [SECRET]}),
}


@pytest.mark.parametrize("case", CASES)
def test_what_was_filled_in_makes_room(apply, client, namespace, case):
    kind, before, after = CASES[case]
    make = cron_job if kind == "CronJob" else workload
    apply([make(kind, namespace, **before)])
    wanted = make(kind, namespace, **after)
    predicted = apply([wanted], check=True, diff=True)
    done = apply([wanted], diff=True)
    assert predicted.diff == done.diff
    assert predicted.configured == done.configured == [f"{kind} {namespace}/web"]
    live = client.get(wanted["apiVersion"], kind, "web", namespace)
    for name in ("strategy", "updateStrategy"):
        if name in after:
            assert live["spec"][name]["type"] == after[name]["type"]
    if "volumes" in after:
        template = live["spec"]["jobTemplate"]["spec"]["template"] if kind == "CronJob" else live["spec"]["template"]
        assert not [one for one in template["spec"]["volumes"] if "secret" in one and "emptyDir" in one]
    assert not apply([wanted]).changed
    assert apply([make(kind, namespace, **before)]).changed  # and back


@pytest.mark.parametrize("how", ["--server-side", "--server-side=false"])
def test_an_object_that_others_applied(apply, kubectl, client, namespace, how):
    kubectl("apply", how, "-f", "-", given=workload("Deployment", namespace, minReadySeconds=3))
    wanted = workload("Deployment", namespace, strategy=RECREATE)
    predicted = apply([wanted], check=True, diff=True)
    assert predicted.diff == apply([wanted], diff=True).diff
    assert client.get("apps/v1", "Deployment", "web", namespace)["spec"]["strategy"] == RECREATE
    assert not apply([wanted]).changed


def test_what_somebody_else_said_is_theirs(apply, kubectl, client, namespace):
    apply([workload("Deployment", namespace)])
    change = {"spec": {"strategy": {"rollingUpdate": {"maxSurge": 3}}}}
    kubectl("patch", "-n", namespace, "deployment", "web", "-p", json.dumps(change), "--field-manager=hand")
    wanted = workload("Deployment", namespace, strategy=RECREATE)
    for check in (True, False):
        with pytest.raises(ApplyError, match=r"spec.strategy.rollingUpdate belongs to 'hand'; .*force_conflicts"):
            apply([wanted], check=check)
    assert apply([wanted], force_conflicts=True).changed
    assert client.get("apps/v1", "Deployment", "web", namespace)["spec"]["strategy"] == RECREATE
    assert not apply([wanted]).changed


def test_another_fault_beside_it_is_told(apply, namespace):
    """Nothing is taken for what cannot be anyway."""
    apply([workload("Deployment", namespace)])
    wanted = workload("Deployment", namespace, strategy=RECREATE, minReadySeconds=-1)
    with pytest.raises(ApplyError, match="minReadySeconds"):
        apply([wanted])
