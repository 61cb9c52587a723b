# Copyright (c) 2026 GreenLang. All rights reserved.
"""Action plugin sealing_keys: its documentation is in plugins/modules/sealing_keys.py. Private keys exist in this process only."""

from __future__ import annotations

from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultLib, VaultSecretsContext, match_encrypt_secret
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError, VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.arguments import connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets import crypto as _sealing
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.keys import Keys

ARGUMENTS = {
    **connection_argument_spec(),
    "state": {"type": "str", "required": True, "choices": ["backed_up", "restored", "renewed", "reencrypted"]},
    "path": {"type": "path"},
    "directory": {"type": "path"},
    "certificate": {"type": "str"},
    "private_key": {"type": "str", "no_log": True},
    "days": {"type": "int", "default": 3650},
    "min_age_days": {"type": "int", "default": 0},
    "vault_id": {"type": "str"},
    "controller_namespace": {"type": "str", "default": "kube-system"},
    "controller_deployment": {"type": "str", "default": "sealed-secrets-controller"},
    "wait_timeout": {"type": "int", "default": 180},
}
NO_VAULT = "{} needs a vault password: --ask-vault-pass or --vault-password-file"


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict | None = None) -> dict:
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(
            ARGUMENTS,
            required_if=[("state", "backed_up", ["path"]), ("state", "restored", ["path"])],
            required_together=[("certificate", "private_key")],
            required_by={"directory": "path"},
        )
        self._task.args = {}  # they are echoed into the result
        self.vault_id = args["vault_id"]
        client = None
        try:
            if _sealing.MISSING:
                raise InputError(f"sealing keys need the Python package cryptography: {_sealing.MISSING}")
            client = None if args["directory"] else Client.from_params(args)
            keys = Keys(
                client, args["controller_namespace"], args["controller_deployment"], bool(self._task.check_mode), args["wait_timeout"],
                lambda line: Display().display(f"  sealing_keys: {line}"), self._encrypt, self._decrypt,
            )
            given = (args["certificate"] or "").encode(), (args["private_key"] or "").encode()
            done = {
                "backed_up": lambda: keys.backed_up(args["path"]),
                "restored": lambda: keys.restored(args["path"]),
                "renewed": lambda: keys.renewed(*given, args["days"], args["min_age_days"]),
                "reencrypted": lambda: keys.reencrypted(args["directory"], args["path"]),
            }[args["state"]]()
            return {**result, **done}
        except VcciError as exc:
            return {**result, "changed": False, "failed": True, "msg": exc.message}
        finally:
            if client is not None:
                client.close()

    def _encrypt(self, text: str) -> str:
        secrets = VaultSecretsContext.current().secrets
        if not secrets:
            raise InputError(NO_VAULT.format("a backup"))
        try:
            label, secret = match_encrypt_secret(secrets, encrypt_vault_id=self.vault_id)
            return VaultLib(secrets).encrypt(text, secret, vault_id=label).decode()
        except AnsibleError as exc:
            raise InputError(f"the backup cannot be encrypted: {exc.message}") from None

    @staticmethod
    def _decrypt(text: str) -> str:
        if not text.startswith("$ANSIBLE_VAULT;"):
            raise InputError("the backup is not encrypted by ansible-vault: ansible-vault encrypt it, and look who could read it")
        secrets = VaultSecretsContext.current().secrets
        if not secrets:
            raise InputError(NO_VAULT.format("the backup"))
        try:
            return VaultLib(secrets).decrypt(text).decode()
        except AnsibleError:
            raise InputError("the backup cannot be decrypted with the vault passwords of this run") from None
