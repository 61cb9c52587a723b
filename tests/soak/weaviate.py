# Copyright (c) 2026 GreenLang. All rights reserved.
"""Every fault that has a case of Weaviate, VCCI_SOAK_TIMES times each (10), on a platform of the trial's own; the table
with the worst of each is in docs/faults.md."""

from __future__ import annotations

import math
import os

from tests.helpers import ROOT
from tests.injection import page
from tests.injection.figures import worst
from tests.injection.scene import Scene
from tests.injection.strikes import STRIKES
from tests.injection.trial import trial
from tests.injection.weaviate import Weaviate
from tests.soak.upgrade import own_site


def soak() -> str:
    times, wrong, acknowledged = int(os.environ.get("VCCI_SOAK_TIMES", "10")), [], 0
    with own_site() as site:
        site.play(ROOT, "site.yml")
        scene = Scene(site.name, lambda *playbooks: site.play(ROOT, *playbooks))
        store = Weaviate(scene)
        for name, case in store.cases.items():
            found = worst([trial(scene, STRIKES[name], [store])[store.name] for _time in range(times)])
            page.write(store.name, {case.name: page.row(case, STRIKES[name].what, found)})
            acknowledged += found.acknowledged
            wrong += [f"{case.name}: {found.wrong}"] if found.wrong else []
            wrong += [f"{case.name}: a member lacks objects"] if math.isinf(found.redundant) else []
    assert not wrong, "; ".join(wrong)
    return f"{len(store.cases)} faults, {times} times each: 0 of {acknowledged} acknowledged objects lost"
