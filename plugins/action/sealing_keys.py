# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin sealing_keys: its documentation is in plugins/modules/sealing_keys.py.

Private keys exist in this process only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.greenlang.vcci.plugins.plugin_utils.action import Action
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.controller import Place
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.reencrypt import reencrypt_cluster, reencrypt_files
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.sealing_keys import (
    Controller,
    back_up,
    renew,
    restore,
)
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.vault import vault


class ActionModule(Action):
    """One function a state."""

    ARGUMENTS: ClassVar = {
        **connection_argument_spec(),
        "state": {"type": "str", "required": True, "choices": ["backed_up", "restored", "renewed", "reencrypted"]},
        "path": {"type": "path"},
        "directory": {"type": "path"},
        "certificate": {"type": "str"},
        "private_key": {"type": "str", "no_log": True},
        "days": {"type": "int", "default": 3650},
        "min_age_days": {"type": "int", "default": 0},
        "drop_unknown": {"type": "bool", "default": False},
        "vault_id": {"type": "str"},
        "controller_namespace": {"type": "str", "default": "kube-system"},
        "controller_deployment": {"type": "str", "default": "sealed-secrets-controller"},
        "wait_timeout": {"type": "int", "default": 180},
    }
    RULES: ClassVar = {
        "required_if": [("state", "backed_up", ["path"]), ("state", "restored", ["path"])],
        "required_together": [("certificate", "private_key")],
        "required_by": {"directory": "path"},
    }

    def perform(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        state, path, secret = args["state"], Path(args["path"] or ""), vault(args["vault_id"])
        if args["directory"]:
            if state != "reencrypted":
                raise InputError("this needs a cluster")
            return reencrypt_files(Path(args["directory"]), path, secret, self.check)
        place = Place(self.connect(args), args["controller_namespace"], args["controller_deployment"])
        controller = Controller(place, self.check, args["wait_timeout"], self.say)
        if state == "backed_up":
            return back_up(controller, path, secret, args["drop_unknown"])
        if state == "restored":
            return restore(controller, path, secret)
        if state == "renewed":
            pair = (args["certificate"] or "").encode(), (args["private_key"] or "").encode()
            return renew(controller, *pair, args["days"], args["min_age_days"])
        return reencrypt_cluster(controller, path if args["path"] else None, secret)
