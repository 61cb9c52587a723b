# Copyright (c) 2026 GreenLang. All rights reserved.
"""Why a pod does not start, which pod of a StatefulSet has to go, and which lines of a log say why."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import logs, trouble
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.pods import selector_of
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.replace import hindrance

OLD, NEW = "web-old", "web-new"
NOT_YET = {"type": "Ready", "status": "False", "lastTransitionTime": "2999-01-01T00:00:00Z"}
LONG = {"type": "Ready", "status": "False", "lastTransitionTime": "2026-01-01T00:00:00Z"}
READY = {"type": "Ready", "status": "True"}


def waits(reason, message="m", **more):
    return {"name": "main", "ready": False, "state": {"waiting": {"reason": reason, "message": message}}, **more}


def ended(code, **more):
    return {"terminated": {"exitCode": code, **more}}


CRASHED = waits("CrashLoopBackOff", restartCount=4, lastState=ended(2, reason="Error"))
RUNS = {"name": "main", "ready": False, "state": {"running": {}}, "restartCount": 0}


def pod(*containers, conditions=(NOT_YET,), name="web-0", revision=NEW, phase="Running", **meta):
    labels = {"controller-revision-hash": revision}
    owner = {"uid": "set", "controller": True}
    return {
        "metadata": {"name": name, "labels": labels, "ownerReferences": [owner], "uid": name, **meta},
        "spec": {"containers": [{"name": "main", "image": "example/app:1"}]},
        "status": {"phase": phase, "conditions": list(conditions), "containerStatuses": list(containers)},
    }


def unschedulable(**status):
    made = pod(conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3"}])
    return {**made, "status": {**made["status"], **status}}


# What is wrong, a part of its text, and whether it ends the wait at last.
TROUBLES = {
    "image": (pod(waits("ErrImagePull", "not found")), "pull", "example/app:1 (ErrImagePull: not found)", True),
    "image, tried again": (pod(waits("ImagePullBackOff")), "pull", "ImagePullBackOff", True),
    "image without a name": (pod(waits("InvalidImageName")), "pull", "InvalidImageName", True),
    "image that is never pulled": (pod(waits("ErrImageNeverPull")), "pull", "ErrImageNeverPull", True),
    "configuration": (pod(waits("CreateContainerConfigError", 'no "s"')), "config", 'no "s"', True),
    "crash": (pod(CRASHED), "crash", "exit code 2 (Error), 4 restarts", True),
    "crash, running again": (pod({**CRASHED, "state": {"running": {}}}), "crash", "exit code 2", True),
    "first crash": (pod({**CRASHED, "restartCount": 1}), "crash", "1 restart", False),
    "just crashed": (
        pod({"name": "main", "ready": False, "state": ended(137, reason="OOMKilled"), "restartCount": 0}),
        "crash",
        "exit code 137 (OOMKilled)",
        False,
    ),
    "no room": (unschedulable(), "room", "cannot be placed: 0/3", True),
    "a new line in a message": (pod(waits("ErrImagePull", "a\n  b")), "pull", "a b", True),
    "a long message": (pod(waits("ErrImagePull", "x" * 900)), "pull", " …", True),
}
NONE = {
    "ready": pod(CRASHED, conditions=[READY]),
    "going": pod(CRASHED, deletionTimestamp="now"),
    "done": pod(CRASHED, phase="Succeeded"),
    "starting": pod(waits("ContainerCreating")),
    "running": pod(RUNS),
    "initialised": pod({**RUNS, "state": ended(0), "restartCount": 0}),
    "making room": unschedulable(nominatedNodeName="n"),
    "new": pod(),
}


@pytest.mark.parametrize("case", TROUBLES)
def test_what_keeps_a_pod_from_starting(case):
    given, kind, text, ends = TROUBLES[case]
    found = trouble.of_pod(given)
    assert found is not None
    assert (found.kind, found.ends_wait) == (kind, ends)
    assert text in found.text
    assert found.final == ((kind == "pull" and "without" in case) or "never" in case)


@pytest.mark.parametrize("case", NONE)
def test_a_pod_that_is_on_its_way_is_in_no_trouble(case):
    assert trouble.of_pod(NONE[case]) is None


def stateful_set(strategy=None, seen=1, start=0, **rolling):
    strategy = strategy or {"type": "RollingUpdate", "rollingUpdate": rolling}
    spec = {"updateStrategy": strategy, "ordinals": {"start": start}}
    return {
        "metadata": {"uid": "set", "generation": 1},
        "spec": spec,
        "status": {"observedGeneration": seen, "updateRevision": NEW},
    }


def old(number, *containers, **more):
    return pod(*(containers or (CRASHED,)), name=f"web-{number}", revision=OLD, **more)


def healthy(number, revision=NEW):
    return pod(name=f"web-{number}", revision=revision, conditions=[READY])


GOES = {
    "one that crashes": (stateful_set(), [old(0)], "web-0"),
    "the first of two": (stateful_set(), [old(1), old(0)], "web-0"),
    "beside healthy ones": (stateful_set(), [healthy(0, OLD), healthy(2), old(1)], "web-1"),
    "ten and two": (stateful_set(), [old(10), old(2)], "web-2"),
    "above the partition": (stateful_set(partition=1), [old(0), old(1)], "web-1"),
    "above the partition, counted from elsewhere": (stateful_set(partition=1, start=5), [old(5), old(6)], "web-6"),
    "an image": (stateful_set(), [old(0, waits("ErrImagePull"))], "web-0"),
    "no room": (stateful_set(), [{**unschedulable(), "metadata": old(0)["metadata"]}], "web-0"),
    "one that has not been ready for long": (stateful_set(), [old(0, RUNS, conditions=[LONG])], "web-0"),
}
STAYS = {
    "of the new revision": (stateful_set(), [pod(CRASHED)]),
    "while the new revision is not ready": (stateful_set(), [old(0), pod(RUNS, name="web-1")]),
    "while one goes": (stateful_set(), [old(0), old(1, deletionTimestamp="now")]),
    "that is ready": (stateful_set(), [healthy(0, OLD)]),
    "that runs and may become ready": (stateful_set(), [old(0, RUNS)]),
    "that runs again after a crash": (stateful_set(), [old(0, {**CRASHED, "state": {"running": {}}})]),
    "below the partition": (stateful_set(partition=1), [old(0)]),
    "updated by hand": (stateful_set({"type": "OnDelete"}), [old(0)]),
    "before the controller has seen the change": (stateful_set(seen=0), [old(0)]),
    "of another owner": (stateful_set(), [old(0, ownerReferences=[{"uid": "other", "controller": True}])]),
    "nothing there": (stateful_set(), []),
}


@pytest.mark.parametrize("case", GOES)
def test_which_pod_has_to_go(case):
    owner, pods, name = GOES[case]
    found = hindrance(owner, pods, 60)
    assert found is not None
    assert found["metadata"]["name"] == name


@pytest.mark.parametrize("case", STAYS)
def test_which_pods_stay(case):
    owner, pods = STAYS[case]
    assert hindrance(owner, pods, 60) is None


HELP = "\n".join(f"      --flag-{number}=value  What it does, on error too" for number in range(60))
LOGS = {
    "a flag that nobody knows, and help after it": (
        f"Error parsing command line arguments: strconv: 2 days\nusage: prometheus [<flags>]\n{HELP}\n",
        "Error parsing command line arguments: strconv: 2 days",
    ),
    "PostgreSQL": (
        "LOG:  starting\n" * 20 + 'FATAL:  unrecognized configuration parameter "max_connectionz"\n' + "x\n" * 20,
        'FATAL:  unrecognized configuration parameter "max_connectionz"',
    ),
    "Python": (
        "INFO start\n" * 20 + "Traceback (most recent call last):\n" + "  File a\n" * 20 + "ValueError: wrong\n",
        "ValueError: wrong",
    ),
    "logfmt": ("level=info msg=up errors=0\n" * 20 + 'level=error msg="no disk"\n' + "level=info a\n" * 9, '"no disk"'),
    "JSON": ('{"level":"info","error":""}\n' * 20 + '{"level":"error","m":"no"}\n' + "{}\n" * 9, '"m":"no"'),
    "words of another kind": ("up\n" * 20 + "cannot bind to port 80\n" + "bye\n" * 20, "cannot bind to port 80"),
    "klog": ("I0101 up\n" * 20 + "E0101 00:00:00 main.go:1] broken\n" + "I0101 bye\n" * 20, "broken"),
}


@pytest.mark.parametrize("case", LOGS)
def test_the_first_lines_of_an_error_are_found(case):
    text, line = LOGS[case]
    found = logs.reasons(text, 4)
    assert any(line in one for one in found)
    assert len(found) <= 7
    assert found[-1] == [one for one in text.splitlines() if one.strip()][-1].rstrip()


def test_a_log_without_errors_is_shown_by_its_end():
    assert logs.reasons("\n".join(f"line {number}" for number in range(9)), 2) == ["line 7", "line 8"]
    assert logs.reasons("", 2) == []
    assert logs.reasons("one\n\n", 2) == ["one"]
    assert len(logs.reasons("x" * 9000 + "\nb", 1)[0]) <= 400


SELECTORS = {
    "labels": ({"matchLabels": {"a": "b", "c": "d"}}, "a=b,c=d"),
    "expressions": (
        {
            "matchLabels": {"a": "b"},
            "matchExpressions": [
                {"key": "k", "operator": "In", "values": ["x", "y"]},
                {"key": "l", "operator": "NotIn", "values": ["z"]},
                {"key": "m", "operator": "Exists"},
                {"key": "n", "operator": "DoesNotExist"},
            ],
        },
        "a=b,k in (x,y),l notin (z),m,!n",
    ),
    "of a replication controller": ({"a": "b"}, "a=b"),
    "of something else": ({"a": {"b": "c"}}, ""),
    "a text": ("a=b", ""),
    "none": (None, ""),
}


@pytest.mark.parametrize("case", SELECTORS)
def test_selectors(case):
    given, text = SELECTORS[case]
    assert selector_of({"spec": {"selector": given}}) == text
