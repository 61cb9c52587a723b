# Copyright (c) 2026 GreenLang. All rights reserved.
"""Redis from a backup on the running site: whoever is killed on the way leaves nobody stopped but where Redis may hold
a part."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.molecule.conftest import Site, changed, kill_in

HERE = ("-n", "vcci-platform")
PLAY = ["playbooks/redis_restore.yml", "-e", "data_redis_restore_confirm=vcci-scope3-platform/local"]
NONE = ["-e", "data_redis_restore_from=vcci-redis-20010101.rdb"]
STEPS = {"stop": True, "put": False}  # whether what is there is known to be untouched after a kill


def redis(site: Site, *words: str) -> str:
    """The master's answer, to which the proxy in each member leads."""
    return site.kubectl("exec", "redis-0", *HERE, "-c", "redis", "--", "redis-cli", "-p", "6380", *words).strip()


@pytest.fixture(scope="module")
def backup(site: Site) -> Iterator[None]:
    with backed_up(site):
        yield


@contextlib.contextmanager
def backed_up(site: Site) -> Iterator[None]:
    """A backup of a key that is another since."""
    redis(site, "set", "kept", "before")
    site.kubectl("create", "job", "redis-backup-now", "--from=cronjob/redis-backup", *HERE)
    try:
        site.kubectl("wait", "job/redis-backup-now", *HERE, "--for=condition=Complete", "--timeout=300s")
        yield
    finally:
        redis(site, "del", "kept")
        site.kubectl("delete", "job", "redis-backup-now", *HERE)


def test_all_keys_come_back_although_it_was_killed(site: Site, backup: None) -> None:
    """While the applications are stopped; tests/soak/restore.py kills it later, too."""
    assert changed(site.play(*PLAY, "--check")) == 0
    killed_in(site, "stop")


def killed_in(site: Site, step: str) -> None:
    """The next run starts those who were stopped, however it ends; then all comes to its end."""
    redis(site, "set", "kept", "after")
    was = site.replicas()
    kill_in(site, PLAY, step)
    told = " ".join(site.play(*PLAY, *NONE).split())
    assert "is no backup of Redis here" in told
    assert ("stand still until a restore" in told) is not STEPS[step]
    assert (site.replicas() == was) is STEPS[step]
    assert changed(site.play(*PLAY)) >= 1
    assert (redis(site, "get", "kept"), site.replicas()) == ("before", was)
