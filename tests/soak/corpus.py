# Copyright (c) 2026 GreenLang. All rights reserved.
"""Manifests of large projects by applyset and by kubectl: the same objects, and a second run without a change."""

from __future__ import annotations

import functools
import tempfile
from collections import Counter
from pathlib import Path

from tests import helpers
from tests.corpus import SETS, compare

POOLS = [{"name": "compute", "count": 3, "capacity": {"cpu": "16", "memory": "64Gi", "pods": "110"}}]


def soak() -> str:
    kinds, refused, wrong = Counter[str](), 0, []
    cluster = helpers.own_cluster("soak", range(112, 116), nodes="simulated", pools=POOLS)
    with cluster as state, tempfile.TemporaryDirectory() as folder:
        client = helpers.connect(state / "kubeconfig")
        kubectl = functools.partial(helpers.kubectl, state / "kubeconfig")
        for corpus in SETS:
            found = compare(corpus, client, kubectl, Path(folder))
            print(f"  {corpus.name}: {found.accepted.total()} objects, {found.refused} refused by both", flush=True)
            print(*(f"    {text}" for text in found.wrong), sep="\n", flush=True)
            kinds += found.accepted
            refused += found.refused
            wrong += found.wrong
        client.close()
    assert not wrong, f"{len(wrong)} differences"
    return f"{len(SETS)} sets, {kinds.total()} objects of {len(kinds)} kinds, {refused} refused by both; 0 differences"
