# Copyright (c) 2026 GreenLang. All rights reserved.
"""What all tests share: the collection can be imported from a plain clone, and clusters are made by the project's own plugin."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "collections"))
os.environ.setdefault("ANSIBLE_CONFIG", str(ROOT / "ansible.cfg"))
STATE = Path("/var/lib/greenlang-vcci")
# The order of directories in which tests run: what is quick and tells most comes first.
ORDER = ["lint", "unit", "integration", "molecule"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run directories in ORDER."""
    items.sort(key=lambda item: ORDER.index(item.path.relative_to(ROOT / "tests").parts[0]))


def ansible(*arguments: str, timeout: float = 1800) -> subprocess.CompletedProcess[str]:
    """Run an Ansible command of this environment in the clone."""
    command = [str(Path(sys.executable).parent / arguments[0]), *arguments[1:]]
    return subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, check=False)


def local_cluster(**options: object) -> subprocess.CompletedProcess[str]:
    """Run the plugin local_cluster with these options."""
    return ansible("ansible", "localhost", "-i", "localhost,", "-c", "local", "-m", "greenlang.vcci.local_cluster", "-a", json.dumps(options))


@contextlib.contextmanager
def running_cluster(name: str, **options: object) -> Iterator[Path]:
    """A local cluster while the block runs; its state directory."""
    started = local_cluster(name=name, **options)
    assert started.returncode == 0, started.stdout
    try:
        yield STATE / name
    finally:
        removed = local_cluster(name=name, state="absent")
        assert removed.returncode == 0, removed.stdout
