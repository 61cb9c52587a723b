# Copyright (c) 2026 GreenLang. All rights reserved.
"""The action plugin greenlang.vcci.sealed_secret; its documentation is plugins/modules/sealed_secret.py.

It runs on the control node, in the task's worker: a module's arguments would be written to a file, and these hold plaintext.
"""

from __future__ import annotations

from ansible import constants as C
from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import planned as _planned
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError, VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import crypto as _sealing
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import values as _values
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.sealer import Options, Sealer

display = Display()

SEALING_SPEC = {
    "name": {"type": "str", "default": "secrets"},
    "record_namespace": {"type": "str", "default": "default"},
    "certificate": {"type": "str"},
    "certificate_fingerprint": {"type": "str"},
    "cluster": {"type": "bool", "default": True},
    "directory": {"type": "path"},
    "fingerprint_key": {"type": "str", "no_log": True},
    "merge": {"type": "bool", "default": False},
    "controller_namespace": {"type": "str", "default": "kube-system"},
    "labels": {"type": "dict", "default": {}},
    "allow_scope_change": {"type": "bool", "default": False},
    "force_conflicts": {"type": "bool", "default": False},
    "prune": {"type": "bool", "default": False},
    "rotate": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "restart": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 120},
}
ARGUMENT_SPEC = {
    **connection_argument_spec(),
    **SEALING_SPEC,
    "secrets": {"type": "list", "elements": "dict", "required": True, "no_log": False},
    "namespace": {"type": "str"},
    "aws": {"type": "dict"},
    "assume_empty": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        # Arguments are echoed into the result, and these hold plaintext.
        given, self._task.args = self._task.args, {}
        args = self._checked(given)
        client = None
        try:
            if _sealing.MISSING:
                raise InputError(f"sealing needs the Python package cryptography: {_sealing.MISSING}")
            wanted = _values.read(args["secrets"], args["namespace"])
            check = bool(self._task.check_mode)
            if args["cluster"] and not (check and args["assume_empty"]):
                client = Client.from_params(args, say=self._tell)
            # In check mode the kind SealedSecret may only be planned yet, by an earlier task.
            server = client.server if client else "none"
            planned = _planned.load(C.DEFAULT_LOCAL_TMP, server) if check else None
            options = Options(
                **{name: args[name] for name in SEALING_SPEC},
                check=check,
                diff=bool(self._task.diff),
                planned=planned,
            )
            answer = self._sealer(client, options, args["aws"]).run(wanted)
            if planned is not None:
                _planned.save(C.DEFAULT_LOCAL_TMP, server, planned)
            return answer
        except VcciError as exc:
            return {"changed": False, "failed": True, "msg": exc.message, "error": type(exc).__name__}
        finally:
            if client is not None:
                client.close()

    def _sealer(self, client: Client | None, options: Options, aws: dict | None) -> Sealer:
        if not aws:
            return Sealer(client, options, self._tell)
        from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.aws import AwsStore  # boto3 takes a third of a second

        return AwsStore(client, options, aws, self._tell)

    @staticmethod
    def _checked(given: dict) -> dict:
        checked = ArgumentSpecValidator(ARGUMENT_SPEC).validate(given)
        if checked.unsupported_parameters:
            names = ", ".join(".".join(path) if isinstance(path, tuple) else str(path) for path in sorted(checked.unsupported_parameters))
            raise AnsibleActionFail(f"Unsupported parameters: {names}. Supported are: {', '.join(sorted(ARGUMENT_SPEC))}")
        if any("secrets" in text for text in checked.error_messages):
            raise AnsibleActionFail("secrets: a list of dictionaries is needed")  # the validator's own message would show the values
        if checked.error_messages:
            raise AnsibleActionFail("; ".join(checked.error_messages))
        return checked.validated_parameters

    @staticmethod
    def _tell(line: str) -> None:
        display.display(f"  sealed_secret: {line}")
