# Copyright (c) 2026 GreenLang. All rights reserved.
"""A tenant brought into a state of its life."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..kubernetes.client import Client
from .backup import Backup
from .life import Life
from .offboarding import Offboarding
from .problems import Problems
from .tenant import check_id

STATES = ("active", "suspended", "cordoned", "backed_up", "quarantined", "deleting", "absent")


@dataclass(frozen=True)
class Wanted:
    """The options of plugin tenant_state, whose documentation says what each is; `directory` is absolute."""

    id: str
    state: str
    namespace: str
    part_of: str
    delete_pods: bool
    quarantine_days: float
    directory: Path
    image: str
    users: Mapping[str, Any]
    without_backup: bool
    database: Mapping[str, Any]
    wait_timeout: float
    schemas: Sequence[str] = ()

    def check(self) -> None:
        """InputError with everything that is wrong, before any server is asked."""
        problems = Problems()
        check_id(self.id, "id", problems)
        for claim, user in self.users.items():
            if not str(user).isdigit() or int(str(user)) == 0:
                problems.add("users", f"{claim} must be a user's number above 0, not {user!r}")
        for name, number in self.database.items():
            if not str(number).strip().isdigit():
                problems.add("database", f"{name} must be a number, not {number!r}")
        problems.refuse()


def reach(client: Client, wanted: Wanted, *, check: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """Bring the tenant there; what was, or in check mode would be, changed, and where its offboarding stands."""
    life = Life(client, wanted.id, check=check, say=say, part_of=wanted.part_of, wait_timeout=wanted.wait_timeout)
    folder = wanted.directory / wanted.id
    users = {claim: int(str(user)) for claim, user in wanted.users.items()}
    backup = Backup(life, folder=folder, image=wanted.image, users=users)
    end = Offboarding(
        life,
        record_namespace=wanted.namespace,
        folder=folder,
        quarantine_days=wanted.quarantine_days,
        backup=backup,
    )
    _go(wanted, life, end)
    forced = [f"{entry['object']}: {entry['what']}" for entry in life.forced]
    changes = list(dict.fromkeys(life.changes))  # what was written again is told once
    done = {"changed": bool(changes), "changes": changes, "forced": forced, "warnings": life.warnings}
    return {**done, "namespace": life.namespace, "directory": str(folder), **end.status()}


def _go(wanted: Wanted, life: Life, end: Offboarding) -> None:
    match wanted.state:
        case "active":
            end.take_back()
            life.resume()
        case "suspended":
            if end.phase:
                raise InputError(f"tenant {wanted.id} is being offboarded ({end.phase}), which is more than suspended")
            life.suspend(wanted.delete_pods)
        case "cordoned":
            end.cordon(wanted.delete_pods)
        case "backed_up":
            end.back_up()
        case "quarantined":
            end.quarantine(wanted.schemas)
        case "deleting":
            end.begin_deletion(wanted.without_backup)
        case _:
            numbers = {name: int(number) for name, number in wanted.database.items()}
            end.delete(numbers, wanted.without_backup)
