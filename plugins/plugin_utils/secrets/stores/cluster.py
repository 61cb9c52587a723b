# Copyright (c) 2026 GreenLang. All rights reserved.
"""SealedSecrets in a cluster, which the controller unseals."""

from __future__ import annotations

from collections.abc import Mapping

from ...applyset.run import apply_set
from ...errors import ApiError, VcciError, WaitTimeout
from ...kubernetes.client import Client
from ...waiting import Deadline, until
from .. import crypto
from ..certificate import SealingCertificate
from ..decide import Evidence
from ..options import Options
from ..sealed import API_VERSION, Live, build, check
from ..state import SecretState
from ..wanted import Wanted, generated
from .objects import read_all
from .store import NO_MARK, Saved

LONGEST_PAUSE = 0.2  # seconds between two questions
UNSEAL_GRACE = 15  # seconds that the controller may call a value unsealable, since it reads new keys with a delay


class ClusterStore:
    """Without a client (check mode before there is a cluster), everything is predicted as created."""

    evidence: Evidence = "ciphertexts"

    def __init__(self, client: Client | None, options: Options, deadline: Deadline) -> None:
        self._client, self.options, self.deadline = client, options, deadline
        self.certificate = SealingCertificate(client, options, deadline)
        self.count, self.changed = 0, False
        self.orphans: set[Wanted] = set()

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
            unknown = state.live.sealed and state.live.secret is None and generated(state.wanted)
            if unknown and not self.options.check:
                state.live = self._unsealed(state.wanted)
        for state in states:
            check(state.wanted, state.live, self.options.allow_scope_change)
            state.held = dict(state.live.values)
        self.orphans = {state.wanted for state in states if state.live.orphan}
        touched = [state for state in states if state.live.touched & set(state.live.encrypted)]
        if touched:
            self._open_touched(touched)
        return states

    def _unsealed(self, secret: Wanted) -> Live:
        """Wait for its Secret. A generated value exists only sealed and unsealed.

        Were it generated again now, what was made with it would be lost.
        """
        why = "generated values can only be kept from the Secret."
        lost = f"SealedSecret {secret} exists and its Secret does not: {why}"
        otherwise = "Delete the SealedSecret to have new values generated."
        until(
            lambda: self.client.get("v1", "Secret", secret.name, secret.namespace),
            self.deadline.left,
            self.options.say,
            awaited=lambda: f"the controller to unseal {secret}",
            late=lambda _seconds: WaitTimeout(
                f"{lost} Is the controller running? {self._complaint(secret)}{otherwise}"
            ),
            longest=LONGEST_PAUSE,
        )
        return self._read([secret])[0]

    def _open_touched(self, states: list[SecretState]) -> None:
        """Of keys that somebody else wrote in a Secret, what is sealed is held, where the private keys may be read."""
        where = self.options.controller_namespace
        try:
            keys = crypto.private_keys(self.client.list("v1", "Secret", where, label_selector=crypto.KEY_LABEL))
        except ApiError as exc:
            if exc.status != 403:
                raise
            return
        for state in states:
            secret, live = state.wanted, state.live
            bound_to = crypto.label(live.scope, secret.namespace, secret.name)
            for key in live.touched & set(live.encrypted):
                try:
                    state.held[key] = crypto.unseal(keys, live.encrypted[key], bound_to)
                except crypto.Unsealable:
                    self.options.say(
                        f"{secret}: what is sealed as {key} cannot be unsealed; what the Secret holds is kept"
                    )

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
                self._await_collected(state.wanted)
                self.orphans.remove(state.wanted)
                state.kept = {}
            self._write(states, mark)
            saved.changed = self.changed
        return saved

    def _write(self, states: list[SecretState], mark: Mapping[str, str]) -> Saved:
        labels, objects = self.options.labels, []
        for state in states:
            ciphertexts = self.certificate.seal(state)
            objects.append(build(state.wanted, ciphertexts, labels, {**state.notes, **mark}))
        options = self.options.of_set(prune=len(states) == self.count)
        result = apply_set(self._client, objects, options)
        self.changed = self.changed or result.changed
        return Saved(self.changed, f": {result.summary()}", result.warnings)

    # --- settle ------------------------------------------------------------------------------------------------------
    def settle(self, states: list[SecretState]) -> None:
        """Until every Secret holds what was sealed into it, and the controller says so."""
        pending, grace = list(states), Deadline(UNSEAL_GRACE)

        def ready() -> bool:
            # Its word comes a moment after the Secret: until then another run could not tell what the Secret came from.
            lives = self._read([state.wanted for state in pending])
            late = [pair for pair in zip(pending, lives, strict=True) if not _holds(pair[1], pair[0].values)]
            if late and grace.passed:
                self._refuse_unsealable(late[0][0].wanted, late[0][1])
            pending[:] = [state for state, _live in late]
            return not pending

        until(
            ready,
            self.deadline.left,
            self.options.say,
            awaited=lambda: f"the controller to unseal {len(pending)} of {len(states)}: {pending[0].wanted}",
            late=lambda _seconds: WaitTimeout(self._late(pending[0].wanted)),
            longest=LONGEST_PAUSE,
        )

    def _await_collected(self, secret: Wanted) -> None:
        until(
            lambda: not self._read([secret])[0].orphan,
            self.deadline.left,
            self.options.say,
            awaited=lambda: f"the Secret of the deleted SealedSecret {secret} to be gone",
            late=lambda _seconds: WaitTimeout(
                f"Secret {secret} belongs to a SealedSecret that was deleted, and is not deleted itself"
            ),
            longest=LONGEST_PAUSE,
        )

    def _read(self, wanted: list[Wanted]) -> list[Live]:
        sealed = read_all(self.client, API_VERSION, "SealedSecret", wanted)
        return list(map(Live, sealed, read_all(self.client, "v1", "Secret", wanted)))

    @staticmethod
    def _refuse_unsealable(secret: Wanted, live: Live) -> None:
        if live.synced.get("status") == "False":
            said = live.synced.get("message") or "see its log"
            raise VcciError(f"the controller cannot unseal {secret}: {said}")

    def _late(self, secret: Wanted) -> str:
        seconds = f"{self.options.wait_timeout:g} s"
        return f"the controller did not unseal {secret} in {seconds}; is it running? {self._complaint(secret)}".strip()

    def _complaint(self, secret: Wanted) -> str:
        message = self._read([secret])[0].synced.get("message")
        return f"The controller says: {message}. " if message else ""


def _holds(live: Live, values: dict[str, bytes]) -> bool:
    return live.in_step and all(live.values.get(key) == value for key, value in values.items())
