# Copyright (c) 2026 GreenLang. All rights reserved.
"""A node is emptied in bounded time: of the platform's pods as their disruption budgets allow, of tenants' in any case.
From a node whose machine is gone all are removed by force, and its volumes are detached.

A tenant's budget that allows no disruption is heeded as long as every other, and then no more. What keeps a pod is said
as soon as an eviction was refused; and when nothing is left but what no waiting helps, nobody waits.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from ..errors import ApiError, Conflict, InputError, NotFound, VcciError, WaitTimeout, brief
from ..kubernetes import owning
from ..kubernetes.budgets import keeping
from ..kubernetes.client import MERGE_PATCH, Client
from ..labels import OURS, TENANT
from ..waiting import until
from . import out_of_service, workloads
from .ending import MARGIN, Bounds, Entry, end_pods, grace_of
from .life import FIELD_MANAGER, grace_of_namespace

MIRROR = "kubernetes.io/config.mirror"  # a pod that the node itself runs, of which the API server shows an image
TOO_MANY = 429  # what an eviction is answered that a budget forbids
SHOWN = 10

Object = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """The options of plugin node_drain, whose documentation says what each is."""

    name: str | None
    pool: str | None
    pool_label: str
    state: str
    delete_pods: bool
    wait_timeout: float
    gone: Sequence[str] = ()


def reach(client: Client, wanted: Wanted, *, check: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """One node, or those of a pool: all take no new pods before the first is emptied, so that none gets another's."""
    drains = [_Drain(client, wanted, name, check, say) for name in _names(client, wanted)]
    strange = sorted(set(wanted.gone) - {drain.node for drain in drains})
    if strange:
        raise InputError(
            f"gone: {brief(', '.join(strange))} is not emptied here. Remedy: name some of "
            f"{', '.join(drain.node for drain in drains)}"
        )
    if wanted.state == "drained":
        for drain in drains:
            drain.refuse()
        for drain in drains:
            drain.schedule(unschedulable=True)
        for drain in drains:
            drain.empty()
    else:
        for drain in drains:
            drain.schedule(unschedulable=False)
    changes = list(chain.from_iterable(drain.changes for drain in drains))
    forced = [f"{entry['object']}: {entry['what']}" for drain in drains for entry in drain.forced]
    nodes = [drain.node for drain in drains]
    return {"changed": bool(changes), "changes": changes, "forced": forced, "nodes": nodes}


def _names(client: Client, wanted: Wanted) -> list[str]:
    if wanted.name:
        return [wanted.name]
    label = wanted.pool_label
    nodes = client.list("v1", "Node")
    found = [node for node in nodes if (node["metadata"].get("labels") or {}).get(label) == wanted.pool]
    if not found:
        pools = sorted({(node["metadata"].get("labels") or {}).get(label, "") for node in nodes} - {""})
        known = ", ".join(pools) or f"none: no node has the label {label}"
        raise InputError(f"pool: there is no pool {brief(wanted.pool)}; there are {known}")
    return sorted(str(node["metadata"]["name"]) for node in found)


class _Drain:
    def __init__(self, client: Client, wanted: Wanted, node: str, check: bool, say: Callable[[str], None]) -> None:
        self.client, self.wanted, self.node, self.check, self.say = client, wanted, node, check, say
        self.changes: list[str] = []
        self.forced: list[Entry] = []
        self.kept: dict[str, str] = {}  # pod → why it may not be evicted
        self.hopeless: set[str] = set()  # pods that are kept however long somebody waits
        # Namespaces of tenants → the most seconds that their pods have to stop
        tenants = client.list("v1", "Namespace", label_selector=f"{OURS},{TENANT}")
        self.graces = {found["metadata"]["name"]: grace_of_namespace(found) for found in tenants}

    def refuse(self) -> None:
        """Refuse to end what nothing would make again, unless that is wanted; and to take for gone what reports."""
        if self.gone:
            out_of_service.require_silent(self.found(), datetime.datetime.now(datetime.UTC))
        left = self.pods()
        there = owning.owners(self._workloads())
        alone = [_name(pod) for pod in owning.bare(left, there)]
        if alone and not self.wanted.delete_pods:
            remedy = "have their owner remove them, or set delete_pods"
            raise InputError(
                f"on node {self.node} are pods that nothing would make again: {', '.join(alone)}; {remedy}"
            )

    def empty(self) -> None:
        """What is there is evicted; what of tenants stays all the same is ended."""
        left = self.pods()
        self.changes += [f"Pod {_name(pod)}" for pod in left if not pod["metadata"].get("deletionTimestamp")]
        if self.gone:
            self._abandon()
            return
        if self.check or self._evicted():
            return
        grace = max((self.graces[pod["metadata"]["namespace"]] for pod in self.of_tenants()), default=0)
        bounds = Bounds(0, grace, min(MARGIN, self.wanted.wait_timeout))
        end_pods(self.client, self.of_tenants, bounds, who=f"node {self.node}", note=self._note, say=self.say)
        stay = [f"{_name(pod)} ({self.kept.get(_name(pod), 'it does not end')})" for pod in self.pods()]
        if stay:
            what = f"node {self.node} takes no new pods, and is not empty: {'; '.join(stay[:SHOWN])}"
            raise VcciError(f"{what}; {self._remedy()}, and run this again", stay)

    def _abandon(self) -> None:
        """Nobody there ends its pods, nor do budgets count them: they are removed, and volumes may go elsewhere."""
        if not out_of_service.is_out(self.found()):
            self.changes.append(f"Node {self.node}: out of service")
        if self.check:
            return
        out_of_service.put(self.client, self.node, out=True)
        bounds = Bounds(0, 0, min(MARGIN, self.wanted.wait_timeout))
        left = functools.partial(self.pods, going=True)
        end_pods(self.client, left, bounds, who=f"node {self.node}", note=self._note, say=self.say)

    def _remedy(self) -> str:
        seconds = out_of_service.silent(self.found(), datetime.datetime.now(datetime.UTC))
        if seconds is None:
            return "remedy that"
        return f"it has been unreachable for {seconds} s: mend it, or, if its machine is off for good, name it in gone"

    @property
    def gone(self) -> bool:
        return self.node in self.wanted.gone

    def found(self) -> Object:
        """The node. InputError if there is none of its name."""
        node = self.client.get("v1", "Node", self.node)
        if node is None:
            known = ", ".join(sorted(found["metadata"]["name"] for found in self.client.list("v1", "Node")))
            raise InputError(f"name: there is no node {self.node}; there are {known or 'none'}")
        return node

    def schedule(self, *, unschedulable: bool) -> None:
        """Have it take new pods, or none; one that takes some is in service."""
        node = self.found()
        if not unschedulable and out_of_service.is_out(node):
            self.changes.append(f"Node {self.node}: in service")
            if not self.check:
                out_of_service.put(self.client, self.node, out=False)
        if bool((node.get("spec") or {}).get("unschedulable")) == unschedulable:
            return
        self.changes.append(f"Node {self.node}")
        if not self.check:
            path = self.client.resource("v1", "Node").path(None, self.node)
            body = {"spec": {"unschedulable": unschedulable or None}}
            query = {"fieldManager": FIELD_MANAGER}
            self.client.request("PATCH", path, body=body, content_type=MERGE_PATCH, query=query)

    # --- pods --------------------------------------------------------------------------------------------------------
    def pods(self, *, going: bool = False) -> list[Object]:
        """Those that have to go: not what every node has, nor what has ended.

        going  what has ended and is being deleted counts: the collector of pods calls pods of a node that is out of
               service failed before it deletes them, and then they may still wait for somebody's finalizer.
        """
        found = self.client.list("v1", "Pod", field_selector=f"spec.nodeName={self.node}")
        daemons = {("apps", "DaemonSet")}
        there = owning.owners(self.client.list("apps/v1", "DaemonSet"))
        return [
            pod
            for pod in found
            if (not owning.has_ended(pod) or (going and pod["metadata"].get("deletionTimestamp")))
            and MIRROR not in (pod["metadata"].get("annotations") or {})
            and not owning.follows(pod, daemons, there)
        ]

    def of_tenants(self) -> list[Object]:
        return [pod for pod in self.pods() if pod["metadata"]["namespace"] in self.graces]

    def _workloads(self) -> list[Object]:
        found: list[Object] = []
        for api_version, kind in workloads.KINDS:
            found += self.client.list(api_version, kind)
        return found

    def _evicted(self) -> bool:
        """Whether all are gone in time, asked for as budgets allow it."""
        left: list[Object] = []

        def gone() -> bool:
            left[:] = self.pods()
            for pod in left:
                if not pod["metadata"].get("deletionTimestamp"):
                    self._evict(pod)
            self._look([pod for pod in left if _name(pod) in self.kept])
            return not left or all(_name(pod) in self.hopeless for pod in left)

        try:
            until(
                gone,
                self.wanted.wait_timeout,
                self.say,
                awaited=lambda: f"{len(left)} pods to go: {', '.join(map(_name, left[:5]))}",
                late=lambda waited: WaitTimeout(f"{waited} s"),
                pause=0.5,
                longest=5,
            )
        except WaitTimeout:
            return False
        return not left

    def _look(self, refused: list[Object]) -> None:
        """Say what keeps those whose eviction was refused, and note of which that will not change."""
        if not refused:
            return
        before = dict(self.kept)
        for kept in keeping(refused, self.client.list("policy/v1", "PodDisruptionBudget")):
            self.kept[kept.pod] = f"of {kept.owner}, kept by PodDisruptionBudget {kept.budget}: {kept.why}"
            if kept.never and kept.pod.partition("/")[0] not in self.graces:
                self.hopeless.add(kept.pod)
        for pod, why in self.kept.items():
            if why != before.get(pod):
                self.say(f"Pod {pod} stays: {why}")

    def _evict(self, pod: Object) -> None:
        meta = pod["metadata"]
        path = self.client.resource("v1", "Pod").path(meta["namespace"], meta["name"]) + "/eviction"
        options: Object = {"preconditions": {"uid": meta["uid"]}}
        if meta["namespace"] in self.graces:
            options["gracePeriodSeconds"] = grace_of(pod, self.graces[meta["namespace"]])
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "deleteOptions": options}
        body = {**eviction, "metadata": {"name": meta["name"], "namespace": meta["namespace"]}}
        try:
            self.client.request("POST", path, body=body)
        except (NotFound, Conflict):
            return  # it went, or another came in its place
        except ApiError as exc:
            if any(cause.get("reason") == "NamespaceTerminating" for cause in exc.causes):
                return  # nothing is made there any more, an Eviction neither: the pod goes with its namespace
            if exc.status != TOO_MANY:
                raise
            if _name(pod) not in self.kept:
                self.kept[_name(pod)] = "; ".join([exc.message, *(cause["message"] for cause in exc.causes)])

    def _note(self, entries: list[Entry]) -> None:
        for entry in entries:
            self.forced.append(entry)
            self.say(f"{entry['object']}: {entry['what']}")


def _name(pod: Mapping[str, Any]) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
