# Copyright (c) 2026 GreenLang. All rights reserved.
"""Every fault that has a case of PostgreSQL, VCCI_SOAK_TIMES times each (10), on a platform of the trial's own; the
table with the worst of each is in docs/faults.md."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping

from tests.helpers import ROOT
from tests.injection import page
from tests.injection.figures import worst
from tests.injection.postgresql import PostgreSQL
from tests.injection.postgresql_strikes import POSTGRESQL_STRIKES
from tests.injection.scene import Scene
from tests.injection.store import Store
from tests.injection.strikes import STRIKES, Strike
from tests.injection.trial import trial
from tests.soak.upgrade import own_site


def soak() -> str:
    return trials(PostgreSQL, POSTGRESQL_STRIKES)


def trials(kind: type[Store], more: Mapping[str, Strike]) -> str:
    """Of one store; `more` are strikes that only it has."""
    times, seed = int(os.environ.get("VCCI_SOAK_TIMES", "10")), int(os.environ.get("VCCI_SEED", "1"))
    chance, wrong, acknowledged = random.Random(seed), [], 0
    known = {**STRIKES, **more}
    with own_site() as site:
        site.play(ROOT, "site.yml")
        scene = Scene(site.name, lambda *playbooks: site.play(ROOT, *playbooks))
        store = kind(scene)
        for name, case in store.cases.items():
            found = worst([trial(scene, known[name], [store], chance)[store.name] for _time in range(times)])
            page.write(store.name, {case.name: page.row(case, known[name].what, found)})
            acknowledged += found.acknowledged
            said = store.wrong(name, found)
            wrong += [f"{case.name}: {said}"] if said else []
    assert not wrong, f"seed {seed}: {'; '.join(wrong)}"
    faults = f"{len(store.cases)} faults, {times} times each, seed {seed}"
    return f"{faults}: 0 of {acknowledged} acknowledged writes lost, never two members that took writes"
