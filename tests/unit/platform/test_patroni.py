# Copyright (c) 2026 GreenLang. All rights reserved.
"""When the members of a cluster of Patroni stand by each other, as they tell at their pods."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.rules import FAILED, IN_PROGRESS, READY
from ansible_collections.greenlang.vcci.plugins.plugin_utils.platform import patroni
from ansible_collections.greenlang.vcci.plugins.plugin_utils.platform.state import Seen

Object = dict[str, Any]
PRIMARY = {"role": "primary", "state": "running"}
REPLICA = {"role": "replica", "state": "running", "replication_state": "streaming"}


def pod(number: int, told: object, node: str = "", namespace: str = "n", cluster: str = "c") -> Object:
    annotations = {} if told is None else {"status": told if isinstance(told, str) else json.dumps(told)}
    meta = {"name": f"c-{number}", "namespace": namespace, "labels": {"cluster-name": cluster}}
    return {"metadata": {**meta, "annotations": annotations}, "spec": {"nodeName": node or f"node-{number}"}}


def judged(*pods: Object, cluster: str = "c") -> tuple[str, str]:
    labels = {"cluster-name": cluster} if cluster else {"app": "other"}
    spec = {"template": {"metadata": {"labels": labels}}}
    stateful_set = {"metadata": {"name": "c", "namespace": "n"}, "spec": spec}
    return patroni.state(Seen(datetime.datetime.now(datetime.UTC), patroni=list(pods)), stateful_set)


CASES: dict[str, tuple[list[Object], str, str]] = {
    "all is well": ([pod(0, REPLICA), pod(1, PRIMARY), pod(2, REPLICA)], READY, ""),
    "one member": ([pod(0, PRIMARY)], READY, ""),
    "in the words of before": ([pod(0, {**PRIMARY, "role": "master"}), pod(1, REPLICA)], READY, ""),
    "of another namespace and cluster": (
        [pod(0, PRIMARY), pod(1, None, namespace="m"), pod(2, None, cluster="d")],
        READY,
        "",
    ),
    "no primary": ([pod(0, REPLICA), pod(1, REPLICA)], IN_PROGRESS, "no member is the primary"),
    "a primary that starts": (
        [pod(0, {**PRIMARY, "state": "starting"}), pod(1, REPLICA)],
        IN_PROGRESS,
        "no member is the primary",
    ),
    "two primaries": (
        [pod(0, PRIMARY), pod(1, PRIMARY), pod(2, REPLICA)],
        IN_PROGRESS,
        "c-0 and c-1 say that they are the primary",
    ),
    "one that does not stream": (
        [pod(0, PRIMARY), pod(1, {**REPLICA, "replication_state": "in archive recovery"}), pod(2, REPLICA)],
        IN_PROGRESS,
        "does not stream from c-0: c-1 (running)",
    ),
    "one that does not start": (
        [pod(0, PRIMARY), pod(1, {"role": "replica", "state": "start failed"}), pod(2, None)],
        IN_PROGRESS,
        "does not stream from c-0: c-1 (start failed), c-2 (has not told)",
    ),
    "what is not JSON": ([pod(0, PRIMARY), pod(1, "{")], IN_PROGRESS, "c-1 (has not told)"),
    "what is no object": ([pod(0, PRIMARY), pod(1, "[1]")], IN_PROGRESS, "c-1 (has not told)"),
    "two on a node": (
        [pod(0, PRIMARY, "a"), pod(1, REPLICA, "b"), pod(2, REPLICA, "a")],
        FAILED,
        "c-0 and c-2 are on a, and would be lost with it: its pool has too few nodes for 3 members",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_members(case: str) -> None:
    pods, state, why = CASES[case]
    found = judged(*pods)
    assert found[0] == state
    assert why in found[1]
    assert bool(why) == bool(found[1])


def test_others_are_left_alone() -> None:
    assert judged(pod(0, None), cluster="") == (READY, "")
