# Copyright (c) 2026 GreenLang. All rights reserved.
"""All backups with their ages, for people."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from ansible_collections.greenlang.vcci.plugins.plugin_utils.tables import table

DOCUMENTATION = r"""
name: backups_report
short_description: Show backups and their ages as a table
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - A line for the newest backup of each kind, and for each that there is none of, with the playbook that makes one.
positional: _input, drill, snapshots, keys, now, redis, archive, weaviate, silent
options:
  _input:
    description: What C(postgresql-restore list) says of dumps.
    type: list
    elements: dict
    required: true
  drill:
    description: What the last drill of a restore measured, as Prometheus reads it; empty, if there was none.
    type: str
    default: ''
  snapshots:
    description: Files of the cluster's snapshots, as M(ansible.builtin.find) returns them.
    type: list
    elements: dict
    default: []
  keys:
    description: The file of the sealing keys, as M(ansible.builtin.stat) returns it.
    type: dict
    default: {}
  now:
    description: Seconds since 1970.
    type: float
    default: 0
  redis:
    description: What C(postgresql-restore list) says of Redis' backups, which are on the same volume.
    type: list
    elements: dict
    default: []
  archive:
    description: What C(pgbackrest info --output=json) says; empty, if it was not asked.
    type: str
    default: ''
  weaviate:
    description: What Weaviate says of its backups, as JSON; empty, if it was not asked.
    type: str
    default: ''
  silent:
    description: What did not answer, of V(postgresql), V(redis), V(archive) and V(weaviate).
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show them
  ansible.builtin.debug:
    msg: "{{ dumps | greenlang.vcci.backups_report(drill, snapshots, keys, now().timestamp()) }}"
"""

RETURN = r"""
_value:
  description: The table, a line each.
  type: list
  elements: str
"""

HEAD = ("what", "newest", "age", "size", "")
NONE = "none"
UNKNOWN = "not known"
SAMPLE = re.compile(r"^vcci_restore_drill_([a-z_]+) ([0-9.]+)$", re.MULTILINE)
UNITS = ((86400 * 2, 86400, "d"), (3600 * 2, 3600, "h"), (120, 60, "min"), (0, 1, "s"))
STAMP = re.compile(r"vcci-\d{8}-\d{6}")
Row = tuple[str, str, str, str, str]


def backups_report(
    dumps: Sequence[Mapping[str, Any]],
    drill: str = "",
    snapshots: Sequence[Mapping[str, Any]] = (),
    keys: Mapping[str, Any] | None = None,
    now: float = 0,
    redis: Sequence[Mapping[str, Any]] = (),
    archive: str = "",
    weaviate: str = "",
    silent: Sequence[str] = (),
) -> list[str]:
    """The table; see the filter's documentation."""
    rows = [*_databases(dumps), *_archived(archive, now), _drilled(drill, now), _redis(redis), _weaviate(weaviate, now)]
    told = [_silent(row[0]) if row[0] in silent else row for row in rows]
    return table([HEAD, *told, _snapshot(snapshots, now), _keys(keys or {}, now)])


def _silent(what: str) -> Row:
    return (what, UNKNOWN, "", "", "no pod that could say it answers")


def age(seconds: float) -> str:
    """In the largest unit of which there are two."""
    whole = max(int(seconds), 0)
    _least, unit, name = next(entry for entry in UNITS if whole >= entry[0])
    return f"{whole // unit} {name}"


def size(number: int) -> str:
    return f"{number / 2**20:.1f} MiB"


def _databases(dumps: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    verified = sorted((dump for dump in dumps if dump["verified"]), key=lambda dump: str(dump["taken"]), reverse=True)
    whole = [dump for dump in verified if not dump["tenant"] and not dump["time"]]
    if whole:
        yield _dump("postgresql", whole)
    else:
        yield ("postgresql", NONE, "", "", "playbooks/data_backup.yml")
    for tenant in sorted({str(dump["tenant"]) for dump in verified if dump["tenant"]}):
        yield _dump(f"tenant {tenant}", [dump for dump in verified if dump["tenant"] == tenant])
    for moment in sorted({str(dump["time"]) for dump in verified if dump["time"]}):
        yield _dump(f"postgresql of {moment}", [dump for dump in verified if dump["time"] == moment])
    for dump in dumps:
        if not dump["verified"]:
            yield ("postgresql", str(dump["name"]), age(dump["age"]), size(dump["size"]), "without a manifest")


def _dump(what: str, dumps: Sequence[Mapping[str, Any]]) -> Row:
    newest = dumps[0]
    more = f"{len(dumps)} dumps, {size(sum(dump['size'] for dump in dumps))}"
    encrypted = ", encrypted" if newest["encrypted"] else ""
    return (what, str(newest["name"]), age(newest["age"]), size(newest["size"]), more + encrypted)


def _archived(text: str, now: float) -> Iterator[Row]:
    """Physical backups, full ones and what changed since; what is wrong with the archive."""
    stanzas = json.loads(text) if text.strip() else []
    backups = [backup for stanza in stanzas for backup in stanza.get("backup", [])]
    for stanza in stanzas:
        if stanza["status"]["code"]:
            yield ("archive", NONE, "", "", str(stanza["status"]["message"]))
    if not stanzas:
        yield ("archive", NONE, "", "", "data_postgresql_archive, then playbooks/data.yml")
    if not backups:
        return
    newest = max(backups, key=lambda backup: float(backup["timestamp"]["stop"]))
    full = sum(backup["type"] == "full" for backup in backups)
    stored = int(newest["info"]["repository"]["delta"])
    more = f"{len(backups)} backups, {full} full" + (", with ERRORS" if newest.get("error") else "")
    yield ("archive", str(newest["label"]), age(now - float(newest["timestamp"]["stop"])), size(stored), more)


def _redis(backups: Sequence[Mapping[str, Any]]) -> Row:
    verified = sorted((one for one in backups if one["verified"]), key=lambda one: str(one["taken"]), reverse=True)
    if not verified:
        return ("redis", NONE, "", "", "data_redis_backup_enabled, then playbooks/data.yml")
    newest = verified[0]
    more = f"{len(verified)} backups, {size(sum(one['size'] for one in verified))}"
    encrypted = ", encrypted" if newest["encrypted"] else ""
    return ("redis", str(newest["name"]), age(newest["age"]), size(newest["size"]), more + encrypted)


def _weaviate(text: str, now: float) -> Row:
    """Its backups are named by their time; the others, nobody's schedule made."""
    found = json.loads(text) if text.strip() else []
    done = {one["id"]: one for one in found if one["status"] == "SUCCESS" and STAMP.fullmatch(one["id"])}
    if not done:
        return ("weaviate", NONE, "", "", "data_s3_endpoint, then playbooks/data.yml")
    newest = max(done)
    made = datetime.datetime.strptime(newest, "vcci-%Y%m%d-%H%M%S").replace(tzinfo=datetime.UTC).timestamp()
    failed = sum(one["status"] == "FAILED" for one in found)
    return ("weaviate", newest, age(now - made), "", f"{len(done)} backups" + (f", {failed} FAILED" if failed else ""))


def _drilled(text: str, now: float) -> Row:
    said = dict(SAMPLE.findall(text))
    if "timestamp_seconds" not in said:
        return ("restore drill", NONE, "", "", "playbooks/data_restore_drill.yml")
    came = "well" if float(said.get("success", 0)) else "FAILED"
    measured = f"RPO {said.get('rpo_seconds', '?')} s, RTO {said.get('rto_seconds', '?')} s"
    return ("restore drill", came, age(now - float(said["timestamp_seconds"])), "", measured)


def _snapshot(files: Sequence[Mapping[str, Any]], now: float) -> Row:
    if not files:
        return ("etcd", NONE, "", "", "playbooks/cluster_snapshot.yml, or the provider's own")
    newest = max(files, key=lambda file: float(file["mtime"]))
    name = PurePath(str(newest["path"])).name
    return ("etcd", name, age(now - float(newest["mtime"])), size(int(newest["size"])), f"{len(files)} snapshots")


def _keys(file: Mapping[str, Any], now: float) -> Row:
    if not file.get("exists"):
        return ("sealing keys", "none on this machine", "", "", "playbooks/sealing_keys_backup.yml")
    name = PurePath(str(file["path"])).name
    return ("sealing keys", name, age(now - float(file["mtime"])), size(int(file["size"])), "encrypted")


class FilterModule:
    """Filter of this file."""

    def filters(self) -> dict[str, Any]:
        return {"backups_report": backups_report}
