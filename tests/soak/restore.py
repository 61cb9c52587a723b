# Copyright (c) 2026 GreenLang. All rights reserved.
"""Restores in place, of a dump, to a point in time and of Redis, killed in every step: run again, each comes to its
end, and back."""

from __future__ import annotations

from tests.molecule import test_site_restore as dumps
from tests.molecule import test_site_restore_redis as keys
from tests.molecule import test_site_restore_time as times
from tests.molecule.conftest import Site, changed
from tests.soak.upgrade import own_site


def soak() -> str:
    with own_site() as reserved:
        site = Site(reserved.name, reserved.subnet, small=True)
        assert changed(site.play("site.yml")) >= 10
        with dumps.dumped(site) as dump:
            for step in dumps.STEPS:
                dumps.killed_in(site, dump, step)
        moment = times.marked(site)
        for step in times.STEPS:
            times.killed_in(site, moment, step)
        with keys.backed_up(site):
            for step in keys.STEPS:
                keys.killed_in(site, step)
        again = changed(site.play("playbooks/data.yml", "playbooks/apps.yml"))
        assert again == 0, f"data.yml and apps.yml say changed={again} afterwards"
    kills = f"{len(dumps.STEPS)} kills of a restore from a dump, {len(times.STEPS)} of one to a point in time"
    return f"{kills}, {len(keys.STEPS)} of one of Redis: all came to their end, and back"
