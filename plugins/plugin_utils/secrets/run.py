# Copyright (c) 2026 GreenLang. All rights reserved.
"""Brings Secrets to what is wanted: load what is there, decide, tell servers, save, settle, restart consumers.

    result = run(client, read(entries), Options(check=True))

Values exist in this process only: none is in a message, a result, a diff or a file.
"""

from __future__ import annotations

import datetime
import random
from typing import Any

from ..kubernetes.client import Client
from ..waiting import Deadline
from .consumers import name_of
from .decide import decide
from .generators import Generator
from .options import Options
from .rollout import Rollout
from .sealed import difference
from .state import UNTOLD, SecretState
from .stores.cluster import ClusterStore
from .stores.directory import DirectoryStore, copy_manifests
from .stores.store import Saved, Store
from .wanted import Wanted, rotated


def run(
    client: Client | None, wanted: list[Wanted], options: Options, rollout: Rollout | None = None
) -> dict[str, Any]:
    """The task's result. Without a client (no cluster, or check mode before there is one), none is asked."""
    store = _store(client, options)
    if client and rollout is None:
        rollout = Rollout(client, options.say, options.wait_timeout)
    rotate = rotated(wanted, options.rotate)
    new = Generator(random.SystemRandom(), datetime.datetime.now(datetime.UTC))
    states = decide(store.load(wanted), store.evidence, rotate, new, options.merge)
    store.accept(states)
    if rollout and any(state.to_tell for state in states):
        for state, pods in rollout.servers(states, options.check):
            _tell(store, rollout, state, pods)
    saved = store.save(states)
    if (options.wait or options.restart) and not options.check:
        store.settle([state for state in states if state.changed or not state.live.in_step])
    answer = _answer(states, saved, store, options)
    if options.directory and options.cluster and store.certificate:
        files = copy_manifests(states, options, store.certificate)
        answer |= {"files": files, "changed": answer["changed"] or bool(files)}
    if rollout and options.restart:
        restarted = _restart(rollout, states, options.check)
        answer |= {"restarted": restarted, "changed": answer["changed"] or bool(restarted)}
    return answer


def _store(client: Client | None, options: Options) -> Store:
    if options.aws:
        from .stores.aws import AwsStore  # noqa: PLC0415  boto3, which few need, takes a third of a second

        return AwsStore(client, options)
    deadline = Deadline(options.wait_timeout)
    return ClusterStore(client, options, deadline) if options.cluster else DirectoryStore(options, deadline)


def _tell(store: Store, rollout: Rollout, state: SecretState, pods: list[str]) -> None:
    """The Secret first, so that nothing is lost when this run ends here: the next one tells again.

    What is composed of it comes after.
    """
    store.save([state], UNTOLD)
    store.settle([state])
    rollout.tell_servers(state, pods)


def _answer(states: list[SecretState], saved: Saved, store: Store, options: Options) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "changed": saved.changed,
        "secrets": {str(state.wanted): _told(state) for state in states},
        "msg": f"{len(states)} Secrets{saved.said}",
        **saved.more,
        **(store.certificate.told() if store.certificate else {}),
    }
    if saved.warnings:
        answer["warnings"] = [*answer.get("warnings", []), *dict.fromkeys(saved.warnings)]
    if options.diff and store.evidence != "fingerprints":  # which do not show what was there
        answer["diff"] = [difference(s.wanted, s.live, s.changed) for s in states if s.changed]
    return answer


def _told(state: SecretState) -> dict[str, Any]:
    return {"scope": state.wanted.scope, "keys": sorted(state.wanted.values), "changed_keys": state.changed}


def _restart(rollout: Rollout, states: list[SecretState], check: bool) -> list[str]:
    """The names of the workloads that were restarted, or would be."""
    stale = rollout.consumers(states)
    if stale and not check:
        rollout.restart(stale, {str(state.wanted.tell["workload"]) for state in states if state.wanted.tell})
    return [f"{workload['metadata']['namespace']}/{name_of(workload)}" for workload in stale]
