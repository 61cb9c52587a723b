# Copyright (c) 2026 GreenLang. All rights reserved.
"""AWS Secrets Manager as the keeper of values (external.py).

It has no conditional write of a value, but one of a label: a new version is put under a label of our own, and
AWSCURRENT, which readers ask for, is moved to it from the very version that was read. That fails when it is elsewhere.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ...errors import InputError, Overtaken, VcciError
from ..wanted import Wanted
from .keeper import Kept, Members, parsed, refused, settings_of

try:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    MISSING: str | None = None
except ImportError as exc:
    MISSING = str(exc)

KNOWN = {"region", "prefix", "endpoint_url", "kms_key_id"}
NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
CURRENT, PREVIOUS, PENDING = "AWSCURRENT", "AWSPREVIOUS", "VCCIPENDING"
ABSENT, DELETED = "ResourceNotFoundException", "InvalidRequestException"
EXISTS, NOT_THERE = "ResourceExistsException", "InvalidParameterException"  # the latter: the label is elsewhere
WAYS = {
    "AccessDeniedException": "docs/runbooks/secrets.md has the actions that its policy must allow",
    "DecryptionFailure": "its KMS key must be enabled, and kms:Decrypt and kms:GenerateDataKey allowed",
    "EncryptionFailure": "its KMS key must be enabled, and kms:Decrypt and kms:GenerateDataKey allowed",
    "ExpiredTokenException": "log in again",
    "UnrecognizedClientException": "the credentials that boto3 found are not those of this account or region",
    "LimitExceededException": "a quota of Secrets Manager is used up: have it raised, or run this later",
    DELETED: "one that is marked for deletion comes back by `aws secretsmanager restore-secret --secret-id {name}`",
}


class SecretsManager:
    title = "AWS Secrets Manager"
    limit = 65536  # bytes of one secret

    def __init__(self, given: Mapping[str, Any]) -> None:
        if MISSING:
            raise InputError(f"AWS Secrets Manager needs the Python package boto3: {MISSING}")
        self.settings = settings_of("aws", given, KNOWN)
        if not NAME.fullmatch(self.settings["prefix"]):
            raise InputError("aws.prefix: letters, digits and / _ + = . @ - are allowed, 512 at most")
        address = self.settings.get("endpoint_url")
        if address and (urlsplit(address).scheme not in ("http", "https") or not urlsplit(address).hostname):
            raise InputError("aws.endpoint_url: an address that begins with https:// is needed")
        try:
            self.manager = boto3.client(
                "secretsmanager", region_name=self.settings.get("region"), endpoint_url=address or None
            )
        except (BotoCoreError, ValueError) as exc:
            raise InputError(f"aws: {exc}") from exc

    def name(self, secret: Wanted) -> str:
        return f"AWS secret {self._id(secret)}"

    def _id(self, secret: Wanted) -> str:
        return f"{self.settings['prefix'].strip('/')}/{secret.namespace}/{secret.name}"

    # --- the keeper --------------------------------------------------------------------------------------------------
    def read(self, secret: Wanted) -> Kept:
        if len(self._id(secret)) > 512:
            raise InputError(f"{self.name(secret)}: its name is longer than 512 characters; take a shorter aws.prefix")
        answer = self._ask(secret, "get_secret_value", {ABSENT})
        if answer is None:
            return Kept()
        return Kept(parsed(answer.get("SecretString"), self.name(secret)), answer["VersionId"])

    def former(self, secret: Wanted, kept: Kept) -> Members:
        answer = self._ask(secret, "get_secret_value", {ABSENT}, VersionStage=PREVIOUS)
        text = (answer or {}).get("SecretString")
        return parsed(text, self.name(secret)) if text else {}

    def write(self, secret: Wanted, members: Members, kept: Kept) -> Kept:
        text = json.dumps(members, ensure_ascii=False)
        if kept.version is None:
            key = self.settings.get("kms_key_id")
            more = {"KmsKeyId": key} if key else {}
            made = self._ask(secret, "create_secret", {EXISTS}, id_as="Name", SecretString=text, **more)
            if made is not None:
                return Kept(members, made["VersionId"])
        put = self._ask(secret, "put_secret_value", SecretString=text, VersionStages=[PENDING])
        version = (put or {})["VersionId"]
        if CURRENT not in (put or {}).get("VersionStages", ()):  # it has it as the first version of all
            self._move(secret, version, kept)
            version = self._asserted(secret, version, text)
        return Kept(members, version)

    def _asserted(self, secret: Wanted, version: str, text: str) -> str:
        """The version that readers get. Stand-ins (moto, and LocalStack with it) go on answering with the one that was
        put last as the current one, though its labels say that it is not: it is put once more for them."""
        now = self._ask(secret, "get_secret_value") or {}
        if CURRENT in now.get("VersionStages", ()):
            return version
        return str((self._ask(secret, "put_secret_value", SecretString=text) or {})["VersionId"])

    def _move(self, secret: Wanted, version: str, kept: Kept) -> None:
        moved = None
        if kept.version is not None:
            places = {"MoveToVersionId": version, "RemoveFromVersionId": kept.version}
            moved = self._ask(secret, "update_secret_version_stage", {NOT_THERE}, VersionStage=CURRENT, **places)
        # What was only put belongs to nobody then, and is forgotten by AWS without its label.
        with contextlib.suppress(VcciError):
            self._ask(secret, "update_secret_version_stage", VersionStage=PENDING, RemoveFromVersionId=version)
        if moved is None:
            raise Overtaken(
                f"{self.name(secret)} was changed by somebody else since it was read; nothing of it was written"
            )

    def _ask(
        self, secret: Wanted, verb: str, expected: set[str] | None = None, id_as: str = "SecretId", **arguments: Any
    ) -> dict[str, Any] | None:
        """Its answer; None for those errors that are expected."""
        try:
            answer: dict[str, Any] = getattr(self.manager, verb)(**{id_as: self._id(secret)}, **arguments)
        except ClientError as exc:
            said = exc.response.get("Error", {})
            code = said.get("Code", "")
            if code in (expected or ()):
                return None
            way = WAYS.get(code, "").format(name=self._id(secret))
            raise refused(
                self.name(secret), verb, f"{code}: {said.get('Message') or 'no reason was given'}", way
            ) from None
        except BotoCoreError as exc:
            needed = "region, credentials and network are needed"
            raise VcciError(f"{self.name(secret)}: {type(exc).__name__}: {exc}; {needed}") from None
        return answer
