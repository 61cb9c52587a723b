# Copyright (c) 2026 GreenLang. All rights reserved.
"""What a restore to a point in time, its end, an upgrade and the layer itself refuse before anything is stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.helpers import ROOT, play

VARS = ROOT / "roles/data/vars/main"
IN_PLACE = {"data_restore_time_mode": "in_place", "data_restore_time_confirm": "vcci"}
RUN = "20261127T101500Z"
KEPT = {"ok": True, "kept": True, "run": RUN, "phase": "aside"}
PLACED, NOTHING = {**KEPT, "phase": "placed"}, {"ok": True, "kept": False, "run": "", "phase": ""}
PODS = [{"metadata": {"name": f"postgresql-{index}"}, "status": {"phase": "Running"}} for index in range(3)]
KNOWN: dict[str, Any] = {
    "__procedure": {"notes": {}, "taken": []},
    "__data_time_pods": {"resources": PODS},
    "__data_time_ends": {"resources": [{"metadata": {"annotations": {"leader": "postgresql-1"}}}]},
    "__data_clients_read": {"resources": []},
    "data_restore_time_to": "2026-11-27T10:00:00Z",
    "data_restore_time_end_confirm": "{{ data_restore_time_end }}",
}


def held(by: str = "", **more: str) -> dict[str, Any]:
    """The StatefulSet that is there; by default one that an earlier version made, which did not say its version."""
    noted = {f"vcci.greenlang.io/{key}": value for key, value in {"held-at-zero": by, **more}.items()}
    return {"__data_postgresql_set": {"resources": [{"metadata": {"annotations": noted}}]}}


def answers(name: str, *found: dict[str, Any]) -> dict[str, Any]:
    """What each member said."""
    told = [{"item": f"postgresql-{index}", "stdout": json.dumps(one)} for index, one in enumerate(found)]
    return {name: {"results": told}}


def end(how: str, *found: dict[str, Any]) -> dict[str, Any]:
    return {"data_restore_time_end": how, **answers("__data_time_kept", *found)}


STOPPED = {"vcci.greenlang.io/held-at-zero": "data_restore_time"}
OWN, UNDOING = {"notes": {"run": RUN}, "taken": []}, {"notes": {"undoing": RUN}, "taken": []}
DOWN: dict[str, Any] = {"__data_time_pods": {"resources": []}}
NO_ROOM = {"ok": False, "said": "the volume has 5 MiB free. Remedy: a larger data_postgresql_storage_size"}
TIME, MAY, END = "__data_time_checks", "__data_time_may_checks", "__data_time_end_checks"
SET, UPGRADE = "__data_postgresql_set_checks", "__data_upgrade_held_checks"
# Which checks, what is known, and what is refused.
CASES: dict[str, tuple[str, dict[str, Any], str]] = {
    "in place": (TIME, IN_PLACE, ""),
    "in place, untyped": (TIME, {**IN_PLACE, "data_restore_time_confirm": ""}, "data_restore_time_confirm is"),
    "its own run goes on": (TIME, {**IN_PLACE, **DOWN, **held(f"data_restore_time {RUN}"), "__procedure": OWN}, ""),
    "another run": (TIME, {**IN_PLACE, **DOWN, **held(f"data_restore_time {RUN}")}, "data_restore_time_end=undo"),
    "an undoing": (TIME, {**IN_PLACE, **held(f"data_restore_time_end {RUN}"), "__procedure": OWN}, "=undo"),
    "an upgrade": (TIME, {**IN_PLACE, **held("data_upgrade")}, "first playbooks/data_upgrade.yml again"),
    "beside, whoever is stopped": (TIME, held("data_upgrade"), ""),
    "volumes that can": (MAY, answers("__data_time_may", {"ok": True}, {"ok": True}), ""),
    "a volume without room": (MAY, answers("__data_time_may", {"ok": True}, NO_ROOM, NO_ROOM), "5 MiB free"),
    "nothing was asked": (MAY, {"__data_time_may": {"skipped": True}}, ""),
    "an end of nothing": (END, end("undo", NOTHING, NOTHING, NOTHING), "nothing to accept or to undo"),
    "an end": (END, end("accept", KEPT, PLACED, KEPT), ""),
    "an undoing of it": (END, end("undo", KEPT, PLACED, KEPT), ""),
    "an undoing of what holds members": (END, {**end("undo"), **DOWN, **held(f"data_restore_time {RUN}")}, ""),
    "an acceptance of that": (END, {**end("accept"), **DOWN, **held(f"data_restore_time {RUN}")}, "0 of 3 members"),
    "an undoing of an upgrade": (END, {**end("undo"), **DOWN, **held("data_upgrade")}, "data_upgrade holds"),
    "an undoing without members": (END, {**end("undo"), **DOWN}, "no member runs that could tell"),
    "an undoing that was killed": (END, {**end("undo", NOTHING), "__procedure": UNDOING}, ""),
    "an undoing of an acceptance": (END, end("undo", KEPT, {**PLACED, "run": "", "phase": ""}), "are being deleted"),
    "an acceptance that goes on": (END, end("accept", NOTHING, {**PLACED, "run": "", "phase": ""}, NOTHING), ""),
    "an undoing where only applications were stopped": (
        END,
        {
            **end("undo", NOTHING),
            "__data_clients_read": {"resources": [{"metadata": {"annotations": STOPPED}, "spec": {"replicas": 0}}]},
        },
        "",
    ),
    "the layer": (SET, {}, ""),
    "the layer while members are held": (SET, held(f"data_restore_time {RUN}"), "data_restore_time holds the members"),
    "the layer of an earlier version": (SET, held(), ""),
    "the layer on its own version": (SET, held(**{"postgresql-major": "17"}), ""),
    "the layer on another version": (SET, held(**{"postgresql-major": "15"}), "data are of version 15, and"),
    "the layer in an upgrade": (SET, {**held("data_upgrade"), "__data_postgresql_moving": True}, ""),
    "an upgrade that goes on": (UPGRADE, held("data_upgrade"), ""),
    "an upgrade in a restore": (UPGRADE, held(f"data_restore_time {RUN}"), "playbooks/data_restore_time.yml again"),
}
FILES = [ROOT / "group_vars/all/platform.yml"] + [
    path for kind in ("defaults", "vars") for path in sorted((ROOT / "roles/data" / kind / "main").glob("*.yml"))
]


def evaluated(tmp_path: Path, asked: list[tuple[str, dict[str, Any]]]) -> list[Any]:
    """Each expression, with what is known."""
    tasks = [
        {"ansible.builtin.debug": {"msg": expression}, "vars": {**KNOWN, **held(""), **known}}
        for expression, known in asked
    ]
    results, said = play(tmp_path, tasks, vars_files=[str(path) for path in FILES])
    assert len(results) == len(asked), said
    return [result["msg"] for result in results]


def test_what_is_refused(tmp_path: Path) -> None:
    refused = "{{{{ {} | rejectattr('that') | map(attribute='message') | list }}}}"
    found = evaluated(tmp_path, [(refused.format(checks), known) for checks, known, _says in CASES.values()])
    for (name, (_checks, _known, says)), messages in zip(CASES.items(), found, strict=True):
        assert [says in message for message in messages] == ([True] if says else []), f"{name}: {messages}"
        assert all(len(message) < 300 for message in messages), name


def test_which_restore_is_ended_and_whose_volume_is_last(tmp_path: Path) -> None:
    run, placed = "{{ __data_time_end_run }}", "{{ __data_time_placed }}"
    asked = [
        (run, {**end("undo"), **held("data_restore_time held")}),
        (run, end("undo", NOTHING, PLACED)),
        (run, {**end("undo", NOTHING), "__procedure": UNDOING}),
        (run, end("undo", NOTHING)),
        (placed, end("accept", KEPT, PLACED, KEPT)),
    ]
    assert evaluated(tmp_path, asked) == ["held", RUN, RUN, "none", ["postgresql-1"]]


def test_the_member_that_is_restored(tmp_path: Path) -> None:
    """The one that led when members were stopped; else the one that leads."""
    noted = {"__procedure": {"notes": {"primary": "postgresql-2"}, "taken": []}}
    asked = [("{{ __data_time_primary }}", known) for known in (noted, {**noted, **held("data_restore_time x")}, {})]
    assert evaluated(tmp_path, asked) == ["postgresql-1", "postgresql-2", "postgresql-1"]


def test_who_may_lead_after_an_undoing(tmp_path: Path) -> None:
    """The one that was restored, where the others begin anew; else what they had agreed on says who."""
    cases = {
        ("placed", "aside", "aside"): True,
        ("", "aside", "aside"): True,  # an undoing that was killed is run again
        ("placed", "aside", ""): False,
        ("placed", "", ""): False,
        ("begun", "", ""): False,
    }
    asked = []
    for phases in cases:
        results = [{"log": f"it said\n{json.dumps({'ok': True, 'phase': phase})}\n"} for phase in phases]
        asked.append(("{{ __data_time_alone }}", {"__data_pod_log": {"results": results}}))
    assert evaluated(tmp_path, asked) == list(cases.values())
    lose = "{{ __data_time_to_lose }}"
    failed = {"__data_time_marked": {"rc": 1, "stdout": json.dumps({"ok": False, "said": "it is full"})}}
    here = {**failed, "data_restore_time_mode": "in_place"}
    asked = [(lose, {**here, "data_restore_time_to": "latest"}), (lose, {**here, "data_restore_time_to": "2026-11-26"})]
    asked.append((lose, {**failed, "data_restore_time_mode": "beside", "data_restore_time_to": "latest"}))
    assert evaluated(tmp_path, asked) == ["it is full", "", ""]


def test_who_holds_an_application(tmp_path: Path) -> None:
    """`kubectl rollout undo` brings back an annotation that was taken off: one that runs is held by nobody."""
    cases = {(0, "data_restore"): "data_restore", (2, "data_restore"): "", (0, ""): "", (2, ""): ""}
    asked, left = [], []
    for replicas, by in cases:
        noted = {"annotations": {"vcci.greenlang.io/held-at-zero": by}} if by else {}
        one = {"metadata": noted, "spec": {"replicas": replicas}}
        asked.append(("{{ __data_clients_held }}", {"__data_client": one}))
        known = {"procedure": "data_restore", "__data_clients_read": {"resources": [one]}}
        left.append(("{{ __data_clients_left }}", known))
    assert evaluated(tmp_path, asked) == list(cases.values())
    assert evaluated(tmp_path, left) == [True, False, False, False]
