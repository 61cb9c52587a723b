# Copyright (c) 2026 GreenLang. All rights reserved.
"""A data directory out of the archive: of a member, whose former one is kept, of a new replica, of a server beside.

What was there is moved, never overwritten: pgBackRest restores into an empty folder, a server brings that to the point
in time, and only then it takes the former's place. Each of these may be killed anywhere and called again.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pathlib
import shutil
from collections.abc import Iterator

from . import configure, history, look, repository, server, settings
from .settings import BEFORE, DATA, RESTORED, RESTORING, UNDONE, Refusal, log, sync, write_whole

SPARE = 64 * 1024 * 1024  # bytes that stay free


def noted() -> dict[str, str]:
    """Which run did what to this volume."""
    try:
        return dict(json.loads(RESTORED.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def note(run: str, phase: str, **more: str) -> None:
    write_whole(RESTORED, json.dumps({"run": run, "phase": phase, **more}))


@contextlib.contextmanager
def own_volume() -> Iterator[None]:
    """As members have it (entrypoint): Refusal while one runs on it."""
    settings.STATE.mkdir(mode=0o700, exist_ok=True)
    with (settings.STATE / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise Refusal(
                "a member, or another restore, is still at work on this volume. Remedy: wait until it ended"
            ) from exc
        yield


def refuse_other(run: str) -> dict[str, str]:
    """What this run did so far; Refusal while another's former data is kept."""
    known = noted()
    if known.get("run") != run and BEFORE.exists():
        raise Refusal(
            f"{BEFORE.name} is still kept from an earlier restore. Remedy: data_restore_time_end.yml with "
            "data_restore_time_end=accept, or undo"
        )
    return known if known.get("run") == run else {}


def room(size: int) -> None:
    """Refusal where there is no room for a second data directory."""
    volume = os.statvfs(DATA.parent)
    free = volume.f_bavail * volume.f_frsize
    if free < size * 1.1 + SPARE:
        raise Refusal(
            f"the volume has {free >> 20} MiB free, and the restored data needs {size * 11 // 10 >> 20} MiB beside the "
            "former. Remedy: a larger data_postgresql_storage_size"
        )


def may(run: str, size: int) -> dict[str, object]:
    """Whether this run may restore on this volume, which is asked before anything is stopped, and of each member: what
    the others have is kept beside a copy, too."""
    if not refuse_other(run):
        room(size)
    return {}


def fetch(target: pathlib.Path, backup: str, wanted: str, timeline: str) -> dict[str, str]:
    """Restore into an empty folder, and bring it to the point in time; what the server said of that."""
    if target.exists():
        shutil.rmtree(target)
    target.mkdir(mode=0o700)
    options = ["--type=default"]
    if wanted != history.LATEST:
        at = history.moment(wanted).strftime("%Y-%m-%d %H:%M:%S.%f%z")
        options = ["--type=time", f"--target={at}", "--target-action=promote"]
    if timeline:
        options.append(f"--target-timeline={timeline}")
    log(f"restoring backup {backup} to {wanted}")
    repository.run("restore", f"--pg1-path={target}", f"--set={backup}", *options, limit=None)
    return server.recover(target)


def take_line(data: pathlib.Path) -> None:
    """The archive has this line of history: whoever looks for a free number stops at the first that it lacks."""
    newest = max((data / "pg_wal").glob("????????.history"), default=None)
    if newest:
        repository.run("archive-push", "--no-archive-async", f"--pg1-path={data}", str(newest))


def place(run: str, wanted: str, backup: str, size: int, timeline: str) -> dict[str, str]:
    """The member that is to be the primary: its data directory becomes what it was at a point in time."""
    configure.write()
    known = refuse_other(run)
    if not known:
        room(size)
        known = {"phase": "begun"}
        note(run, "begun")
    if known["phase"] == "begun":
        said = fetch(RESTORING, backup, wanted, timeline)
        take_line(RESTORING)
        known = {"phase": "recovered", **said}
        note(run, "recovered", **said)
    if known["phase"] == "recovered":
        if RESTORING.exists():
            if DATA.exists():
                DATA.rename(BEFORE)
            RESTORING.rename(DATA)
            sync(DATA.parent)
        settings.DROPPING.unlink(missing_ok=True)
        settings.GAP.touch()  # what the recovery wrote is in no archive: a backup follows
        known = {**known, "phase": "placed"}
        note(run, "placed", **{key: text for key, text in known.items() if key not in ("run", "phase")})
    return {key: text for key, text in known.items() if key not in ("run", "phase")}


def aside(run: str) -> dict[str, str]:
    """Any other member: its data is kept, and it begins anew from the primary."""
    known = refuse_other(run)
    if not known:
        note(run, "aside")  # before it is so: what is kept is known to be this run's, wherever it is killed
    if DATA.exists() and not BEFORE.exists():
        DATA.rename(BEFORE)
        sync(DATA.parent)
    settings.CATCHING_UP.touch()  # the last backup may be of a line of history that is left: it is copied
    return {}


def kept() -> dict[str, object]:
    """Whether there is something to accept, or to undo, and of which run; of none what is being accepted."""
    known = noted()
    return {"kept": BEFORE.exists() or bool(known), "run": known.get("run", ""), "phase": known.get("phase", "")}


def back(run: str) -> dict[str, object]:
    """Undo: the member that was restored has its former data again, the others begin anew from it. What another run
    did here stays."""
    if BEFORE.exists() and not noted():
        raise Refusal(f"{BEFORE.name} is being deleted. Remedy: data_restore_time_end=accept, which was begun")
    phase = noted().get("phase", "") if noted().get("run") == run else ""
    if phase in ("begun", "recovered", "placed"):
        back_in_place(phase == "placed")
    elif phase == "aside" and BEFORE.exists():
        shutil.rmtree(DATA, ignore_errors=True)
        settings.CATCHING_UP.touch()
    return {"phase": phase}


def back_in_place(was_placed: bool) -> None:
    if was_placed:
        configure.write()
        repository.info()  # it must answer, see below
    if BEFORE.exists():
        if DATA.exists():
            shutil.rmtree(UNDONE, ignore_errors=True)
            DATA.rename(UNDONE)
        BEFORE.rename(DATA)
        sync(DATA.parent)
    elif not DATA.exists():
        raise Refusal(f"there is neither {BEFORE.name} nor {DATA.name} on this volume: nothing can be put back")
    if was_placed:
        # What the restored server called its lines of history is in the archive: this one goes on under another.
        server.renew(DATA)
        take_line(DATA)
        settings.GAP.touch()
    shutil.rmtree(RESTORING, ignore_errors=True)
    RESTORED.unlink(missing_ok=True)


def forget(run: str = "") -> dict[str, str]:
    """Nothing of what was there before this run is kept any more. What is deleted in part is nothing to go back to: it
    is nobody's first."""
    if noted().get("run", run) == run:
        RESTORED.unlink(missing_ok=True)
        sync(RESTORED.parent)
        for folder in (BEFORE, UNDONE, RESTORING):
            shutil.rmtree(folder, ignore_errors=True)
    return {}


def replica() -> dict[str, str]:
    """A new replica, as Patroni has it made. Refusal where the primary is the better source: it is copied."""
    configure.write()
    if settings.CATCHING_UP.exists():
        raise Refusal("the last time it did not come to follow from there")
    found = repository.info()
    there = history.backups(found)
    if not there:
        raise Refusal("there is no backup")
    if max(repository.timelines(found), default="") != there[-1].line:
        raise Refusal("the last backup is of a line of history that may be left")
    own = look.own_lines(found, there)
    if history.gap(history.segments(repository.listed(found), own), there[-1].first):
        raise Refusal("there is a gap behind the last backup")
    DATA.mkdir(mode=0o700, exist_ok=True)
    settings.CATCHING_UP.touch()
    try:
        repository.run("restore", "--type=standby", f"--set={there[-1].label}", limit=None)
    except repository.Failure:
        settings.CATCHING_UP.unlink()
        raise
    server.forget_recovery(DATA)
    return {}


def bootstrap() -> dict[str, str]:
    """The first member of a database that was lost with all its volumes, as Patroni has it made: the end of the
    archive. It may be killed anywhere and called again."""
    configure.write()
    found = repository.info()
    every = history.backups(found)
    own = look.own_lines(found, every)
    there = [backup for backup in every if history.on(own, backup)]
    if not there:
        raise Refusal(f"{repository.NO_BACKUP} Remedy: its former path and key; or data_postgresql_bootstrap=empty")
    if hole := history.gap(history.segments(repository.listed(found), own), there[-1].first):
        log(f"warning: what was written after {history.say(max(hole[0], there[-1].begun))} was given up, and is lost")
    said = fetch(RESTORING, there[-1].label, history.LATEST, "")
    take_line(RESTORING)
    shutil.rmtree(DATA, ignore_errors=True)  # Patroni has begun it
    RESTORING.rename(DATA)
    sync(DATA.parent)
    settings.GAP.touch()
    return said


def beside(wanted: str, backup: str, timeline: str) -> None:
    """A server of its own with the data as it was; it does not return."""
    configure.write()
    if not DATA.exists():
        fetch(RESTORING, backup, wanted, timeline)
        RESTORING.rename(DATA)
        sync(DATA.parent)
    server.replace_by(DATA)
