# Copyright (c) 2026 GreenLang. All rights reserved.
"""Members of PostgreSQL 15 on Debian 12 become members of 17, and again of 15; what takes their data over is killed. No
platform is needed: the processes alone, at a control plane. Building their images takes minutes."""

from __future__ import annotations

import contextlib
import functools
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.building import cache_directory
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.images.build import build_images
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.images.unpack import unpack

from tests import helpers
from tests.helpers import ROOT, eventually
from tests.integration.images.patroni_members import SOCKETS, Members
from tests.soak._cluster import place

IMAGES = ROOT / "tests/integration/images/upgrade/images.yml"
PATIENCE = 300
SMALL = {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"cpu": "1000m", "memory": "512Mi"}}
ENDPOINTS = ("postgresql", "postgresql-config", "postgresql-sync", "postgresql-failover")
FORMER, BOTH = "vcci-postgresql-15", "vcci-postgresql-15-17"
DATA = "/var/lib/postgresql/data"


def soak() -> str:
    with tempfile.TemporaryDirectory() as folder, place() as (kubeconfig, _client, namespace):
        built = images(Path(folder))
        kubectl = functools.partial(helpers.kubectl, kubeconfig)
        for number, trial in enumerate((becomes_and_again, refused)):
            root = Path(folder) / f"trial-{number}"
            root.mkdir()
            with helpers.reserved(range(200, 250), "network") as network, contextlib.ExitStack() as stack:
                site = Site(built, root, network, kubeconfig, namespace)
                for members in site.members.values():
                    stack.callback(members.stop)
                trial(site, kubectl)
    return "15 became 17, with two kills, 15 again, and 17 once more: all rows are there; a killed server is refused"


def images(folder: Path) -> dict[str, Path]:
    """Their root file systems."""
    built = build_images(IMAGES, cache_directory() / "images", ROOT, lambda _line: None, [FORMER, BOTH])
    for name, archive in built.items():
        unpack(archive, folder / name)
    for one in [folder, *folder.iterdir()]:
        one.chmod(one.stat().st_mode | 0o011)  # the image's user must get there
    return {name: folder / name for name in built}


class Site:
    """The same three volumes, under one version or the other."""

    def __init__(self, images: dict[str, Path], root: Path, network: int, kubeconfig: Path, namespace: str) -> None:
        self.members, self.current = dict[str, Members](), "15"
        for major, image in (("15", images[FORMER]), ("17", images[BOTH])):
            (root / major).mkdir()
            self.members[major] = Members(
                image,
                root / major,
                network,
                kubeconfig,
                namespace,
                data_postgresql_resources=SMALL,
                data_postgresql_major=major,
            )

    @property
    def now(self) -> Members:
        return self.members[self.current]

    def start(self, kubectl: Callable[..., str]) -> int:
        """The first member, which has the data, then the others; the primary."""
        namespace = self.now.namespace
        kubectl("delete", "endpoints", *ENDPOINTS, "-n", namespace, "--ignore-not-found")
        self.now.bring(kubectl)
        self.now.start(0)
        eventually(lambda: self.now.primaries() == [0], self.now.logs)
        self.now.start(1, 2)
        eventually(lambda: self.now.whole() is not None, self.now.logs)
        return self.now.whole() or 0

    def stop(self) -> None:
        """As data_upgrade does it: the first one last."""
        for index in (2, 1, 0):
            self.now.end(index)

    def become(self, major: str) -> None:
        """The volumes are those of the members of this version."""
        for index in range(3):
            shutil.move(self.now.folder(index) / "data", self.now.root / "moved")
            there = self.members[major].folder(index) / "data"
            shutil.rmtree(there)
            shutil.move(self.now.root / "moved", there)
        self.members[major].api_server = self.now.api_server
        self.current = major

    def upgrade(self, verb: str, **environment: str) -> subprocess.Popen[str]:
        """`postgresql-upgrade`, in the container of the first member."""
        told = {**self.now.environment(0), "POSTGRES_OLD_DATA": f"{DATA}/pgdata-15", **environment}
        command = self.now.command(0, "postgresql-upgrade", verb, alone=True)
        return subprocess.Popen(command, env=told, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def becomes_and_again(site: Site, kubectl: Callable[..., str]) -> None:
    first = site.start(kubectl)
    assert site.now.sql(0, "show server_version_num").startswith("15")
    site.now.sql(first, "create extension pg_trgm")
    site.now.sql(
        first, "create table kept as select number, md5(number::text) as text from generate_series(1, 20000) number"
    )
    site.now.sql(first, "create index on kept (text); create index on kept using gin (text gin_trgm_ops)")
    digest = "select md5(string_agg(text, ',' order by number)) from kept"
    before = site.now.sql(first, digest)
    site.stop()

    # What is no end, and what is no data, is refused, and the data are as they were.
    site.become("17")
    done = site.upgrade("take", POSTGRES_OLD_DATA=f"{DATA}/none")
    assert "there are no data in" in done.communicate(timeout=PATIENCE)[0]
    look = site.upgrade("look").communicate(timeout=PATIENCE)[0]
    has = json.loads(look.splitlines()[-1])
    assert (has["major"], has["servers"]) == ("17", ["15", "17"])
    assert {"vector", "pg_trgm", "plpgsql"} <= set(has["extensions"])

    # Killed on the way it is begun again.
    data = site.now.folder(0) / "data"
    for sign in ("PG_VERSION", "pg_upgrade_output.d"):
        run = site.upgrade("take")
        eventually((data / "pgdata.upgrade" / sign).exists, sign, every=0.01)
        run.kill()
        run.wait(30)
        assert not (data / "pgdata").exists()
    run = site.upgrade("take")
    said = run.communicate(timeout=PATIENCE)[0]
    assert run.returncode == 0, said
    again = site.upgrade("take")
    said = again.communicate(timeout=PATIENCE)[0]
    assert "made of these data already" in said, said

    first = site.start(kubectl)
    assert first == 0
    for index in range(3):
        assert site.now.sql(index, "show server_version_num").startswith("17")
        assert site.now.sql(index, digest) == before
    socket = ("-h", SOCKETS, "-U", "postgres", "-d", "vcci", "-At", "-c")
    assert site.now.run(0, "psql", *socket, "show data_checksums").stdout.strip() == "on"
    site.now.sql(0, "insert into kept values (0, 'after')")
    site.stop()

    # The way back: what was written since is lost, and nothing else.
    kept = site.upgrade("keep", POSTGRES_MAJOR="15", PGDATA=f"{DATA}/pgdata-15")
    assert kept.wait(PATIENCE) == 0
    site.become("15")
    site.start(kubectl)
    assert site.now.sql(0, "show server_version_num").startswith("15")
    assert site.now.sql(0, digest) == before
    site.now.sql(0, "insert into kept values (-1, 'of 15')")
    after = site.now.sql(0, digest)
    for index in (1, 2):  # as data_upgrade does it while they run; of the first one's it is known
        assert site.now.run(index, "rm", "-r", f"{DATA}/pgdata").returncode == 0
    site.stop()

    # Upgraded once more: what was made of an earlier state of these data is not taken for them.
    site.become("17")
    run = site.upgrade("take")
    said = run.communicate(timeout=PATIENCE)[0]
    assert run.returncode == 0, said
    site.start(kubectl)
    assert site.now.sql(1, digest) == after


def refused(site: Site, kubectl: Callable[..., str]) -> None:
    site.start(kubectl)
    site.now.kill(0, 1, 2)
    site.become("17")
    run = site.upgrade("take")
    assert "did not end well" in run.communicate(timeout=PATIENCE)[0]
    assert run.returncode != 0
    kept = site.upgrade("keep", POSTGRES_MAJOR="16")
    assert "nothing to go back to" in kept.communicate(timeout=PATIENCE)[0]
