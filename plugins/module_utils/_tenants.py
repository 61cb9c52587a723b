# Copyright (c) 2026 GreenLang. All rights reserved.
"""Tenants and tiers as data: the schema, checked with all errors at once. Pure.

A tenant: {id, name, tier, created?, owners?, egress?, overrides?}; a tier: {quota, limits?, storage_classes?}.
"""
from __future__ import annotations

import ipaddress
import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import _quantity

PREFIX = "vcci-tenant-"
ID_LENGTH = 63 - len(PREFIX)  # a namespace's name is a DNS label
ROLES = ("admin", "developer", "viewer")
# Where clouds hand out a node's credentials, and what else no tenant may name.
NEVER_EGRESS = ("169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128", "127.0.0.0/8", "::1/128")

_ID = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z")
_TIER = re.compile(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_CREATED = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")
_RESOURCE = re.compile(
    r"^(cpu|memory|ephemeral-storage|storage|pods|services|services\.loadbalancers|services\.nodeports|secrets|configmaps|"
    r"persistentvolumeclaims|replicationcontrollers|resourcequotas|requests\.[a-z0-9][a-z0-9./-]*|limits\.[a-z0-9][a-z0-9./-]*|"
    r"count/[a-z0-9][a-z0-9.-]*|[a-z0-9][a-z0-9.-]*\.storageclass\.storage\.k8s\.io/(requests\.storage|persistentvolumeclaims))\Z")
_LIMIT_KEYS = {"default": "default", "default_request": "defaultRequest", "max": "max", "min": "min"}


@dataclass(frozen=True)
class Owner:
    kind: str  # User or Group
    name: str
    role: str


@dataclass(frozen=True)
class Egress:
    cidr: str
    excepted: tuple[str, ...]
    ports: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Tier:
    quota: dict[str, str]
    limits: dict[str, dict[str, str]]
    max_volume: str | None
    storage_classes: dict[str, str]


@dataclass(frozen=True)
class Tenant:
    id: str
    name: str
    tier: str
    created: str | None = None
    owners: tuple[Owner, ...] = ()
    egress: tuple[Egress, ...] = ()
    quota: dict[str, str] = field(default_factory=dict)
    storage_classes: dict[str, str] = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        return PREFIX + self.id


class Problems:
    """Collects what is wrong, each with the place it is at."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, where: str, what: str) -> None:
        self.found.append(f"{where}: {what}")

    def mapping(self, value: Any, where: str, known: Iterable[str]) -> dict:
        if not isinstance(value, Mapping):
            self.add(where, f"must be a dictionary, not {_named(value)}")
            return {}
        known = tuple(known)
        for key in value:
            if key not in known:
                self.add(where, f"unknown key {key!r}; known are {', '.join(known)}")
        return {key: item for key, item in value.items() if key in known}

    def sequence(self, value: Any, where: str) -> list:
        if value is None:
            return []
        if not isinstance(value, (list, tuple)):
            self.add(where, f"must be a list, not {_named(value)}")
            return []
        return list(value)

    def quantities(self, value: Any, where: str, resources: re.Pattern | None = None) -> dict[str, str]:
        """Resource → amount, as text; amounts are checked, not changed."""
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.add(where, f"must be a dictionary of amounts, not {_named(value)}")
            return {}
        good = {}
        for key, amount in value.items():
            try:
                if _quantity.parse(amount) < 0:
                    raise ValueError(f"{amount!r} is negative")
            except ValueError as exc:
                self.add(f"{where}.{key}", str(exc))
                continue
            if resources is not None and not resources.match(str(key)):
                self.add(f"{where}.{key}", "is no resource that a ResourceQuota counts")
            else:
                good[str(key)] = str(amount)
        return good


def _named(value: Any) -> str:
    return "nothing" if value is None else f"{type(value).__name__} {value!r}"


# --- tiers ---------------------------------------------------------------------------------------------------------------
def read_tiers(tiers: Any, problems: Problems) -> dict[str, Tier]:
    if not isinstance(tiers, Mapping) or not tiers:
        problems.add("tiers", "must be a dictionary with at least one tier")
        return {}
    read = {}
    for name, value in tiers.items():
        if not isinstance(name, str) or not _TIER.match(name):
            problems.add(f"tiers.{name}", "a tier's name must be a DNS label")
        else:
            read[name] = _read_tier(value, f"tiers.{name}", problems)
    return read


def _read_tier(value: Any, where: str, problems: Problems) -> Tier:
    value = problems.mapping(value, where, ("quota", "limits", "storage_classes"))
    quota = problems.quantities(value.get("quota"), f"{where}.quota", _RESOURCE)
    if not value.get("quota"):
        problems.add(f"{where}.quota", "is empty: a tier without a quota limits nothing")
    limits = problems.mapping(value.get("limits") or {}, f"{where}.limits", (*_LIMIT_KEYS, "max_volume"))
    container = {api: problems.quantities(limits[key], f"{where}.limits.{key}") for key, api in _LIMIT_KEYS.items() if limits.get(key)}
    order = [key for key in ("min", "defaultRequest", "default", "max") if key in container]
    for lower, upper in itertools.pairwise(order):
        for resource in container[lower].keys() & container[upper].keys():
            if _quantity.parse(container[lower][resource]) > _quantity.parse(container[upper][resource]):
                problems.add(f"{where}.limits", f"{lower} of {resource} ({container[lower][resource]}) is above {upper} ({container[upper][resource]})")
    volume = problems.quantities({"max_volume": limits["max_volume"]}, f"{where}.limits") if limits.get("max_volume") is not None else {}
    classes = problems.quantities(value.get("storage_classes"), f"{where}.storage_classes")
    return Tier(quota, container, volume.get("max_volume"), classes)


# --- tenants -------------------------------------------------------------------------------------------------------------
def read_tenants(tenants: Any, tiers: Mapping[str, Tier], problems: Problems, protected: Iterable[str] = ()) -> list[Tenant]:
    """The tenants that are in order; what is not is among the problems."""
    networks = _networks([*NEVER_EGRESS, *protected], problems)
    read: list[Tenant] = []
    seen: dict[str, str] = {}
    for index, value in enumerate(problems.sequence(tenants, "tenants")):
        where = f"tenants[{index}]"
        if isinstance(value, Mapping) and isinstance(value.get("id"), str):
            where += f" ({value['id']})"
        tenant = _read_tenant(value, where, tiers, networks, problems)
        if tenant.id in seen and tenant.id:
            problems.add(where, f"id {tenant.id!r} is taken by {seen[tenant.id]}")
        seen.setdefault(tenant.id, where)
        read.append(tenant)
    return read


def _read_tenant(value: Any, where: str, tiers: Mapping[str, Tier], networks: list, problems: Problems) -> Tenant:
    value = problems.mapping(value, where, ("id", "name", "tier", "created", "owners", "egress", "overrides"))
    tenant_id, name, tier, created = value.get("id"), value.get("name"), value.get("tier"), value.get("created")
    if not isinstance(tenant_id, str) or not _ID.match(tenant_id):
        problems.add(f"{where}.id", f"must be a DNS label (a-z, 0-9, -), not {_named(tenant_id)}")
        tenant_id = ""
    elif len(tenant_id) > ID_LENGTH:
        problems.add(f"{where}.id", f"has {len(tenant_id)} characters; a namespace {PREFIX}<id> leaves room for {ID_LENGTH}")
    if not isinstance(name, str) or not name.strip() or len(name) > 256 or not name.isprintable():
        problems.add(f"{where}.name", f"must be a line of 1 to 256 characters, not {_named(name)}")
    if not isinstance(tier, str) or tier not in tiers:
        problems.add(f"{where}.tier", f"unknown tier {tier!r}; known are {', '.join(tiers) or 'none'}")
    if created is not None and not (isinstance(created, str) and _CREATED.match(created)):
        problems.add(f"{where}.created", f"must be a time like 2026-01-31T12:00:00Z in quotes, not {_named(created)}")
    overrides = problems.mapping(value.get("overrides") or {}, f"{where}.overrides", ("quota", "storage_classes"))
    return Tenant(
        id=tenant_id, name=str(name), tier=str(tier), created=created,
        owners=_read_owners(value.get("owners"), f"{where}.owners", problems),
        egress=_read_egress(value.get("egress"), f"{where}.egress", networks, problems),
        quota=problems.quantities(overrides.get("quota"), f"{where}.overrides.quota", _RESOURCE),
        storage_classes=problems.quantities(overrides.get("storage_classes"), f"{where}.overrides.storage_classes"))


def _read_owners(value: Any, where: str, problems: Problems) -> tuple[Owner, ...]:
    owners = []
    for index, entry in enumerate(problems.sequence(value, where)):
        here = f"{where}[{index}]"
        entry = problems.mapping(entry, here, ("user", "group", "role"))
        names = [(kind.capitalize(), entry[kind]) for kind in ("user", "group") if entry.get(kind) is not None]
        role = entry.get("role", "admin")
        if role not in ROLES:
            problems.add(here, f"unknown role {role!r}; known are {', '.join(ROLES)}")
        elif len(names) != 1 or not isinstance(names[0][1], str) or not names[0][1].strip():
            problems.add(here, "needs either user or group, a name")
        elif names[0][1].strip().lower().startswith("system:"):
            problems.add(here, f"{names[0][1]} belongs to the system: a tenant's owner must be a person or a group of persons")
        else:
            owners.append(Owner(names[0][0], names[0][1], role))
    return tuple(dict.fromkeys(owners))


def _networks(cidrs: Iterable[str], problems: Problems) -> list:
    read = []
    for cidr in cidrs:
        try:
            read.append(ipaddress.ip_network(cidr))
        except ValueError as exc:
            problems.add("protected_cidrs", str(exc))
    return read


def _read_egress(value: Any, where: str, protected: list, problems: Problems) -> tuple[Egress, ...]:
    rules = []
    for index, entry in enumerate(problems.sequence(value, where)):
        here = f"{where}[{index}]"
        entry = problems.mapping(entry, here, ("cidr", "ports"))
        try:
            # Numbers would be read as addresses.
            network = ipaddress.ip_network(str(entry.get("cidr")))
        except ValueError:
            problems.add(f"{here}.cidr", f"must be a network such as 203.0.113.0/24, not {_named(entry.get('cidr'))}")
            continue
        alike = [other for other in protected if other.version == network.version]
        inside = [other for other in alike if network.subnet_of(other)]
        if inside:
            problems.add(f"{here}.cidr", f"{network} is within {inside[0]}, which no tenant may reach (metadata, nodes, the platform)")
            continue
        excepted = tuple(str(other) for other in alike if other.subnet_of(network))
        rules.append(Egress(str(network), excepted, _read_ports(entry.get("ports"), f"{here}.ports", problems)))
    return tuple(rules)


def _read_ports(value: Any, where: str, problems: Problems) -> tuple[tuple[str, int], ...]:
    ports = []
    for index, entry in enumerate(problems.sequence(value, where)):
        entry = {"port": entry} if isinstance(entry, int) else entry
        entry = problems.mapping(entry, f"{where}[{index}]", ("port", "protocol"))
        port, protocol = entry.get("port"), entry.get("protocol", "TCP")
        if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536 or protocol not in ("TCP", "UDP", "SCTP"):
            problems.add(f"{where}[{index}]", "must be a port from 1 to 65535, with protocol TCP, UDP or SCTP")
        else:
            ports.append((protocol, port))
    if not ports:
        problems.add(where, "name at least one port: egress to every port of a network is not declared, it is open")
    return tuple(ports)
