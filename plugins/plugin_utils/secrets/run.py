# Copyright (c) 2026 GreenLang. All rights reserved.
"""Brings Secrets to what is wanted: load what is there, decide, tell servers, save, settle, restart consumers.

    result = run(client, read(entries), Options(check=True))

Values exist in this process only: none is in a message, a result, a diff or a file.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Mapping
from typing import Any

from ..errors import InputError, Overtaken
from ..kubernetes.client import Client
from ..waiting import Deadline
from . import checks, consumers, notes
from .consumers import name_of
from .decide import decide
from .generators import Generator
from .offline import warnings
from .options import Options
from .rollout import Rollout
from .sealed import difference
from .state import UNTOLD, SecretState
from .stores.cluster import ClusterStore
from .stores.directory import DirectoryStore, copy_manifests
from .stores.external import ExternalStore
from .stores.store import NO_MARK, Saved, Store
from .wanted import Wanted, rotated

ATTEMPTS = 5  # at what others change at the same time


def run(
    client: Client | None, wanted: list[Wanted], options: Options, rollout: Rollout | None = None
) -> dict[str, Any]:
    """The task's result. Without a client (no cluster, or check mode before there is one), none is asked."""
    wrong = checks.labels_of(options.labels, "labels")
    if wrong:
        raise InputError("; ".join(wrong), wrong)
    if client and rollout is None:
        rollout = Rollout(client, options.say, options.wait_timeout)
    return _Run(wanted, options, _store(client, options), rollout).result()


class _Run:
    """Reads, decides and writes, again where somebody else has changed in between what was read."""

    def __init__(self, wanted: list[Wanted], options: Options, store: Store, rollout: Rollout | None) -> None:
        self.wanted, self.options, self.store, self.rollout = wanted, options, store, rollout
        self.rotate = set(rotated(wanted, options.rotate))  # what is still to be rotated
        self.sealed: dict[str, set[str]] = {}  # what attempts that were overtaken have sealed anew, by Secret

    def result(self) -> dict[str, Any]:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._attempt()
            except Overtaken as exc:
                if attempt == ATTEMPTS:
                    raise
                self.options.say(f"reading everything again: {exc.message}")
        raise AssertionError("the last attempt returns or raises")

    def _attempt(self) -> dict[str, Any]:
        store, options, rollout = self.store, self.options, self.rollout
        now = datetime.datetime.now(datetime.UTC)
        new = Generator(random.SystemRandom(), now)
        states = decide(store.load(self.wanted), store.evidence, frozenset(self.rotate), new, options.merge)
        store.accept(states)
        shown = [difference(one.wanted, one.live, one.changed) for one in states if one.changed]
        if rollout and any(state.to_tell for state in states):
            for state, pods in rollout.servers(states, options.check):
                self._tell(rollout, state, pods)
        saved = self._save(states)
        if options.wait or options.restart:
            store.settle(states)
        if options.restart and not options.check and store.evidence == "ciphertexts":
            self._note_since(states)
        answer = _answer(states, saved, store, self.sealed)
        if options.diff and store.evidence != "fingerprints":  # which do not show what was there
            answer["diff"] = shown
        if store.evidence == "fingerprints":
            _add_warnings(answer, warnings(states, options.directory, now))
        if options.directory and options.cluster and store.certificate:
            files = copy_manifests(states, options, store.certificate)
            answer |= {"files": files, "changed": answer["changed"] or bool(files)}
        if rollout and options.restart:
            restarted = _restart(rollout, states, options.check)
            answer |= {"restarted": restarted, "changed": answer["changed"] or bool(restarted)}
        return answer

    def _save(self, states: list[SecretState], mark: Mapping[str, str] = NO_MARK) -> Saved:
        """Whatever was written is not rotated once more, nor forgotten by the result, when the rest was overtaken."""
        try:
            saved = self.store.save(states, mark)
        except Overtaken:
            self._remember([state for state in states if self.store.was_written(state.wanted)])
            raise
        self._remember(states)
        return saved

    def _remember(self, states: list[SecretState]) -> None:
        for state in states:
            self.rotate -= {state.wanted.where(key) for key in state.wanted.values}
            self.sealed.setdefault(str(state.wanted), set()).update(state.changed)

    def _note_since(self, states: list[SecretState]) -> None:
        """Since when new values are held, before anything is restarted for them: a later run then knows, whatever
        happens to the Secret."""
        renewed = [state for state in states if state.renewed and state.live.secret]
        for state in renewed:
            state.times |= consumers.since(state.live.sealed, state.live.secret, state.renewed)
            state.notes |= notes.note(notes.HELD, state.times)
        if renewed:
            self._save(renewed)

    def _tell(self, rollout: Rollout, state: SecretState, pods: list[str]) -> None:
        """The Secret first, so that nothing is lost when this run ends here: the next one tells again.

        What is composed of it comes after.
        """
        self._save([state], UNTOLD)
        self.store.settle([state])
        rollout.tell_servers(state, pods)


def _store(client: Client | None, options: Options) -> Store:
    if options.aws and options.vault:
        raise InputError("aws, vault: one place keeps the values; give one of them")
    if options.aws:
        from .stores.aws import SecretsManager  # noqa: PLC0415  boto3, which few need, takes a third of a second

        return ExternalStore(client, options, SecretsManager(options.aws))
    if options.vault:
        from .stores.vault import Vault  # noqa: PLC0415  hvac likewise

        return ExternalStore(client, options, Vault(options.vault))
    deadline = Deadline(options.wait_timeout)
    return ClusterStore(client, options, deadline) if options.cluster else DirectoryStore(options, deadline)


def _answer(states: list[SecretState], saved: Saved, store: Store, sealed: Mapping[str, set[str]]) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "changed": saved.changed,
        "secrets": {str(state.wanted): _told(state, sealed.get(str(state.wanted), set())) for state in states},
        "msg": f"{len(states)} Secrets{saved.said}",
        **saved.more,
        **(store.certificate.told() if store.certificate else {}),
    }
    _add_warnings(answer, saved.warnings)
    return answer


def _add_warnings(answer: dict[str, Any], said: list[str]) -> None:
    if said:
        answer["warnings"] = list(dict.fromkeys([*answer.get("warnings", []), *said]))


def _told(state: SecretState, sealed: set[str]) -> dict[str, Any]:
    changed = sorted(sealed | set(state.changed))
    return {"scope": state.wanted.scope, "keys": sorted(state.wanted.values), "changed_keys": changed}


def _restart(rollout: Rollout, states: list[SecretState], check: bool) -> list[str]:
    """The names of the workloads that were restarted, or would be."""
    stale = rollout.consumers(states)
    if stale and not check:
        rollout.restart(stale, {str(state.wanted.tell["workload"]) for state in states if state.wanted.tell})
    return [f"{workload['metadata']['namespace']}/{name_of(workload)}" for workload in stale]
