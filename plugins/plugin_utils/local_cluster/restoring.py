# Copyright (c) 2026 GreenLang. All rights reserved.
"""A snapshot becomes the cluster's etcd again.

The new data directory is made whole beside the one in use; then the control plane is stopped, the two change places,
and it is started again. Whoever is killed meanwhile leaves a mark, and the next start of the control plane goes on.
What was there before is kept in `etcd.before` until the next restore.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable

from ..errors import InputError
from ..files import write_whole
from . import etcd, snapshots, versions
from .control_plane import ControlPlane
from .control_plane_daemons import NAMES
from .layout import Layout
from .snapshots import Place, Snapshot
from .supervisor import Supervisor
from .swap import MARK, NEW, RUNS_NEW, settle


def check(place: Place, chosen: Snapshot) -> None:
    """Refuse a snapshot of another cluster, or of a version that the cluster's API server cannot read."""
    header, layout = chosen.header, place.layout
    if header["authority"] != place.authority():
        raise InputError(
            f"file: {chosen.file} is of cluster {header['cluster']!r} with another authority, not of this "
            f"{layout.name!r}. Remedy: name a snapshot of this cluster; they are in {place.directory}"
        )
    here, there = versions.running(layout), header["kubernetes"]
    if versions.minor(there) > versions.minor(here):
        raise InputError(
            f"file: {chosen.file} is of Kubernetes {there}, newer than the cluster's {here}, which cannot read it. "
            f"Remedy: upgrade the cluster first (cluster_upgrade), or name an older snapshot"
        )
    if versions.minor(there) < versions.minor(here) - 1:
        raise InputError(
            f"file: {chosen.file} is of Kubernetes {there}, more than one minor older than the cluster's {here}. "
            f"Remedy: name a newer snapshot"
        )


def restore(
    place: Place,
    chosen: Snapshot,
    control: ControlPlane,
    say: Callable[[str], None],
    runs: versions.Runs | None = None,
) -> None:
    """Have the cluster be as it was when the snapshot was taken. The caller has the cluster's turn.

    runs  is what is recorded of its versions from the moment on that nothing leads back any more.
    """
    layout = place.layout
    snapshots.check_room(place, 2 * chosen.header["bytes"])
    if control.processes.pid("etcd") is None:
        settle(layout)  # one that was begun before is whole; this one is not yet
    (layout.state / MARK).unlink(missing_ok=True)
    (layout.state / RUNS_NEW).unlink(missing_ok=True)
    with snapshots.opened(place, chosen.file) as content:
        shutil.rmtree(layout.state / NEW, ignore_errors=True)
        etcd.unpack(place.etcdutl, content, layout, layout.state / NEW, bump=True)
    say("the control plane stops")
    control.stop()
    for name in NAMES:  # nor does a boot start them again, before the snapshot has taken its place
        Supervisor(layout.state).hold(name)
    if runs:
        versions.foresee(layout, runs)
    write_whole(layout.state / MARK, str(chosen.file), 0o600)
    say("the snapshot takes its place")
    settle(layout)
    start(layout, control, say)


def start(layout: Layout, control: ControlPlane, say: Callable[[str], None]) -> list[str]:
    """Start the control plane; what was started. Of a cluster that is stopped as a whole nothing is: its addresses are
    not there, and no supervision. Who starts the cluster starts it with what was restored."""
    if not Supervisor(layout.state).runs():
        say("the cluster is stopped, and stays so; it starts with what was restored")
        return []
    say("the control plane starts")
    started = control.start(say, lambda: None)
    control.check_alive()
    return started
