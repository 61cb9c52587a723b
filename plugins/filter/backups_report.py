# Copyright (c) 2026 GreenLang. All rights reserved.
"""All backups with their ages, for people."""

from __future__ import annotations

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
positional: _input, drill, snapshots, keys, now
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
SAMPLE = re.compile(r"^vcci_restore_drill_([a-z_]+) ([0-9.]+)$", re.MULTILINE)
UNITS = ((86400 * 2, 86400, "d"), (3600 * 2, 3600, "h"), (120, 60, "min"), (0, 1, "s"))
Row = tuple[str, str, str, str, str]


def backups_report(
    dumps: Sequence[Mapping[str, Any]],
    drill: str = "",
    snapshots: Sequence[Mapping[str, Any]] = (),
    keys: Mapping[str, Any] | None = None,
    now: float = 0,
) -> list[str]:
    """The table; see the filter's documentation."""
    rows = [HEAD, *_databases(dumps), _drilled(drill, now), _snapshot(snapshots, now), _keys(keys or {}, now)]
    return table(rows)


def age(seconds: float) -> str:
    """In the largest unit of which there are two."""
    whole = max(int(seconds), 0)
    _least, unit, name = next(entry for entry in UNITS if whole >= entry[0])
    return f"{whole // unit} {name}"


def size(number: int) -> str:
    return f"{number / 2**20:.1f} MiB"


def _databases(dumps: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    verified = sorted((dump for dump in dumps if dump["verified"]), key=lambda dump: str(dump["taken"]), reverse=True)
    whole = [dump for dump in verified if not dump["tenant"]]
    if whole:
        yield _dump("postgresql", whole)
    else:
        yield ("postgresql", NONE, "", "", "playbooks/data_backup.yml")
    for tenant in sorted({str(dump["tenant"]) for dump in verified if dump["tenant"]}):
        yield _dump(f"tenant {tenant}", [dump for dump in verified if dump["tenant"] == tenant])
    for dump in dumps:
        if not dump["verified"]:
            yield ("postgresql", str(dump["name"]), age(dump["age"]), size(dump["size"]), "without a manifest")


def _dump(what: str, dumps: Sequence[Mapping[str, Any]]) -> Row:
    newest = dumps[0]
    more = f"{len(dumps)} dumps, {size(sum(dump['size'] for dump in dumps))}"
    encrypted = ", encrypted" if newest["encrypted"] else ""
    return (what, str(newest["name"]), age(newest["age"]), size(newest["size"]), more + encrypted)


def _drilled(text: str, now: float) -> Row:
    said = dict(SAMPLE.findall(text))
    if "timestamp_seconds" not in said:
        return ("restore drill", NONE, "", "", "playbooks/data_restore_drill.yml")
    came = "well" if float(said.get("success", 0)) else "FAILED"
    measured = f"RPO {said.get('rpo_seconds', '?')} s, RTO {said.get('rto_seconds', '?')} s"
    return ("restore drill", came, age(now - float(said["timestamp_seconds"])), "", measured)


def _snapshot(files: Sequence[Mapping[str, Any]], now: float) -> Row:
    if not files:
        return ("cluster", NONE, "", "", "playbooks/cluster_snapshot.yml, or the provider's own")
    newest = max(files, key=lambda file: float(file["mtime"]))
    name = PurePath(str(newest["path"])).name
    return ("cluster", name, age(now - float(newest["mtime"])), size(int(newest["size"])), f"{len(files)} snapshots")


def _keys(file: Mapping[str, Any], now: float) -> Row:
    if not file.get("exists"):
        return ("sealing keys", "none on this machine", "", "", "playbooks/sealing_keys_backup.yml")
    name = PurePath(str(file["path"])).name
    return ("sealing keys", name, age(now - float(file["mtime"])), size(int(file["size"])), "encrypted")


class FilterModule:
    """Filter of this file."""

    def filters(self) -> dict[str, Any]:
        return {"backups_report": backups_report}
