# Copyright (c) 2026 GreenLang. All rights reserved.
"""Every fault of tests/injection/postgresql.py, on a platform of the trial's own; the table is in docs/faults.md."""

from __future__ import annotations

from tests.helpers import ROOT
from tests.injection import page
from tests.injection.ground import Ground
from tests.injection.postgresql import CASES, trial
from tests.soak.upgrade import own_site


def soak() -> str:
    with own_site() as site:
        site.play(ROOT, "site.yml")
        ground = Ground(site.name, lambda *playbooks: site.play(ROOT, *playbooks))
        wrong, acknowledged = [], 0
        for name, case in CASES.items():
            found = trial(ground, case)
            page.write("postgresql", {name: page.row(name, case, found)})
            acknowledged += found.acknowledged
            if found.lost or found.overlap:
                wrong.append(f"{name}: {found.lost} lost, two members took writes for {found.overlap} s")
    assert not wrong, "; ".join(wrong)
    return f"{len(CASES)} faults, 0 of {acknowledged} acknowledged rows lost, never two members that took writes"
