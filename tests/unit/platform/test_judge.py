# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is judged to be wrong of a platform that was read, kind by kind."""

from __future__ import annotations

import datetime
import json
import re
from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.manifests import Ref, ref_of
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.membership import PART_OF
from ansible_collections.greenlang.vcci.plugins.plugin_utils.labels import MANAGED_BY, US
from ansible_collections.greenlang.vcci.plugins.plugin_utils.platform.judge import judge
from ansible_collections.greenlang.vcci.plugins.plugin_utils.platform.state import Seen, Set

NOW = datetime.datetime(2026, 3, 1, 12, 0, tzinfo=datetime.UTC)
LONG_AGO = "2026-02-01T00:00:00Z"
Object = dict[str, Any]


def of_set(api_version: str, kind: str, name: str = "x", namespace: str = "n", **more: Any) -> Object:
    """A member of set `apps-x`, as the server has it; `fields` are those of the specification that we applied."""
    fields = {"f:spec": {f"f:{name}": {} for name in more.pop("fields", ())}}
    meta = {
        "name": name,
        "uid": f"uid-{kind}-{name}",
        "creationTimestamp": LONG_AGO,
        "labels": {PART_OF: "id", MANAGED_BY: US},
        "managedFields": [{"manager": US, "operation": "Apply", "apiVersion": api_version, "fieldsV1": fields}],
        **more.pop("metadata", {}),
    }
    if namespace:
        meta["namespace"] = namespace
    return {"apiVersion": api_version, "kind": kind, "metadata": meta, **more}


def condition(name: str, status: str = "True", **more: str) -> Object:
    return {"type": name, "status": status, "lastTransitionTime": LONG_AGO, **more}


def deployment(wanted: int = 2, ready: int = 2, **spec: Any) -> Object:
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), ready)
    status = {"observedGeneration": 1, **counts, "conditions": [condition("Available", "True" if ready else "False")]}
    return of_set("apps/v1", "Deployment", spec={"replicas": wanted, **spec}, status=status, metadata={"generation": 1})


def stateful_set(wanted: int = 3, ready: int = 3, **spec: Any) -> Object:
    names = ("replicas", "readyReplicas", "currentReplicas", "updatedReplicas")
    status = {"observedGeneration": 1, **dict.fromkeys(names, ready), "currentRevision": "a", "updateRevision": "a"}
    return of_set("apps/v1", "StatefulSet", spec={"replicas": wanted, **spec}, status=status)


def daemon_set(wanted: int, ready: int, **pod: Any) -> Object:
    names = ("current", "updated", "desired")
    status = {f"{name}NumberScheduled": wanted for name in names}
    status |= {"observedGeneration": 1, "numberReady": ready, "numberAvailable": ready}
    return of_set("apps/v1", "DaemonSet", spec={"template": {"spec": pod}}, status=status)


def cron_job(last_success: str | None = "2026-03-01T02:00:05Z", created: str = LONG_AGO, **more: Any) -> Object:
    spec = {"schedule": "0 2 * * *", **more.pop("spec", {})}
    status = {"lastSuccessfulTime": last_success} if last_success else {}
    return of_set("batch/v1", "CronJob", spec=spec, status=status, metadata={"creationTimestamp": created}, **more)


def job_of(owner: Object, name: str, at: str, *kinds: str, **more: str) -> Object:
    owners = [{"uid": owner["metadata"]["uid"], "controller": True}]
    conditions = [{**condition(kind, **more), "lastTransitionTime": at} for kind in kinds]
    meta = {"name": name, "namespace": "n", "ownerReferences": owners}
    return {"metadata": meta, "status": {"conditions": conditions}}


def sealed(ready: str = "True", **more: Any) -> Object:
    status = {"observedGeneration": 1, "conditions": [condition("Synced", ready, message="no key could decrypt it")]}
    return of_set("bitnami.com/v1alpha1", "SealedSecret", status=more.pop("status", status), metadata={"generation": 1})


def certificate(ready: str = "True", ends: str = "2026-06-01T00:00:00Z") -> Object:
    status = {"notAfter": ends, "conditions": [condition("Ready", ready, reason="DoesNotExist", message="no Secret")]}
    return of_set("cert-manager.io/v1", "Certificate", spec={"secretName": "x"}, status=status)


def claim(phase: str, storage_class: str = "fast-ssd", **annotations: str) -> Object:
    spec = {"storageClassName": storage_class}
    meta = {"annotations": annotations}
    return of_set("v1", "PersistentVolumeClaim", spec=spec, status={"phase": phase}, metadata=meta)


def service(**spec: Any) -> Object:
    return of_set("v1", "Service", spec={"selector": {"app": "x"}, **spec}, status={"loadBalancer": {}})


def endpoints(*ready: bool | None, of: str = "x", namespace: str = "n") -> Object:
    conditions: list[Object] = [{} if one is None else {"conditions": {"ready": one}} for one in ready]
    labels = {"kubernetes.io/service-name": of}
    return {"metadata": {"name": f"{of}-1", "namespace": namespace, "labels": labels}, "endpoints": conditions}


def autoscaler(**more: str) -> Object:
    active = condition("ScalingActive", **{"status": "False", "reason": "FailedGetResourceMetric", **more})
    return of_set("autoscaling/v2", "HorizontalPodAutoscaler", spec={}, status={"conditions": [active]})


def quota(counted: str) -> Object:
    return of_set("v1", "ResourceQuota", spec={"hard": {"pods": "5"}}, status={"hard": {"pods": counted}})


def node(*conditions: Object) -> Object:
    return of_set("v1", "Node", namespace="", spec={}, status={"conditions": list(conditions)})


def seen(*objects: Object, names: set[Ref] | None = None, **more: Any) -> Seen:
    """A platform with one set, whose record names its objects unless others are given."""
    found: dict[Ref, Object] = {ref_of(obj): obj for obj in objects}
    one = Set("apps-x", "n", "id", frozenset(set(found) if names is None else names))
    return Seen(NOW, **{"sets": [one], "objects": found, "secrets": {("n", "x")}, **more})


def told(given: Seen) -> list[str]:
    return [f"{fault.object}: {fault.wrong}" for fault in judge(given)]


FINE = {
    "a Deployment": seen(deployment()),
    "a Deployment that we want at 0": seen(
        of_set(
            "apps/v1",
            "Deployment",
            fields=["replicas"],
            spec={"replicas": 0},
            status={"observedGeneration": 1, "conditions": [condition("Available")]},
        )
    ),
    "a StatefulSet": seen(stateful_set()),
    "a DaemonSet": seen(daemon_set(3, 3)),
    "a DaemonSet for nodes that are not there": seen(daemon_set(0, 0, nodeSelector={"gpu": "true"})),
    "a CronJob": seen(cron_job()),
    "a CronJob that is new": seen(cron_job(None, created="2026-03-01T01:00:00Z")),
    "a CronJob that is suspended by us": seen(cron_job(spec={"suspend": True}, fields=["suspend"])),
    "a CronJob of no readable schedule": seen(cron_job(None, spec={"schedule": "TZ=nowhere"})),
    "a SealedSecret": seen(sealed()),
    "a Certificate": seen(certificate()),
    "a claim": seen(claim("Bound")),
    "a claim that nobody uses yet": seen(claim("Pending"), binding={"fast-ssd": "WaitForFirstConsumer"}),
    "a Service": seen(service(), slices=[endpoints(False, True)]),
    "a Service of which is not told whether its pods are ready": seen(service(), slices=[endpoints(None)]),
    "a Service without pods of its own": seen(service(selector=None)),
    "a Service that is a name": seen(service(type="ExternalName")),
    "an autoscaler without figures for a moment": seen(autoscaler(lastTransitionTime="2026-03-01T11:58:00Z")),
    "an autoscaler whose workload is at 0": seen(autoscaler(reason="ScalingDisabled")),
    "a quota": seen(quota("5")),
    "a node": seen(node(condition("Ready"))),
    "a policy": seen(of_set("networking.k8s.io/v1", "NetworkPolicy")),
    "what somebody else keeps in sets": seen(
        deployment(), of_set("v1", "ConfigMap", "theirs", metadata={"labels": {PART_OF: "another"}})
    ),
    "a tenant that is offboarded": seen(
        names={Ref("", "Namespace", "", "vcci-tenant-a"), Ref("", "LimitRange", "vcci-tenant-a", "l")},
        leaving={"vcci-tenant-a"},
    ),
}

FAILING = cron_job()
WRONG: dict[str, tuple[Seen, str]] = {
    "nothing was applied": (Seen(NOW), "platform: no set of objects is recorded"),
    "what was deleted": (
        seen(names={Ref("apps", "StatefulSet", "n", "prometheus")}),
        r"StatefulSet n/prometheus: is not there \(set apps-x\)",
    ),
    "whose kind is gone": (
        seen(names={Ref("bitnami.com", "SealedSecret", "n", "s")}, unserved={("bitnami.com", "SealedSecret")}),
        "SealedSecret.bitnami.com n/s: is not there, and its kind is not served",
    ),
    "whose label is gone": (
        seen(names={Ref("", "ConfigMap", "n", "c")}, strays={Ref("", "ConfigMap", "n", "c"): {}}),
        "ConfigMap n/c: is there, but the label of its set is gone",
    ),
    "a set whose record is gone": (
        seen(deployment(), sets=[Set("apps-y", "n", "other", frozenset())]),
        "Deployment n/x: its set, 1 objects, has no record any more",
    ),
    "a record without names": (
        seen(sets=[Set("apps-y", "n", "id", None, frozenset({("apps", "StatefulSet")}))]),
        "set n/apps-y: no StatefulSet of it is there",
    ),
    "a namespace with all that is in it": (
        seen(names={Ref("", "Namespace", "", "vcci-tenant-a"), Ref("", "LimitRange", "vcci-tenant-a", "l")}),
        "Namespace vcci-tenant-a: is not there",
    ),
    "what is being deleted": (
        seen(of_set("v1", "ConfigMap", metadata={"deletionTimestamp": LONG_AGO})),
        "ConfigMap n/x: is being deleted",
    ),
    "a Deployment at 0": (seen(deployment(0, 0)), "Deployment n/x: is scaled to 0 replicas by hand"),
    "a Deployment that a procedure holds": (
        seen(
            {
                **deployment(0, 0),
                "metadata": {
                    **deployment()["metadata"],
                    "annotations": {"vcci.greenlang.io/held-at-zero": "restore"},
                },
            }
        ),
        "Deployment n/x: is held at 0 replicas by restore",
    ),
    "a StatefulSet that a procedure of ours holds": (
        seen(
            of_set(
                "apps/v1",
                "StatefulSet",
                spec={"replicas": 0},
                status=stateful_set(0, 0)["status"],
                fields=["replicas"],
                metadata={"annotations": {"vcci.greenlang.io/held-at-zero": "data_restore_time 1"}},
            )
        ),
        "StatefulSet n/x: is held at 0 replicas by data_restore_time 1",
    ),
    "a Deployment whose roll-out is paused": (seen(deployment(paused=True)), "roll-out is paused by hand"),
    "a Deployment that lacks pods": (seen(deployment(2, 1)), "1/2 replicas updated"),
    "a roll-out that stands": (
        seen(
            {
                **deployment(),
                "status": {
                    "conditions": [
                        condition("Progressing", "False", reason="ProgressDeadlineExceeded", message="timed out"),
                    ]
                },
            }
        ),
        "ProgressDeadlineExceeded: timed out",
    ),
    "a StatefulSet at 0": (seen(stateful_set(0, 0)), "StatefulSet n/x: is scaled to 0 replicas by hand"),
    "a StatefulSet that lacks pods": (seen(stateful_set(3, 2)), "2/3 pods ready"),
    "a StatefulSet whose pods are replaced by hand": (
        seen(stateful_set(3, 2, updateStrategy={"type": "OnDelete"})),
        "2/3 pods ready",
    ),
    "a DaemonSet that lacks pods": (seen(daemon_set(3, 2)), "2/3 pods available"),
    "a DaemonSet of no node": (seen(daemon_set(0, 0)), "DaemonSet n/x: runs on no node"),
    "a CronJob whose last run failed": (
        seen(
            FAILING,
            jobs=[
                job_of(FAILING, "x-1", "2026-02-28T02:00:00Z", "SuccessCriteriaMet", "Complete"),
                job_of(
                    FAILING, "x-2", "2026-03-01T02:00:00Z", "FailureTarget", "Failed", reason="BackoffLimitExceeded"
                ),
            ],
        ),
        r"CronJob n/x: its last run failed \(BackoffLimitExceeded\)",
    ),
    "a CronJob that did not run": (
        seen(cron_job("2026-02-27T02:00:05Z")),
        r"last succeeded 2026-02-27T02:00:05Z, though it was due 2026-02-28 02:00 and 2026-03-01 02:00 \(0 2",
    ),
    "a CronJob that never succeeded": (seen(cron_job(None)), "has never succeeded, though it was due"),
    "a CronJob in another zone": (
        seen(
            cron_job("2026-02-27T16:00:00Z", spec={"timeZone": "far"}),
            zones={"far": datetime.timezone(datetime.timedelta(hours=9))},
        ),
        "it was due 2026-02-28 02:00 and 2026-03-01 02:00",
    ),
    "a CronJob that is suspended": (seen(cron_job(spec={"suspend": True})), "CronJob n/x: is suspended by hand"),
    "a Job that failed": (
        seen(of_set("batch/v1", "Job", status={"conditions": [condition("Failed", reason="DeadlineExceeded")]})),
        "Job n/x: DeadlineExceeded",
    ),
    "a SealedSecret that cannot be opened": (seen(sealed("False")), "no key could decrypt it"),
    "a SealedSecret that nobody has looked at": (seen(sealed(status={})), "its controller has not said Synced yet"),
    "a SealedSecret without its Secret": (seen(sealed(), secrets=set()), "its Secret x is not there"),
    "a Certificate that is not issued": (seen(certificate("False")), "DoesNotExist: no Secret"),
    "a Certificate that ended": (seen(certificate(ends="2026-02-28T00:00:00Z")), "ended 2026-02-28 00:00"),
    "a Certificate without its Secret": (seen(certificate(), secrets=set()), "its Secret x is not there"),
    "a claim without a volume": (seen(claim("Pending")), "phase Pending, not bound"),
    "a claim whose pod waits": (
        seen(
            claim("Pending", **{"volume.kubernetes.io/selected-node": "a"}),
            binding={"fast-ssd": "WaitForFirstConsumer"},
        ),
        "phase Pending, not bound",
    ),
    "a claim whose volume is lost": (seen(claim("Lost")), "its volume is lost"),
    "a claim that a workload made": (
        seen(claims=[{"metadata": {"name": "data-x-0", "namespace": "n"}, "status": {"phase": "Lost"}}]),
        "PersistentVolumeClaim n/data-x-0: its volume is lost",
    ),
    "a Service without pods": (seen(service()), "no pod behind it is ready"),
    "a Service whose pods are not ready": (
        seen(service(), slices=[endpoints(False), endpoints(True, of="y"), endpoints(True, namespace="m")]),
        "no pod behind it is ready",
    ),
    "a load balancer without an address": (
        seen(service(type="LoadBalancer"), slices=[endpoints(True)]),
        "no load balancer address yet",
    ),
    "an autoscaler without figures": (seen(autoscaler()), r"cannot scale \(FailedGetResourceMetric\)"),
    "a quota that is not counted": (seen(quota("4")), "its limits are not counted yet"),
    "a node that is not ready": (seen(node(condition("Ready", "Unknown", reason="NodeStatusUnknown"))), "is not ready"),
    "a node of nobody's set": (
        seen(nodes=[{"metadata": {"name": "gpu-1"}, "status": {"conditions": [condition("Ready", "False")]}}]),
        "Node gpu-1: is not ready",
    ),
    "a definition whose names are taken": (
        seen(
            of_set(
                "apiextensions.k8s.io/v1",
                "CustomResourceDefinition",
                namespace="",
                status={
                    "conditions": [condition("NamesAccepted", "False", reason="ListKindConflict")],
                },
            )
        ),
        "ListKindConflict",
    ),
    "a budget that nobody has looked at": (seen(of_set("policy/v1", "PodDisruptionBudget")), "not seen by its"),
}


@pytest.mark.parametrize("name", FINE)
def test_what_is_well_is_not_told(name: str) -> None:
    assert told(FINE[name]) == []


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_once(name: str) -> None:
    given, message = WRONG[name]
    faults = told(given)
    assert len(faults) == 1, faults
    assert re.search(message, faults[0]), faults


def test_everything_is_told_and_not_the_first() -> None:
    names = {Ref("", "ConfigMap", "n", f"c{number}") for number in range(50)}
    faults = told(seen(deployment(0, 0), stateful_set(3, 1), names=names))
    assert len(faults) == 40 + 1 + 2
    assert "set n/apps-x: 10 more of its objects are not there" in faults


def test_what_may_pass_by_itself_is_no_final_fault() -> None:
    final = {fault.object: fault.final for fault in judge(seen(stateful_set(3, 1), cron_job(None)))}
    assert final == {"StatefulSet n/x": False, "CronJob n/x": True}
    json.dumps([fault.to_dict() for fault in judge(seen(deployment(0, 0)))])
