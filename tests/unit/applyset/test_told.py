# Copyright (c) 2026 GreenLang. All rights reserved.
"""In one error each reason stands once, whoever says it: a condition, an event, a pod, several workloads."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.told import Told, grouped

QUOTA = 'pods "{}" is forbidden: exceeded quota: q, requested: memory=80Mi, used: memory={}, limited: memory=100Mi'
HEAD = f"Deployment a/web cannot start: pods cannot be created (FailedCreate: {QUOTA.format('web-1', '80Mi')})"
PULL = "cannot pull x/y:1 (ErrImagePull: not found)"
# What was told, what is said then, and what is left of that.
RESTS = {
    "a condition": (
        HEAD,
        f"1/2 replicas updated: FailedCreate: {QUOTA.format('web-1', '80Mi')}",
        "1/2 replicas updated",
    ),
    "of another pod": (HEAD, f"1/2 updated: FailedCreate: {QUOTA.format('web-2', '80Mi')}", "1/2 updated"),
    "at another moment": (HEAD, f"1/2 updated: FailedCreate: {QUOTA.format('web-2', '90Mi')}", "1/2 updated"),
    "a condition alone": (HEAD, f"FailedCreate: {QUOTA.format('web-2', '80Mi')}", ""),
    "an event": (
        HEAD,
        f"  ReplicaSet web: FailedCreate: Error creating: {QUOTA.format('web-3', '80Mi')}",
        "  ReplicaSet web: FailedCreate: Error creating",
    ),
    "another quota": (HEAD, f"1/2 updated: {QUOTA.format('web-2', '80Mi').replace('quota: q', 'quota: r')}", None),
    "another limit": (HEAD, f"1/2 updated: {QUOTA.format('web-2', '80Mi').replace('100Mi', '99Mi')}", None),
    "numbers": (HEAD, "1/2 replicas updated", None),
    "a word": (HEAD, "it: q", None),
    "nothing": (HEAD, "", ""),
    "a pod": (f"Deployment a/web cannot start: pod web-1 {PULL}.", f"  Pod a/web-1: {PULL}", "  Pod a/web-1"),
    "another image": (
        f"Deployment a/web cannot start: pod web-1 {PULL}.",
        f"  Pod a/w: {PULL}".replace("y", "z"),
        None,
    ),
    "white space": ("it is said:\n  not  there yet", "web: it is said: not there yet", "web"),
}


@pytest.mark.parametrize("case", RESTS)
def test_what_was_told_is_not_said_again(case):
    told, text, rest = RESTS[case]
    assert Told(told).rest(text) == (text if rest is None else rest)


def test_lines_whose_reason_was_told_are_left_out():
    told = Told(f"Deployment a/web cannot start: pod web-1 {PULL}")
    lines = [
        "  Deployment a/web: ScalingReplicaSet: scaled up",
        f"  Pod a/web-1: {PULL}",
        "    event Failed: Error: ErrImagePull of an image",
        "    event BackOff: back-off of an image",
        f"  Pod a/web-2: {PULL}",
        "    event BackOff: back-off of an image",
        f"  Pod a/web-3: {PULL}",
        "    main ended with exit code 2",
    ]
    assert told.rest_of(lines) == [
        "  Deployment a/web: ScalingReplicaSet: scaled up",
        "  Pod a/web-1",
        "    event Failed: Error: ErrImagePull of an image",
        "    event BackOff: back-off of an image",
        "  Pod a/web-2",
        "  Pod a/web-3",
        "    main ended with exit code 2",
    ]


def test_a_reason_that_several_have_is_said_of_all():
    reasons = [("a", QUOTA.format("a-1", "1Mi")), ("b", PULL), ("c", QUOTA.format("c-1", "2Mi"))]
    assert grouped(reasons) == [(["a", "c"], reasons[0][1]), (["b"], PULL)]
