# Copyright (c) 2026 GreenLang. All rights reserved.
"""AWS Secrets Manager instead of sealing: it holds the values, and the cluster gets Secrets of them.

<prefix>/<namespace>/<name> is one JSON object of key and value, which is how external-secrets reads it too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...applyset.run import apply_set
from ...errors import InputError, VcciError
from ...kubernetes.client import Client
from ..decide import Evidence
from ..options import Options
from ..sealed import Live, build_plain
from ..state import SecretState
from ..wanted import Wanted
from .objects import read_all
from .store import NO_MARK, Saved

try:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    MISSING: str | None = None
except ImportError as exc:
    MISSING = str(exc)

LIMIT = 65536  # bytes of one secret, as Secrets Manager has it
KNOWN = {"region", "prefix", "endpoint_url", "kms_key_id"}


class AwsStore:
    """Without a client (check mode before there is a cluster), the Secrets are predicted as created."""

    evidence: Evidence = "values"
    certificate = None

    def __init__(self, client: Client | None, options: Options) -> None:
        if MISSING:
            raise InputError(f"AWS Secrets Manager needs the Python package boto3: {MISSING}")
        settings = options.aws or {}
        unknown = sorted(map(str, set(settings) - KNOWN))
        if unknown or not settings.get("prefix"):
            wrong = f"unknown {', '.join(unknown)}" if unknown else "prefix is needed"
            raise InputError(f"aws: {wrong}; known are {', '.join(sorted(KNOWN))}")
        self.client, self.options, self.settings = client, options, settings
        region, address = settings.get("region") or None, settings.get("endpoint_url") or None
        try:
            self.manager = boto3.client("secretsmanager", region_name=region, endpoint_url=address)
        except (BotoCoreError, ValueError) as exc:
            raise InputError(f"aws: {exc}") from exc
        self.count, self.changed = 0, False

    # --- the store ---------------------------------------------------------------------------------------------------
    def load(self, wanted: list[Wanted]) -> list[SecretState]:
        """What the cluster has already is held, and so kept, when Secrets Manager starts to be used."""
        self.count = len(wanted)
        there = read_all(self.client, "v1", "Secret", wanted) if self.client else [None for _secret in wanted]
        states = []
        for secret, plain in zip(wanted, there, strict=True):
            live, stored = Live(None, plain), self._stored(secret)
            states.append(SecretState(secret, live, held={**live.values, **(stored or {})}, stored=stored))
        return states

    def accept(self, states: list[SecretState]) -> None:
        for state in states:
            _text(state)

    def save(self, states: list[SecretState], mark: Mapping[str, str] = NO_MARK) -> Saved:
        for state in states:
            if state.stored != state.values:
                self._put(state)
                self.changed = True
        labels = self.options.labels
        objects = [build_plain(state.wanted, state.values, labels, {**state.notes, **mark}) for state in states]
        options = self.options.of_set(prune=len(states) == self.count)
        result = apply_set(self.client, objects, options)
        self.changed = self.changed or result.changed
        return Saved(self.changed, f": {result.summary()}", result.warnings)

    def was_written(self, secret: Wanted) -> bool:
        return False

    def settle(self, states: list[SecretState]) -> None:
        """Secrets are there at once."""

    # --- Secrets Manager ---------------------------------------------------------------------------------------------
    def _name(self, secret: Wanted) -> str:
        return f"{str(self.settings['prefix']).strip('/')}/{secret.namespace}/{secret.name}"

    def _stored(self, secret: Wanted) -> dict[str, bytes] | None:
        answer = self._ask(secret, "get_secret_value", SecretId=self._name(secret))
        if answer is None:
            return None
        try:
            return {key: value.encode() for key, value in json.loads(answer.get("SecretString", "")).items()}
        except (ValueError, AttributeError):
            name = self._name(secret)
            raise InputError(f"AWS secret {name} is not a JSON object of texts: nothing was changed") from None

    def _put(self, state: SecretState) -> None:
        name, text = self._name(state.wanted), _text(state)
        if self.options.check:
            return
        if state.stored is None:
            key = self.settings.get("kms_key_id")
            encryption = {"KmsKeyId": key} if key else {}
            self._ask(state.wanted, "create_secret", Name=name, SecretString=text, **encryption)
        else:
            self._ask(state.wanted, "put_secret_value", SecretId=name, SecretString=text)
        state.stored = state.values

    def _ask(self, secret: Wanted, verb: str, **arguments: Any) -> dict[str, Any] | None:
        try:
            answer: dict[str, Any] = getattr(self.manager, verb)(**arguments)
        except ClientError as exc:
            code = exc.response.get("Error", {}).get("Code", "")
            if code == "ResourceNotFoundException" and verb == "get_secret_value":
                return None
            raise VcciError(f"AWS secret {self._name(secret)}: {verb} was refused: {code}") from None
        except BotoCoreError as exc:
            needed = "region, credentials and network are needed"
            raise VcciError(f"AWS secret {self._name(secret)}: {type(exc).__name__}; {needed}") from None
        return answer


def _text(state: SecretState) -> str:
    """What Secrets Manager is to hold; InputError where it cannot."""
    try:
        values = {key: value.decode() for key, value in sorted(state.values.items())}
    except UnicodeDecodeError:
        raise InputError(
            f"Secret {state.wanted} has a binary value, which a JSON object in AWS Secrets Manager cannot hold"
        ) from None
    text = json.dumps(values, ensure_ascii=False)
    size = len(text.encode())
    if size > LIMIT:
        raise InputError(
            f"Secret {state.wanted}: AWS Secrets Manager holds at most {LIMIT} bytes, and these are {size}"
        )
    return text
