# Copyright (c) 2026 GreenLang. All rights reserved.
"""What a tier sells besides amounts: the classes, pools, annotations and bounds that admission policies hold a tenant
to. Pure.

Every field has a default, so that a tier names what differs; a tenant's overrides may name any of them.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .cluster import ANNOTATION
from .problems import Problems, named

_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"^(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*\Z")
_KEY_NAME = r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_KEY = re.compile(rf"^(?=.{{1,317}}\Z){_LABEL}(\.{_LABEL})+/{_KEY_NAME}\Z")
# Whose pods would displace the platform's own: no tier may name one of these.
_ABOVE_TENANTS = ("system-", "vcci-")
_DIGITS = re.compile(r"^[0-9]{1,9}\Z", re.ASCII)
ISSUER = "cert-manager.io/cluster-issuer"

# Of each number what it may be at least and at most. Less grace than 30 s would refuse every pod that names none; the
# API server itself takes no ConfigMap above 1 MiB.
BOUNDS = {
    "load_balancers": (0, 1000),
    "max_service_ports": (1, 1000),
    "max_tls_entries": (0, 1000),
    "max_grace_seconds": (30, 86400),
    "max_object_bytes": (1024, 1048576),
}
NAMES = {
    "priority_classes": "a PriorityClass",
    "node_pools": "a pool of nodes",
    "volume_attributes_classes": "a VolumeAttributesClass",
    "runtime_classes": "a RuntimeClass",
    "ingress_classes": "an IngressClass",
    "issuers": "a ClusterIssuer",
}
MAPPINGS = ("extended_resources", "annotations")
FIELDS = (*NAMES, *MAPPINGS, *BOUNDS)


@dataclass(frozen=True)
class Contract:
    """Of each field its documentation is in docs/tiers.md.

    None of ingress_classes and issuers: those of the platform. None of load_balancers: nobody said a number.
    """

    priority_classes: tuple[str, ...] = ()
    node_pools: tuple[str, ...] = ("compute",)
    volume_attributes_classes: tuple[str, ...] = ()
    runtime_classes: tuple[str, ...] = ()
    ingress_classes: tuple[str, ...] | None = None
    issuers: tuple[str, ...] | None = None
    extended_resources: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, list[str] | None] = field(default_factory=dict)
    load_balancers: int | None = None
    max_service_ports: int = 32
    max_tls_entries: int = 20
    max_grace_seconds: int = 300
    max_object_bytes: int = 262144

    def over(self, given: Mapping[str, Any]) -> Contract:
        """With what a tenant has instead: lists and numbers replace, dictionaries add."""
        if not given:
            return self
        merged = {name: {**getattr(self, name), **given[name]} for name in MAPPINGS if name in given}
        return dataclasses.replace(self, **{**given, **merged})

    def of_platform(self, ingress_classes: tuple[str, ...], issuers: tuple[str, ...]) -> Contract:
        """With the platform's own where nobody named any."""
        classes = ingress_classes if self.ingress_classes is None else self.ingress_classes
        signers = issuers if self.issuers is None else self.issuers
        return dataclasses.replace(self, ingress_classes=classes, issuers=signers)

    def written(self, extended: list[str], load_balancers: str) -> dict[str, str]:
        """The annotations of a namespace that say all of it.

        extended        resources of which the tenant's quota allows more than none.
        load_balancers  how many it allows.
        """
        said: dict[str, str] = {}
        for name in NAMES:
            said[_key(name)] = ",".join(getattr(self, name) or ())
        for name in BOUNDS:
            said[_key(name)] = str(getattr(self, name))
        issuers = {ISSUER: list(self.issuers or ())}
        said[_key("annotations")] = json.dumps({**issuers, **self.annotations}, sort_keys=True)
        said[_key("extended_resources")] = ",".join(extended)
        said[_key("load_balancers")] = load_balancers
        return said


def told(annotations: Mapping[str, str]) -> dict[str, Any]:
    """The fields that a namespace's annotations say, as people write them; those that it does not have are left out."""
    found: dict[str, Any] = {}
    for name in FIELDS:
        text = annotations.get(_key(name))
        if text is not None:
            found[name] = _read(name, text)
    return found


def _read(name: str, text: str) -> Any:
    if name == "annotations":
        try:
            return json.loads(text)
        except ValueError:
            return text
    if name in BOUNDS:
        return int(text) if text.isdecimal() else text
    return [part for part in text.split(",") if part]


def _key(name: str) -> str:
    return ANNOTATION + name.replace("_", "-")


# --- what people write --------------------------------------------------------------------------------------------
def parse_contract(value: Mapping[str, Any], where: str, problems: Problems) -> dict[str, Any]:
    """The fields that are given, checked; what is wrong with them is among the problems."""
    parsed: dict[str, Any] = {}
    for name, given in value.items():
        here = f"{where}.{name}"
        if given is None:
            continue
        if name in NAMES:
            parsed[name] = problems.texts(given, here, _NAME, f"the name of {NAMES[name]}")
        elif name in BOUNDS:
            parsed[name] = _number(given, here, *BOUNDS[name], problems)
        elif name == "annotations":
            parsed[name] = dict(_annotations(given, here, problems))
        elif name == "extended_resources":
            parsed[name] = _resources(given, here, problems)
    for name in parsed.get("priority_classes", ()):
        if name.startswith(_ABOVE_TENANTS):
            why = "classes of the system (system-) and of the platform (vcci-) are above every tenant's"
            problems.add(f"{where}.priority_classes", f"{name} is not a tenant's to name: {why}")
    return parsed


def _number(value: Any, where: str, least: int, most: int, problems: Problems) -> int:
    is_number = isinstance(value, (int, str)) and not isinstance(value, bool) and _DIGITS.match(str(value))
    if is_number and least <= int(value) <= most:
        return int(value)
    problems.add(where, f"must be a number from {least} to {most}, not {named(value)}")
    return least


def _annotations(value: Any, where: str, problems: Problems) -> Iterator[tuple[str, list[str] | None]]:
    """Keys, each with any value (None), or each with those that it may have."""
    if not isinstance(value, Mapping):
        keys = problems.sequence(value, where)
        value = {str(key): None for key in keys}
    for key, values in value.items():
        here = f"{where}.{key}"
        if not isinstance(key, str) or not _KEY.match(key):
            problems.add(here, "must be an annotation with its domain, such as example.com/name")
        elif values is None:
            yield key, None
        else:
            allowed = problems.sequence(values, here)
            wrong = [one for one in allowed if not isinstance(one, str)]
            if wrong:
                problems.add(here, f"must be a list of texts, not {named(wrong[0])} in it; numbers in quotes")
            yield key, [str(one) for one in allowed]


def _resources(value: Any, where: str, problems: Problems) -> dict[str, str]:
    amounts = problems.quantities(value, where)
    for name in list(amounts):
        domain = name.partition("/")[0]
        if not _KEY.match(name) or domain == "kubernetes.io" or domain.endswith(".kubernetes.io"):
            problems.add(f"{where}.{name}", "must be a resource of a device, such as nvidia.com/gpu")
            del amounts[name]
        elif not amounts[name].isdecimal():
            problems.add(f"{where}.{name}", f"must be a whole number of devices, not {amounts[name]}")
    return amounts
