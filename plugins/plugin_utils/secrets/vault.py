# Copyright (c) 2026 GreenLang. All rights reserved.
"""Text that is written to files in the form of ansible-vault, with the vault passwords of this run of Ansible."""

from __future__ import annotations

from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultLib, VaultSecretsContext, match_encrypt_secret

from ..errors import InputError
from .sealing_keys import Vault

NO_VAULT = "{} needs a vault password: --ask-vault-pass or --vault-password-file"


def vault(vault_id: str | None) -> Vault:
    """`vault_id` says which password encrypts, when there are several."""
    return Vault(lambda text: _encrypt(text, vault_id), _decrypt)


def _encrypt(text: str, vault_id: str | None) -> str:
    secrets = VaultSecretsContext.current().secrets
    if not secrets:
        raise InputError(NO_VAULT.format("a backup"))
    try:
        label, secret = match_encrypt_secret(secrets, encrypt_vault_id=vault_id)
        encrypted: bytes = VaultLib(secrets).encrypt(text, secret, vault_id=label)
    except AnsibleError as exc:
        raise InputError(f"the backup cannot be encrypted: {exc.message}") from None
    return encrypted.decode()


def _decrypt(text: str) -> str:
    if not text.startswith("$ANSIBLE_VAULT;"):
        raise InputError(
            "the backup is not encrypted by ansible-vault: ansible-vault encrypt it, and look who could read it"
        )
    secrets = VaultSecretsContext.current().secrets
    if not secrets:
        raise InputError(NO_VAULT.format("the backup"))
    try:
        decrypted: bytes = VaultLib(secrets).decrypt(text)
    except AnsibleError:
        raise InputError("the backup cannot be decrypted with the vault passwords of this run") from None
    return decrypted.decode()
