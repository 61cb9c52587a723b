# Copyright (c) 2026 GreenLang. All rights reserved.
"""One control plane with simulated nodes for all tests of plugins in a process.

VCCI_TEST_KUBECONFIG and VCCI_TEST_KUBECTL name another.
"""

from __future__ import annotations

import contextlib
import functools
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import helpers
from tests.helpers import Client

POOLS = [{"name": "compute", "count": 3, "capacity": {"cpu": "16", "memory": "64Gi", "pods": "110"}}]


@pytest.fixture(scope="session")
def control_plane() -> Iterator[Path]:
    """The state directory of the shared cluster. Processes of tests side by side have one each."""
    with helpers.own_cluster("pytest", range(104, 112), nodes="simulated", pools=POOLS) as state:
        yield state


@pytest.fixture(scope="session")
def kubeconfig(request: pytest.FixtureRequest) -> Path:
    """Path of the kubeconfig of the cluster under test."""
    given = os.environ.get("VCCI_TEST_KUBECONFIG")
    return Path(given) if given else request.getfixturevalue("control_plane") / "kubeconfig"


@pytest.fixture(scope="session")
def programs(request: pytest.FixtureRequest) -> Path:
    """The directory of kubectl and other programs of upstream."""
    given = os.environ.get("VCCI_TEST_KUBECTL")
    return Path(given).parent if given else request.getfixturevalue("control_plane") / "bin"


@pytest.fixture(scope="session")
def kubectl(kubeconfig: Path, programs: Path) -> Callable[..., str]:
    """kubectl as a function: arguments, maybe standard input; its output."""
    return functools.partial(helpers.kubectl, kubeconfig, programs=programs)


@pytest.fixture
def client(kubeconfig: Path) -> Iterator[Client]:
    made = helpers.connect(kubeconfig)
    yield made
    made.close()


@pytest.fixture
def namespace(client: Client) -> Iterator[str]:
    """A namespace of this test's own, deleted (not awaited) at its end."""
    name = f"test-{uuid.uuid4().hex[:10]}"
    helpers.make_namespace(client, name)
    yield name
    client.request("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
def network() -> Iterator[int]:
    """The second number of loopback addresses that no other test uses meanwhile."""
    with contextlib.ExitStack() as stack:
        yield stack.enter_context(helpers.reserved(range(200, 250), "network"))
