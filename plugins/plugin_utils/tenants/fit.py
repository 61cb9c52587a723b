# Copyright (c) 2026 GreenLang. All rights reserved.
"""Resources of containers that we make in a tenant's namespace, within what its tier lets a container have. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from ..kubernetes.quantity import is_memory_like, parse, show

CONTAINERS = ("containers", "initContainers", "ephemeralContainers")

Object = Mapping[str, Any]
Resources = dict[str, dict[str, str]]


def fitting(wanted: Mapping[str, Mapping[str, str]], bounds: Iterable[Object], pods: int = 1) -> Resources:
    """Requests and limits as they are wanted, but no less and no more than LimitRanges say, nor more than a pod's share
    of what ResourceQuotas have left.

    A limit does not become less than the request that is wanted, without which nothing runs: where a quota has less
    left, the API server says so.

    bounds  LimitRanges and ResourceQuotas of one namespace, as the API server gives them.
    pods    how many such pods there are at a time.
    """
    objects = list(bounds)
    entries = [entry for one in objects for entry in one["spec"].get("limits") or () if entry["type"] == "Container"]
    found: Resources = {}
    for part, amounts in wanted.items():
        found[part] = {}
        for resource, amount in amounts.items():
            least = (wanted.get("requests") or {}).get(resource, amount) if part == "limits" else "0"
            share = _least_share(part, resource, objects, pods)
            room = None if share is None else max(share, parse(least))
            none = part == "limits" and not room  # that would be no limit
            fits = amount if room is None or none or parse(amount) <= room else _shown(room, resource)
            found[part][resource] = _within(fits, resource, entries)
    return found


def _within(amount: str, resource: str, entries: Iterable[Object]) -> str:
    for entry in entries:
        amount = max(amount, (entry.get("min") or {}).get(resource, amount), key=parse)
        amount = min(amount, (entry.get("max") or {}).get(resource, amount), key=parse)
    return amount


def _least_share(part: str, resource: str, objects: Iterable[Object], pods: int) -> Fraction | None:
    """What each of so many pods may have of what is left; None where no quota counts it."""
    names = (f"{part}.{resource}", *((resource,) if part == "requests" else ()))
    shares = [left / pods for one in objects for name in names for left in _left(one, name)]
    return max(min(shares), Fraction(0)) if shares else None


def _left(quota: Object, name: str) -> Iterator[Fraction]:
    spec = quota["spec"]
    if name in (spec.get("hard") or {}) and not (spec.get("scopes") or spec.get("scopeSelector")):
        yield parse(spec["hard"][name]) - parse(((quota.get("status") or {}).get("used") or {}).get(name, 0))


def _shown(amount: Fraction, resource: str) -> str:
    """No more than that, in the steps in which it is counted: bytes, or thousandths."""
    steps = 1 if is_memory_like(resource) else 1000
    return show(Fraction(int(amount * steps), steps), is_memory_like(resource))


def fitted(body: Any, bounds: Iterable[Object]) -> Any:
    """An object as it is, but for the resources of its containers, wherever they are in it."""
    objects = [one for one in bounds if "hard" not in one["spec"]]
    return _fitted(body, objects)


def _fitted(value: Any, ranges: list[Object], key: str = "") -> Any:
    if isinstance(value, list):
        return [_fitted(one, ranges, key) for one in value]
    if not isinstance(value, Mapping):
        return value
    whole = {name: _fitted(one, ranges, name) for name, one in value.items()}
    if key in CONTAINERS and isinstance(whole.get("resources"), Mapping):
        whole["resources"] = {**whole["resources"], **fitting(whole["resources"], ranges)}
    return whole
