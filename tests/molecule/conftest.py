# Copyright (c) 2026 GreenLang. All rights reserved.
"""The real three-node cluster `molecule`, made by the first of these tests, shared by all, and removed after the last."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import STATE, ansible, local_cluster

NAME, SUBNET = "molecule", "10.92.0.0/16"
SITE = ["-i", "inventories/local", "-e", f"cluster_local_name={NAME}", "-e", f"cluster_local_subnet={SUBNET}"]
PROGRAMS = STATE / NAME / "bin"


def play(*arguments: str) -> str:
    """Run playbooks against the cluster of these tests; their output."""
    return ansible("ansible-playbook", *arguments, *SITE).stdout


def changed(text: str) -> int:
    """The number after changed= in the recap of a run without failures."""
    found = re.search(r"changed=(\d+)\s+unreachable=0\s+failed=0", text)
    assert found, text[-4000:]
    return int(found[1])


def kubectl(*arguments: str, timeout: float = 120) -> str:
    """Run kubectl against the cluster of these tests; its output."""
    command = [str(PROGRAMS / "kubectl"), "--kubeconfig", str(STATE / NAME / "kubeconfig"), *arguments]
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=timeout)
    assert done.returncode == 0, f"{' '.join(arguments)}:\n{done.stdout[-3000:]}"
    return done.stdout


@pytest.fixture(scope="session", autouse=True)
def remove_cluster() -> Iterator[None]:
    """Nothing is left of the cluster, before and after."""
    for turn in range(2):
        removed = local_cluster(name=NAME, state="absent")
        assert removed.returncode == 0, removed.stdout
        assert not (STATE / NAME).exists()
        assert not list(Path("/sys/fs/cgroup").glob(f"*/vcci-{NAME}"))
        if turn == 0:
            yield
