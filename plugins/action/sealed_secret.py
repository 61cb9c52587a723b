# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin sealed_secret: its documentation is in plugins/modules/sealed_secret.py.

It runs on the control node, in the task's worker: a module's arguments would be written to a file, and these hold
plaintext.
"""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.greenlang.vcci.plugins.plugin_utils.action import Action
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.options import Options
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.run import run
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.wanted import read

OPTIONS: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "default": "secrets"},
    "record_namespace": {"type": "str", "default": "default"},
    "certificate": {"type": "str"},
    "certificate_fingerprint": {"type": "str"},
    "cluster": {"type": "bool", "default": True},
    "directory": {"type": "path"},
    "fingerprint_key": {"type": "str", "no_log": True},
    "merge": {"type": "bool", "default": False},
    "controller_namespace": {"type": "str", "default": "kube-system"},
    "controller_name": {"type": "str", "default": "sealed-secrets-controller"},
    "aws": {"type": "dict"},
    "vault": {"type": "dict", "no_log": True},
    "labels": {"type": "dict", "default": {}},
    "allow_scope_change": {"type": "bool", "default": False},
    "force_conflicts": {"type": "bool", "default": False},
    "prune": {"type": "bool", "default": False},
    "rotate": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "restart": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 120},
}


class ActionModule(Action):
    """Bring Secrets to what the task asks for."""

    ARGUMENTS: ClassVar = {
        **connection_argument_spec(),
        **OPTIONS,
        "secrets": {"type": "list", "elements": "dict", "required": True, "no_log": False},
        "namespace": {"type": "str"},
        "assume_empty": {"type": "bool", "default": False},
    }
    HIDDEN: ClassVar = {"secrets": "secrets: a list of dictionaries is needed"}

    def perform(self, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        wanted = read(args["secrets"], args["namespace"])
        client = self.connect_unless_assumed(args) if args["cluster"] else None
        given = {**{name: args[name] for name in OPTIONS}, "rotate": tuple(args["rotate"])}
        with self.planned(client) as planned:  # the kind SealedSecret may be
            options = Options(**given, check=self.check, diff=self.diff, planned=planned, say=self.say)
            return run(client, wanted, options)
