# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin upgrade_preflight: its documentation is in plugins/modules/upgrade_preflight.py."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.action import Action
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError, brief
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.plugin_utils.upgrade import lifetimes
from ansible_collections.greenlang.vcci.plugins.plugin_utils.upgrade.findings import CHECKS
from ansible_collections.greenlang.vcci.plugins.plugin_utils.upgrade.look import Wanted, pass_or_refuse, told


class ActionModule(Action):
    """Find everything that is in the way of an upgrade, or of a node's maintenance."""

    ARGUMENTS: ClassVar = {
        **connection_argument_spec(),
        "version": {"type": "str"},
        "nodes": {"type": "list", "elements": "str", "default": []},
        "pool": {"type": "str"},
        "pool_label": {"type": "str", "default": "vcci.io/pool"},
        "returns": {"type": "bool", "default": True},
        "checks": {"type": "list", "elements": "str", "default": [], "choices": list(CHECKS)},
        "accept": {"type": "list", "elements": "str", "default": []},
        "delete_pods": {"type": "bool", "default": False},
        "manifests": {"type": "list", "elements": "path", "default": []},
        "charts": {"type": "list", "elements": "path", "default": []},
        "backup_max_age_hours": {"type": "int", "default": 0},
        "wait_timeout": {"type": "int", "default": 0},
    }
    RULES: ClassVar = {"mutually_exclusive": [("nodes", "pool")]}

    def perform(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        same = ("version", "nodes", "pool", "pool_label", "returns", "checks", "accept", "delete_pods")
        wanted = Wanted(
            **{name: args[name] for name in same},
            manifests=[document for path in args["manifests"] for document in self._documents(Path(path))],
            charts=dict(map(self._chart, args["charts"])),
            backups=args["backup_max_age_hours"],
        )
        found = pass_or_refuse(self.connect(args), wanted, _now, 0 if self.check else args["wait_timeout"], self.say)
        return {"findings": told(found), "lifetimes": lifetimes.table(_now().date())}

    def _documents(self, path: Path) -> Iterator[dict[str, Any]]:
        """Of a file, or of the YAML and JSON files in a folder."""
        for file in self._files(path):
            yield from (one for one in self._parsed(file, "manifests") if isinstance(one, dict))

    def _files(self, path: Path) -> list[Path]:
        try:
            return sorted(path.rglob("*.y*ml")) + sorted(path.rglob("*.json")) if path.is_dir() else [path]
        except (OSError, ValueError):  # nobody can be asked for such a name: who reads it is told why
            return [path]

    def _chart(self, path: str) -> tuple[str, str | None]:
        file = Path(path) / "Chart.yaml"
        parsed = self._parsed(file, "charts")
        if len(parsed) != 1 or not isinstance(parsed[0], dict) or "name" not in parsed[0]:
            raise InputError(f"charts: {file} describes no chart. Remedy: name the directory of one")
        return str(parsed[0]["name"]), parsed[0].get("kubeVersion")

    def _parsed(self, path: Path, field: str) -> list[Any]:
        try:
            return list(yaml.safe_load_all(self.read(path)))
        except (OSError, yaml.YAMLError, ValueError) as exc:
            raise InputError(f"{field}: {path} cannot be read: {brief(str(exc))}. Remedy: name what is there") from exc


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
