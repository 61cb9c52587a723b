# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is concluded from what clients and members told while a fault was there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.injection import page
from tests.injection.figures import Reign, figures, overlap, redundant, reigns, worst
from tests.injection.postgresql import PostgreSQL
from tests.injection.postgresql_strikes import POSTGRESQL_STRIKES
from tests.injection.redis import Redis
from tests.injection.scene import pod, programs
from tests.injection.strikes import QUICK, STRIKES, together
from tests.injection.trial import confirmed
from tests.injection.weaviate import Weaviate


def told(member: str, pid: int, moments: Iterable[float], primary: bool, following: int = 0) -> list[dict[str, Any]]:
    """A server that answers at these moments, each time after a hundredth of a second."""
    known = {"member": member, "pid": pid, "primary": primary, "following": following}
    return [{**known, "asked": moment, "answered": round(moment + 0.01, 2)} for moment in moments]


def every(begin: float, end: float) -> list[float]:
    """Ten moments a second."""
    return [number / 10 for number in range(round(begin * 10), round(end * 10) + 1)]


FIRST = told("postgresql-0", 1, every(0, 5), True, 2)
REIGNS = {
    "one that goes on": (FIRST, [Reign("postgresql-0", 1, 0.01, 5)]),
    "a replica has none": (told("postgresql-1", 2, every(0, 5), False), []),
    "one that is replaced": (
        [*FIRST, *told("postgresql-1", 2, every(0, 6), False), *told("postgresql-1", 2, every(6.1, 9), True)],
        [Reign("postgresql-0", 1, 0.01, 5), Reign("postgresql-1", 2, 6.11, 9)],
    ),
    "nothing is known of silence": (
        [*told("postgresql-0", 1, every(0, 1), True), *told("postgresql-0", 1, every(30, 31), True)],
        [Reign("postgresql-0", 1, 0.01, 1), Reign("postgresql-0", 1, 30.01, 31)],
    ),
    "demoted and promoted again": (
        [*told("a", 1, [0, 0.1], True), *told("a", 1, [0.2], False), *told("a", 1, [0.3, 0.4], True)],
        [Reign("a", 1, 0.01, 0.1), Reign("a", 1, 0.31, 0.4)],
    ),
    "frozen while it was asked": (
        [
            *told("a", 1, [0, 0.1], True),
            {"member": "a", "pid": 1, "primary": True, "following": 2, "asked": 0.2, "answered": 40.0},
            *told("a", 1, [40.1, 40.2], True),
        ],
        [Reign("a", 1, 0.01, 0.2), Reign("a", 1, 40.0, 40.2)],
    ),
}


@pytest.mark.parametrize("case", REIGNS)
def test_when_a_member_took_writes(case: str) -> None:
    samples, wanted = REIGNS[case]
    assert reigns(samples) == wanted
    assert reigns(list(reversed(samples))) == wanted


OVERLAPS = {
    "none": ([], 0.0),
    "one": ([Reign("a", 1, 0, 5)], 0.0),
    "one after the other": ([Reign("a", 1, 0, 5), Reign("b", 2, 6, 9)], -1.0),
    "both at once": ([Reign("a", 1, 0, 5), Reign("b", 2, 4, 9)], 1.0),
    "one within the other": ([Reign("a", 1, 0, 9), Reign("b", 2, 4, 5)], 1.0),
    "the same member restarted while its former server serves on": ([Reign("a", 1, 0, 5), Reign("a", 3, 2, 9)], 3.0),
    "a server of its own is no other": ([Reign("a", 1, 0, 5), Reign("a", 1, 2, 9)], 0.0),
}


@pytest.mark.parametrize("case", OVERLAPS)
def test_two_that_took_writes(case: str) -> None:
    found, wanted = OVERLAPS[case]
    assert overlap(found) == wanted


LATER = told("postgresql-1", 2, every(6, 7), True, 0) + told("postgresql-1", 2, every(7.1, 9), True, 2)
REDUNDANT = {
    "all the while": (FIRST, 1.0, 1.01),
    "as soon as all follow": (LATER, 5.0, 7.11),
    "not what was before": (FIRST, 6.0, None),
    "not yet": (told("postgresql-1", 2, every(6, 7), True, 1), 5.0, None),
    "not what was lost again": ([*FIRST, *told("postgresql-1", 2, every(6, 7), True, 1)], 1.0, None),
}


@pytest.mark.parametrize("case", REDUNDANT)
def test_when_all_follow_again(case: str) -> None:
    samples, since, wanted = REDUNDANT[case]
    assert redundant(samples, since, 2) == wanted


def test_figures_of_a_fault() -> None:
    client = {"acknowledged": 100, "lost": [], "writes": [[1.0, 0.6], [5.0, 2.25]], "reads": []}
    beside = {"acknowledged": 10, "lost": [7], "writes": [[1.0, 60.0]], "reads": [[1.0, 60.0]]}
    found = figures([client, beside], [*FIRST, *LATER], 0.5, 5.5, redundant(LATER, 5.5, 2))
    assert tuple(found) == (110, 1, 2.2, 0.0, 1.6, 0.0, ("postgresql-0", "postgresql-1"), None)
    assert found.wrong == "1 acknowledged writes are lost"
    weaker = figures([{**client, "unconfirmed": 3}], FIRST, 0.5, 4.0, 4.5)
    assert tuple(worst([found, weaker])) == (210, 1, 2.2, 0.0, 1.6, 0.0, ("postgresql-0",), 3)


def test_every_fault_that_make_test_tries_has_a_case() -> None:
    assert set(QUICK) <= set(STRIKES)
    for store in (PostgreSQL, Redis, Weaviate):
        assert {name for name, hit in QUICK.items() if store.name in hit} <= set(store.cases)
        assert set(store.cases) <= {*STRIKES, *POSTGRESQL_STRIKES}
        assert len({case.name for case in store.cases.values()}) == len(store.cases)


def test_the_pod_of_a_client() -> None:
    client = PostgreSQL.client(PostgreSQL)  # type: ignore[arg-type]  # asks nobody
    made = pod("client-postgresql-1", client, "memory-1")
    [container] = made["spec"]["containers"]
    assert container["args"] == ["/etc/clients/postgresql_client.py", "client_postgresql_1", "/tmp/stop"]
    assert made["spec"]["nodeSelector"] == {"kubernetes.io/hostname": "memory-1"}
    assert {mount["name"] for mount in container["volumeMounts"]} == {one["name"] for one in made["spec"]["volumes"]}
    assert list(programs({"postgresql": client})["data"]) == ["postgresql_client.py"]


def test_the_page_keeps_what_other_runs_wrote(tmp_path: Path) -> None:
    path = tmp_path / "faults.md"
    path.write_text("# Faults\n<!-- x: begin -->\n<!-- x: end -->\nafter\n")
    found = figures([{"acknowledged": 1, "lost": [], "writes": [], "reads": []}], [*FIRST, *LATER], 0, 5.5, 7.11)
    for name in ("follower", "server", "follower"):
        case = PostgreSQL.cases[name]
        page.write("x", {case.name: page.row(case, STRIKES[name].what, found)}, path)
    lines = path.read_text().splitlines()
    assert [line.split(" | ")[0] for line in lines[2:6]] == [
        "| case",
        "|---|---|---|---|---|---|---|---|---|---|",
        "| P2",
        "| P16",
    ]
    assert "| 1 | 0 | < 0.5 s | < 0.5 s | 1.6 s | 0 → 1 |" in lines[4]
    assert lines[-1] == "after"


def test_two_faults_at_once() -> None:
    both = together(STRIKES["frozen"], STRIKES["cut"])
    assert (both.node, both.beside, both.thaws) == (True, True, True)
    assert both.what == "leader frozen 40 s; leader's node cut off 60 s, a client on it"


def test_a_thawed_leader_counts_while_somebody_confirms() -> None:
    samples = [*told("a", 1, [1], True, 0), *told("b", 2, [1], True, 1)]
    assert [one["primary"] for one in confirmed(samples, STRIKES["frozen"])] == [False, True]
    assert confirmed(samples, STRIKES["cut"]) == samples
