# Copyright (c) 2026 GreenLang. All rights reserved.
"""The collection is imported from the plain clone; groups of tests run side by side, the longest first."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_ansible.units import inject

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("ANSIBLE_CONFIG", str(ROOT / "ansible.cfg"))
os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
inject(ROOT)  # pytest-ansible does the same later, when it was started in the root
sys.path.insert(0, str(ROOT / "images" / "vcci-backend-api" / "app"))  # the reference application

# Tests of a group run one after the other, in one process: they share a cluster.
# Groups run side by side, and start in this order.
GROUPS = {
    "molecule/test_site.py": "site",
    "molecule": "faults",
    "integration/secrets": "secrets",
    "integration/tenants": "tenants",
    "integration/applyset": "applyset",
    "integration": "clusters",
    "lint": "lint",
    "unit": "unit",
}


def group_of(path: Path) -> str:
    """The first entry of GROUPS that the path of a test begins with."""
    relative = path.relative_to(ROOT / "tests")
    return next(group for prefix, group in GROUPS.items() if relative.is_relative_to(prefix))


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Side by side, the longest group first; alone, what is quick and tells most."""
    order = list(GROUPS.values())
    if "PYTEST_XDIST_WORKER" not in os.environ:
        order.reverse()
    items.sort(key=lambda item: order.index(group_of(item.path)))
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group_of(item.path)))


@pytest.fixture
def module(localhost: Any) -> Callable[..., dict[str, Any]]:
    """Run one of the collection's modules in this process; its result."""

    def run(name: str, /, **options: object) -> dict[str, Any]:
        return dict(getattr(localhost, f"greenlang.vcci.{name}")(**options).contacted["localhost"])

    return run
