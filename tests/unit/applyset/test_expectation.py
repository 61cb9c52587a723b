# Copyright (c) 2026 GreenLang. All rights reserved.
"""What a user wants awaited, as the option says it, and what an object is by that."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import expectation
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.manifests import Ref
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.kstatus import (
    FAILED,
    IN_PROGRESS,
    READY,
    TERMINATING,
)


def status(**fields):
    return {"metadata": {"generation": 1}, "status": fields}


def condition(name, value="True", **more):
    return status(conditions=[{"type": name, "status": value, **more}])


PHASE = {"field": "status.phase", "value": ["Completed", "Done"], "failed": "Failed"}
CASES = {
    "a condition": ({"condition": "Frobbed"}, condition("Frobbed"), READY),
    "a condition that is not there": ({"condition": "Frobbed"}, condition("Ready"), IN_PROGRESS),
    "a condition that is false": ({"condition": "Frobbed"}, condition("Frobbed", "False"), IN_PROGRESS),
    "a condition that is to be false": ({"condition": "Busy", "status": False}, condition("Busy", "False"), READY),
    "a status as a text": ({"condition": "Busy", "status": "false"}, condition("Busy", "False"), READY),
    "an unknown status": ({"condition": "Busy", "status": "Unknown"}, condition("Busy", "Unknown"), READY),
    "a reason": ({"condition": "Ok", "reason": "Done"}, condition("Ok", reason="Done"), READY),
    "another reason": ({"condition": "Ok", "reason": "Done"}, condition("Ok", reason="Begun"), IN_PROGRESS),
    "one of the values": (PHASE, status(phase="Done"), READY),
    "none of the values": (PHASE, status(phase="Pending"), IN_PROGRESS),
    "a value that is final": (PHASE, status(phase="Failed"), FAILED),
    "no value yet": (PHASE, status(), IN_PROGRESS),
    "no status yet": (PHASE, {"metadata": {}}, IN_PROGRESS),
    "a boolean": ({"field": "status.readyToUse", "value": True}, status(readyToUse=True), READY),
    "a number": ({"field": "status.n", "value": 3}, status(n=3), READY),
    "a number as a text": ({"field": "status.n", "value": "3"}, status(n=3), READY),
    "zero": ({"field": "status.n", "value": 0}, status(n=0), READY),
    "anything": ({"field": "status.address"}, status(address="10.0.0.1"), READY),
    "anything but nothing": ({"field": "status.address"}, status(address=""), IN_PROGRESS),
    "an item of a list": (
        {"field": "status.nodes[1].ready", "value": True},
        status(nodes=[{}, {"ready": True}]),
        READY,
    ),
    "an item that is not there": ({"field": "status.nodes[1].ready"}, status(nodes=[{}]), IN_PROGRESS),
    "a key with dots": ({"field": "status['a.b']", "value": "c"}, status(**{"a.b": "c"}), READY),
    "a path through a text": ({"field": "status.phase.x"}, status(phase="Done"), IN_PROGRESS),
    "of before the change": (
        {"condition": "Ready"},
        {"metadata": {"generation": 2}, "status": {"observedGeneration": 1, **condition("Ready")["status"]}},
        IN_PROGRESS,
    ),
    "going": ({"condition": "Ready"}, {"metadata": {"deletionTimestamp": "now"}}, TERMINATING),
}


@pytest.mark.parametrize("case", CASES)
def test_what_an_object_is_by_an_expectation(case):
    given, obj, state = CASES[case]
    (wanted,) = expectation.parse([{"kind": "Widget.example.com", **given}])
    found, why = wanted.status_of(obj)
    assert found == state
    assert bool(why) == (state != READY)


WRONG = {
    "nothing to wait for": ({}, "either a condition or a field"),
    "both": ({"condition": "A", "field": "b"}, "either a condition or a field"),
    "a value of a condition": ({"condition": "A", "value": "b"}, "value goes with a field only"),
    "a reason of a field": ({"field": "a", "reason": "b"}, "reason goes with a condition only"),
    "no path": ({"field": "a[b"}, "is no path"),
    "an empty step": ({"field": "a..b"}, "is no path"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_makes_no_sense_is_refused(case):
    given, message = WRONG[case]
    with pytest.raises(InputError, match=f"wait_for, entry 1: .*{message}"):
        expectation.parse([{"kind": "Widget.example.com", **given}])


REFS = [Ref("example.com", "Widget", "n", "a"), Ref("batch", "Job", "n", "b")]
IGNORED = {
    "another group": ({"kind": "Widget.example.org"}, True),
    "no group": ({"kind": "Widget"}, True),
    "another name": ({"kind": "Widget.example.com", "name": "x"}, True),
    "another namespace": ({"kind": "Widget.example.com", "namespace": "x"}, True),
    "nothing is awaited": ({"kind": "Widget.example.com"}, False),
}


@pytest.mark.parametrize("case", IGNORED)
def test_what_would_be_ignored_is_an_error(case):
    given, wait = IGNORED[case]
    with pytest.raises(InputError, match="wait_for"):
        expectation.check(expectation.parse([{"condition": "Ready", **given}]), wait, REFS)


@pytest.mark.parametrize("kind", ["Widget.example.com", "Job", "Job.batch"])
def test_kinds_by_their_names(kind):
    expectation.check(expectation.parse([{"condition": "Ready", "kind": kind}]), True, REFS)
