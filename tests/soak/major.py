# Copyright (c) 2026 GreenLang. All rights reserved.
"""A running platform moves from PostgreSQL 15 on Debian 12 to 17, back, and again with kill -9 in every step, while a
client writes: nothing that was acknowledged is lost, but on the way back what was written since the upgrade."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from pathlib import Path

from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster import node_images
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.building import cache_directory
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.images.build import build_images

from tests.helpers import ROOT, STATE, eventually
from tests.injection.figures import longest
from tests.injection.postgresql import PostgreSQL
from tests.injection.scene import Scene
from tests.soak.upgrade import Site, backup, own_site, sql

IMAGES = ROOT / "tests/integration/images/upgrade/images.yml"
FORMER = {"data_postgresql_major": "15", "data_postgresql_image": "docker.io/greenlang/vcci-postgresql-15:v1.0.0"}
BOTH = {"data_upgrade_image": "docker.io/greenlang/vcci-postgresql-15-17:v1.0.0"}
STEPS = ("primary", "stop", "data", "start", "others", "statistics")
PATIENCE = 900  # seconds for a step to begin


def soak() -> str:
    with own_site() as site:
        site.play(ROOT, "playbooks/cluster.yml")
        scene = Scene(site.name, lambda *playbooks: site.play(ROOT, *playbooks))
        images(scene.state)
        site.play(ROOT, "site.yml", **FORMER)
        assert version(site) == 15, f"it is {version(site)} that runs"
        refused(site)
        backup(site)
        sql(site, "create table marks (name text); insert into marks values ('before')")
        outage, rows = moved(site, scene)
        sql(site, "insert into marks values ('after')")
        state(site, "returned", **FORMER)
        assert (version(site), marks(site)) == (15, "before")
        for step in STEPS:
            kill_in(site, step)
        state(site, "upgraded")
        assert (version(site), marks(site)) == (17, "before")
        state(site, "confirmed")
        kept = site.kubectl(
            "exec", "postgresql-0", "-n", "vcci-platform", "--", "ls", "/var/lib/postgresql/data"
        ).split()
        assert [name for name in kept if name.startswith("pgdata")] == ["pgdata"], kept
        again = site.play(ROOT, "site.yml")
        assert again == 0, f"site.yml says changed={again} after the upgrade"
        site.play(ROOT, "playbooks/verify.yml")
    return f"{outage:.0f} s without writes, 0 of {rows} acknowledged rows lost; back, and again with {len(STEPS)} kills"


def images(at: Path) -> None:
    """Have every node know the images that the rehearsal alone needs."""
    names = ["vcci-postgresql-15", "vcci-postgresql-15-17"]
    archives = build_images(IMAGES, cache_directory() / "images", ROOT, print, names)
    layout = Scene(at.name, print).layout
    node_images.load(layout, layout.nodes, archives, STATE / at.name / "bin", print)


def refused(site: Site) -> None:
    """The layer does not touch data of another version; nor does the procedure without a backup."""
    for playbook, says in (("data", "PostgreSQL's data are of version 15"), ("data_upgrade", "there is none")):
        told = run(site, playbook).communicate()[0]
        assert says in told, told[-3000:]
    assert version(site) == 15


def moved(site: Site, scene: Scene) -> tuple[float, int]:
    """The longest time without a write, and how many were acknowledged: all are there."""
    store = PostgreSQL(scene)
    with scene.clients({store.name: store.client()}) as reports:
        state(site, "upgraded")
    [report] = reports[store.name]
    assert version(site) == 17
    assert not report["lost"], f"{len(report['lost'])} acknowledged rows are lost"
    return longest(report["writes"]), report["acknowledged"]


def state(site: Site, wanted: str, **variables: object) -> None:
    told = {"data_upgrade_state": wanted, "data_upgrade_confirm": wanted, **BOTH, **variables}
    site.play(ROOT, "playbooks/data_upgrade.yml", **told)


def run(site: Site, playbook: str) -> subprocess.Popen[str]:
    told = {"data_upgrade_confirm": "upgraded", **BOTH} if playbook == "data_upgrade" else {}
    command = site.command(f"playbooks/{playbook}.yml", **told)
    return subprocess.Popen(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )


def kill_in(site: Site, step: str) -> None:
    """Begin the upgrade, or go on with it, and kill it as soon as this step is recorded."""
    begun = run(site, "data_upgrade")
    try:
        eventually(lambda: at(site) == step or begun.poll() is not None, lambda: f"{step}, not {at(site)}", every=0.2)
        assert begun.poll() is None, f"the upgrade ended before {step}: {begun.communicate()[0][-3000:]}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(begun.pid, signal.SIGKILL)
        begun.wait()


def at(site: Site) -> str:
    """The step that is recorded as begun."""
    with contextlib.suppress(AssertionError):
        name = "--field-selector=metadata.name=procedures-data-postgresql"
        [record] = site.objects("configmaps", "-n", "kube-system", name)
        return str(json.loads(record["data"]["data_upgrade"])["step"])
    return ""


def version(site: Site) -> int:
    return int(sql(site, "show server_version_num")) // 10000


def marks(site: Site) -> str:
    return sql(site, "select string_agg(name, ',' order by name) from marks").strip()
