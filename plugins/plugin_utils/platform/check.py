# Copyright (c) 2026 GreenLang. All rights reserved.
"""Tell the truth about a platform: ask at its doors what users ask, and judge whatever its sets are to have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..applyset.membership import ID, PART_OF
from ..applyset.workers import Workers
from ..errors import InputError, VcciError
from ..kubernetes.client import Client
from ..labels import OURS
from ..waiting import Deadline, until
from . import doors as at_doors
from . import tell
from .judge import judge
from .reasons import explain
from .state import Fault, Object, Seen
from .survey import survey

CONCURRENCY = 8  # requests at a time
EVERY = 3.0  # seconds between two looks, while something is on its way
IDENTITY = "vcci-cluster-identity", "kube-system"  # ConfigMap that says whose cluster it is


@dataclass(frozen=True)
class Told:
    """What is answered beside the error at the end."""

    said: dict[str, Any]

    def answer(self, diff: bool) -> dict[str, Any]:
        return self.said


def run(client: Client, args: Mapping[str, Any], show: Callable[[str], None], write: bool = True) -> dict[str, Any]:
    """Answers, layers, faults and the address; `show` is told the tables. An error at the end where anything is wrong.

    args   `namespace`, `service`, `api_host`, `secret`, and `timeout` in seconds for all doors together, and for what
           is on its way to become ready.
    write  whether a record may be written; else only reads are asked for.
    """
    if at_doors.MISSING:
        message = f"platform_check needs the Python package urllib3: {at_doors.MISSING}. Remedy: pip install urllib3."
        raise InputError(message)
    workers = Workers(CONCURRENCY)
    found: dict[str, Any] = {}

    def look() -> None:
        found["seen"], found["faults"] = settled(client, workers, args["timeout"], show)

    def ask() -> None:
        found["doors"], found["address"] = at_doors.ask(client, args, _balancers(client), write)

    Workers(2).map(lambda job: job(), [look, ask])
    seen, faults = found["seen"], [*found["doors"].faults, *found["faults"]]
    explain(client, workers, faults, seen, _environment(client))
    return _answer(found["doors"].answers, faults, seen, args, found["address"], show)


def is_there(client: Client) -> bool:
    """Whether anything was ever applied to this cluster."""
    return bool(client.list("v1", "ConfigMap", label_selector=ID))


def settled(client: Client, workers: Workers, timeout: float, say: Callable[[str], None]) -> tuple[Seen, list[Fault]]:
    """The platform, and its faults, as soon as none of them may pass by itself, or when the time is over."""
    deadline, looks, faults = Deadline(timeout), list[Seen](), list[Fault]()

    def done() -> bool:
        looks[:] = [survey(client, workers)]
        faults[:] = judge(looks[0])
        return all(fault.final for fault in faults) or deadline.passed

    def awaited() -> str:
        return "; ".join(f"{fault.object}: {fault.wrong}" for fault in faults if not fault.final)[: tell.LINE]

    def late(_waited: int) -> VcciError:
        return VcciError("the platform could not be looked at in time")

    until(done, timeout + EVERY, lambda line: say(f"    {line}"), awaited=awaited, late=late, pause=1.0, longest=EVERY)
    return looks[0], faults


def _balancers(client: Client) -> list[Object]:
    """Services of ours that take connections from outside."""
    services: list[Object] = [*client.list("v1", "Service", label_selector=f"{OURS},{PART_OF}")]
    return [one for one in services if (one.get("spec") or {}).get("type") == "LoadBalancer"]


def _environment(client: Client) -> str:
    found = client.get("v1", "ConfigMap", *IDENTITY) or {}
    return str((found.get("data") or {}).get("environment") or "")


def _answer(
    answers: list[dict[str, Any]],
    faults: list[Fault],
    seen: Seen,
    args: Mapping[str, Any],
    address: str,
    show: Callable[[str], None],
) -> dict[str, Any]:
    known = {"namespace": args["namespace"], "host": args["api_host"], "address": address or "no address"}
    layers = tell.layers(seen, faults, known)
    for line in [*tell.answers(answers), *tell.table_of_layers(layers), *tell.table_of_faults(faults)]:
        show(line)
    told = {
        "checks": answers,
        "layers": [layer.to_dict() for layer in layers],
        "faults": [fault.to_dict() for fault in faults],
        "address": address,
    }
    if faults:
        raise VcciFaults(tell.message(faults), [tell.line(fault) for fault in faults], Told(told))
    return told


class VcciFaults(VcciError):
    """All that is wrong; `result` has it as data."""

    def __init__(self, message: str, errors: list[str], told: Told) -> None:
        super().__init__(message, errors)
        self.result = told
