# Copyright (c) 2026 GreenLang. All rights reserved.
"""SealedSecrets in a cluster, which the controller unseals."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from ...applyset.copies import without_copies
from ...applyset.manifests import Ref
from ...applyset.membership import set_id
from ...applyset.options import ApplyOptions
from ...applyset.result import Result
from ...applyset.run import apply_set
from ...errors import ApiError, ApplyError, Overtaken, VcciError, WaitTimeout
from ...kubernetes.client import Client
from ...waiting import Deadline, until
from ..certificate import SealingCertificate
from ..decide import Evidence
from ..options import Options
from ..sealed import API_VERSION, Live, Object, build, check
from ..state import SecretState
from ..wanted import Wanted
from .objects import read_all
from .store import NO_MARK, Saved
from .unsealing import LONGEST_PAUSE, Unsealing

UNSEAL_GRACE = 15  # seconds that the controller may call a value unsealable, since it reads new keys with a delay


class ClusterStore:
    """Without a client (check mode before there is a cluster), everything is predicted as created."""

    evidence: Evidence = "ciphertexts"

    def __init__(self, client: Client | None, options: Options, deadline: Deadline) -> None:
        self._client, self.options, self.deadline = client, options, deadline
        self.certificate = SealingCertificate(client, options, deadline)
        self.count, self.changed = 0, False
        self.orphans: set[Wanted] = set()
        self.written: set[str] = set()  # labels of what was written in this run

    @property
    def client(self) -> Client:
        if self._client is None:
            raise VcciError("nothing can be asked of a cluster that is only assumed")
        return self._client

    # --- load --------------------------------------------------------------------------------------------------------
    def load(self, wanted: list[Wanted]) -> list[SecretState]:
        self.count = len(wanted)
        if self._client is None:
            return [SecretState(secret) for secret in wanted]
        states = [SecretState(*each) for each in zip(wanted, self._read(wanted), strict=True)]
        for state in states:
            check(state.wanted, state.live, self.options.allow_scope_change)
            state.held = dict(state.live.values)
        self.orphans = {state.wanted for state in states if state.live.orphan}
        Unsealing(self.client, self.options, self.deadline, self._read).open(states)
        return states

    def accept(self, states: list[SecretState]) -> None:
        """The API server's limit holds already."""

    # --- save --------------------------------------------------------------------------------------------------------
    def save(self, states: list[SecretState], mark: Mapping[str, str] = NO_MARK) -> Saved:
        saved = self._write(states, mark)
        orphans = [state for state in states if state.wanted in self.orphans]
        if orphans and not self.options.check:
            # The values are safe now. When what belonged to the deleted SealedSecrets is gone, new ciphertexts make the
            # controller try again.
            for state in orphans:
                self._await_collected(state)
                self.orphans.remove(state.wanted)
                state.kept = {}
            self._write(states, mark)
            saved.changed = self.changed
        return saved

    def _write(self, states: list[SecretState], mark: Mapping[str, str]) -> Saved:
        labels, objects = self.options.labels, []
        bound: dict[Ref, Object | None] = {}
        for state in states:
            ciphertexts, former = self.certificate.seal(state), state.live.sealed if self.options.merge else None
            objects.append(build(state.wanted, ciphertexts, labels, {**state.notes, **mark}, former))
            bound[_ref(state.wanted)] = state.live.sealed
        options = self.options.of_set(prune=len(states) == self.count, bound=bound)
        try:
            result, warnings = self._apply(objects, options)
        except ApplyError as exc:
            self._remember(exc.result)
            raise
        self._remember(result)
        return Saved(self.changed, f": {result.summary()}", [*result.warnings, *warnings])

    def _apply(self, objects: list[Object], options: ApplyOptions) -> tuple[Result, list[str]]:
        """Who may write SealedSecrets and no ConfigMap applies them without the set's record, which is then only the
        worse for pruning: what was decided is bound to what was read anyway."""
        try:
            return apply_set(self._client, objects, options), []
        except ApiError as exc:
            if exc.status != 403 or exc.details.get("kind") != "configmaps" or options.prune or not options.name:
                raise
            alone = dataclasses.replace(options, name=None, member_of=set_id(options.name, options.namespace))
            warning = (
                f"the record of set {options.name} may not be written, so that nothing is pruned by it: {exc.message}"
            )
            return apply_set(self._client, objects, alone), [warning]

    def _remember(self, result: Result) -> None:
        self.changed = self.changed or result.changed
        self.written |= {*result.created, *result.configured}

    def was_written(self, secret: Wanted) -> bool:
        return _ref(secret).label in self.written

    # --- settle ------------------------------------------------------------------------------------------------------
    def settle(self, states: list[SecretState]) -> None:
        """Until every Secret that was written, or was not in step, is what was sealed, and the controller says so."""
        pending = [state for state in states if self._is_awaited(state)]
        number, grace = len(pending), Deadline(UNSEAL_GRACE)
        if not pending:
            return

        def ready() -> bool:
            # Its word comes a moment after the Secret: until then another run could not tell what the Secret came from.
            for state, live in zip(pending, self._read([state.wanted for state in pending]), strict=True):
                state.live = live
                _refuse_overtaken(state)
            pending[:] = [state for state in pending if not _holds(state)]
            if pending and grace.passed:
                self._refuse_unsealable(pending[0])
            return not pending

        until(
            ready,
            self.deadline.left,
            self.options.say,
            awaited=lambda: f"the controller to unseal {len(pending)} of {number}: {pending[0].wanted}",
            late=lambda _seconds: WaitTimeout(self._late(pending[0])),
            longest=LONGEST_PAUSE,
        )

    def _is_awaited(self, state: SecretState) -> bool:
        """In check mode, what a run would not write but wait for: that can be awaited there as well."""
        written = self.was_written(state.wanted)
        if self.options.check:
            return state.live.sealed is not None and not (written or state.live.in_step)
        return written or not state.live.in_step

    def _await_collected(self, state: SecretState) -> None:
        def collected() -> bool:
            [state.live] = self._read([state.wanted])
            return not state.live.orphan

        until(
            collected,
            self.deadline.left,
            self.options.say,
            awaited=lambda: f"the Secret of the deleted SealedSecret {state.wanted} to be gone",
            late=lambda _seconds: WaitTimeout(
                f"Secret {state.wanted} belongs to a SealedSecret that was deleted, and is not deleted itself"
            ),
            longest=LONGEST_PAUSE,
        )

    def _read(self, wanted: list[Wanted]) -> list[Live]:
        sealed = read_all(self.client, API_VERSION, "SealedSecret", wanted)
        return list(map(Live, sealed, read_all(self.client, "v1", "Secret", wanted)))

    @staticmethod
    def _refuse_unsealable(state: SecretState) -> None:
        if state.live.synced.get("status") == "False":
            said = state.live.synced.get("message") or "see its log"
            raise VcciError(f"the controller cannot unseal {state.wanted}: {said}")

    def _late(self, state: SecretState) -> str:
        said, seconds = state.live.synced.get("message"), f"{self.options.wait_timeout:g} s"
        why = f"The controller says: {said}. " if said else ""
        return f"the controller did not unseal {state.wanted} in {seconds}; is it running? {why}".strip()


def _ref(secret: Wanted) -> Ref:
    return Ref(API_VERSION.partition("/")[0], "SealedSecret", secret.namespace, secret.name)


def _refuse_overtaken(state: SecretState) -> None:
    """Another run may have sealed something else by now, which must not be waited for, nor undone."""
    if state.kept != {key: text for key, text in state.live.encrypted.items() if key in state.wanted.values}:
        raise Overtaken(f"SealedSecret {state.wanted} was changed by somebody else while it was unsealed")


def _holds(state: SecretState) -> bool:
    """Whether the Secret is what was asked for: its values, and what else the controller makes of the template."""
    wanted, live = state.wanted, state.live
    metadata = (live.secret or {}).get("metadata") or {}
    told = [
        live.in_step,
        all(live.values.get(key) == value for key, value in state.values.items()),
        wanted.type in (None, live.type),
        wanted.labels.items() <= (metadata.get("labels") or {}).items(),
        without_copies(wanted.annotations).items() <= (metadata.get("annotations") or {}).items(),
    ]
    return all(told)
