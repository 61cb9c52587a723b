# Copyright (c) 2026 GreenLang. All rights reserved.
"""Every fault of docs/faults.md, VCCI_SOAK_TIMES times each (10), on a platform of the trial's own, all stores that
have a case of it at once; the tables have the worst of each. VCCI_SOAK_STRIKES: names of the wanted ones, else all,
which takes hours. A line for each as soon as it is known.
"""

from __future__ import annotations

import os
import random

from tests.helpers import ROOT
from tests.injection import page
from tests.injection.figures import worst
from tests.injection.postgresql_strikes import POSTGRESQL_STRIKES
from tests.injection.scene import Scene
from tests.injection.strikes import STRIKES
from tests.injection.trial import stores, trial
from tests.soak.upgrade import own_site

KNOWN = {**STRIKES, **POSTGRESQL_STRIKES}


def soak() -> str:
    times, seed = int(os.environ.get("VCCI_SOAK_TIMES", "10")), int(os.environ.get("VCCI_SEED", "1"))
    names = os.environ.get("VCCI_SOAK_STRIKES", "").split() or list(KNOWN)
    assert set(names) <= set(KNOWN), f"VCCI_SOAK_STRIKES is {' '.join(names)}. Remedy: some of {' '.join(KNOWN)}"
    chance, wrong, acknowledged = random.Random(seed), list[str](), 0
    with own_site() as site:
        site.play(ROOT, "site.yml")
        scene = Scene(site.name, lambda *playbooks: site.play(ROOT, *playbooks))
        for name in names:
            measured = [store for store in stores(scene) if name in store.cases]
            tried = [trial(scene, KNOWN[name], measured, chance) for _time in range(times)]
            for store in measured:
                case, found = store.cases[name], worst([one[store.name] for one in tried])
                row = page.row(case, KNOWN[name].what, found)
                page.write(store.name, {case.name: row})
                print(f"{store.name} {row}", flush=True)
                acknowledged += found.acknowledged
                said = store.wrong(name, found)
                wrong += [f"{case.name}: {said}"] if said else []
    assert not wrong, f"seed {seed}: {'; '.join(wrong)}"
    faults = f"{len(names)} faults, {times} times each, seed {seed}"
    return f"{faults}: 0 of {acknowledged} acknowledged writes lost, never two members that took writes"
