# Copyright (c) 2026 GreenLang. All rights reserved.
"""How nodes stand when an upgrade ended midway; when a node is known to be Ready; what is held gets no version."""

from __future__ import annotations

import ipaddress
import math
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster import held, objects
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.layout import Layout, expand_pools
from ansible_collections.greenlang.vcci.plugins.plugin_utils.procedures import summary
from ansible_collections.greenlang.vcci.plugins.plugin_utils.upgrade import skew, standing

HEARD = "2026-11-26T04:00:10Z"
AT = 1795665610.0  # the same moment


def node(name: str = "a", version: str | None = "v1.37.2", ready: str | None = "True", **spec: Any) -> dict[str, Any]:
    """`ready` None has no condition yet."""
    condition = {"type": "Ready", "status": ready, "lastHeartbeatTime": HEARD}
    if ready == "False":
        condition |= {"reason": "KubeletNotReady", "message": "container runtime is down"}
    elif ready == "Unknown":
        condition |= {"reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}
    other = {"type": "MemoryPressure", "status": "False", "reason": "KubeletHasSufficientMemory"}
    status: dict[str, Any] = {"conditions": [other, condition]} if ready else {}
    return {
        "metadata": {"name": name},
        "spec": spec,
        "status": {**status, "nodeInfo": {"kubeletVersion": version}} if version else status,
    }


@pytest.mark.parametrize(
    ("nodes", "lines"),
    [
        ([], []),
        ([node()], ["kubelets, as they reported: v1.37.2 on a", "cordoned: none"]),
        (
            [node("c", "v1.36.3"), node("a"), node("b", "v1.36.3", "False", unschedulable=True)],
            [
                "kubelets, as they reported: v1.37.2 on a; v1.36.3 on b, c",
                "cordoned: b",
                "not Ready: b (KubeletNotReady: container runtime is down)",
            ],
        ),
        (
            [node("b", None, None), node("a", ready="Unknown")],
            [
                "kubelets, as they reported: v1.37.2 on a; no version yet on b",
                "cordoned: none",
                "not Ready: a (NodeStatusUnknown: Kubelet stopped posting node status.)",
                "not Ready: b (it never reported)",
            ],
        ),
        ([{"metadata": {"name": "a"}}], ["kubelets, as they reported: no version yet on a", "cordoned: none"]),
    ],
)
def test_how_nodes_stand(nodes: list[dict], lines: list[str]) -> None:
    assert standing.lines(nodes)[: len(lines)] == lines


@pytest.mark.parametrize(
    ("nodes", "order"),
    [
        ([], []),
        ([node("b"), node("a")], ["a", "b"]),
        (
            [node("b", ready="False"), node("a"), node("d", ready="Unknown"), node("c", None, None)],
            ["b", "c", "d", "a"],
        ),
    ],
)
def test_what_is_not_ready_goes_back_first(nodes: list[dict], order: list[str]) -> None:
    assert standing.order(nodes) == order


def test_the_look_says_why_a_node_is_not_ready() -> None:
    [found] = skew.ready([node("a"), node("b", ready="False")])
    assert found.what.startswith("node b is not Ready (KubeletNotReady: container runtime is down). Remedy: ")


@pytest.mark.parametrize(
    ("ready", "since", "known"),
    [
        ("True", 0.0, True),  # nobody asks since when: a simulated one
        ("True", AT - 100, True),
        ("True", AT, True),
        ("True", AT + 0.9, True),  # heard in the second of its start: heartbeats have whole seconds
        ("True", AT + 1.0, False),  # by the word of an earlier kubelet
        ("True", math.inf, False),  # none runs
        ("False", 0.0, False),
        ("Unknown", 0.0, False),
        (None, 0.0, False),
    ],
)
def test_a_node_is_ready_by_the_word_of_the_kubelet_that_runs(ready: str | None, since: float, known: bool) -> None:
    assert objects.has_reported(node(ready=ready), since) is known


@pytest.mark.parametrize(
    ("ready", "why"),
    [
        ("False", "KubeletNotReady: container runtime is down"),
        ("True", "its kubelet has said nothing since it was started; the one before it did at 2026-11-26T04:00:10Z"),
        (None, "no condition Ready: its kubelet never reported"),
    ],
)
def test_why_a_node_is_not_ready(ready: str | None, why: str) -> None:
    assert objects.why_not_ready(node(ready=ready)) == why


@pytest.mark.parametrize(
    ("down", "moved", "says"),
    [
        ([], ["control-plane", "a-1"], None),
        (["a-2"], ["a-1", "control-plane"], None),
        (["a-1"], ["a-1"], "a-1 gets no other version while a-1 is held"),
        (["a-1/kubelet"], ["a-2", "a-1"], "a-1 gets no other version while a-1/kubelet is held"),
        (["a-1/containerd", "a-2"], ["a-1"], "a-1 gets no other version while a-1/containerd is held"),
        (
            ["kube-scheduler", "a-2"],
            ["control-plane"],
            "control-plane gets no other version while kube-scheduler is held",
        ),
        (["kube-scheduler"], ["a-1"], None),
        (["a-1"], [], None),
    ],
)
def test_what_is_held_gets_no_other_version(
    tmp_path: Path, down: list[str], moved: list[str], says: str | None
) -> None:
    nodes = expand_pools([{"name": "a", "count": 2}], "real")
    layout = Layout("c", ipaddress.IPv4Network("10.1.0.0/16"), tmp_path, "real", nodes)
    kept = held.parse(down, layout)
    if says is None:
        kept.refuse_moved(moved)
        return
    with pytest.raises(VcciError, match=says) as refused:
        kept.refuse_moved(moved)
    assert "Remedy: release it" in str(refused.value)


def test_a_failure_says_what_was_done_and_how_things_stand() -> None:
    assert summary.failed(
        "u", 5, "t", {"msg": "why"}, "node b", ["look", "node a"], ["cordoned: b", "Remedy: mend"]
    ) == [
        "u: FAILED after 5 s in step 'node b', at the task 't'",
        "why",
        "Done before, and not done again: look, node a.",
        "cordoned: b",
        "Remedy: mend",
        "Run it again when that is remedied: it goes on with step 'node b'.",
    ]
