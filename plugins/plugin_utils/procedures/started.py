# Copyright (c) 2026 GreenLang. All rights reserved.
"""How this run of Ansible was started: with which variables, tags and playbooks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible import context
from ansible.utils.vars import load_extra_vars

from . import catalogue

COLLECTION = "greenlang.vcci."
JOB = {"awx_job_id", "tower_job_id"}  # variables that AWX gives to every job; each runs in a container of its own
PASSING = ("/runner", "/tmp")


@dataclass(frozen=True)
class Started:
    """With variables `extra`, for `tags` and without those `skipped`. `procedures` are those that were started by name;
    `ours` is whether nothing else was: then nobody else reads a variable, or carries a tag. `passing` are folders that
    end with the run."""

    extra: frozenset[str]
    tags: tuple[str, ...]
    skipped: tuple[str, ...]
    procedures: tuple[str, ...]
    ours: bool
    passing: tuple[str, ...]


def started(loader: Any) -> Started:
    asked = context.CLIARGS.get("args") or ()
    playbooks = [asked] if isinstance(asked, str) else list(asked)
    named = [_procedure(playbook) for playbook in playbooks]
    found = tuple(name for name in named if name)
    extra = frozenset(load_extra_vars(loader))
    return Started(
        extra=extra,
        tags=_tags("tags"),
        skipped=_tags("skip_tags"),
        procedures=found,
        ours=bool(found) and len(found) == len(named),
        passing=(str(Path.home()), *PASSING) if extra & JOB else (),
    )


def _tags(option: str) -> tuple[str, ...]:
    given = ",".join(map(str, context.CLIARGS.get(option) or ()))
    return tuple(sorted(set(filter(None, given.split(",")))))


def _procedure(playbook: str) -> str:
    """The procedure of a playbook of ours, by its path or by its name in the collection; else empty."""
    if playbook.startswith(COLLECTION):
        name = playbook.removeprefix(COLLECTION)
        return name if name in catalogue.names() else ""
    path = Path(playbook).resolve()
    here = path.parent in (catalogue.ROOT, catalogue.ROOT / "playbooks")
    return path.stem if here and path.stem in catalogue.names() else ""


def absolute(path: str) -> str:
    """Where a path leads that somebody gave; itself if that cannot be said."""
    try:
        return str(Path(path).expanduser().absolute())
    except (OSError, RuntimeError, ValueError):
        return path
