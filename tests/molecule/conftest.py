# Copyright (c) 2026 GreenLang. All rights reserved.
"""Two real clusters: the scenarios make theirs of six nodes; commands and faults are tried on a small one."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests import helpers
from tests.helpers import STATE, ansible, local_cluster

INSTANCES = 1024


@dataclasses.dataclass(frozen=True)
class Site:
    """The whole platform on a cluster of this name."""

    name: str
    subnet: str
    small: bool = False

    @property
    def state(self) -> Path:
        return STATE / self.name

    @property
    def pools(self) -> list[dict]:
        """The pools that role cluster gives a small one."""
        defaults = helpers.ROOT / "roles/cluster/defaults/main/local.yml"
        return [{**pool, "count": 1} for pool in yaml.safe_load(defaults.read_text())["cluster_local_pools"]]

    @property
    def flags(self) -> list[str]:
        """What an ansible-playbook of this repository needs to know of it."""
        variables = {"cluster_local_name": self.name, "cluster_local_subnet": self.subnet}
        variables |= {"cluster_local_small": self.small}
        return ["-i", "inventories/local", "-e", json.dumps(variables)]

    def play(self, *arguments: str) -> str:
        """Run playbooks against it; their output."""
        return ansible("ansible-playbook", *arguments, *self.flags).stdout

    def program(self, name: str) -> list[str]:
        """One of upstream's programs, told which cluster."""
        return [str(self.state / "bin" / name), "--kubeconfig", str(self.state / "kubeconfig")]

    def kubectl(self, *arguments: str, timeout: float = helpers.PATIENCE) -> str:
        return helpers.kubectl(self.state / "kubeconfig", *arguments, timeout=timeout)

    def sql(self, statement: str) -> str:
        """Its answer to the platform's own user, through whichever member is the primary."""
        psql = ["psql", "-U", "vcci", "-d", "vcci", "-qAtc", statement]
        return self.kubectl("exec", "postgresql-0", "-n", "vcci-platform", "-c", "postgresql", "--", *psql).strip()

    def replicas(self) -> dict[str, int]:
        """Of the platform's Deployments, as they are asked for."""
        found = json.loads(self.kubectl("get", "deployments", "-n", "vcci-platform", "-o", "json"))["items"]
        return {one["metadata"]["name"]: one["spec"]["replicas"] for one in found}

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Nothing is there of it before and after the block, and no other run of these tests uses it meanwhile."""
        with helpers.reserved([self.subnet], f"site-{self.name}"):
            self.remove()
            try:
                yield
            finally:
                self.remove()

    def remove(self) -> None:
        removed = local_cluster(name=self.name, state="absent")
        assert removed.returncode == 0, removed.stdout
        assert not self.state.exists()
        assert not list(Path("/sys/fs/cgroup").glob(f"*/vcci-{self.name}"))


def changed(text: str) -> int:
    """The number after changed= in the recap of a run without failures."""
    found = re.search(r"changed=(\d+)\s+unreachable=0\s+failed=0", text)
    assert found, text[-4000:]
    return int(found[1])


def tasks(text: str) -> list[str]:
    """Those that changed something, in a run without failures."""
    found = re.findall(r"^TASK \[(.*)\] \*+\n(?:(?!^TASK).*\n)*?changed: ", text, re.MULTILINE)
    assert len(found) == changed(text), text[-4000:]
    return found


def kill_in(site: Site, playbook: list[str], step: str) -> None:
    """Run it, and kill it as soon as it says that it begins this step."""
    command = [str(helpers.TOOLS / "ansible-playbook"), *playbook, *site.flags]
    said = []
    with subprocess.Popen(
        command, cwd=helpers.ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout
        for line in process.stdout:
            said.append(line)
            if line.strip() == f"step {step}":
                break
        else:
            pytest.fail(f"it ended before step {step}: {''.join(said)[-3000:]}")
        os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="session", autouse=True)
def room_for_two() -> None:
    """Kubelets watch many files: the 128 watchers that Linux grants a user by default are too few for two clusters."""
    limit = Path("/proc/sys/fs/inotify/max_user_instances")
    if int(limit.read_text()) < INSTANCES:
        limit.write_text(str(INSTANCES))


@pytest.fixture(scope="module")
def molecule_site() -> Iterator[Site]:
    """What the scenarios make; nothing is left of it, before and after."""
    site = Site("molecule", "10.92.0.0/16")  # as .config/molecule/config.yml says
    with site.alone():
        yield site


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """A running one, on which commands and faults are tried; nothing is left of it, before and after."""
    made = Site("faults", "10.91.0.0/16", small=True)
    with made.alone():
        assert changed(made.play("site.yml")) >= 10
        yield made
