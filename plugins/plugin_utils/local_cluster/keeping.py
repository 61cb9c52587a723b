# Copyright (c) 2026 GreenLang. All rights reserved.
"""From the arguments of plugin local_snapshot to what is done with a cluster's snapshots, and to the result."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import InputError, VcciError, brief
from ..files import why
from . import drill, etcd, record, restoring, snapshots, versions
from .binaries import Binaries
from .building import locked
from .control_plane import ControlPlane
from .layout import Layout, parse_subnet
from .releases import AS_IT_IS, Releases
from .snapshots import Place, Snapshot

COLLECTION = Path(__file__).resolve().parents[3]
TABLE = COLLECTION / "binaries" / "parts.yml"
FOLDER = "snapshots.d"  # a cluster's name has no dot


@dataclass(frozen=True)
class Run:
    """What a state of the plugin works with."""

    args: Mapping[str, Any]
    place: Place
    binaries: Binaries
    releases: Releases
    now: datetime.datetime
    check: bool
    say: Callable[[str], None]

    @property
    def layout(self) -> Layout:
        return self.place.layout

    def turn(self) -> AbstractContextManager[None]:
        """One run at a time changes a cluster; the lock is that of LocalCluster."""
        lock = self.layout.state.parent / f".{self.layout.name}.lock"
        return locked(lock, self.say, f"it changes the cluster {self.layout.name}")

    def programs(self) -> dict[str, Path]:
        """Of the version that the control plane runs."""
        return self.releases.chosen(self.binaries.provide())[0]


def keep(args: Mapping[str, Any], now: datetime.datetime, check: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """Do what `state` says. VcciError, InputError."""
    state = Path(args["state_dir"] or record.state_directory()) / args["name"]
    known = record.read(state)
    if known is None:
        raise InputError(
            f"name: there is no local cluster {args['name']!r} in {state.parent}. Remedy: name one that is"
        )
    wanted = args["environment_name"]
    if wanted not in (None, known["environment"]):
        raise InputError(
            f"environment_name: cluster {args['name']!r} is the cluster of environment {known['environment']!r}, "
            f"not of {brief(wanted)!r}. Remedy: name the inventory or the cluster that is meant"
        )
    if args["keep"] < 1:
        raise InputError(f"keep: {args['keep']} snapshots would be none. Remedy: give 1 or more")
    given = Path(args["binaries_dir"]) if args["binaries_dir"] else None
    layout = Layout(args["name"], parse_subnet(known["subnet"]), state, known["kind"], [])
    directory = Path(args["directory"] or state.parent / FOLDER / args["name"])
    key_file = Path(args["key_file"] or layout.pki / "snapshots.key")
    try:
        etcdutl = Binaries(TABLE, "snapshots", given, say).provide()["etcdutl"] / "etcdutl"
        place = Place(layout, directory, key_file, etcdutl)
        releases = Releases(layout, TABLE, AS_IT_IS, [])
        run = Run(args, place, Binaries(TABLE, known["kind"], given, say, releases.part), releases, now, check, say)
        states = {"present": _present, "verified": _verified, "drilled": _drilled, "restored": _restored}
        return {**states, "rolled_back": _rolled_back, "rollback_ended": _rollback_ended}[args["state"]](run)
    except OSError as exc:
        raise VcciError(f"{exc.filename or directory}: {why(exc)}; nothing was changed in the cluster") from exc


def _present(run: Run) -> dict[str, Any]:
    """A snapshot that is young enough."""
    newest = next(iter(snapshots.listed(run.place)), None)
    age = run.args["max_age_hours"]
    if newest and age and run.now - newest.taken < datetime.timedelta(hours=age):
        return _result(run, newest, changed=False)
    if run.check:
        snapshots.check_room(run.place, int(etcd.Etcd(run.layout).status()["dbSize"]))
        return {"changed": True, "snapshot": {}, "removed": [], "snapshots": len(snapshots.listed(run.place))}
    taken = snapshots.take(run.place, run.args["purpose"], run.now, run.say)
    gone = snapshots.prune(run.place, run.args["keep"])
    return _result(run, taken, changed=True, removed=[str(one.file) for one in gone])


def _verified(run: Run) -> dict[str, Any]:
    """Decrypted and checked, and not older than it may be."""
    chosen, age = _chosen(run), run.args["max_age_hours"]
    restoring.check(run.place, chosen)
    snapshots.verify(run.place, chosen.file)
    hours = (run.now - chosen.taken).total_seconds() / 3600
    if age and hours > age:
        raise VcciError(
            f"{chosen.file}: the newest snapshot is {hours:.1f} hours old, {age} are allowed (max_age_hours). "
            f"Remedy: take one (cluster_snapshot), and see why the schedule did not"
        )
    return _result(run, chosen, changed=False)


def _drilled(run: Run) -> dict[str, Any]:
    chosen = _chosen(run)
    restoring.check(run.place, chosen)
    if run.check:
        return _result(run, chosen, changed=False)
    found = drill.drill(run.place, chosen, run.programs(), run.say)
    return {**_result(run, chosen, changed=False), "drill": found}


def _restored(run: Run) -> dict[str, Any]:
    chosen = _chosen(run)
    restoring.check(run.place, chosen)
    snapshots.verify(run.place, chosen.file)
    if not run.check:
        control = ControlPlane(run.layout, run.programs())
        with run.turn():
            restoring.restore(run.place, chosen, control, run.say)
    return _result(run, chosen, changed=True)


def _rolled_back(run: Run) -> dict[str, Any]:
    """The control plane as it was before its last upgrade: its version, and what it held then. Once, until the rollback
    has ended: what was written since is not lost by who goes on with it."""
    runs = versions.recorded(run.layout)
    if runs is not None and runs.taken_back:
        return _gone_on(run, runs.control_plane.version)
    if runs is None or runs.before is None:
        raise InputError(
            f"name: of cluster {run.layout.name!r} no upgrade is recorded that could be taken back. "
            f"Remedy: to restore objects alone, cluster_restore"
        )
    down = sorted(record.held(run.layout.state).entries)
    if down:
        raise InputError(
            f"name: of cluster {run.layout.name!r} {', '.join(down)} is down on purpose, and would not go back with "
            f"the rest. Remedy: release it (local_cluster with held: []), then run this again"
        )
    chosen = _chosen(run, runs.before.version)
    restoring.check(run.place, chosen)
    snapshots.verify(run.place, chosen.file)
    if not run.check:
        control = ControlPlane(run.layout, {**run.programs(), versions.NEWEST: runs.before.programs})
        with run.turn():
            restoring.restore(run.place, chosen, control, run.say, replace(runs, control_plane=runs.before))
    return {**_result(run, chosen, changed=True), "restored": True}


def _gone_on(run: Run, version: str) -> dict[str, Any]:
    """Of a rollback that was not ended: what was restored runs. That its snapshot is gone by now is no fault."""
    changed = not ControlPlane(run.layout, {}).runs()
    if not run.check:
        with run.turn():
            control = ControlPlane(run.layout, run.programs())
            changed = bool(restoring.start(run.layout, control, run.say))
    told = {"file": "a snapshot that is gone", "taken": "before the upgrade", "kubernetes": version}
    known = [one.facts() for one in _of_upgrade(run, version)]
    number = len(snapshots.listed(run.place))
    return {"changed": changed, "snapshot": [*known, told][0], "removed": [], "snapshots": number, "restored": False}


def _rollback_ended(run: Run) -> dict[str, Any]:
    """Everything runs in the version of before: the upgrade that was taken back is none that could be taken back."""
    runs, name = versions.recorded(run.layout), run.layout.name
    ended = {"changed": False, "snapshot": {}, "removed": [], "snapshots": len(snapshots.listed(run.place))}
    if runs is None or runs.before is None:
        return ended
    late = [node for node, release in runs.nodes.items() if release.version != runs.before.version]
    late = late if runs.taken_back else ["its control plane"]
    if late:
        raise InputError(
            f"state: of cluster {name!r}, {', '.join(late)} does not run {runs.before.version} again. "
            f"Remedy: take everything back (cluster_rollback)"
        )
    if not run.check:
        with run.turn():
            versions.record(run.layout, replace(runs, before=None))
    return {**ended, "changed": True}


def _chosen(run: Run, version: str | None = None) -> Snapshot:
    """The file that was named, else the newest; of a version, the newest that its upgrade took. InputError."""
    if run.args["file"]:
        return snapshots.read(Path(run.args["file"]))
    found = _of_upgrade(run, version) if version else snapshots.listed(run.place)
    newest = next(iter(found), None)
    if newest is None:
        of = f"cluster {run.layout.name!r}{f' from its upgrade of {version}' if version else ''}"
        raise InputError(
            f"directory: {run.place.directory} has no snapshot of {of}. "
            f"Remedy: take one (cluster_snapshot), or name the directory that has them"
        )
    return newest


def _of_upgrade(run: Run, version: str) -> list[Snapshot]:
    wanted, found = ("upgrade", version), snapshots.listed(run.place)
    return [one for one in found if (one.header["purpose"], one.header["kubernetes"]) == wanted]


def _result(run: Run, chosen: Snapshot, *, changed: bool, removed: list[str] | None = None) -> dict[str, Any]:
    number = len(snapshots.listed(run.place))
    return {"changed": changed, "snapshot": chosen.facts(), "removed": removed or [], "snapshots": number}
