# Copyright (c) 2026 GreenLang. All rights reserved.
"""A restored data directory of etcd takes the place of the one before, wherever the run that began it was killed.

So does what is recorded of the versions, where these change with it: from the moment on that the mark is there.
"""

from __future__ import annotations

import shutil

from ..files import sync_folder
from .layout import Layout

DATA, NEW, BEFORE = "etcd", "etcd.restored", "etcd.before"
RUNS, RUNS_NEW = "kubernetes.json", "kubernetes.restored.json"  # see versions.py
MARK = "restore.begun"  # written when etcd is stopped and NEW is whole, removed when NEW is in its place


def settle(layout: Layout) -> None:
    """Go on with what a mark says was begun. etcd must not run."""
    state = layout.state
    if not (state / MARK).exists():
        return
    if (state / NEW).exists():
        if (state / DATA).exists():
            shutil.rmtree(state / BEFORE, ignore_errors=True)
            (state / DATA).rename(state / BEFORE)
        (state / NEW).rename(state / DATA)
        sync_folder(state)
    if (state / RUNS_NEW).exists():
        (state / RUNS_NEW).replace(state / RUNS)
        sync_folder(state)
    (state / MARK).unlink()
