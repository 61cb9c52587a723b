# Copyright (c) 2026 GreenLang. All rights reserved.
"""Values that a keeper outside of the cluster holds, and the Secrets that the cluster gets of them.

<prefix>/<namespace>/<name> is one JSON object of key and value there, which is how external-secrets reads it too. What
it holds is the truth. Others write into the same objects by design: a key that this collection did not write stays, and
which are its own, managedFields of the Secret in the cluster tell. Each write is bound to the version that was read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from ...applyset.manifests import CONTROL_PREFIX, FORCE, Ref
from ...applyset.membership import PART_OF
from ...applyset.result import Result
from ...applyset.run import apply_set
from ...errors import ApplyError, InputError, Overtaken
from ...kubernetes.client import Client
from ..decide import Evidence
from ..options import Options
from ..sealed import Live, build_plain
from ..state import SecretState
from ..wanted import Wanted, generated, rotated
from .keeper import Keeper, Kept, Members
from .objects import concurrently, read_all
from .owners import other_owners, own, own_keys, refuse_owned
from .store import NO_MARK, Saved

RUNS = ("vcci.greenlang.io/", CONTROL_PREFIX)  # annotations that each run writes as they are to be


class ExternalStore:
    """Without a client (check mode before there is a cluster), the Secrets are predicted as created."""

    evidence: Evidence = "values"
    certificate = None

    def __init__(self, client: Client | None, options: Options, keeper: Keeper) -> None:
        self.client, self.options, self.keeper = client, options, keeper
        self.kept: dict[Wanted, Kept] = {}
        self.stay: dict[Wanted, dict[str, bytes]] = {}  # with merge: values of ours that the task does not name
        self.own: dict[Wanted, set[str]] = {}  # keys of the Secret in the cluster that are ours
        self.written: set[Wanted] = set()
        self.yielding: set[Wanted] = set()  # those of which others who own values give way to ours
        self.changed = False

    # --- load --------------------------------------------------------------------------------------------------------
    def load(self, wanted: list[Wanted]) -> list[SecretState]:
        """What the cluster has already is held, and so kept, when a keeper starts to be used."""
        lives, self.yielding = self._lives(wanted), set()
        rotate = rotated(wanted, self.options.rotate)
        states = []
        for secret, live, kept in zip(wanted, lives, concurrently(self.keeper.read, wanted), strict=True):
            self.kept[secret], self.own[secret] = kept, own_keys(live.secret)
            gone = self.own[secret] - set(secret.values) if self.options.merge else set()
            self.stay[secret] = {key: live.values[key] for key in gone if key in live.values}
            renewed = {key for key in secret.values if secret.where(key) in rotate}
            states.append(SecretState(secret, live, held=self._held(secret, live, renewed)))
        return states

    def _lives(self, wanted: list[Wanted]) -> list[Live]:
        """What the cluster has, without keys of others: these are not ours to report, nor to take away."""
        plain = read_all(self.client, "v1", "Secret", wanted) if self.client else [None for _secret in wanted]
        lives = []
        for secret, found in zip(wanted, plain, strict=True):
            refuse_owned(secret, found)
            live = Live(None, found)
            ours = own_keys(found) | set(secret.values)
            live.values = {key: value for key, value in live.values.items() if key in ours}
            lives.append(live)
        return lives

    def _held(self, secret: Wanted, live: Live, renewed: set[str]) -> dict[str, bytes]:
        """The values that are there: the keeper's; of what was generated and is not there, or empty, the cluster's, or
        that of the keeper's version before. What is to be rotated may be lost."""
        members = self.kept[secret].members or {}
        held = {}
        for key in sorted(members.keys() & secret.values.keys()):
            if isinstance(members[key], str):
                held[key] = members[key].encode()
            elif key not in renewed:
                raise InputError(
                    f"{self.keeper.name(secret)}: {key} is no text, and this task names it: nothing was changed; make "
                    "it a text there, or name another key"
                )
        lost = sorted(key for key in generated(secret) - renewed if not held.get(key))
        former = self.keeper.former(secret, self.kept[secret]) if lost and members else {}
        for key in lost:
            found = self._found(secret, live, key, former.get(key))
            if found is not None:
                held[key] = found
            if found and members:
                self.options.say(f"{secret}: {key} is put back into {self.keeper.name(secret)}, which lost it")
        return held

    def _found(self, secret: Wanted, live: Live, key: str, former: object) -> bytes | None:
        """A generated value that the keeper lacks; empty where it should be somewhere, None where it never was."""
        value = live.values.get(key)
        if value and (key in self.own[secret] or not self.own[secret]):  # before our first run, whoever wrote it
            return value
        if isinstance(former, str) and former:
            return former.encode()
        if value:
            raise InputError(
                f"{secret}/{key} is gone from {self.keeper.name(secret)}, and somebody edited it in the Secret: put "
                f"its value back there, or rotate {secret.name}/{key} to have a new one made"
            )
        return value

    # --- save --------------------------------------------------------------------------------------------------------
    def accept(self, states: list[SecretState]) -> None:
        for state in states:
            self._check_size(state)
            self._check_owners(state)

    def _check_size(self, state: SecretState) -> None:
        size, most = len(json.dumps(self._members(state), ensure_ascii=False).encode()), self.keeper.limit
        if size > most:
            raise InputError(
                f"Secret {state.wanted}: {self.keeper.title} holds at most {most} bytes, and these are {size}"
            )

    def _check_owners(self, state: SecretState) -> None:
        """What the cluster would refuse after the keeper was written is refused now: an edit. Who wrote the value that
        the keeper has, too (the controller that sealed it once), has no other wish, and gives way."""
        live, owners = state.live, other_owners(state.live.secret)
        differing = {key for key, value in state.values.items() if live.values.get(key, value) != value}
        agreed = {key for key in differing & owners.keys() if live.values[key] == state.held.get(key)}
        edited = sorted(differing & owners.keys() - agreed)
        if agreed and not edited:
            self.yielding.add(state.wanted)
        if edited and not self.options.force_conflicts:
            whose = ", ".join(f"{key} ({owners[key]})" for key in edited)
            raise InputError(
                f"Secret {state.wanted}: somebody else wrote {whose} in the cluster, and {self.keeper.title} holds "
                "another value: nothing was changed; set force_conflicts to put that back, or write the right one there"
            )

    def save(self, states: list[SecretState], mark: Mapping[str, str] = NO_MARK) -> Saved:
        differing = [state for state in states if self._members(state) != self.kept[state.wanted].members]
        self.changed = self.changed or bool(differing)
        if not self.options.check:
            concurrently(self._put, differing)
        objects = [self._object(state, mark) for state in states]
        bound = {_ref(state.wanted): state.live.secret for state in states}
        options = self.options.of_set(prune=len(states) == len(self.kept), bound=bound)
        try:
            result = apply_set(self.client, objects, options)
        except ApplyError as exc:
            self._remember(exc.result, states)
            raise
        self._remember(result, states)
        return Saved(self.changed, f": {result.summary()}", result.warnings)

    def _remember(self, result: Result, states: list[SecretState]) -> None:
        done = {*result.created, *result.configured}
        self.changed = self.changed or result.changed
        self.written |= {state.wanted for state in states if _ref(state.wanted).label in done}

    def _put(self, state: SecretState) -> None:
        secret = state.wanted
        self.kept[secret] = self.keeper.write(secret, self._members(state), self.kept[secret])
        self.written.add(secret)

    def was_written(self, secret: Wanted) -> bool:
        return secret in self.written

    def _object(self, state: SecretState, mark: Mapping[str, str]) -> Members:
        """The Secret; with merge, all of ours that the task does not name stays in it."""
        wanted, live = state.wanted, state.live.secret
        values = {**self.stay[wanted], **state.values}
        notes = {**state.notes, **mark, **({FORCE: "true"} if wanted in self.yielding else {})}
        made: Members = build_plain(wanted, values, self.options.labels, notes)
        if not self.options.merge or live is None:
            return made
        for name in ("labels", "annotations"):
            ours = own(live, "f:metadata", f"f:{name}") & set(live["metadata"].get(name) or {})
            beside = {key: live["metadata"][name][key] for key in ours if key != PART_OF and not key.startswith(RUNS)}
            made["metadata"][name] = {**beside, **made["metadata"].get(name, {})}
        if wanted.immutable is None and live.get("immutable"):
            made["immutable"] = True
        return made | {"type": wanted.type or live.get("type")}

    def _members(self, state: SecretState) -> Members:
        """What the keeper is to hold; InputError where it cannot."""
        secret, before = state.wanted, self.kept[state.wanted].members or {}
        going = set() if self.options.merge else self.own[secret] - set(secret.values)
        members = {key: value for key, value in before.items() if key not in going}
        values = {**{key: value for key, value in self.stay[secret].items() if key not in before}, **state.values}
        try:
            return members | {key: value.decode() for key, value in sorted(values.items())}
        except UnicodeDecodeError:
            raise InputError(
                f"Secret {secret} has a binary value, which a JSON object in {self.keeper.title} cannot hold"
            ) from None

    def settle(self, states: list[SecretState]) -> None:
        """Secrets are there at once. What was written is what the next write is bound to."""
        written = [state for state in states if state.wanted in self.written] if not self.options.check else []
        for state, live in zip(written, self._lives([state.wanted for state in written]), strict=True):
            if any(live.values.get(key) != value for key, value in state.values.items()):
                raise Overtaken(f"Secret {state.wanted} was changed by somebody else since this run wrote it")
            state.live = live


def _ref(secret: Wanted) -> Ref:
    return Ref("", "Secret", secret.namespace, secret.name)
