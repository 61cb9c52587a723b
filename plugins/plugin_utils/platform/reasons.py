# Copyright (c) 2026 GreenLang. All rights reserved.
"""Why something is wrong, as far as the cluster tells, and what to do: events, pods, the last words of programs."""

from __future__ import annotations

from ..applyset.evidence import evidence
from ..applyset.manifests import Ref, ref_of
from ..applyset.plan import Item
from ..applyset.replicas import HELD
from ..applyset.workers import Workers
from ..errors import VcciError
from ..kubernetes.client import Client
from ..kubernetes.kinds import is_built_in
from . import strict
from .state import Fault, Object, Seen

EXPLAINED = 20  # faults of which the cluster is asked why


def explain(client: Client, workers: Workers, faults: list[Fault], seen: Seen, environment: str) -> None:
    """Fill in reason and remedy of each."""
    for fault in faults:
        fault.remedy = fault.remedy or _remedy(fault, seen, environment)
    asked = [fault for fault in faults if fault.ref is not None and fault.ref.name and not fault.reason]
    workers.map(lambda fault: _explain(client, fault, seen), asked[:EXPLAINED])


def _explain(client: Client, fault: Fault, seen: Seen) -> None:
    if fault.ref is None:
        return
    ref, obj = fault.ref, seen.objects.get(fault.ref)
    if ref.kind == "CronJob" and obj is not None:
        job = strict.last_job(seen, obj)
        if job is not None:
            whole = {**job, "apiVersion": "batch/v1", "kind": "Job"}
            fault.reason = _lines(client, ref_of(whole), whole)
            return
    fault.reason = _lines(client, ref, obj if obj is not None and "spec" in obj else None)


def _lines(client: Client, ref: Ref, obj: Object | None) -> list[str]:
    try:
        lines = evidence(client, Item(ref, {}, ""), obj)
    except VcciError as exc:
        return [str(exc)]
    return [line.removeprefix("  ") for line in lines]


def _remedy(fault: Fault, seen: Seen, environment: str) -> str:
    again = f"ansible-playbook {playbook(fault.layer)} -i inventories/{environment or '<environment>'}"
    ref = fault.ref
    if ref is None or ref not in seen.objects:
        return again
    kind = ref.kind.lower() if is_built_in(ref.group) else f"{ref.kind.lower()}.{ref.group}"
    look = f"kubectl describe {kind} {ref.name}" + (f" -n {ref.namespace}" if ref.namespace else "")
    if "by hand" in fault.wrong:
        return _undo(fault.wrong, ref, seen, again)
    if ref.kind == "CronJob":
        job = f"kubectl create job {ref.name}-again --from=cronjob/{ref.name} -n {ref.namespace}"
        return f"{look}; set right what the reason names; {job}"
    if "is held at 0" in fault.wrong:
        return f"end that procedure, take its annotation {HELD} off, then {again}"
    return f"{look}; set right what the reason names, then {again}"


def _undo(wrong: str, ref: Ref, seen: Seen, again: str) -> str:
    """A run takes back what is ours; a field that our manifests leave out is nobody's to it."""
    if "suspended" in wrong:
        return f"""kubectl patch {ref.kind.lower()} {ref.name} -n {ref.namespace} -p '{{"spec":{{"suspend":false}}}}'"""
    if "paused" in wrong:
        return f"kubectl rollout resume {ref.kind.lower()}/{ref.name} -n {ref.namespace}"
    scaled = [
        (obj.get("spec") or {}).get("scaleTargetRef") or {}
        for one, obj in seen.objects.items()
        if one.kind == "HorizontalPodAutoscaler" and one.namespace == ref.namespace
    ]
    by_itself = any((one.get("kind"), one.get("name")) == (ref.kind, ref.name) for one in scaled)
    return again if by_itself else f"{again} -e platform_force_conflicts=true"


def playbook(layer: str) -> str:
    return "site.yml" if layer == "site" else f"playbooks/{layer}.yml"
