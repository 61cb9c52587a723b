# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin tenant_state: its documentation is in plugins/modules/tenant_state.py."""

from __future__ import annotations

import os

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError, VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.backup import Backup
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.life import Life
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.offboarding import Offboarding
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.problems import Problems
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.tenant import check_id

display = Display()

ARGUMENTS = {
    **connection_argument_spec(),
    "id": {"type": "str", "required": True},
    "state": {"type": "str", "required": True, "choices": ["active", "suspended", "cordoned", "backed_up", "quarantined", "deleting", "absent"]},
    "namespace": {"type": "str", "default": "vcci-platform"},
    "part_of": {"type": "str", "default": "vcci-scope3-platform"},
    "delete_pods": {"type": "bool", "default": False},
    "quarantine_days": {"type": "float", "default": 30},
    "directory": {"type": "str", "default": "offboarding"},
    "image": {"type": "str", "default": "greenlang/vcci-probe:v1.0.0"},
    "users": {"type": "dict", "default": {}},
    "without_backup": {"type": "bool", "default": False},
    "database": {"type": "dict", "default": {}},
    "wait_timeout": {"type": "int", "default": 300},
}


class ActionModule(ActionBase):
    """Bring a tenant into a state of its life."""

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict | None = None) -> dict:
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(ARGUMENTS)
        client = None
        try:
            problems = Problems()
            check_id(args["id"], "id", problems)
            if problems.found:
                raise InputError("; ".join(problems.found))
            client = Client.from_params(args, say=self._tell)
            life = Life(client, args["id"], check=bool(self._task.check_mode), tell=self._tell, part_of=args["part_of"], wait_timeout=args["wait_timeout"])
            directory = os.path.join(self._loader.path_dwim(args["directory"]), args["id"])
            backup = Backup(life, directory=directory, image=args["image"], users={claim: self._user(claim, user) for claim, user in args["users"].items()})
            end = Offboarding(life, record_namespace=args["namespace"], quarantine_days=args["quarantine_days"], directory=directory, backup=backup)
            self._reach(args, life, end)
            return {**result, "changed": bool(life.changes), "changes": life.changes, "namespace": life.namespace, "directory": end.directory, **end.status()}
        except (VcciError, OSError) as exc:
            return {**result, "failed": True, "msg": str(exc)}
        finally:
            if client is not None:
                client.close()

    @staticmethod
    def _reach(args: dict, life: Life, end: Offboarding) -> None:
        state = args["state"]
        if state == "active":
            end.take_back()
            life.resume()
        elif state == "suspended":
            if end.phase:
                raise InputError(f"tenant {args['id']} is being offboarded ({end.phase}), which is more than suspended")
            life.suspend(delete_pods=args["delete_pods"])
        elif state == "cordoned":
            end.cordon(args["delete_pods"])
        elif state == "backed_up":
            end.back_up()
        elif state == "quarantined":
            end.quarantine()
        elif state == "deleting":
            end.begin_deletion(args["without_backup"])
        else:
            end.delete({name: int(number) for name, number in args["database"].items()}, args["without_backup"])

    @staticmethod
    def _user(claim: str, user: object) -> int:
        if not str(user).isdigit() or int(str(user)) == 0:
            raise InputError(f"users: {claim} must be a user's number above 0, not {user!r}")
        return int(str(user))

    @staticmethod
    def _tell(line: str) -> None:
        display.display(f"  tenant: {line}")
