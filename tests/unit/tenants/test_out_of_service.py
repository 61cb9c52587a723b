# Copyright (c) 2026 GreenLang. All rights reserved.
"""Of which nodes somebody may say that their machines are gone."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants import out_of_service

NOW = datetime.datetime(2026, 11, 26, 4, 0, 0, tzinfo=datetime.UTC)


def node(status: str | None, since: str | None = "2026-11-26T03:00:00Z", *taints: str) -> dict[str, Any]:
    """`status` None has no condition Ready."""
    ready = {"type": "Ready", "status": status, "lastTransitionTime": since}
    conditions = [{"type": "DiskPressure", "status": "Unknown"}, *([ready] if status else [])]
    return {
        "metadata": {"name": "a"},
        "spec": {"taints": [{"key": one, "effect": "NoExecute"} for one in taints]},
        "status": {"conditions": conditions},
    }


@pytest.mark.parametrize(
    ("found", "seconds", "says"),
    [
        (node("Unknown"), 3600, None),
        (node("Unknown", "2026-11-26T03:59:00Z"), 60, None),
        (node("Unknown", "2026-11-26T03:59:01Z"), 59, "has been unreachable for 59 s only. Remedy: make sure"),
        (node("Unknown", None), 0, "unreachable for 0 s only"),
        (node("True"), None, "the kubelet of node a reports"),
        (node("False"), None, "the kubelet of node a reports"),  # it says itself that it is not well: its pods may run
        (node(None), None, "the kubelet of node a reports"),
        ({"metadata": {"name": "a"}}, None, "the kubelet of node a reports"),
    ],
)
def test_who_may_be_taken_for_gone(found: dict, seconds: int | None, says: str | None) -> None:
    assert out_of_service.silent(found, NOW) == seconds
    if says is None:
        out_of_service.require_silent(found, NOW)
        return
    with pytest.raises(InputError, match=says):
        out_of_service.require_silent(found, NOW)


def test_what_says_that_a_node_is_out_of_service() -> None:
    assert not out_of_service.is_out({"metadata": {"name": "a"}})
    assert not out_of_service.is_out(node("Unknown", None, "node.kubernetes.io/unreachable"))
    assert out_of_service.is_out(node("Unknown", None, "x", out_of_service.KEY))
