# Copyright (c) 2026 GreenLang. All rights reserved.
"""One strike while the clients of all stores work, until all stores are whole again."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Mapping, Sequence

from tests.helpers import eventually
from tests.injection.figures import Figures, Sample
from tests.injection.postgresql import PostgreSQL
from tests.injection.redis import Redis
from tests.injection.scene import Scene
from tests.injection.store import Store
from tests.injection.strikes import Blow, Strike
from tests.injection.weaviate import Weaviate


def stores(scene: Scene) -> list[Store]:
    """All that are measured; the first one's leader says which node is struck: the one that is slowest to have led from
    another."""
    return [Redis(scene), PostgreSQL(scene), Weaviate(scene)]


def trial(
    scene: Scene, strike: Strike, measured: Sequence[Store], chance: random.Random | None = None
) -> dict[str, Figures]:
    """By store, what clients and members saw of it."""
    with contextlib.ExitStack() as stack:
        if strike.around:
            stack.enter_context(strike.around(scene, measured))
        told: dict[Store, Sequence[Sample]] = {
            store: stack.enter_context(scene.watching(store.watcher)) for store in measured
        }
        leaders = gathered(scene, measured) if strike.node else {store: store.whole() for store in measured}
        beside = [scene.node(leaders[measured[0]])] if strike.beside else []
        reports = stack.enter_context(scene.clients({store.name: store.client() for store in measured}, beside))
        blow = Blow(scene, leaders, told, chance or random.Random())
        over = strike.hit(blow)
        whole_again(told)
    return {
        store.name: store.judge(reports[store.name], confirmed(told[store], strike), blow.begun, over)
        for store in measured
    }


def confirmed(samples: Sequence[Sample], strike: Strike) -> Sequence[Sample]:
    if not strike.thaws:
        return samples
    return [{**sample, "primary": sample["primary"] and sample["following"] > 0} for sample in samples]


def gathered(scene: Scene, measured: Sequence[Store]) -> dict[Store, str]:
    """Have all stores be led from the node of the first one's leader."""
    first, *others = measured
    leaders = {first: first.whole()}
    node = scene.node(leaders[first])
    for store in others:
        store.whole()
        leaders[store] = store.lead(node)
        store.whole()
    return leaders


def whole_again(told: Mapping[Store, Sequence[Sample]]) -> None:
    """From now on: what was said before the strike had struck says nothing."""
    since = time.monotonic()

    def missing() -> list[str]:
        return [store.name for store, samples in told.items() if store.redundant(samples, since) is None]

    eventually(lambda: not missing(), lambda: f"all members are there again; not those of {missing()}")
    for store in told:
        store.whole()
