# Copyright (c) 2026 GreenLang. All rights reserved.
"""Seals Secrets into a cluster: reads what is there, lets _values and _sealed decide, writes through apply_set, waits for the controller.

    result = Sealer(client, options).run(wanted)

Values exist in this process only: none is in a message, a result, a diff or a file.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..applyset.options import ApplyOptions, Planned
from ..applyset.run import apply_set
from ..errors import ApiError, InputError, NotFound, VcciError, WaitTimeout
from ..kubernetes.client import Client
from . import certificate as sealing_certificate
from . import consumers as _sealed_consumers
from . import crypto as _sealing
from . import files as sealed_files
from . import fingerprints as _sealed_prints
from . import sealed as _sealed
from . import values as _values
from .rollout import Rollout
from .sealed import API_VERSION, Live
from .values import Wanted

PLACEHOLDER = base64.b64encode(b"sealed when it is not a check").decode()
CONCURRENCY = 16
FEW = 16  # objects of a namespace that are read one by one; more are listed
PAUSE = 0.2
UNTOLD = {"vcci.greenlang.io/untold": "true"}  # on an object whose new values its server may not know yet
UNSEAL_GRACE = 15  # seconds that the controller may call a value unsealable, since it reads new keys with a delay


@dataclass
class Options:
    name: str = "secrets"
    record_namespace: str = "default"
    labels: dict = field(default_factory=dict)
    certificate: str | None = None
    certificate_fingerprint: str | None = None
    cluster: bool = True
    directory: str | None = None
    fingerprint_key: str | None = None
    merge: bool = False
    controller_namespace: str = "kube-system"
    allow_scope_change: bool = False
    force_conflicts: bool = False
    prune: bool = False
    rotate: list = field(default_factory=list)
    restart: bool = False
    wait: bool = True
    wait_timeout: float = 120
    check: bool = False
    diff: bool = False
    planned: Planned | None = None


class Sealer:
    """One run. Without a client (check mode before there is a cluster), everything is predicted as created."""

    def __init__(
        self, client: Client | None, options: Options, tell: Callable[[str], None] = lambda _line: None, rollout: Rollout | None = None
    ) -> None:
        self._client, self.options, self.tell = client, options, tell
        self._rollout, self.written, self.count = rollout, False, 0
        self.others: dict[str, dict[str, str]] = {}  # with merge: ciphertexts of keys that are not this task's
        self.deadline = time.monotonic() + options.wait_timeout
        self.certificate: _sealing.Certificate | None = None

    @property
    def client(self) -> Client:
        if self._client is None:
            raise VcciError("nothing can be asked of a cluster that is only assumed")
        return self._client

    @property
    def rollout(self) -> Rollout:
        if self._rollout is None:
            self._rollout = Rollout(self.client, self.tell, self.options.wait_timeout)
        return self._rollout

    def run(self, wanted: list[Wanted]) -> dict:
        given = self.options
        if given.certificate and not given.check:
            self.get_certificate()  # a wrong one is told before anything is written
        if given.cluster:
            return self.run_with_cluster(wanted)
        shared = {name: getattr(given, name) for name in ("directory", "fingerprint_key", "labels", "rotate", "allow_scope_change", "check")}
        return {**sealed_files.offline(wanted, self.get_certificate, **shared), **self.used()}

    def run_with_cluster(self, wanted: list[Wanted]) -> dict:
        rotate, self.count = _values.rotated(wanted, self.options.rotate), len(wanted)
        live = self.read(wanted) if self._client else {str(w): Live() for w in wanted}
        for secret in wanted:
            _sealed.check(secret, live[str(secret)], self.options.allow_scope_change)
        truth = self.truth(wanted, live)
        kept = {(w.namespace, w.name, key): value for w in wanted for key, value in {**live[str(w)].values, **truth[str(w)]}.items()}
        values = _values.resolve(wanted, kept, rotate)
        data = {str(w): {key: values[(w.namespace, w.name, key)] for key in w.values} for w in wanted}
        kept_sealed = {str(w): _sealed.keepable(w, live[str(w)], data[str(w)], truth[str(w)]) for w in wanted}
        if self.options.merge:
            self.others = {name: {k: text for k, text in live[name].encrypted.items() if k not in data[name]} for name in data}
        left = {name: set(live[name].encrypted) - set(data[name]) - set(self.others.get(name, ())) for name in data}
        changed = {name: sorted((set(data[name]) - set(same)) | left[name]) for name, same in kept_sealed.items()}
        renewed = {name: {key for key, value in data[name].items() if live[name].values.get(key) != value} for name in data}
        times = {name: _sealed_consumers.noted(live[name].sealed, [*data[name], *self.others.get(name, ())], renewed[name]) for name in data}
        servers = self.servers(wanted, renewed, live)
        for secret in servers if not self.options.check else []:
            # The Secret first, so that nothing is lost when this run ends here: the next one tells again. What is composed of it comes after.
            self.write([_sealed.annotated(one, UNTOLD) for one in self.build([secret], data, kept_sealed, times)])
            self.wait([secret], data)
            self.rollout.tell_servers(secret, servers[secret], data[str(secret)])
            kept_sealed[str(secret)] = Live(self.get("SealedSecret", secret)).encrypted
        result = self.write(self.build(wanted, data, kept_sealed, times))
        orphans = [w for w in wanted if live[str(w)].orphan]
        if orphans and not self.options.check:
            # The values are safe now. When what belonged to the deleted SealedSecrets is gone, new ciphertexts make the controller try again.
            self.await_collected(orphans)
            again = {**{str(w): self.get("SealedSecret", w) for w in wanted if w not in orphans}, **{str(w): None for w in orphans}}
            self.write(self.build(wanted, data, {name: Live(sealed).encrypted for name, sealed in again.items()}, times))
        if (self.options.wait or self.options.restart) and not self.options.check:
            self.wait([w for w in wanted if changed[str(w)] or not live[str(w)].in_step], data)
        answer = self.answer(wanted, live, changed, result)
        if self.options.directory:
            answer["files"] = self.save(wanted, data, times, kept_sealed if self.options.check else None)
            answer["changed"] = answer["changed"] or bool(answer["files"])
        return answer | self.restarted(answer, wanted, renewed, times)

    def restarted(self, answer: dict, wanted: list[Wanted], renewed: dict[str, set[str]], times: dict[str, dict[str, str]]) -> dict:
        """What the restarts add to the answer."""
        if not self.options.restart or not self._client:
            return {}
        stale = self.rollout.consumers(wanted, renewed, times)
        if stale and not self.options.check:
            self.rollout.restart(stale, {str(w.tell["workload"]) for w in wanted if w.tell})
        names = [f"{w['metadata']['namespace']}/{_sealed_consumers.name_of(w)}" for w in stale]
        return {"restarted": names, "changed": answer["changed"] or bool(stale)}

    def save(self, wanted: list[Wanted], data: dict, times: dict, kept: dict | None) -> list[str]:
        """The manifests as they are in the cluster now."""
        kept = kept if kept is not None else {str(w): Live(self.get("SealedSecret", w)).encrypted for w in wanted}
        key = self.options.fingerprint_key
        prints = _sealed_prints.prints(wanted, key) if key else {}
        made = self.build(wanted, data, kept, times)
        if prints:
            made = [_sealed.annotated(one, _sealed_prints.note(prints, secret)) for secret, one in zip(wanted, made, strict=True)]
        return sealed_files.save(str(self.options.directory), list(zip(wanted, made, strict=True)), self.options.check)

    def servers(self, wanted: list[Wanted], renewed: dict[str, set[str]], live: dict[str, Live]) -> dict[Wanted, list[str]]:
        """The Secrets whose servers must be told: a value is new, or a run ended before they were, or before what is composed of it was written."""
        composed = {
            source[:2] for where, sources in _values.sources(wanted).items() if where[2] in renewed[f"{where[0]}/{where[1]}"] for source in sources
        }
        untold = {w for w in wanted if UNTOLD.keys() <= live[str(w)].notes.keys()}
        told = [w for w in wanted if w.tell and self._client and (renewed[str(w)] or w in untold or (w.namespace, w.name) in composed)]
        pods = {secret: self.rollout.pods_to_tell(secret) for secret in told}
        for secret in told if not self.options.check else []:
            self.rollout.reach(secret, pods[secret])
        return {secret: names for secret, names in pods.items() if names}

    def build(
        self, wanted: list[Wanted], data: dict[str, dict[str, bytes]], kept: dict[str, dict[str, str]], times: dict[str, dict[str, str]]
    ) -> list[dict]:
        notes = {name: _sealed_consumers.note(found) for name, found in times.items()}
        made = [_sealed.build(w, data[str(w)], kept[str(w)], self.options.labels, self.sealing(w), notes[str(w)]) for w in wanted]
        for secret, one in zip(wanted, made, strict=True):
            one["spec"]["encryptedData"] = dict(sorted({**self.others.get(str(secret), {}), **one["spec"]["encryptedData"]}.items()))
        return made

    def write(self, objects: list[dict]) -> Any:
        result = apply_set(
            self._client,  # type: ignore[arg-type]
            objects,
            ApplyOptions(name=self.options.name,
            namespace=self.options.record_namespace,
            check=self.options.check,
            prune=self.options.prune and len(objects) == self.count,
            force_conflicts=self.options.force_conflicts,
            assume_empty=self._client is None,
            diff=False,
            planned=self.options.planned,
            say=self.tell),
        )
        self.written = self.written or result.changed
        return result

    def answer(self, wanted: list[Wanted], live: dict[str, Live], changed: dict[str, list[str]], result: Any) -> dict:
        answer: dict = {
            "changed": self.written,
            "secrets": {str(w): {"scope": w.scope, "keys": sorted(w.values), "changed_keys": changed[str(w)]} for w in wanted},
            "msg": f"{len(wanted)} Secrets: {result.summary()}",
        }
        answer |= self.used()
        if result.warnings:
            answer["warnings"] = [*answer.get("warnings", []), *dict.fromkeys(result.warnings)]
        if self.options.diff:
            answer["diff"] = [_sealed.difference(w, live[str(w)], changed[str(w)]) for w in wanted if changed[str(w)]]
        return answer

    def used(self) -> dict:
        """What the result says of the certificate."""
        if self.certificate is None:
            return {}
        warning = sealing_certificate.warning(self.certificate)
        said = {"fingerprint": self.certificate.fingerprint, "expires": f"{self.certificate.expires:%Y-%m-%dT%H:%M:%SZ}"}
        return {"certificate": said, **({"warnings": [warning]} if warning else {})}

    # --- what is there -----------------------------------------------------------------------------------------------
    def read(self, wanted: list[Wanted]) -> dict[str, Live]:
        sealed = self.objects(API_VERSION, "SealedSecret", wanted)
        plain = self.objects("v1", "Secret", wanted)
        live = {name: Live(sealed[name], plain[name]) for name in sealed}
        for secret in wanted if not self.options.check else []:
            state = live[str(secret)]
            if state.sealed and state.secret is None and _values.made(secret):
                self.await_unsealed(secret)
                live[str(secret)] = Live(self.get("SealedSecret", secret), self.get("Secret", secret))
        return live

    def objects(self, api_version: str, kind: str, wanted: list[Wanted]) -> dict[str, dict | None]:
        """What exists of these Secrets in this kind: read one by one, or listed where they are many."""
        groups: dict[str, list[Wanted]] = {}
        for secret in wanted:
            groups.setdefault(secret.namespace, []).append(secret)
        found: dict[str, dict | None] = {str(w): None for w in wanted}
        few = [w for group in groups.values() if len(group) <= FEW for w in group]
        many = [namespace for namespace, group in groups.items() if len(group) > FEW]
        for secret, obj in zip(few, self.concurrently(lambda w: self.get(kind, w), few), strict=True):
            found[str(secret)] = obj
        for listed in self.concurrently(lambda namespace: self.listed(api_version, kind, namespace), many):
            for obj in listed:
                name = f"{obj['metadata']['namespace']}/{obj['metadata']['name']}"
                if name in found:
                    found[name] = obj
        return found

    def get(self, kind: str, secret: Wanted) -> dict | None:
        return self.client.get("v1" if kind == "Secret" else API_VERSION, kind, secret.name, secret.namespace)

    def listed(self, api_version: str, kind: str, namespace: str) -> Iterable[dict]:
        try:
            return self.client.list(api_version, kind, namespace)
        except NotFound:  # in check mode, before the kind SealedSecret is there
            return []

    def concurrently(self, function: Callable, jobs: list) -> Iterable:
        if len(jobs) < 2:
            return [function(job) for job in jobs]
        with ThreadPoolExecutor(max_workers=min(CONCURRENCY, len(jobs))) as pool:
            return list(pool.map(function, jobs))

    def await_unsealed(self, secret: Wanted) -> None:
        """A generated value exists only sealed and unsealed: were it generated again now, what was made with it would be lost."""
        self.tell(f"waiting for the controller to unseal {secret}")
        while self.get("Secret", secret) is None:
            self.pause(
                lambda: (
                    f"SealedSecret {secret} exists and its Secret does not: generated values can only be kept from the Secret. "
                    f"Is the controller running? {self.complaint(secret)}Delete the SealedSecret to have new values generated."
                )
            )

    def await_collected(self, orphans: list[Wanted]) -> None:
        for secret in orphans:
            self.tell(f"waiting until the Secret of the deleted SealedSecret {secret} is gone")
            while Live(self.get("SealedSecret", secret), self.get("Secret", secret)).orphan:
                self.pause(partial("Secret {} belongs to a SealedSecret that was deleted, and is not deleted itself".format, secret))

    def truth(self, wanted: list[Wanted], live: dict[str, Live]) -> dict[str, dict[str, bytes]]:
        """What is sealed of the keys that somebody else wrote in a Secret. Empty where the private keys may not be read."""
        found: dict[str, dict[str, bytes]] = {str(w): {} for w in wanted}
        touched = {str(w): live[str(w)].touched & set(live[str(w)].encrypted) for w in wanted}
        if not any(touched.values()):
            return found
        try:
            listed = self.client.list("v1", "Secret", self.options.controller_namespace, label_selector=_sealing.KEY_LABEL)
        except ApiError as exc:
            if exc.status != 403:
                raise
            return found
        keys = _sealing.private_keys(listed)
        for secret in wanted:
            state = live[str(secret)]
            bound_to = _sealing.label(state.scope, secret.namespace, secret.name)
            for key in touched[str(secret)]:
                try:
                    found[str(secret)][key] = _sealing.unseal(keys, state.encrypted[key], bound_to)
                except _sealing.Unsealable:
                    self.tell(f"{secret}: what is sealed as {key} cannot be unsealed; what the Secret holds is kept")
        return found

    # --- sealing -----------------------------------------------------------------------------------------------------
    def sealing(self, secret: Wanted) -> Callable[[bytes], str]:
        if self.options.check:
            return lambda _value: PLACEHOLDER
        bound_to = _sealing.label(secret.scope, secret.namespace, secret.name)
        return lambda value: _sealing.seal(self.get_certificate().key, value, bound_to)

    def get_certificate(self) -> _sealing.Certificate:
        if self.certificate is None:
            source, expected = self.options.certificate, self.options.certificate_fingerprint
            if source:
                self.certificate = sealing_certificate.read(source, expected)
            elif not self.options.cluster:
                raise InputError("certificate: needed without a cluster, as a file or a URL")
            else:
                self.certificate = sealing_certificate.expected(self.from_controller(), expected)
        return self.certificate

    def from_controller(self) -> _sealing.Certificate:
        where, told = self.options.controller_namespace, False
        while True:
            try:
                key = _sealing.newest_key(self.client.list("v1", "Secret", where, label_selector=f"{_sealing.KEY_LABEL}=active"))
            except ApiError as exc:
                if exc.status != 403:
                    raise
                raise InputError(f"the sealing key in namespace {where} may not be read; give certificate, as `kubeseal --fetch-cert` prints it") from exc
            if key is not None:
                return _sealing.Certificate(base64.b64decode(key["data"]["tls.crt"]), f"Secret {where}/{key['metadata']['name']}")
            if not told:
                self.tell(f"waiting for the controller to make its sealing key in {where}")
                told = True
            self.pause(lambda: f"there is no sealing key in namespace {where}: is the sealed-secrets controller running there? Or give certificate")

    # --- afterwards --------------------------------------------------------------------------------------------------
    def wait(self, wanted: list[Wanted], data: dict[str, dict[str, bytes]]) -> None:
        """Until every Secret holds what was sealed into it, and the controller says so."""
        began = said = time.monotonic()
        pending = list(wanted)
        while True:
            # Its word comes a moment after the Secret, and until then another run could not tell what the Secret came from.
            states = self.concurrently(lambda w: Live(self.get("SealedSecret", w), self.get("Secret", w)), pending)
            late = [(w, live) for w, live in zip(pending, states, strict=True) if not (live.in_step and _holds(live, data[str(w)]))]
            if not late:
                return
            pending = [w for w, _live in late]
            first, live = late[0]
            if time.monotonic() - began > UNSEAL_GRACE and live.synced.get("status") == "False":
                raise VcciError(f"the controller cannot unseal {first}: {live.synced.get('message') or 'see its log'}")
            if time.monotonic() - said > 3:
                said = time.monotonic()
                self.tell(f"waiting for the controller to unseal {len(pending)} of {len(wanted)}: {first}")
            self.pause(partial(self.late, first))

    def late(self, secret: Wanted) -> str:
        seconds = f"{self.options.wait_timeout:g} s"
        return f"the controller did not unseal {secret} in {seconds}; is it running? {self.complaint(secret)}".strip()

    def complaint(self, secret: Wanted) -> str:
        message = Live(self.get("SealedSecret", secret)).synced.get("message")
        return f"The controller says: {message}. " if message else ""

    def pause(self, message: Callable[[], str]) -> None:
        if time.monotonic() > self.deadline:
            raise WaitTimeout(message())
        time.sleep(PAUSE)


def _holds(live: Live, data: dict[str, bytes]) -> bool:
    values = live.values
    return all(values.get(key) == value for key, value in data.items())
