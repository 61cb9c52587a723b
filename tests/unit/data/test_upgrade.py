# Copyright (c) 2026 GreenLang. All rights reserved.
"""What data_upgrade refuses before anything is changed, by what it was told."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helpers import ROOT, play

ROLE = ROOT / "roles" / "data"
MIB = 1 << 20
EXTENSIONS = {"plpgsql": "1.0", "pg_trgm": "1.6"}


def image(*servers: str) -> dict[str, Any]:
    """What the Job says of an image when it is asked to look; a log ends with a newline."""
    has = {"major": servers[-1], "servers": servers, "extensions": EXTENSIONS}
    return {"__data_upgrade_log": {"log_lines": ["2026-11-28T05:00:00Z upgrade: look", json.dumps(has), ""]}}


FITS: dict[str, Any] = {
    "__data_postgresql_set": {"resources": [{"spec": {"replicas": 3}, "metadata": {"annotations": {
        "vcci.greenlang.io/postgresql-major": "15"}}}]},
    "__data_switchover_from": "postgresql-0",
    "__data_upgrade_running": ["postgresql-0", "postgresql-1", "postgresql-2"],
    "__data_switchover_following": ["postgresql-1", "postgresql-2"],
    "__data_upgrade_databases": [{"extensions": ["plpgsql", "pg_trgm"], "tablespaces": 0, "prepared": 0}],
    "__data_upgrade_rooms": [{"used": 100 * MIB, "free": 1000 * MIB, "hours": 2, "kept": 0}] * 3,
    **image("15", "17"),
    "__procedure": {"notes": {}, "taken": []},
}  # fmt: skip


def kept(*versions: str) -> dict[str, Any]:
    return {"__data_upgrade_kept": {"stdout_lines": list(versions)}}


BACK: dict[str, Any] = {"data_upgrade_state": "returned", "data_postgresql_major": "15", **kept("17", "15")}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, ""),
    "no database": ({"__data_postgresql_set": {"resources": []}}, "there is no PostgreSQL"),
    "the version that is there": ({"data_postgresql_major": "15"}, "not below data_postgresql_major"),
    "a member that does not run": ({"__data_upgrade_running": ["postgresql-0"]}, "not all members are whole"),
    "a member that does not follow": ({"__data_switchover_following": ["postgresql-1"]}, "postgresql-1 follow, of"),
    "an old backup": (
        {"__data_upgrade_rooms": [{"used": 1, "free": 1000 * MIB, "hours": 25, "kept": 0}]},
        "the newest backup is older",
    ),
    "no room": (
        {"__data_upgrade_rooms": [{"used": 100 * MIB, "free": 300 * MIB, "hours": 1, "kept": 0}]},
        "300 MiB free",
    ),
    "data from before a restore": (
        {"__data_upgrade_rooms": [{"used": 1, "free": 1000 * MIB, "hours": 1, "kept": kept} for kept in (0, 1)]},
        "data from before a restore are still kept",
    ),
    "an image of one version": (
        image("17"),
        "versions 15 and 17 are needed",
    ),
    "an extension that is nowhere": (
        {"__data_upgrade_databases": [{"extensions": ["postgis"], "tablespaces": 0, "prepared": 0}]},
        "extensions postgis are in use",
    ),
    "a tablespace": (
        {"__data_upgrade_databases": [{"extensions": [], "tablespaces": 1, "prepared": 0}]},
        "tablespaces of their own",
    ),
    "a way back": (BACK, ""),
    "a way back to what was never there": (
        BACK | {"data_postgresql_major": "16", **image("16")},
        "(data_postgresql_major) is not kept",
    ),
    "a way back after it was confirmed": (BACK | kept("17"), "is not kept on the volumes, which have 17"),
    "a way back with the new image": (
        BACK | image("17"),
        "data_postgresql_image has servers of version 17, and 15 is asked for",
    ),
}


def test_what_is_refused(tmp_path: Path) -> None:
    # The others are asked when these hold.
    first, others = "__data_upgrade_checks", "(__data_upgrade_room_checks + __data_upgrade_image_checks)"
    refused = "| rejectattr('that') | map(attribute='message') | list"
    wrong = {
        "upgraded": f"{{{{ ({first} {refused}) or ({others} {refused}) }}}}",
        "returned": f"{{{{ __data_upgrade_kept_checks {refused} }}}}",
    }
    tasks = []
    for told, _says in REFUSED.values():
        known = copy.deepcopy(FITS) | {"data_postgresql_major": "17", "data_upgrade_state": "upgraded"} | told
        wanted = wrong[known["data_upgrade_state"]]
        tasks.append({"ansible.builtin.debug": {"msg": wanted}, "vars": known})
    files = [
        ROLE / kind / "main" / f"{name}.yml" for kind in ("defaults", "vars") for name in ("upgrade", "postgresql")
    ]
    results, said = play(
        tmp_path, tasks, vars_files=[str(path) for path in files], vars={"data_namespace": "vcci-platform"}
    )
    assert len(results) == len(REFUSED), said
    for (name, (_told, says)), result in zip(REFUSED.items(), results, strict=True):
        messages = result["msg"] if isinstance(result["msg"], list) else json.loads(result["msg"])
        assert [says in message for message in messages] == ([True] if says else []), f"{name}: {messages}"
        assert all(len(message) < 300 and "Remedy:" in message for message in messages), name


@pytest.mark.parametrize(
    ("ages", "hours"),
    [
        pytest.param({}, 1000000, id="no backup"),
        pytest.param({"vcci-backup-20261101.dump": 49.5}, 49, id="one"),
        pytest.param({"vcci-backup-20261101.dump": 49.5, "vcci-backup-20261102.dump.age": 0.5}, 0, id="encrypted"),
        pytest.param({"vcci-backup-20261101.dump": 25, "other.dump": 1}, 25, id="another file"),
    ],
)
def test_what_a_member_says_of_its_volume(tmp_path: Path, ages: dict[str, float], hours: int) -> None:
    program = yaml.safe_load((ROLE / "vars/main/upgrade.yml").read_text())["__data_upgrade_room"]
    backups, data = tmp_path / "backup", tmp_path / "pgdata"
    backups.mkdir()
    for name, age in ages.items():
        (backups / name).touch()
        os.utime(backups / name, (time.time() - age * 3600 - 1,) * 2)
    data.mkdir()
    (data / "file").write_bytes(bytes(MIB))
    environment = {**os.environ, "PGDATA": str(data)}
    command = ["bash", "-c", program.replace("/backup", str(backups))]
    for kept in (0, 1):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        told = json.loads(done.stdout)
        assert (told["hours"], told["kept"]) == (hours, kept)
        assert min(told["used"], told["free"]) >= MIB
        (tmp_path / "pgdata.before").mkdir(exist_ok=True)


def test_what_a_restore_keeps_outlives_a_confirmation(tmp_path: Path) -> None:
    """Data of another version go, and drafts of them; what there was before a restore does not."""
    program = yaml.safe_load((ROLE / "vars/main/upgrade.yml").read_text())["__data_upgrade_forget"]
    stay = {"pgdata-18", "pgdata-18.before", "pgdata-18.restoring", "pgdata-18.undone", "pgdata.before", "archive"}
    for name in {*stay, "pgdata", "pgdata-16", "pgdata-18.upgrade", "pgdata.upgrade"}:
        (tmp_path / name).mkdir()
    environment = {**os.environ, "PGDATA": str(tmp_path / "pgdata-18")}
    done = subprocess.run(["bash", "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert {path.name for path in tmp_path.iterdir()} == stay
    assert done.stdout.split() == ["pgdata", "pgdata-16", "pgdata-18.upgrade", "pgdata.upgrade"]
