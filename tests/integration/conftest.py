# Copyright (c) 2026 GreenLang. All rights reserved.
"""One control plane with simulated nodes for all tests of plugins; VCCI_TEST_KUBECONFIG and VCCI_TEST_KUBECTL name another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import running_cluster

POOLS = [{"name": "compute", "count": 3, "capacity": {"cpu": "16", "memory": "64Gi", "pods": "110"}}]


@pytest.fixture(scope="session")
def control_plane() -> Iterator[Path]:
    """The state directory of the shared cluster."""
    with running_cluster("pytest", nodes="simulated", subnet="10.91.0.0/16", pools=POOLS) as state:
        yield state


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
