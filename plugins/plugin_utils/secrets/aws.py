# Copyright (c) 2026 GreenLang. All rights reserved.
"""AWS Secrets Manager instead of sealing: it holds the values, and the cluster gets Secrets of them. The same Secrets, keys and rotation.

<prefix>/<namespace>/<name> is one JSON object of key and value, which is how external-secrets reads it too.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from ..errors import InputError, VcciError
from ..kubernetes.client import Client
from . import consumers as _sealed_consumers
from . import sealed as _sealed
from . import values as _values
from .sealed import Live
from .sealer import UNTOLD, Options, Sealer
from .values import Wanted

try:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    MISSING: str | None = None
except ImportError as exc:
    MISSING = str(exc)

LIMIT = 65536  # bytes of one secret, as Secrets Manager has it
KNOWN = {"region", "prefix", "endpoint_url", "kms_key_id"}


class AwsStore(Sealer):
    """`run` is Sealer's; what is kept and where it is written differs."""

    def __init__(self, client: Client | None, options: Options, aws: Mapping[str, Any], *more: Any, **others: Any) -> None:
        super().__init__(client, options, *more, **others)
        if MISSING:
            raise InputError(f"AWS Secrets Manager needs the Python package boto3: {MISSING}")
        unknown = sorted(set(aws) - KNOWN)
        if unknown or not aws.get("prefix"):
            raise InputError(f"aws: {'unknown ' + ', '.join(unknown) if unknown else 'prefix is needed'}; known are {', '.join(sorted(KNOWN))}")
        self.prefix, self.encryption = str(aws["prefix"]).strip("/"), {"KmsKeyId": aws["kms_key_id"]} if aws.get("kms_key_id") else {}
        try:
            self.manager = boto3.client("secretsmanager", region_name=aws.get("region") or None, endpoint_url=aws.get("endpoint_url") or None)
        except (BotoCoreError, ValueError) as exc:
            raise InputError(f"aws: {exc}") from exc

    def run(self, wanted: list[Wanted]) -> dict:
        rotate, self.count = _values.rotated(wanted, self.options.rotate), len(wanted)
        live = {str(w): Live(None, self.get("Secret", w) if self._client else None) for w in wanted}
        stored = {str(w): self.stored(w) for w in wanted}
        # What the cluster has already is kept when Secrets Manager starts to be used.
        kept = {(w.namespace, w.name, key): value for w in wanted for key, value in {**live[str(w)].values, **(stored[str(w)] or {})}.items()}
        values = _values.resolve(wanted, kept, rotate)
        data = {str(w): {key: values[(w.namespace, w.name, key)] for key in w.values} for w in wanted}
        texts = {str(w): self.text(w, data[str(w)]) for w in wanted}
        renewed = {name: {key for key, value in found.items() if live[name].values.get(key) != value} for name, found in data.items()}
        changed = {name: sorted(keys | (set(live[name].values) - set(data[name]))) for name, keys in renewed.items()}
        put = [w for w in wanted if stored[str(w)] != data[str(w)]]
        times = {name: _sealed_consumers.noted(live[name].secret, found, renewed[name]) for name, found in data.items()}
        plain = {w: self.plain(w, data[str(w)], times[str(w)]) for w in wanted}
        servers = self.servers(wanted, renewed, live)
        for secret in [*servers, *(w for w in put if w not in servers)] if not self.options.check else []:
            if secret in put:
                self.put(secret, texts[str(secret)], stored[str(secret)] is None)
            if secret in servers:
                self.write([_sealed.annotated(plain[secret], UNTOLD)])
                self.rollout.tell_servers(secret, servers[secret], data[str(secret)])
        answer = self.answer(wanted, live, changed, self.write(list(plain.values())))
        answer["changed"] = answer["changed"] or bool(put)
        return answer | self.restarted(answer, wanted, renewed, times)

    def plain(self, secret: Wanted, data: dict[str, bytes], times: dict[str, str]) -> dict:
        obj = _sealed.build(secret, data, {}, self.options.labels, lambda value: base64.b64encode(value).decode())
        template = obj["spec"]["template"]
        made = {"apiVersion": "v1", "kind": "Secret", **template, "data": obj["spec"]["encryptedData"]}
        return _sealed.annotated(made, _sealed_consumers.note(times))

    # --- Secrets Manager ---------------------------------------------------------------------------------------------
    def name(self, secret: Wanted) -> str:
        return f"{self.prefix}/{secret.namespace}/{secret.name}"

    def stored(self, secret: Wanted) -> dict[str, bytes] | None:
        answer = self.ask(secret, "get_secret_value", SecretId=self.name(secret))
        if answer is None:
            return None
        try:
            return {key: value.encode() for key, value in json.loads(answer.get("SecretString", "")).items()}
        except (ValueError, AttributeError):
            raise InputError(f"AWS secret {self.name(secret)} is not a JSON object of texts: nothing was changed") from None

    def text(self, secret: Wanted, data: dict[str, bytes]) -> str:
        try:
            text = json.dumps({key: value.decode() for key, value in sorted(data.items())}, ensure_ascii=False)
        except UnicodeDecodeError:
            raise InputError(f"Secret {secret} has a binary value, which a JSON object in AWS Secrets Manager cannot hold") from None
        if len(text.encode()) > LIMIT:
            raise InputError(f"Secret {secret}: AWS Secrets Manager holds at most {LIMIT} bytes, and these are {len(text.encode())}")
        return text

    def put(self, secret: Wanted, text: str, new: bool) -> None:
        if new:
            self.ask(secret, "create_secret", Name=self.name(secret), SecretString=text, **self.encryption)
        else:
            self.ask(secret, "put_secret_value", SecretId=self.name(secret), SecretString=text)

    def ask(self, secret: Wanted, verb: str, **arguments: Any) -> dict | None:
        try:
            return getattr(self.manager, verb)(**arguments)
        except ClientError as exc:
            code = exc.response.get("Error", {}).get("Code", "")
            if code == "ResourceNotFoundException" and verb == "get_secret_value":
                return None
            raise VcciError(f"AWS secret {self.name(secret)}: {verb} was refused: {code}") from None
        except BotoCoreError as exc:
            raise VcciError(f"AWS secret {self.name(secret)}: {type(exc).__name__}; region, credentials and network are needed") from None
