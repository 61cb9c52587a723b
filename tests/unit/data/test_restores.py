# Copyright (c) 2026 GreenLang. All rights reserved.
"""What a restore makes of how a run before it ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.helpers import ROOT, play

VARIABLES = ROOT / "roles" / "data" / "vars" / "main"
UNTOUCHED, PART = (
    "redis-restore: error: Nothing was changed: no master",
    "redis-restore: error: Redis holds a part of x",
)


def noted(name: str, **notes: bool) -> dict[str, Any]:
    return {name: {"notes": notes}}


STOP = noted("__data_redis_restore_stop", stopped=True)
PUT = STOP | noted("__data_redis_restore_put", stopped=True, touched=True)
STOPPED = noted("__procedure", stopped=True, touched=False)
TOUCHED = noted("__procedure", stopped=True, touched=True)
LEFT = {"__data_clients_left": True}  # applications that an earlier run stopped


def log(line: str) -> dict[str, Any]:
    return {"__data_redis_restore_told": {"log": f"2026-11-27T10:00:00Z {line}"}}


# What is known when a restore of Redis has failed, and whether the applications are started.
FAILED: dict[str, tuple[dict[str, Any], bool]] = {
    "a backup that is none": (noted("__procedure") | log(UNTOUCHED), False),  # nobody was stopped
    "in check mode": (noted("__procedure") | log(UNTOUCHED) | {"__data_redis_restore_stop": {"skipped": True}}, False),
    "who was to stop did not": (noted("__procedure") | STOP, True),
    "the job changed nothing": (noted("__procedure") | PUT | log(UNTOUCHED), True),
    "the job left a part": (noted("__procedure") | PUT | log(PART), False),
    "the job says nothing": (noted("__procedure") | PUT, False),
    "the job was refused": (
        noted("__procedure") | PUT | {"__data_redis_restore_started": {"failed": True, "status": 403}},
        True,
    ),
    "the job may be there": (noted("__procedure") | PUT | {"__data_redis_restore_started": {"failed": True}}, False),
    "killed by another version, then the job changed nothing": (
        noted("__procedure") | PUT | LEFT | log(UNTOUCHED),
        False,
    ),
    "killed while they were stopped, then a backup that is none": (STOPPED | log(UNTOUCHED), True),
    "killed while they were stopped, then the job changed nothing": (STOPPED | PUT | LEFT | log(UNTOUCHED), True),
    "killed in the job, then a backup that is none": (TOUCHED | log(UNTOUCHED), False),
    "killed in the job, then who was to stop did not": (TOUCHED | STOP, False),
    "killed in the job, then the next one changed nothing": (TOUCHED | PUT | log(UNTOUCHED), False),
}


def test_whom_a_failed_restore_of_redis_starts_again(tmp_path: Path) -> None:
    asked = "{{ [__data_redis_restore_whole | bool, __data_redis_restore_why] }}"
    failed = {"ansible_failed_result": {"msg": "it took too long"}, "__procedure": {}, "__data_clients_left": False}
    tasks = [{"ansible.builtin.debug": {"msg": asked}, "vars": failed | known} for known, _started in FAILED.values()]
    results, said = play(tmp_path, tasks, vars_files=[str(VARIABLES / "redis_backup.yml")])
    assert len(results) == len(FAILED), said
    for (name, (known, started)), result in zip(FAILED.items(), results, strict=True):
        [whole, why] = result["msg"]
        assert whole is started, name
        assert ("stand still" in why) == (not started and "stopped" in str(known)), f"{name}: {why}"
        assert ("it took too long" in why) == ("__data_redis_restore_told" not in known), f"{name}: {why}"


KEPT = "vcci_was_20261127t100000z"


@pytest.mark.parametrize(
    ("into", "live", "dump", "refused"),
    [
        ("in-place", {KEPT: {}}, "a.dump", False),
        ("in-place", {KEPT: {}}, "b.dump", True),
        ("in-place", {}, "b.dump", False),  # the run before this one had not exchanged them yet
        ("beside", {KEPT: {}}, "b.dump", False),
    ],
)
def test_another_dump_than_the_one_that_is_in_place(into, live, dump, refused, tmp_path: Path) -> None:
    known = {
        "data_restore_into": into,
        "data_restore_state": "restored",
        "__data_restore_listed": {"databases": live},
        "__data_restore_dump": {"name": dump},
        "__procedure": {"notes": {"from": "a.dump", "kept_restored": KEPT}, "taken": ["make", "stop"]},
    }
    asked = {"ansible.builtin.debug": {"msg": "{{ __data_restore_same_checks }}"}, "vars": known}
    results, said = play(tmp_path, [asked], vars_files=[str(VARIABLES / "restore.yml")])
    [check] = results[0]["msg"]
    assert check["that"] is not refused, said
    assert "end that one, -e data_restore_from=a.dump, or undo it" in check["message"]
    assert len(check["message"]) < 300
