# Copyright (c) 2026 GreenLang. All rights reserved.
"""What of the image cache goes, by when it was last wanted and by what the disk has left."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.images.room import (
    archives,
    make_room,
    stores,
)

HOUR, DAY, SIZE = 3600, 86400, 10
# name → seconds ago that it was wanted
WANTED = {"now": 60, "morning": 5 * HOUR, "yesterday": DAY, "last-week": 7 * DAY, "last-month": 30 * DAY}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store and an archive of each age, on a disk that gains 10 bytes with each that goes and had 100 left."""
    for name, ago in WANTED.items():
        (tmp_path / f"store-{name}" / "blobs").mkdir(parents=True)
        (tmp_path / f"{name}.tar").touch()
        (tmp_path / f"{name}.json").touch()
        for path in (tmp_path / f"store-{name}", tmp_path / f"{name}.json"):
            os.utime(path, (time.time() - ago,) * 2)
    (tmp_path / "lock").touch()
    (tmp_path / ".store-other.partial").mkdir()
    total = len(left(tmp_path))

    def usage(_path: object) -> SimpleNamespace:
        return SimpleNamespace(free=100 + SIZE * (total - len(left(tmp_path))))

    monkeypatch.setattr(shutil, "disk_usage", usage)
    return tmp_path


def left(cache: Path) -> set[str]:
    return {path.name for path in [*cache.glob("store-*"), *cache.glob("*.tar")]}


def named(form: str, *names: str) -> set[str]:
    return {form.format(name) for name in names}


@pytest.mark.parametrize(
    ("free", "stays"),
    [
        pytest.param(0, ("now", "morning", "yesterday", "last-week"), id="room enough: all but what is old"),
        pytest.param(120, ("now", "morning", "yesterday"), id="the oldest goes first"),
        pytest.param(110, ("now", "morning", "yesterday", "last-week"), id="no more than is needed"),
        pytest.param(10**6, ("now",), id="never enough: what is in use stays"),
    ],
)
@pytest.mark.parametrize(("kind", "form", "other"), [(stores, "store-{}", "{}.tar"), (archives, "{}.tar", "store-{}")])
def test_what_was_wanted_longest_ago_goes_first(
    cache: Path, kind: Callable, form: str, other: str, free: int, stays: tuple[str, ...]
) -> None:
    make_room(cache, kind, free)
    assert left(cache) == named(form, *stays) | named(other, *WANTED), "the other kind is another lock's"
    assert {path.stem for path in cache.glob("*.tar")} == {path.stem for path in cache.glob("*.json")}
    assert (cache / ".store-other.partial").exists(), "another run fills it"


def test_an_archive_that_runs_unpacked_stays(cache: Path) -> None:
    (cache / "last-month.tar.root").mkdir()
    make_room(cache, archives, 10**6)
    assert left(cache) == named("{}.tar", "now", "last-month") | named("store-{}", *WANTED)
