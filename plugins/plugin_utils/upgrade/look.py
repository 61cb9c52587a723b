# Copyright (c) 2026 GreenLang. All rights reserved.
"""A look at a cluster before nodes leave it or its version changes: everything that is wrong is found at once."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..errors import InputError, NotFound, VcciError, brief
from ..kubernetes import owning
from ..kubernetes.budgets import keeping, kept_together
from ..kubernetes.client import Client
from ..labels import OURS, TENANT
from ..waiting import until
from . import apis, capacity, charts, lifetimes, skew, volumes, workloads
from .findings import ACCEPTABLE, CHECKS, Finding, Object, blocking


@dataclass(frozen=True)
class Wanted:
    """What is looked at.

    version    the target of an upgrade; None: nodes leave for a while.
    nodes      those that will be away, one after the other; none: all. `pool`, by `pool_label`, instead: all of it at
               the same time.
    returns    whether each comes back with its disks; where none does, all are away at the end.
    checks     what is looked at; none: all.
    accept     what does not block.
    delete_pods  whether what nothing would make again may go for good.
    manifests  objects as they were rendered; charts: name → kubeVersion.
    backups    hours that the last success of a backup may be ago; 0 does not ask.
    """

    version: str | None = None
    nodes: Sequence[str] = ()
    pool: str | None = None
    pool_label: str = "vcci.io/pool"
    returns: bool = True
    checks: Sequence[str] = ()
    accept: Sequence[str] = ()
    delete_pods: bool = False
    manifests: Sequence[Object] = ()
    charts: Mapping[str, str | None] = field(default_factory=dict)
    backups: int = 0


def look(client: Client, wanted: Wanted, now: datetime.datetime) -> list[Finding]:
    """All findings, those that block first. InputError for what cannot be asked."""
    unknown = sorted(set(wanted.accept) - set(ACCEPTABLE))
    if unknown:
        known = ", ".join(ACCEPTABLE)
        raise InputError(f"accept: {brief(', '.join(unknown))} cannot be accepted. Remedy: name some of {known}")
    seen = _Cluster(client, wanted)
    found: list[Finding] = []
    if wanted.version:
        found += _of_versions(seen, wanted, now)
        if any(one.check == "skew" and one.blocks for one in found):
            return found  # what else would be said is about an upgrade that nobody can make
        found += _of_apis(seen, wanted) if _asked(wanted, "apis") else []
    found += _of_nodes(seen, wanted)
    if wanted.backups and _asked(wanted, "backups"):
        jobs = filter(workloads.is_backup, client.list("batch/v1", "CronJob"))
        found += workloads.of_backups(jobs, wanted.backups, now, seen.tenants)
    chosen = [one for one in found if _asked(wanted, one.check)]
    return sorted(chosen, key=lambda one: (not one.blocks, CHECKS.index(one.check)))


def pass_or_refuse(
    client: Client, wanted: Wanted, now: Callable[[], datetime.datetime], wait: float, say: Callable[[str], None]
) -> list[Finding]:
    """What is found, when nothing blocks any more. VcciError, after `wait` seconds, with all that does."""
    found: list[Finding] = []

    def clear() -> bool:
        found[:] = look(client, wanted, now())
        return not blocking(found, wanted.accept)

    def awaited() -> str:
        return "; ".join(one.what.partition(". Remedy")[0] for one in blocking(found, wanted.accept)[:3])

    def late(_waited: int) -> VcciError:
        lines = [f"{one.check}: {one.what}" for one in blocking(found, wanted.accept)]
        number = "1 thing is" if len(lines) == 1 else f"{len(lines)} things are"
        return VcciError(
            f"{number} in the way; looking for them changed nothing:\n" + "\n".join(f"  - {line}" for line in lines),
            lines,
        )

    until(clear, wait, say, awaited=awaited, late=late, pause=0.5, longest=3)
    return found


def told(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [{"check": one.check, "blocks": one.blocks, "what": one.what} for one in findings]


class _Cluster:
    """What is asked of the cluster, once."""

    def __init__(self, client: Client, wanted: Wanted) -> None:
        self.client = client
        names = {str(node["metadata"]["name"]) for node in self.nodes}
        lost = sorted(set(wanted.nodes) - names)
        if lost:
            raise InputError(f"nodes: there is no node {brief(', '.join(lost))}; there are {', '.join(sorted(names))}")
        self.leaving = set(wanted.nodes) or names
        if wanted.pool:
            pools = {str(node["metadata"]["name"]): _label(node, wanted.pool_label) for node in self.nodes}
            self.leaving = {name for name, pool in pools.items() if pool == wanted.pool}
            if not self.leaving:
                known = ", ".join(sorted(set(pools.values()) - {""}))
                raise InputError(f"pool: there is no pool {brief(wanted.pool)}; there are {known or 'none'}")

    @cached_property
    def nodes(self) -> list[Object]:
        return sorted(self.client.list("v1", "Node"), key=lambda node: str(node["metadata"]["name"]))

    @cached_property
    def pods(self) -> list[Object]:
        return list(self.client.list("v1", "Pod"))

    @cached_property
    def workloads(self) -> list[Object]:
        found: list[Object] = []
        for api_version, kind in workloads.KINDS:
            found += self.client.list(api_version, kind)
        return found

    def scales(self) -> dict[str, int]:
        """What controls pods, by uid → how many it wants; of what a Deployment makes, the Deployment."""
        sets = [*self.workloads, *self.client.list("apps/v1", "ReplicaSet")]
        wanted = {one["metadata"]["uid"]: workloads.counts(one)[1] for one in sets if one.get("kind") != "DaemonSet"}
        for one in sets:
            for reference in one["metadata"].get("ownerReferences") or ():
                if reference.get("uid") in wanted:
                    wanted[one["metadata"]["uid"]] = wanted[reference["uid"]]
        return wanted

    @cached_property
    def tenants(self) -> set[str]:
        """Namespaces of tenants: what they make keeps nobody from an upgrade, nor a node from leaving."""
        found = self.client.list("v1", "Namespace", label_selector=f"{OURS},{TENANT}")
        return {str(namespace["metadata"]["name"]) for namespace in found}


def _of_versions(seen: _Cluster, wanted: Wanted, now: datetime.datetime) -> list[Finding]:
    target = wanted.version or ""
    minor, patch = skew.parse(target)
    current = str(seen.client.version()["gitVersion"])
    found = skew.of_control_plane(current, target) + skew.of_nodes(seen.nodes, current, target)
    here = skew.parse(current)[0]
    lives = [lifetimes.of_kubernetes(one, now.date()) for one in dict.fromkeys((here, minor))]
    return [*found, *lives, *charts.of_charts(wanted.charts, minor, patch or 0)]


def _of_apis(seen: _Cluster, wanted: Wanted) -> list[Finding]:
    minor = skew.parse(wanted.version)[0]
    running = skew.parse(seen.client.version()["gitVersion"], "the cluster's version")[0]
    found = apis.of_manifests(wanted.manifests, minor) + apis.of_metrics(seen.client.text("/metrics"), minor)
    for group, kind in apis.watched(running, minor):
        try:
            resource = seen.client.preferred(group, kind)
        except NotFound:
            continue  # served in no version
        listed = [{**obj, "kind": kind} for obj in seen.client.iter_list(resource, metadata_only=True)]
        found += apis.of_objects(listed, running, minor)
    return found


def _of_nodes(seen: _Cluster, wanted: Wanted) -> list[Finding]:
    upgrade = wanted.version is not None
    others = [node for node in seen.nodes if upgrade or node["metadata"]["name"] not in seen.leaving]
    found = skew.ready(others)
    unready = workloads.unready(seen.workloads, seen.tenants)
    only_told = not upgrade and "workloads" not in wanted.checks
    found += [Finding(one.check, False, one.what) for one in unready] if only_told else unready
    if _asked(wanted, "pods") and not wanted.delete_pods:
        found += _of_pods(seen)
    if _asked(wanted, "budgets"):
        found += _of_budgets(seen, wanted)
    if _asked(wanted, "capacity") or _asked(wanted, "volumes"):
        found += _of_room(seen, wanted)
    return found


def _of_pods(seen: _Cluster) -> list[Finding]:
    """A node is not emptied of what would be lost by it, a tenant's or not: its drain refuses."""
    makers: list[Object] = []
    for api_version, kind in owning.MAKERS:
        makers += seen.client.list(api_version, kind)
    alone: dict[str, list[str]] = {}
    for pod in owning.bare(_going(seen), owning.owners(makers)):
        alone.setdefault(pod["spec"]["nodeName"], []).append(_name(pod))
    remedy = "have their owner remove them, or say that they may be deleted (delete_pods)"
    return [
        Finding(
            "pods", True, f"on node {node} are pods that nothing would make again: {', '.join(names)}. Remedy: {remedy}"
        )
        for node, names in sorted(alone.items())
    ]


def _of_budgets(seen: _Cluster, wanted: Wanted) -> list[Finding]:
    tenants, found = seen.tenants, []
    budgets = seen.client.list("policy/v1", "PodDisruptionBudget")
    if _together(wanted):
        bound = _bound(seen, wanted)
        homeless = [one.partition(" (")[0] for one in capacity.without(seen.leaving, seen.nodes, seen.pods, bound)]
        stuck = [pod for pod in _going(seen) if _name(pod) in {*homeless, *bound}]
        remedy = "empty the nodes one after the other, each back before the next; or change the budget"
        for namespace, what in kept_together(stuck, budgets):
            found.append(Finding("budgets", namespace not in tenants, f"{what}. Remedy: {remedy}"))
    for kept in keeping(_going(seen), budgets, seen.scales()):
        theirs = kept.pod.partition("/")[0] in tenants
        remedy = "change the budget or scale the workload" if kept.never else "wait until its pods are well"
        remedy = "none is needed: a tenant's budget is heeded for a while only" if theirs else remedy
        found.append(Finding("budgets", kept.never and not theirs, f"{kept}. Remedy: {remedy}"))
    return found


def _of_room(seen: _Cluster, wanted: Wanted) -> list[Finding]:
    bound, names = _bound(seen, wanted), sorted(seen.leaving)
    groups = [names] if _together(wanted) else [[name] for name in names]
    room = capacity.room_left(seen.nodes, seen.pods, bound, groups, returns=wanted.returns)
    return room + volumes.bound_to(bound, returns=wanted.returns)


def _together(wanted: Wanted) -> bool:
    """Whether all that leave are away at the same time."""
    return bool(wanted.pool) or not wanted.returns


def _bound(seen: _Cluster, wanted: Wanted) -> dict[str, str]:
    claims, there = seen.client.list("v1", "PersistentVolumeClaim"), seen.client.list("v1", "PersistentVolume")
    return volumes.bound(_going(seen), claims, there, seen.nodes, seen.leaving if _together(wanted) else ())


def _going(seen: _Cluster) -> list[Object]:
    """Pods that leave with a node."""
    return [
        pod for pod in seen.pods if (pod.get("spec") or {}).get("nodeName") in seen.leaving and not capacity.stays(pod)
    ]


def _asked(wanted: Wanted, check: str) -> bool:
    return not wanted.checks or check in wanted.checks


def _label(node: Object, name: str) -> str:
    return str((node["metadata"].get("labels") or {}).get(name, ""))


def _name(pod: Object) -> str:
    return f"{pod['metadata'].get('namespace', '')}/{pod['metadata']['name']}"
