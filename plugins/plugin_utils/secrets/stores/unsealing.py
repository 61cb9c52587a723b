# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is sealed, where a Secret is no witness of it: it is gone, not unsealed yet, or somebody else wrote it.

It is unsealed here where the private keys may be read. Where they may not, the controller is made to write the Secret
again, and then the Secret is the witness. No value is in any message.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...applyset.run import apply_set
from ...errors import ApiError, VcciError, WaitTimeout
from ...kubernetes.client import Client
from ...waiting import Deadline, until
from .. import crypto
from ..notes import PREFIX
from ..options import Options
from ..sealed import Live, build
from ..state import SecretState
from ..wanted import Wanted, generated

LONGEST_PAUSE = 0.2  # seconds between two questions


def doubted(state: SecretState) -> set[str]:
    """The sealed keys of which the Secret does not tell what is sealed, and where that matters.

    What is given, and lacking or empty in the Secret, is known without.
    """
    live = state.live
    if live.sealed is None:
        return set()
    of_interest = generated(state.wanted) | {key for key in state.wanted.values if live.values.get(key)}
    keys = set(live.encrypted) if not live.in_step else live.touched
    return keys & (of_interest if live.in_step else set(state.wanted.values))


class Unsealing:
    """Reads the sealing keys when they are needed, once.

    read  gives what the server has of some Secrets.
    """

    def __init__(
        self, client: Client, options: Options, deadline: Deadline, read: Callable[[list[Wanted]], list[Live]]
    ) -> None:
        self.client, self.options, self.deadline, self.read = client, options, deadline, read

    def open(self, states: list[SecretState]) -> None:
        """Complete states of doubt with what is sealed."""
        doubtful = [state for state in states if doubted(state)]
        private = self._private_keys() if doubtful else None
        for state in doubtful:
            if private is not None:
                _open(state, private)
            elif doubted(state) & generated(state.wanted):
                self._ask_controller(state)

    def _private_keys(self) -> list[Any] | None:
        """None where they may not be read."""
        where = self.options.controller_namespace
        try:
            return crypto.private_keys(self.client.list("v1", "Secret", where, label_selector=crypto.KEY_LABEL))
        except ApiError as exc:
            if exc.status != 403:
                raise
            return None

    # --- without the keys --------------------------------------------------------------------------------------------
    def _ask_controller(self, state: SecretState) -> None:
        """Have the Secret written by the controller once more. In check mode what it would write stays unread."""
        if not state.live.in_step:
            self._await_unsealed(state)  # in check mode too: nothing is changed by it
        keys = sorted(doubted(state) & generated(state.wanted))
        if keys and self.options.check:
            state.unread, state.seen = set(state.live.touched), "?"  # all of which the controller would write again
        elif keys:
            self._make_write(state, keys)
        state.held = dict(state.live.values)

    def _make_write(self, state: SecretState, keys: list[str]) -> None:
        """By a line break in one of its ciphertexts, which means nothing, and which the next write takes out again."""
        secret, live = state.wanted, state.live
        self.options.say(f"{secret}: somebody else wrote {', '.join(keys)}; the controller writes what is sealed")
        ciphertexts = {**live.encrypted, keys[0]: live.encrypted[keys[0]] + "\n"}
        notes = {name: text for name, text in live.notes.items() if name.startswith(PREFIX)}
        as_it_is = Wanted(secret.namespace, secret.name, live.scope)
        try:
            apply_set(self.client, [build(as_it_is, ciphertexts, {}, notes, live.sealed)], self.options.of_set(False))
        except VcciError as exc:
            raise VcciError(
                f"Secret {secret}: somebody else wrote or removed {', '.join(keys)}, and the controller could not be "
                f"made to write again what is sealed: {exc.message}"
            ) from exc
        self._await_unsealed(state)
        state.live.encrypted[keys[0]] = live.encrypted[keys[0]]
        lacking = [key for key in keys if not state.live.values.get(key)]
        if lacking:
            raise VcciError(f"Secret {secret}: the controller does not write {', '.join(lacking)} into it again")
        state.live.touched, state.seen = set(), str((state.live.secret or {})["metadata"]["resourceVersion"])

    def _await_unsealed(self, state: SecretState) -> None:
        secret = state.wanted

        def unsealed() -> bool:
            [state.live] = self.read([secret])
            return state.live.in_step

        def late(_seconds: int) -> VcciError:
            what = "is not unsealed" if state.live.secret else "exists and its Secret does not"
            said = state.live.synced.get("message")
            complaint = f" The controller says: {said}." if said else ""
            return WaitTimeout(
                f"SealedSecret {secret} {what}: generated values can only be kept from the Secret. "
                f"Is the controller running, and its sealing key there?{complaint}"
            )

        awaited = f"the controller to unseal {secret}"
        until(unsealed, self.deadline.left, self.options.say, awaited=lambda: awaited, late=late, longest=LONGEST_PAUSE)


def _open(state: SecretState, private: list[Any]) -> None:
    secret, live = state.wanted, state.live
    bound_to = crypto.label(live.scope, secret.namespace, secret.name)
    for key in doubted(state):
        try:
            state.opened[key] = crypto.unseal(private, live.encrypted[key], bound_to)
        except crypto.Unsealable:
            state.lost.add(key)
    state.held |= state.opened
