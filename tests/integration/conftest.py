# Copyright (c) 2026 GreenLang. All rights reserved.
"""One control plane with simulated nodes for all tests of plugins in a run; VCCI_TEST_KUBECONFIG and VCCI_TEST_KUBECTL name another."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import running_cluster

POOLS = [{"name": "compute", "count": 3, "capacity": {"cpu": "16", "memory": "64Gi", "pods": "110"}}]


@pytest.fixture(scope="session")
def control_plane() -> Iterator[Path]:
    """The state directory of the shared cluster. Runs of the tests side by side have one each."""
    for number in range(104, 112):
        with (Path(tempfile.gettempdir()) / f"greenlang-vcci-pytest-{number}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            with running_cluster(f"pytest-{number}", nodes="simulated", subnet=f"10.{number}.0.0/16", pools=POOLS) as state:
                yield state
            return
    pytest.fail("eight runs of these tests are under way already")


@pytest.fixture(scope="session")
def kubeconfig(request: pytest.FixtureRequest) -> Path:
    """Path of the kubeconfig of the cluster under test."""
    given = os.environ.get("VCCI_TEST_KUBECONFIG")
    return Path(given) if given else request.getfixturevalue("control_plane") / "kubeconfig"


@pytest.fixture(scope="session")
def kubectl(request: pytest.FixtureRequest) -> Path:
    """Path of a kubectl."""
    given = os.environ.get("VCCI_TEST_KUBECTL")
    return Path(given) if given else request.getfixturevalue("control_plane") / "bin" / "kubectl"
