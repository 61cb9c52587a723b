# Copyright (c) 2026 GreenLang. All rights reserved.
"""Specs of sig-apps' Conformance on the real local cluster: docs/conformance.md says which."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.molecule.conformance import EVERYWHERE, Ground, Object, ground, made, pod, workload
from tests.molecule.conftest import Site

SLEEP = "exec sleep 3600"


@pytest.fixture(scope="module")
def apps(site: Site) -> Iterator[Ground]:
    yield from ground(site, "conformance-apps")


def version(number: int) -> list[Object]:
    return [{"name": "VERSION", "value": str(number)}]


def versions(apps: Ground, app: str) -> dict[str, str]:
    """Which version runs in which pod."""
    return {name: item["spec"]["containers"][0]["env"][0]["value"] for name, item in apps.pods(app).items()}


def uids(apps: Ground, app: str) -> dict[str, str]:
    return {name: item["metadata"]["uid"] for name, item in apps.pods(app).items()}


def controllers(item: Object) -> list[str]:
    return [owner["name"] for owner in item["metadata"].get("ownerReferences") or () if owner.get("controller")]


def test_a_stateful_set_is_updated_from_a_partition_on(apps: Ground) -> None:
    """First its last member alone, then all; one that is deleted meanwhile comes back in the version of its part."""
    name, last = "phased", "phased-2"

    def apply(number: int, partition: int) -> None:
        strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}
        more: dict[str, Any] = {"replicas": 3, "serviceName": name, "updateStrategy": strategy}
        apps.apply(
            workload("StatefulSet", name, pod(SLEEP, env=version(number)), podManagementPolicy="Parallel", **more)
        )

    apply(1, 0)
    apps.rolled_out(f"statefulset/{name}")
    before = uids(apps, name)
    apply(2, 2)
    wanted = {"phased-0": "1", "phased-1": "1", last: "2"}
    apps.until(lambda: versions(apps, name) == wanted, "its last member has version 2")
    assert {key: uid for key, uid in uids(apps, name).items() if key != last} == {
        key: uid for key, uid in before.items() if key != last
    }
    apps.kubectl("delete", "pod", "phased-0", last)
    apps.until(lambda: versions(apps, name) == wanted, "both are back as they were")
    apply(2, 0)
    apps.until(lambda: set(versions(apps, name).values()) == {"2"} and len(versions(apps, name)) == 3, "all have it")
    apps.rolled_out(f"statefulset/{name}")


def test_members_of_a_burst_start_though_none_is_ready(apps: Ground) -> None:
    spec = pod(SLEEP)
    spec["containers"][0]["readinessProbe"] = {"exec": {"command": ["false"]}}
    more: dict[str, Any] = {"replicas": 3, "serviceName": "burst"}
    apps.apply(
        workload("StatefulSet", "burst", spec, podManagementPolicy="Parallel", **more),
        workload("StatefulSet", "ordered", spec, **more),
    )
    apps.until(lambda: set(apps.pods("burst")) == {"burst-0", "burst-1", "burst-2"}, "all are made")
    apps.until(lambda: set(apps.pods("ordered")) == {"ordered-0"}, "one is made")
    apps.kubectl("scale", "statefulset/burst", "--replicas=0")
    apps.until(lambda: not apps.pods("burst"), "all go")
    assert set(apps.pods("ordered")) == {"ordered-0"}


def test_a_deployment_rolls_over_an_update_that_hangs(apps: Ground) -> None:
    """The next update does not wait for it; old sets go, but for one; a Recreate never has two versions at once."""

    def apply(number: int, image: str = "", **more: Any) -> None:
        spec = pod(SLEEP, env=version(number))
        spec["containers"][0].update({"image": image, "imagePullPolicy": "Never"} if image else {})
        apps.apply(workload("Deployment", "rolled", spec, replicas=2, revisionHistoryLimit=1, **more))

    apply(1)
    apps.rolled_out("deployment/rolled")
    apply(2, "greenlang/there-is-none:v0")
    apps.until(lambda: "2" in versions(apps, "rolled").values(), "the update has begun")
    assert list(versions(apps, "rolled").values()).count("1") >= 1
    apply(3)
    apps.rolled_out("deployment/rolled")
    apps.until(lambda: set(versions(apps, "rolled").values()) == {"3"}, "only the last one is left")
    apply(4)
    apps.rolled_out("deployment/rolled")

    def sets() -> int:
        return len(apps.get("replicasets", "-l", "app=rolled")["items"])

    apps.until(lambda: sets() == 2, "all sets but one of the old ones are gone")
    apply(5, strategy={"type": "Recreate", "rollingUpdate": None})
    seen: set[frozenset[str]] = set()

    def replaced() -> bool:
        now = versions(apps, "rolled")
        seen.add(frozenset(now.values()))
        return list(now.values()) == ["5", "5"]

    apps.until(replaced, "both have version 5")
    assert frozenset("45") not in seen, seen


def test_a_daemon_set_is_on_every_node_and_is_updated(apps: Ground) -> None:
    """A pod of it that failed is made again."""

    def apply(number: int) -> None:
        strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "100%"}}
        spec = pod(SLEEP, env=version(number), tolerations=EVERYWHERE)
        apps.apply(workload("DaemonSet", "everywhere", spec, updateStrategy=strategy))

    apply(1)
    apps.rolled_out("daemonset/everywhere")
    nodes = {node["metadata"]["name"] for node in apps.get("nodes")["items"]}
    pods = apps.pods("everywhere")
    assert {item["spec"]["nodeName"] for item in pods.values()} == nodes
    assert len(pods) == len(nodes)
    failed = min(pods)
    apps.patch(f"pod/{failed}", {"status": {"phase": "Failed"}}, "--subresource=status")
    apps.until(lambda: failed not in apps.pods("everywhere"), "the failed one is gone")
    apps.rolled_out("daemonset/everywhere")
    before = uids(apps, "everywhere")
    apply(2)
    apps.until(lambda: set(versions(apps, "everywhere").values()) == {"2"}, "all are updated")
    apps.rolled_out("daemonset/everywhere")
    assert not set(uids(apps, "everywhere").values()) & set(before.values())
    only = {"spec": {"template": {"spec": {"nodeSelector": {"kubernetes.io/hostname": "compute-1"}}}}}
    apps.patch("daemonset/everywhere", only)
    apps.until(lambda: len(apps.pods("everywhere")) == 1, "it is on the one node that fits")


def test_jobs_end_as_their_policies_say(apps: Ground) -> None:
    """Indexed, with a task that fails and is begun again in its place, ended early by an exit code, or by its limit of
    failures for an index; and one that is suspended."""

    def job(name: str, script: str, restart: str = "Never", **more: Any) -> Object:
        marks = {"volumes": [{"name": "mark", "emptyDir": {}}], "mounts": [{"name": "mark", "mountPath": "/mark"}]}
        template = {"metadata": {"labels": {"app": name}}, "spec": pod(script, **marks, restartPolicy=restart)}
        return made("batch/v1", "Job", name, spec={"template": template, **more})

    indexed = {"completionMode": "Indexed", "completions": 3, "parallelism": 3}
    on_exit = {"onExitCodes": {"containerName": "main", "operator": "In", "values": [42]}}
    apps.apply(
        job("indexed", 'echo "$JOB_COMPLETION_INDEX $(hostname)"', **indexed),
        job("again", "[ -e /mark/been ] || { touch /mark/been; exit 1; }", "OnFailure", completions=2, parallelism=2),
        job("early", "exit 42", backoffLimit=6, podFailurePolicy={"rules": [{"action": "FailJob", **on_exit}]}),
        job("partly", '[ "$JOB_COMPLETION_INDEX" != 1 ]', backoffLimitPerIndex=0, maxFailedIndexes=3, **indexed),
        job("enough", '[ "$JOB_COMPLETION_INDEX" = 0 ] || sleep 3600', successPolicy=first_is_enough(), **indexed),
        job("waits", "true", suspend=True),
    )
    apps.wait("job/indexed job/again job/enough", "Complete")
    apps.wait("job/early job/partly", "Failed")
    logs = apps.kubectl("logs", "-l", "app=indexed").split("\n")
    assert sorted(line for line in logs if line) == [f"{number} indexed-{number}" for number in range(3)]
    status = {name: apps.get("job", name)["status"] for name in ("again", "early", "partly", "enough", "waits")}
    assert (status["again"]["succeeded"], status["again"].get("failed", 0)) == (2, 0)
    assert (status["early"]["failed"], reason(status["early"])) == (1, "PodFailurePolicy")
    assert (status["partly"]["completedIndexes"], status["partly"]["failedIndexes"]) == ("0,2", "1")
    assert reason(status["enough"]) == "SuccessPolicy"
    assert not apps.pods("waits")
    apps.patch("job/waits", {"spec": {"suspend": False}})
    apps.wait("job/waits", "Complete")
    apps.kubectl("delete", "job", "indexed")
    apps.until(lambda: not apps.pods("indexed"), "its pods go with it")


def first_is_enough() -> Object:
    return {"rules": [{"succeededIndexes": "0"}]}


def reason(status: Object) -> str:
    """Why a Job ended."""
    return next(
        one["reason"] for one in status["conditions"] if one["type"] in ("Failed", "Complete", "SuccessCriteriaMet")
    )


def test_a_replica_set_adopts_and_releases(apps: Ground) -> None:
    apps.apply(made("v1", "Pod", "orphan", {"app": "adopts"}, spec=pod(SLEEP)))
    apps.wait("pod/orphan")
    apps.apply(workload("ReplicaSet", "adopts", pod(SLEEP), replicas=1))
    apps.until(lambda: controllers(apps.get("pod", "orphan")) == ["adopts"], "it is adopted")
    assert set(apps.pods("adopts")) == {"orphan"}
    apps.kubectl("label", "pod", "orphan", "app=another", "--overwrite")
    apps.until(lambda: controllers(apps.get("pod", "orphan")) == [], "it is released")
    apps.until(lambda: len(apps.pods("adopts")) == 1, "another takes its place")
