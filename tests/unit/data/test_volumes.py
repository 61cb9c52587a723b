# Copyright (c) 2026 GreenLang. All rights reserved.
"""Volumes that are there, and are asked for otherwise."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.filter.volume_claims import volume_claims

REDIS = {
    "claim": "data-redis",
    "statefulset": "redis",
    "variable": "data_redis_storage",
    "class": "fast",
    "size": "2Gi",
}
BACKUP = {"claim": "backup", "variable": "data_backup_storage", "class": "fast", "size": "2Gi"}


def claim(name, size, storage_class="fast", kind="PersistentVolumeClaim"):
    spec = {"resources": {"requests": {"storage": size}}, "storageClassName": storage_class}
    return {"kind": kind, "metadata": {"name": name}, "spec": spec}


def of_class(name="fast", **fields):
    return {"kind": "StorageClass", "metadata": {"name": name}, **fields}


def statefulset(size):
    return {
        "kind": "StatefulSet",
        "metadata": {"name": "redis"},
        "spec": {"volumeClaimTemplates": [claim("data", size)]},
    }


GROWS = of_class(allowVolumeExpansion=True)
CASES = {
    "nothing is there": ([], REDIS, "", [], []),
    "as they are": ([claim("data-redis-0", "2048Mi"), statefulset("2Gi")], REDIS, "", [], []),
    "in other words": ([statefulset("2048Mi")], REDIS, "", [], []),
    "smaller": ([claim("data-redis-0", "3Gi"), statefulset("3Gi")], REDIS, "never becomes smaller", [], ["redis"]),
    "larger": ([GROWS, claim("data-redis-1", "1Gi"), statefulset("1Gi")], REDIS, "", ["data-redis-1"], ["redis"]),
    "larger, midway": ([GROWS, claim("data-redis-1", "1Gi"), statefulset("2Gi")], REDIS, "", ["data-redis-1"], []),
    "decimal units": ([GROWS, claim("data-redis-1", "2G")], REDIS, "", ["data-redis-1"], []),
    "cannot grow": ([of_class(), claim("data-redis-1", "1Gi")], REDIS, "lets no volume grow", ["data-redis-1"], []),
    "another class": ([GROWS, claim("data-redis-1", "2Gi", "slow")], REDIS, "keeps its class", [], []),
    "an unknown class": ([of_class("slow")], REDIS, "no such StorageClass. Remedy: one of slow", [], []),
    "another's": ([claim("data-redis-x-0", "1Gi"), claim("redis-data-0", "9Gi")], REDIS, "", [], []),
    "of no set, larger": ([GROWS, claim("backup", "1Gi")], BACKUP, "", [], []),
    "of no set, cannot grow": ([claim("backup", "1Gi")], BACKUP, "lets no volume grow", [], []),
    "of no set, smaller": ([claim("backup", "4Gi"), claim("backup-0", "9Gi")], BACKUP, "and backup asked", [], []),
}


@pytest.mark.parametrize("case", CASES)
def test_what_becomes_of_them(case):
    objects, wanted, said, growing, resized = CASES[case]
    found = volume_claims(objects, [wanted])
    assert [said in check["message"] for check in found["checks"]] == [True] * bool(said)
    assert [one["name"] for one in found["growing"]] == growing
    assert found["resized"] == resized


def placed(number, node):
    one = claim(f"data-redis-{number}", "2Gi")
    one["metadata"]["annotations"] = {"volume.kubernetes.io/selected-node": node}
    one["spec"]["volumeName"] = f"pv-{number}"
    return one


def volume(number, key, *values):
    rule = {"key": key, "operator": "In", "values": [*values]}
    affinity = {"nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [rule]}]}}} if key else {}
    return {"kind": "PersistentVolume", "metadata": {"name": f"pv-{number}"}, "spec": affinity}


HOST, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
NEAR = [placed(0, "memory-1"), placed(1, "memory-2"), placed(2, "memory-1")]
TOGETHER = {
    "each on its own": ([placed(0, "memory-1"), placed(1, "memory-2")], [], []),
    "not looked at yet": (NEAR, ["pv-0", "pv-2"], []),
    "on one node": ([*NEAR, *(volume(one, HOST, "memory-1") for one in (0, 2))], ["pv-0", "pv-2"], ["redis"]),
    "in one zone": ([*NEAR, *(volume(one, ZONE, "a") for one in (0, 2))], ["pv-0", "pv-2"], []),
    "on any of two": ([*NEAR, *(volume(one, HOST, "memory-1", "memory-3") for one in (0, 2))], ["pv-0", "pv-2"], []),
    "anywhere": ([*NEAR, *(volume(one, "") for one in (0, 2))], ["pv-0", "pv-2"], []),
    "moved since": ([*NEAR, volume(0, HOST, "memory-3"), volume(2, HOST, "memory-1")], ["pv-0", "pv-2"], []),
    "not bound": ([claim("data-redis-0", "2Gi"), claim("data-redis-1", "2Gi")], [], []),
}


@pytest.mark.parametrize("case", TOGETHER)
def test_whose_volumes_leave_them_no_choice_of_a_node(case):
    objects, near, together = TOGETHER[case]
    found = volume_claims([GROWS, *objects], [REDIS, BACKUP])
    assert (found["near"], found["together"]) == (near, together)
