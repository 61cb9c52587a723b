# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugins of the collection in the test's own process, without a play: a task, its environment, its result."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import connection_loader
from ansible.template import Templar


def run(
    name: str,
    args: Mapping[str, Any],
    *,
    check: bool = False,
    diff: bool = False,
    environment: list[Any] | None = None,
    variables: Mapping[str, Any] | None = None,
    loader: DataLoader | None = None,
    folder: Path | None = None,
) -> dict[str, Any]:
    """The result of a task of that plugin."""
    plugin = importlib.import_module(f"ansible_collections.greenlang.vcci.plugins.action.{name}").ActionModule
    loader = loader or DataLoader()
    if folder is not None:
        loader.set_basedir(str(folder))
    task = Task()
    task.action, task.args, task.environment = f"greenlang.vcci.{name}", dict(args), environment or []
    task.check_mode, task.diff, task.async_val = check, diff, 0
    context = PlayContext()
    action = plugin(
        task=task,
        connection=connection_loader.get("ansible.builtin.local", context),
        play_context=context,
        loader=loader,
        templar=Templar(loader=loader, variables=dict(variables or {})),
        shared_loader_obj=None,
    )
    return dict(action.run(task_vars=dict(variables or {})))
