# Copyright (c) 2026 GreenLang. All rights reserved.
"""Every way in which a pod takes something from a Secret is seen, key by key."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import consumers, notes


def workload(spec: dict, kind: str = "Deployment") -> dict:
    template = {"spec": spec}
    inner = (
        {"jobTemplate": {"spec": {"template": template}}}
        if kind == "CronJob"
        else {"template": template, "selector": {"matchLabels": {"app": "x"}}}
    )
    return {"kind": kind, "metadata": {"name": "x"}, "spec": inner}


KEY = {
    "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "a"}}}, {"name": "B", "value": "plain"}]
}
CASES: dict[str, tuple[dict, consumers.Consumed]] = {
    "one key": ({"containers": [KEY]}, {"s": {"a"}}),
    "all keys": (
        {"containers": [{"envFrom": [{"secretRef": {"name": "s"}}, {"configMapRef": {"name": "c"}}]}]},
        {"s": None},
    ),
    "all of them outweigh one": ({"containers": [KEY, {"envFrom": [{"secretRef": {"name": "s"}}]}]}, {"s": None}),
    "an init container": ({"initContainers": [KEY], "containers": []}, {"s": {"a"}}),
    "a volume": ({"volumes": [{"name": "v", "secret": {"secretName": "s"}}]}, {"s": None}),
    "items of a volume": (
        {"volumes": [{"secret": {"secretName": "s", "items": [{"key": "b", "path": "p"}]}}]},
        {"s": {"b"}},
    ),
    "a projected volume": (
        {
            "volumes": [
                {"projected": {"sources": [{"secret": {"name": "s", "items": [{"key": "b"}]}}, {"configMap": {}}]}}
            ]
        },
        {"s": {"b"}},
    ),
    "an image pull secret": ({"imagePullSecrets": [{"name": "s"}]}, {"s": None}),
    "nothing": ({"containers": [{"name": "x"}], "volumes": [{"emptyDir": {}}]}, {}),
}


@pytest.mark.parametrize("kind", ["Deployment", "CronJob"])
@pytest.mark.parametrize("case", CASES)
def test_what_is_consumed(case: str, kind: str) -> None:
    spec, found = CASES[case]
    assert consumers.consumed(workload(spec, kind)) == found


def test_only_those_that_take_the_key() -> None:
    one, every, other = (workload(CASES[case][0]) for case in ("one key", "all keys", "nothing"))
    assert consumers.consumers([one, every, other], "s", {"a"}) == [one, every]
    assert consumers.consumers([one, every, other], "s", {"b"}) == [every]
    assert consumers.consumers([one, every, other], "s") == [one, every]


@pytest.mark.parametrize(("started", "stale"), [("2026-01-01T00:00:00Z", True), ("2026-01-03T00:00:00Z", False)])
def test_pods_older_than_the_value(started: str, stale: bool) -> None:
    pods = [{"metadata": {"name": "p", "creationTimestamp": started, "labels": {"app": "x"}}}]
    times = {"a": "2026-01-02T00:00:00Z", "b": "2026-02-01T00:00:00Z"}
    assert consumers.stale(workload(CASES["one key"][0]), pods, "s", times) == stale
    assert consumers.stale(workload(CASES["all keys"][0]), pods, "s", times)
    assert not consumers.stale(workload(CASES["nothing"][0]), pods, "s", times)


@pytest.mark.parametrize(
    ("started", "old"), [("10:00:04", True), ("10:00:05", True), ("10:00:06", False)], ids=["before", "with", "after"]
)
def test_pods_of_the_same_second_count_as_older(started: str, old: bool) -> None:
    pods = [{"metadata": {"name": "p", "creationTimestamp": f"2026-01-01T{started}Z", "labels": {"app": "x"}}}]
    assert consumers.stale(workload(CASES["one key"][0]), pods, "s", {"a": "2026-01-01T10:00:05Z"}) == old


def entry(time: str, *keys: str, manager: str = "controller") -> dict:
    return {"manager": manager, "time": time, "fieldsV1": {"f:data": {f"f:{key}": {} for key in keys}}}


def sealed(generation: int, held: str = "") -> dict:
    metadata: dict = {"generation": generation, "creationTimestamp": "2026-01-01T10:00:00Z"}
    return {"metadata": metadata | ({"annotations": {notes.HELD: held}} if held else {})}


def secret(*entries: dict, made: str = "2026-01-01T10:00:01Z") -> dict:
    return {"metadata": {"creationTimestamp": made, "managedFields": list(entries)}, "data": {"a": "", "b": ""}}


BOTH = (entry("2026-02-01T00:00:00Z", "a"), entry("2026-03-01T00:00:00Z", "b", manager="somebody"))
SINCE: dict[str, tuple[dict | None, dict | None, str]] = {
    "as it was made": (sealed(1), secret(*BOTH), "2026-01-01T09:59:59Z"),
    "written since": (sealed(2), secret(*BOTH), "2026-02-01T00:00:00Z"),
    "noted": (sealed(2, '{"a": "2026-01-15T00:00:00Z"}'), secret(*BOTH), "2026-01-15T00:00:00Z"),
    "another was noted": (sealed(2, '{"b": "2026-01-15T00:00:00Z"}'), secret(*BOTH), "2026-02-01T00:00:00Z"),
    "the note is damaged": (sealed(2, '{"a": 3'), secret(*BOTH), "2026-02-01T00:00:00Z"),
    "nobody's": (sealed(2), secret(BOTH[1]), "2026-03-01T00:00:00Z"),
    "stripped": (sealed(2), secret(), ""),
    "removed": (sealed(2), {"metadata": secret(*BOTH)["metadata"], "data": {"b": ""}}, ""),
    "no Secret": (sealed(2), None, ""),
    "a plain Secret as it was made": (None, secret(entry("2026-01-01T10:00:01Z", "a")), "2026-01-01T10:00:00Z"),
    "a plain Secret written since": (None, secret(*BOTH), "2026-02-01T00:00:00Z"),
}


@pytest.mark.parametrize("case", SINCE)
def test_since_when_a_value_is_held_by_the_clock_of_the_api_server(case: str) -> None:
    one, other, when = SINCE[case]
    assert consumers.since(one, other, {"a"}) == ({"a": when} if when else {})


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"a": 3}'])
def test_notes_that_somebody_damaged_are_none(text: str) -> None:
    assert consumers.changed_at({"metadata": {"annotations": {consumers.CHANGED: text}}}) == {}
