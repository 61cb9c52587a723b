# Copyright (c) 2026 GreenLang. All rights reserved.
"""The record of procedures, and what is said at their end."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.procedures import ledger, summary
from ansible_collections.greenlang.vcci.plugins.plugin_utils.procedures.ledger import Entry, Ledger


def test_a_step_ends_with_the_next_one() -> None:
    entry = Entry()
    assert entry.take("snapshot")
    assert (entry.taken, entry.step) == ([], "snapshot")
    assert entry.take("snapshot")  # begun, and not known to have ended
    assert entry.take("control plane")
    assert (entry.taken, entry.step) == (["snapshot"], "control plane")
    assert not entry.take("snapshot")
    assert (entry.taken, entry.step) == (["snapshot"], "control plane")
    entry.end(done=False, now="later")
    assert (entry.state, entry.taken, entry.step, entry.unfinished) == ("failed", ["snapshot"], "control plane", True)
    entry.end(done=True, now="later")
    assert (entry.taken, entry.step, entry.unfinished) == (["snapshot", "control plane"], "", False)


def test_a_step_that_is_taken_again_counts_when_it_has_ended_again() -> None:
    entry = Entry(taken=["look", "snapshot"])
    steps = [(["snapshot"], "look"), (["look"], "snapshot"), (["look", "snapshot"], "control plane")]
    for taken, step in steps:
        assert entry.take(step, again=True)
        assert (entry.taken, entry.step) == (taken, step)


def test_what_is_written_is_read() -> None:
    entries = {"cluster_upgrade": Entry(begun="t", step="s", taken=["a"], notes={"x": [1]}, target={"v": "1.37"})}
    kept = Ledger({"id": "1", "pid": 7}, entries)
    made = ledger.written("Nodes of A", kept, "17")
    assert made["metadata"]["name"] == "procedures-nodes-of-a"
    assert made["metadata"]["resourceVersion"] == "17"
    assert ledger.read(made) == kept


BROKEN: dict[str, Any] = {
    "none": None,
    "no data": {"metadata": {}},
    "no JSON": {"data": {"holder": "{", "cluster_upgrade": "x"}},
    "another form": {"data": {"holder": "[]", "cluster_upgrade": "7"}},
    "another version": {"data": {"holder": '{"pid": 1}', "cluster_upgrade": '{"later": 1}'}},
}


@pytest.mark.parametrize("found", BROKEN.values(), ids=BROKEN)
def test_a_record_that_makes_no_sense_holds_nobody_up(found: Any) -> None:
    read = ledger.read(found)
    assert read.holder is None
    assert all(not entry.unfinished for entry in read.entries.values())


def test_what_has_ended_long_ago_is_dropped_and_what_is_not_finished_never() -> None:
    entries = {f"drain.node-{number}": Entry(state="done", ended=f"{number:04}") for number in range(ledger.KEPT + 3)}
    entries["drain.stuck"] = Entry(state="failed", ended="0000")
    left = ledger.written("nodes", Ledger(None, entries))["data"]
    assert len(left) == ledger.KEPT + 1
    assert {"drain.node-0", "drain.node-2"}.isdisjoint(left)
    assert {"drain.node-3", "drain.stuck"} <= left.keys()


@pytest.mark.parametrize(
    ("earlier", "later", "seconds"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:01:30Z", 90.0),
        ("2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z", -1.0),
        ("yesterday", "2026-01-01T00:00:00Z", float("inf")),
        ("", "2026-01-01T00:00:00Z", float("inf")),
    ],
)
def test_seconds(earlier: str, later: str, seconds: float) -> None:
    assert ledger.seconds_between(earlier, later) == seconds


REASONS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "all errors": ({"msg": "both", "errors": ["a", "b"]}, ["a", "b"]),
    "a message": ({"msg": "a"}, ["a"]),
    "of a loop": ({"msg": "One or more items failed", "results": [{"msg": "a"}, {"failed": True, "msg": "b"}]}, ["b"]),
    "a loop that says nothing of items": ({"msg": "a", "results": [{}]}, ["a"]),
    "a command": ({"rc": 1, "stderr": "no such file"}, ["no such file"]),
    "hidden": ({"censored": "the output has been hidden"}, ["the output has been hidden"]),
    "nothing": ({}, ["the task says nothing about why"]),
}


@pytest.mark.parametrize(("result", "told"), REASONS.values(), ids=REASONS)
def test_reasons(result: dict[str, Any], told: list[str]) -> None:
    assert summary.reasons(result) == told


def test_the_end_is_a_few_lines() -> None:
    lines = summary.ended("node_drain a", 3661, [f"Pod {number}" for number in range(100)], check=False)
    assert lines[0] == "node_drain a: done, in 61 min 1 s"
    assert len(lines) == 13
    assert lines[-1] == "… and 89 more"
    assert summary.ended("x", 7, [], check=True) == ["x: would be done, nothing was written, in 7 s"]


def test_a_failure_says_where_and_how_to_go_on() -> None:
    told = summary.failed("cluster_upgrade 1.37", 5, "Replace it", {"msg": "no room"}, "node a")
    assert told == [
        "cluster_upgrade 1.37: FAILED after 5 s in step 'node a', at the task 'Replace it'",
        "no room",
        "Run it again when that is remedied: it goes on with step 'node a'.",
    ]
    assert summary.failed("x", 5, "y", {"msg": "z"}, "") == ["x: FAILED after 5 s, at the task 'y'", "z"]
