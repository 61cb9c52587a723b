# Copyright (c) 2026 GreenLang. All rights reserved.
"""Each fault at each request of a run in turn: the end is the right state, or one error whose result says what was
done; then a second run converges."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.membership import PART_OF, set_id
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.record import LOCK
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set, delete_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.kubernetes.client import Client

from tests.proxy import FAULTS, FaultProxy

SET = "s"
DONE = ("created", "configured", "recreated", "pruned", "deleted")
State = dict[str, Any]  # data of the set's objects by their labels
LIMITS = {"timeout": 1.0, "retry_for": 4.0}  # of clients that go through the proxy


class Verb(NamedTuple):
    """What was there before the run, and what is wanted of it. `after` None deletes the set."""

    before: tuple[int, ...]
    after: tuple[int, ...] | None
    value: str = "1"
    more: Mapping[str, Any] = MappingProxyType({})


VERBS = {
    "first apply": Verb((), (0, 1, 2)),
    "second run": Verb((0, 1, 2), (0, 1, 2), "2"),
    "unchanged": Verb((0, 1, 2), (0, 1, 2)),
    "prune": Verb((0, 1, 2, 3), (0, 2), "2", {"prune": True}),
    "delete": Verb((0, 1, 2), None),
}


def objects(namespace: str, numbers: tuple[int, ...], value: str) -> list[dict[str, Any]]:
    """ConfigMaps and Secrets in turn."""
    made = []
    for number in numbers:
        meta = {"name": f"o{number}", "namespace": namespace}
        data = (
            {"kind": "Secret", "stringData": {"a": value}}
            if number % 2
            else {"kind": "ConfigMap", "data": {"a": value}}
        )
        made.append({"apiVersion": "v1", "metadata": meta, **data})
    return made


class Trial:
    """The set `s` of one namespace, watched by a client of its own."""

    def __init__(self, client: Client, namespace: str, proxy: FaultProxy, connect: Callable[[], Client]) -> None:
        self.client, self.namespace, self.proxy, self.connect = client, namespace, proxy, connect
        self.label = f"{PART_OF}={set_id(SET, namespace)}"

    def run(self, client: Client, verb: Verb, numbers: tuple[int, ...] | None, value: str, **more: Any) -> Any:
        given: dict[str, Any] = {"concurrency": 4, "prune_limit": -1, "diff": False, "lock_timeout": 20, **more}
        options = ApplyOptions(name=SET, namespace=self.namespace, **given)
        if numbers is None:
            return delete_set(client, None, options)
        return apply_set(client, objects(self.namespace, numbers, value), options)

    def state(self) -> State:
        found = {}
        for kind in ("ConfigMap", "Secret"):
            for obj in self.client.list("v1", kind, self.namespace, self.label):
                found[f"{kind} {self.namespace}/{obj['metadata']['name']}"] = obj.get("data")
        return found

    def record(self) -> dict[str, Any] | None:
        return self.client.get("v1", "ConfigMap", SET, self.namespace)

    def prepare(self, verb: Verb) -> None:
        """Bring what was there before, and nothing else."""
        self.client.begin()
        self.run(self.client, verb, None, "")
        if verb.before:
            self.run(self.client, verb, verb.before, "1")

    def requests(self, verb: Verb) -> int:
        """How many a run without fault makes."""
        self.prepare(verb)
        self.proxy.arm()
        client = self.connect()
        self.run(client, verb, verb.after, verb.value, **verb.more)
        client.close()
        return len(self.proxy.passed)

    def check(self, name: str, at: int, fault: str) -> None:
        """One fault at one request of a verb."""
        verb, what = VERBS[name], f"{name}, {fault} at request {at}"
        self.prepare(verb)
        before = self.state()
        self.proxy.arm(at, FAULTS[fault])
        client = self.connect()
        try:
            result, error = self.run(client, verb, verb.after, verb.value, **verb.more), None
        except VcciError as exc:
            result, error = getattr(exc, "result", None), exc
        finally:
            client.close()
            self.proxy.arm()
        after = self.state()
        wanted = self.wanted(verb)
        if error is None:
            assert after == wanted, f"{what}: {after}"
        else:
            assert str(error).strip(), what
            assert result is not None or after == before, f"{what}: nothing says what was done: {error}"
        self.check_result(result, before, after, f"{what}: {error}")
        self.converge(verb, what)

    def check_result(self, result: Any, before: State, after: State, what: str) -> None:
        """Whatever is said to be done is done."""
        for label in itertools.chain(result.created, result.configured) if result else ():
            assert label in after, f"{what}: {label} is not there"
            assert after[label] != before.get(label), f"{what}: {label} has not changed"
        for label in itertools.chain(result.pruned, result.deleted) if result else ():
            assert label not in after, f"{what}: {label} is still there"

    def converge(self, verb: Verb, what: str) -> None:
        """A second run, without faults, waits for nobody and leaves all as it is meant to be."""
        self.run(self.client, verb, verb.after, verb.value, **verb.more)
        assert self.state() == self.wanted(verb), f"{what}, and then a run without fault: {self.state()}"
        if verb.after is None:
            assert self.record() is None, what
            return
        again = self.run(self.client, verb, verb.after, verb.value, **verb.more)
        assert not again.changed, f"{what}: {again.to_dict()}"
        if LOCK in (self.record() or {"metadata": {}})["metadata"].get("annotations", {}):
            # Runs with nothing to write leave the claim of one that could not give it up; who writes does not wait.
            self.run(self.client, verb, verb.after, "1" if verb.value == "2" else "2", lock_timeout=0)
            assert LOCK not in (self.record() or {})["metadata"]["annotations"], what

    def wanted(self, verb: Verb) -> State:
        known = objects(self.namespace, verb.after or (), verb.value)
        labels = [f"{obj['kind']} {self.namespace}/{obj['metadata']['name']}" for obj in known]
        encoded = {"1": "MQ==", "2": "Mg=="}[verb.value]
        data = [{"a": encoded if obj["kind"] == "Secret" else verb.value} for obj in known]
        return dict(zip(labels, data, strict=True))


def cases(trial: Trial, verbs: Iterable[str] = tuple(VERBS)) -> Iterator[tuple[str, int, str]]:
    """All of these verbs: verb, number of the request, fault."""
    for name in verbs:
        for at in range(1, trial.requests(VERBS[name]) + 1):
            for fault in FAULTS:
                yield name, at, fault
