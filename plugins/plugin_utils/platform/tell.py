# Copyright (c) 2026 GreenLang. All rights reserved.
"""What was found, as an operator reads it: layers, doors, faults with reason and remedy. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..applyset.manifests import Ref
from ..applyset.membership import set_of
from ..errors import brief
from ..tables import table
from .state import Fault, Seen

# The parts of the platform, and where an operator looks at each.
LAYERS = {
    "cluster": "kubectl get nodes",
    "controllers": "kubectl get pods -n cert-manager",
    "secrets": "kubectl get sealedsecrets -A",
    "data": "kubectl get statefulsets -n {namespace}",
    "apps": "https://{host} at {address}",
    "observability": "kubectl port-forward svc/prometheus 9090:9090 -n vcci-observability",
    "tenant": "kubectl get namespaces -l tenant",
}
WORKLOADS = {("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet")}
LINE = 300  # characters of a line
REASONS = 12  # lines of a reason that are shown; the result has all
FAULTS = 10  # that a message names


@dataclass
class Layer:
    """What one part of the platform has, and how many of its workloads are as they should be."""

    layer: str
    look: str
    objects: int = 0
    workloads: int = 0
    ready: int = 0

    def to_dict(self) -> dict[str, Any]:
        counts = {"objects": self.objects, "workloads": self.workloads, "ready": self.ready}
        return {"layer": self.layer, **counts, "look": self.look}


def layers(seen: Seen, faults: list[Fault], known: Mapping[str, str]) -> list[Layer]:
    """By the set that each object is of; what a record names and is not there counts as well. `known` is what LAYERS
    speaks of."""
    rows = {name: Layer(name, look.format(**known)) for name, look in LAYERS.items()}
    wrong = {fault.ref for fault in faults}
    by_id = {one.id: one.layer for one in seen.sets}
    workloads: dict[Ref, str] = {}
    for one in seen.sets:
        workloads.update({ref: one.layer for ref in one.names or () if (ref.group, ref.kind) in WORKLOADS})
    for ref, obj in seen.objects.items():
        layer = by_id.get(set_of(obj["metadata"]), "")
        if layer in rows:
            rows[layer].objects += 1
            if (ref.group, ref.kind) in WORKLOADS:
                workloads[ref] = layer
    for ref, layer in workloads.items():
        if layer in rows:
            rows[layer].workloads += 1
            rows[layer].ready += ref not in wrong
    return list(rows.values())


def answers(found: list[dict[str, Any]]) -> list[str]:
    """The doors that answered as they should."""
    return [f"    {brief(answer['check'], 60):<44} ok  {answer['seconds']:>7.3f} s" for answer in found]


def table_of_layers(found: list[Layer]) -> list[str]:
    shown = [f"    {'layer':<14} {'objects':>7}  {'ready':>7}  where to look"]
    for row in found:
        ready = f"{row.ready}/{row.workloads}" if row.workloads else "-"
        shown.append(f"    {row.layer:<14} {row.objects:>7}  {ready:>7}  {row.look}")
    return shown


def table_of_faults(faults: list[Fault]) -> list[str]:
    """A row a fault; below it why, and what to do."""
    if not faults:
        return ["    nothing is wrong"]
    rows = table([("object", "what is wrong"), *((fault.object, brief(fault.wrong, LINE)) for fault in faults)])
    shown = [f"    {rows[0]}"]
    for fault, row in zip(faults, rows[1:], strict=True):
        shown.append(f"    {row}")
        shown += [f"        {brief(reason, LINE)}" for reason in fault.reason[:REASONS]]
        shown.append(f"        remedy: {fault.remedy}")
    return shown


def message(faults: list[Fault]) -> str:
    """How many, and the first of them."""
    number = f"{len(faults)} things are wrong" if len(faults) > 1 else "1 thing is wrong"
    lines = [line(fault) for fault in faults[:FAULTS]]
    more = [f"… and {len(faults) - FAULTS} more: `faults` of the result, and the table above, have all"]
    return "\n".join([f"{number}:", *lines, *(more if len(faults) > FAULTS else [])])


def line(fault: Fault) -> str:
    """One fault in one line."""
    why = f"; {brief(fault.reason[0], LINE)}" if fault.reason else ""
    return f"{fault.object}: {brief(fault.wrong, LINE)}{why}. Remedy: {fault.remedy}"
