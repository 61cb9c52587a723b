# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin sealed_secret_info: its documentation is in plugins/modules/sealed_secret_info.py."""

from __future__ import annotations

from ansible.plugins.action import ActionBase
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError, VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import crypto as _sealing
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import info as sealed_info

ARGUMENTS = {
    **connection_argument_spec(),
    "namespaces": {"type": "list", "elements": "str", "default": []},
    "controller_namespace": {"type": "str", "default": "kube-system"},
    "rotation_days": {"type": "int", "default": 90},
}


class ActionModule(ActionBase):
    """What there is to know of SealedSecrets, but their values."""

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict | None = None) -> dict:
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(ARGUMENTS)
        self._task.args = {}  # they are echoed into the result
        client = None
        try:
            if _sealing.MISSING:
                raise InputError(f"unsealing needs the Python package cryptography: {_sealing.MISSING}")
            client = Client.from_params(args)
            return {**result, "changed": False, **sealed_info.read(client, args["namespaces"], args["controller_namespace"], args["rotation_days"])}
        except VcciError as exc:
            return {**result, "failed": True, "msg": exc.message}
        finally:
            if client is not None:
                client.close()
