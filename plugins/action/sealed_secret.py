# Copyright (c) 2026 GreenLang. All rights reserved.
"""The action plugin greenlang.vcci.sealed_secret; its documentation is plugins/modules/sealed_secret.py.

It runs on the control node, in the task's worker: a module's arguments would be written to a file, and these hold plaintext.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.greenlang.vcci.plugins.module_utils import _sealing, _values
from ansible_collections.greenlang.vcci.plugins.module_utils.apply import apply_set
from ansible_collections.greenlang.vcci.plugins.module_utils.client import Client, connection_argument_spec
from ansible_collections.greenlang.vcci.plugins.module_utils.errors import ApiError, InputError, VcciError, WaitTimeout

display = Display()

API_VERSION = "bitnami.com/v1alpha1"
PLACEHOLDER = base64.b64encode(b"sealed when it is not a check").decode()
UNSEAL_GRACE = 15  # seconds that the controller may call a value unsealable, since it reads new keys with a delay

ARGUMENT_SPEC = {
    **connection_argument_spec(),
    "secrets": {"type": "list", "elements": "dict", "required": True, "no_log": False},
    "name": {"type": "str", "default": "secrets"},
    "namespace": {"type": "str"},
    "record_namespace": {"type": "str", "default": "default"},
    "certificate": {"type": "path"},
    "controller_namespace": {"type": "str", "default": "kube-system"},
    "labels": {"type": "dict", "default": {}},
    "allow_scope_change": {"type": "bool", "default": False},
    "prune": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 120},
    "assume_empty": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        # Arguments are echoed into the result, and these hold plaintext.
        given, self._task.args = self._task.args, {}
        checked = ArgumentSpecValidator(ARGUMENT_SPEC).validate(given)
        if checked.unsupported_parameters:
            names = ", ".join(".".join(path) if isinstance(path, tuple) else str(path) for path in sorted(checked.unsupported_parameters))
            raise AnsibleActionFail(f"Unsupported parameters: {names}. Supported are: {', '.join(sorted(ARGUMENT_SPEC))}")
        wrong_type = [text for text in checked.error_messages if "secrets" in text]
        if wrong_type:
            raise AnsibleActionFail("secrets: a list of dictionaries is needed")  # the validator's own message would show the values
        if checked.error_messages:
            raise AnsibleActionFail("; ".join(checked.error_messages))
        args = checked.validated_parameters
        client = None
        try:
            if _sealing.MISSING:
                raise InputError(f"sealing needs the Python package cryptography: {_sealing.MISSING}")
            wanted = _values.read(args["secrets"], args["namespace"])
            blind = args["assume_empty"] and self._task.check_mode
            if not blind:
                client = Client.from_params(args, progress=self._tell)
            return _Run(client, args, wanted, self._task.check_mode, bool(self._task.diff), self._tell).go()
        except VcciError as exc:
            return {"changed": False, "failed": True, "msg": exc.message, "error": type(exc).__name__}
        finally:
            if client is not None:
                client.close()

    @staticmethod
    def _tell(line: str) -> None:
        display.display(f"  sealed_secret: {line}")


class _Run:
    def __init__(
        self, client: Client | None, args: dict, wanted: list[_values.Wanted], check: bool, diff: bool, tell: Callable[[str], None]
    ) -> None:
        self.client, self.args, self.wanted, self.check, self.diff, self.tell = client, args, wanted, check, diff, tell
        self.deadline = time.monotonic() + args["wait_timeout"]
        self.sealed: dict[str, dict | None] = {}
        self.plain: dict[str, dict[str, bytes] | None] = {}
        self.certificate: _sealing.Certificate | None = None

    def go(self) -> dict:
        self.read()
        kept = {(w.namespace, w.name, key): value for w in self.wanted for key, value in (self.plain[str(w)] or {}).items()}
        values = _values.resolve(self.wanted, kept)
        objects, changes = [], []
        for secret in self.wanted:
            data = {key: values[(secret.namespace, secret.name, key)] for key in secret.values}
            obj, changed = self.seal(secret, data)
            objects.append(obj)
            if changed:
                changes.append((secret, changed))
        planned, memory = self.planned()
        result = apply_set(
            self.client,
            objects,
            name=self.args["name"],
            namespace=self.args["record_namespace"],
            check=self.check,
            prune=self.args["prune"],
            assume_empty=self.client is None,
            diff=False,
            planned=planned,
            progress=self.tell,
        )
        if memory is not None:
            memory.save()
        if self.args["wait"] and not self.check:
            self.wait(values)
        answer = {
            "changed": result.changed,
            "secrets": {
                str(w): {"scope": w.scope, "keys": sorted(w.values), "changed_keys": dict((str(s), c) for s, c in changes).get(str(w), [])}
                for w in self.wanted
            },
            "msg": f"{len(self.wanted)} Secrets: {result.summary()}",
        }
        if self.certificate is not None:
            answer["certificate"] = {
                "fingerprint": self.certificate.fingerprint,
                "expires": f"{self.certificate.expires:%Y-%m-%dT%H:%M:%SZ}",
            }
        if self.diff:
            answer["diff"] = [self.difference(secret, keys) for secret, keys in changes]
        return answer

    # --- what is there -----------------------------------------------------------------------------------------------
    def read(self) -> None:
        for secret in self.wanted:
            self.sealed[str(secret)] = self.plain[str(secret)] = None
            if self.client is None:
                continue
            found = self.client.get(API_VERSION, "SealedSecret", secret.name, secret.namespace)
            self.sealed[str(secret)] = found
            plain = self.unsealed(secret)
            if found is not None and plain is None and not self.check and _generates(secret):
                plain = self.await_unsealed(secret)
            self.plain[str(secret)] = plain
            if found is not None and not self.args["allow_scope_change"]:
                scope = _sealing.scope_of(found["metadata"].get("annotations"))
                if scope != secret.scope:
                    raise InputError(
                        f"Secret {secret} is sealed {scope} and scope {secret.scope} is asked for: set allow_scope_change if that is meant"
                    )

    def unsealed(self, secret: _values.Wanted) -> dict[str, bytes] | None:
        found = self.client.get("v1", "Secret", secret.name, secret.namespace)
        return None if found is None else {key: base64.b64decode(text) for key, text in (found.get("data") or {}).items()}

    def await_unsealed(self, secret: _values.Wanted) -> dict[str, bytes]:
        """A generated value exists only sealed and unsealed: were it generated again now, what was made with it would be lost."""
        self.tell(f"waiting for the controller to unseal {secret}")
        while (plain := self.unsealed(secret)) is None:
            self.pause(
                f"SealedSecret {secret} exists and its Secret does not: generated values can only be kept from the Secret. "
                f"Is the controller running? {self.complaint(secret)}Delete the SealedSecret to have new values generated."
            )
        return plain

    def complaint(self, secret: _values.Wanted) -> str:
        found = self.client.get(API_VERSION, "SealedSecret", secret.name, secret.namespace) or {}
        synced = _synced(found)
        return f"The controller says: {synced['message']}. " if synced.get("message") else ""

    def pause(self, message: str) -> None:
        if time.monotonic() > self.deadline:
            raise WaitTimeout(message)
        time.sleep(0.25)

    def get_certificate(self) -> _sealing.Certificate:
        if self.certificate is None:
            self.certificate = self._find_certificate().check()
        return self.certificate

    def _find_certificate(self) -> _sealing.Certificate:
        if self.args["certificate"]:
            try:
                with open(self.args["certificate"], "rb") as handle:
                    return _sealing.Certificate(handle.read(), self.args["certificate"])
            except OSError as exc:
                raise InputError(f"certificate: {self.args['certificate']} cannot be read: {exc.strerror}") from exc
        where, told = self.args["controller_namespace"], False
        while True:
            try:
                key = _sealing.newest_key(self.client.list("v1", "Secret", where, label_selector=f"{_sealing.KEY_LABEL}=active"))
            except ApiError as exc:
                if exc.status != 403:
                    raise
                raise InputError(
                    f"the sealing key in namespace {where} may not be read; give certificate, as `kubeseal --fetch-cert` prints it"
                ) from exc
            if key is not None:
                return _sealing.Certificate(base64.b64decode(key["data"]["tls.crt"]), f"Secret {where}/{key['metadata']['name']}")
            if not told:
                self.tell(f"waiting for the controller to make its sealing key in {where}")
                told = True
            self.pause(f"there is no sealing key in namespace {where}: is the sealed-secrets controller running there? Or give certificate")

    # --- what is to be -----------------------------------------------------------------------------------------------
    def seal(self, secret: _values.Wanted, data: dict[str, bytes]) -> tuple[dict, list[str]]:
        """The SealedSecret, with the ciphertexts that are still right left as they are, and which keys changed."""
        live, plain = self.sealed[str(secret)] or {}, self.plain[str(secret)] or {}
        # A ciphertext stands for the value in the Secret only when the controller says that it unsealed this very generation.
        generation = (live.get("metadata") or {}).get("generation")
        in_step = _synced(live).get("status") == "True" and (live.get("status") or {}).get("observedGeneration") == generation
        in_step = in_step and _sealing.scope_of(live["metadata"].get("annotations")) == secret.scope
        had = (live.get("spec") or {}).get("encryptedData") or {} if in_step else {}
        bound_to = _sealing.label(secret.scope, secret.namespace, secret.name)
        encrypted, changed = {}, sorted(set(plain) - set(data)) if live else []
        for key, value in sorted(data.items()):
            if key in had and plain.get(key) == value:
                encrypted[key] = had[key]
                continue
            changed.append(key)
            encrypted[key] = PLACEHOLDER if self.check else _sealing.seal(self.get_certificate().key, value, bound_to)
        annotations = _sealing.scope_annotations(secret.scope)
        labels = {**self.args["labels"], **secret.labels}
        metadata = {"name": secret.name, "namespace": secret.namespace}
        template = {
            "metadata": {**metadata, **({"labels": labels} if labels else {})},
            "type": secret.type,
        }
        if secret.annotations or annotations:
            template["metadata"]["annotations"] = {**secret.annotations, **annotations}
        if secret.immutable:
            template["immutable"] = True
        obj = {
            "apiVersion": API_VERSION,
            "kind": "SealedSecret",
            "metadata": {**metadata, **({"labels": labels} if labels else {}), **({"annotations": annotations} if annotations else {})},
            "spec": {"encryptedData": encrypted, "template": template},
        }
        return obj, changed

    def planned(self) -> tuple:
        """In check mode: what the run's earlier tasks would have brought, the kind SealedSecret among it."""
        if not self.check:
            return None, None
        from ansible_collections.greenlang.vcci.plugins.action.applyset import _Planned

        memory = _Planned(self.client.server if self.client else "none")
        return memory.load(), memory

    def difference(self, secret: _values.Wanted, keys: list[str]) -> dict:
        had = self.plain[str(secret)] or {}
        before = "".join(f"{key}: (hidden)\n" for key in sorted(had))
        after = "".join(f"{key}: (hidden{', new' if key in keys else ''})\n" for key in sorted(secret.values))
        return {"before_header": f"Secret {secret}", "after_header": f"Secret {secret}", "before": before, "after": after}

    # --- afterwards --------------------------------------------------------------------------------------------------
    def wait(self, values: dict) -> None:
        refused: dict[str, float] = {}
        for secret in self.wanted:
            while True:
                plain = self.unsealed(secret)
                if plain is not None and all(plain.get(key) == values[(secret.namespace, secret.name, key)] for key in secret.values):
                    break
                found = self.client.get(API_VERSION, "SealedSecret", secret.name, secret.namespace) or {}
                if _synced(found).get("status") == "False":
                    since = refused.setdefault(str(secret), time.monotonic())
                    if time.monotonic() - since > UNSEAL_GRACE:
                        raise VcciError(f"the controller cannot unseal {secret}: {_synced(found).get('message') or 'see its log'}")
                self.pause(
                    f"the controller did not unseal {secret} in {self.args['wait_timeout']} s; is it running? {self.complaint(secret)}".strip()
                )


def _synced(sealed: dict) -> dict:
    conditions = (sealed.get("status") or {}).get("conditions") or []
    return next((c for c in conditions if c.get("type") == "Synced"), {})


def _generates(secret: _values.Wanted) -> bool:
    return any(isinstance(spec, dict) and "generate" in spec for spec in secret.values.values())
