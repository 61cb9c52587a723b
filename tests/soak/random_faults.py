# Copyright (c) 2026 GreenLang. All rights reserved.
"""Faults by chance, one or two at once, on all stores: VCCI_SOAK_SECONDS (an hour), VCCI_SEED (printed). A line each.

What is hit while something else is away may keep writes waiting for as long as both last: what counts is that nothing
that was acknowledged is lost, that never two members take writes, and that all is whole again without anybody.
"""

from __future__ import annotations

import os
import random
import time

import pytest

from tests.helpers import ROOT
from tests.injection.figures import Figures
from tests.injection.scene import Scene
from tests.injection.store import Store
from tests.injection.strikes import STRIKES, Strike, together
from tests.injection.trial import stores, trial
from tests.soak.upgrade import own_site

LONG = {"machine", "kills"}  # which take minutes, and have cases of their own
MUTE, ASKING = {"api", "etcd"}, {"pod", "pods", "drain", "restart"}  # who cannot be asked, and what must be asked for
FORM = "{:>6} {:<11} {:>12} {:>4} {:>8} {:>8} {:>8}  {}"


def soak() -> str:
    seconds = float(os.environ.get("VCCI_SOAK_SECONDS", "3600"))
    seed = int(os.environ.get("VCCI_SEED") or time.time())
    chance, wrong, faults, acknowledged = random.Random(seed), list[str](), 0, 0
    print(f"seed {seed}, {seconds:.0f} s")
    print(FORM.format("at", "store", "acknowledged", "lost", "writes", "reads", "whole", "fault"), flush=True)
    with own_site() as site:
        site.play(ROOT, "site.yml")
        scene = Scene(site.name, lambda *playbooks: site.play(ROOT, *playbooks))
        measured, begun = stores(scene), time.monotonic()
        while time.monotonic() < begun + seconds:
            strike = chosen(chance)
            faults += 1
            found = tried(scene, strike, measured, chance, wrong)
            for name, one in found.items():
                acknowledged += one.acknowledged
                wrong += [f"{strike.what}: {name}: {one.wrong}"] if one.wrong else []
                print(line(time.monotonic() - begun, name, one, strike), flush=True)
    assert not wrong, f"seed {seed}: {len(wrong)} of {faults} faults went wrong: {'; '.join(wrong[:5])}"
    return f"seed {seed}: {faults} faults in {seconds:.0f} s, 0 of {acknowledged} acknowledged writes lost"


def chosen(chance: random.Random) -> Strike:
    """One or a pair, as often."""
    names = sorted(set(STRIKES) - LONG)
    one, other = chance.sample(names, 2)
    while {one, other} & MUTE and {one, other} & ASKING:
        one, other = chance.sample(names, 2)
    return STRIKES[one] if chance.random() < 0.5 else together(STRIKES[one], STRIKES[other])


def tried(
    scene: Scene, strike: Strike, measured: list[Store], chance: random.Random, wrong: list[str]
) -> dict[str, Figures]:
    """What was seen of it; nothing, when it did not end as it must."""
    try:
        return trial(scene, strike, measured, chance)
    except (AssertionError, pytest.fail.Exception) as exc:
        wrong.append(f"{strike.what}: {str(exc)[:200]}")
        print(f"{strike.what}: {exc}", flush=True)
        return {}


def line(at: float, name: str, found: Figures, strike: Strike) -> str:
    times = (f"{one:.1f}" for one in (found.writes, found.reads, found.redundant))
    return FORM.format(f"{at:.0f}", name, found.acknowledged, found.lost, *times, strike.what)
