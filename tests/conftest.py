# Copyright (c) 2026 GreenLang. All rights reserved.
"""The collection is imported from the plain clone; groups of tests run side by side."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path, PurePath
from typing import Any

import hypothesis
import pytest
from pytest_ansible.units import inject
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("ANSIBLE_CONFIG", str(ROOT / "ansible.cfg"))
os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
# A loaded machine is slow, which is no fault of what is tested.
hypothesis.settings.register_profile("tests", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("tests")
inject(ROOT)  # pytest-ansible does the same later, when it was started in the root
sys.path.insert(0, str(ROOT / "images" / "vcci-backend-api" / "app"))  # the reference application

# Tests of a group run one after the other, in one process: they share a cluster.
# Groups run side by side, and start in this order.
GROUPS = {
    "molecule": "site",  # one platform after the other: either keeps a third of two processors busy by being there
    "integration/images": "images",
    "integration/applyset": "applyset",
    "integration/tenants": "tenants",
    "integration/secrets": "secrets",
    "integration": "clusters",
    "lint": "lint",
    "unit": "unit",
}
# A run is the shorter the sooner its platforms are gone: their group goes first. What has times of its own, such as the
# leases of members, gets half as much beside it, and begins early, since it mostly waits; what only computes takes what
# is left.
NICE, LEAST = {"site": 0, "images": 3, "clusters": 3}, 10
SPENT = pytest.StashKey[float]()


def group_of(nodeid: str) -> str:
    """The first entry of GROUPS that the path of a test begins with."""
    path = PurePath(nodeid.partition("::")[0]).relative_to("tests")
    return next(group for prefix, group in GROUPS.items() if path.is_relative_to(prefix))


class Groups(LoadScopeScheduling):
    """Hands out groups, in their order. xdist's own `loadgroup` has no effect with this version of pytest."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Groups:
    return Groups(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Side by side in the order of GROUPS; alone, what is quick and tells most is first."""
    order = list(GROUPS.values())
    if "PYTEST_XDIST_WORKER" not in os.environ:
        order.reverse()
    items.sort(key=lambda item: order.index(group_of(item.nodeid)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Beside others, each group has its priority, with all that it starts."""
    if "PYTEST_XDIST_WORKER" in os.environ and os.geteuid() == 0:
        os.setpriority(os.PRIO_PROCESS, 0, NICE.get(group_of(item.nodeid), LEAST))


def spent() -> float:
    """Seconds of processors by this process and those that it has waited for; daemons of clusters are nobody's."""
    return sum(os.times()[:4])


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SPENT] = spent()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Each phase of a test says what it has spent."""
    report = yield
    now = spent()
    report.spent, item.config.stash[SPENT] = now - item.config.stash[SPENT], now
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How long each group was at it: the longest one is what a run cannot be shorter than; and what it has spent, where
    all processors are busy: what a run is made shorter by."""
    reports = [report for found in terminalreporter.stats.values() for report in found if hasattr(report, "spent")]
    took, cost, dearest = Counter[str](), Counter[str](), Counter[str]()
    for report in reports:
        took[group_of(report.nodeid)] += report.duration
        cost[group_of(report.nodeid)] += report.spent
        dearest[report.nodeid] += report.spent
    groups = (f"{group} {seconds:.0f} s ({cost[group]:.0f} s of processors)" for group, seconds in took.most_common())
    terminalreporter.write_line(", ".join(groups))
    tests = (f"{seconds:.0f} s {name.removeprefix('tests/')}" for name, seconds in dearest.most_common(12))
    terminalreporter.write_line(f"most of processors: {', '.join(tests)}")


@pytest.fixture
def module(localhost: Any) -> Callable[..., dict[str, Any]]:
    """Run one of the collection's modules in this process; its result."""

    def run(name: str, /, **options: object) -> dict[str, Any]:
        return dict(getattr(localhost, f"greenlang.vcci.{name}")(**options).contacted["localhost"])

    return run
