# Copyright (c) 2026 GreenLang. All rights reserved.
"""A point in time on the running site: beside, in place although it is killed, and back again."""

from __future__ import annotations

import re
import time

import pytest

from tests.helpers import eventually
from tests.molecule.conftest import Site, changed, kill_in

HERE = ("-n", "vcci-platform")
PLAY = "playbooks/data_restore_time.yml"
STEPS = ("applications", "members", "restore", "start", "applications back")


@pytest.fixture(scope="module")
def moment(site: Site) -> str:
    return marked(site)


def marked(site: Site) -> str:
    """A time between two rows of a table."""
    eventually(lambda: "status: ok" in known(site), lambda: known(site), every=2)
    site.sql("drop table if exists marker; create table marker (word text); insert into marker values ('before')")
    now = site.sql("select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
    time.sleep(0.1)
    site.sql("insert into marker values ('after')")
    return now


def known(site: Site) -> str:
    return site.kubectl("exec", "postgresql-0", *HERE, "-c", "archive", "--", "pgbackrest", "info")


def words(site: Site) -> str:
    return site.sql("select string_agg(word, ' ' order by word) from marker")


def in_place(moment: str) -> list[str]:
    variables = {"to": moment, "mode": "in_place", "confirm": "vcci"}
    return [PLAY, *(part for name, value in variables.items() for part in ("-e", f"data_restore_time_{name}={value}"))]


def ended(site: Site, how: str) -> str:
    flags = ("-e", f"data_restore_time_end={how}", "-e", f"data_restore_time_end_confirm={how}")
    return site.play("playbooks/data_restore_time_end.yml", *flags)


def test_bad_input_changes_nothing(site: Site, moment: str) -> None:
    for flags in ((), ("--check",)):
        early = site.play(PLAY, "-e", "data_restore_time_to=2001-01-01T00:00:00Z", *flags)
        assert "before the end of the first backup" in " ".join(early.split()), early[-3000:]
    untyped = site.play(PLAY, "-e", f"data_restore_time_to={moment}", "-e", "data_restore_time_mode=in_place")
    assert "Remedy: -e data_restore_time_confirm=vcci" in " ".join(untyped.split())
    assert "there is nothing to accept" in " ".join(ended(site, "accept").split())
    assert words(site) == "after before"


def test_beside(site: Site, moment: str) -> None:
    told = site.play(PLAY, "-e", f"data_restore_time_to={moment}")
    assert changed(told) >= 1
    dump = re.search(r"/backup/vcci-time-\w+\.dump", told)
    assert dump, told
    assert "public.marker" in told, "its rows are others than now"
    rows = ("pg_restore", "--data-only", "--table=marker", "--file=-", dump[0])
    listed = site.kubectl("exec", "postgresql-0", *HERE, "-c", "postgresql", "--", *rows)
    assert "before" in listed
    assert "after" not in listed
    assert words(site) == "after before"
    assert "postgresql-beside" not in site.kubectl("get", "pods,pvc", *HERE)


def test_in_place_although_it_was_killed_and_back_again(site: Site, moment: str) -> None:
    """While volumes are exchanged; tests/soak/restore.py kills it in each step."""
    assert changed(site.play(*in_place(moment), "--check")) == 0
    killed_in(site, moment, "restore")
    assert changed(site.play("playbooks/data.yml")) == 0


def killed_in(site: Site, moment: str, step: str) -> None:
    """Run again, it comes to its end, and it can be undone."""
    was = site.replicas()
    kill_in(site, in_place(moment), step)
    if step == "restore":
        for others in (["playbooks/data.yml"], in_place("latest")):  # members would be of two histories
            assert "holds the members of PostgreSQL at 0" in " ".join(site.play(*others).split())
    assert changed(site.play(*in_place(moment))) >= 1
    assert words(site) == "before"
    assert site.replicas() == was
    site.sql("insert into marker values ('since')")
    if step == "restore":
        for flags in ((), ("--check",)):  # nothing is stopped for what its steps would refuse
            assert "still kept from an earlier restore" in " ".join(site.play(*in_place("latest"), *flags).split())
        assert site.replicas() == was
    assert changed(ended(site, "undo")) >= 1
    assert words(site) == "after before"
    assert site.replicas() == was
