# Copyright (c) 2026 GreenLang. All rights reserved.
"""Tenants as data: the schema, checked with all errors at once. Pure.

A tenant: {id, name, tier, created?, owners?, hosts?, registries?, storage_classes?, egress?, overrides?}.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .egress import Egress, Network, networks, parse_egress
from .problems import Problems, named
from .tiers import Overrides, Tier, parse_overrides, parse_tier_name

PREFIX = "vcci-tenant-"
ID_LENGTH = 63 - len(PREFIX)  # a namespace's name is a DNS label
ROLES = ("admin", "developer", "viewer")
KEYS = ("id", "name", "tier", "created", "owners", "hosts", "registries", "storage_classes", "egress", "overrides")

_ID = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z")
_CREATED = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")
_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
HOST = re.compile(rf"^(\*\.)?(?=.{{1,250}}\Z){_LABEL}(\.{_LABEL})+\Z")
REGISTRY = re.compile(r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*\Z")


@dataclass(frozen=True)
class Owner:
    kind: str  # User or Group
    name: str
    role: str


@dataclass(frozen=True)
class Tenant:
    id: str
    name: str
    tier: str
    created: str | None = None
    owners: tuple[Owner, ...] = ()
    hosts: tuple[str, ...] = ()
    registries: tuple[str, ...] = ()
    storage_classes: dict[str, str] = field(default_factory=dict)
    egress: tuple[Egress, ...] = ()
    overrides: Overrides = field(default_factory=Overrides)

    @property
    def namespace(self) -> str:
        return PREFIX + self.id


def placed(tenants: Any, problems: Problems) -> list[tuple[str, Any]]:
    """Tenants of a list with the place that each is at, as parse_tenants() takes them."""
    found: list[tuple[str, Any]] = []
    for index, value in enumerate(problems.sequence(tenants, "tenants")):
        named_id = f" ({value['id']})" if isinstance(value, Mapping) and isinstance(value.get("id"), str) else ""
        found.append((f"tenants[{index}]{named_id}", value))
    return found


def parse_tenants(
    tenants: Iterable[tuple[str, Any]],
    tiers: Mapping[str, Tier],
    problems: Problems,
    *,
    protected_cidrs: Iterable[str] = (),
    protected_hosts: Iterable[str] = (),
) -> list[Tenant]:
    """The tenants, from (place, value) pairs; what is wrong with them is among the problems."""
    protected = networks(protected_cidrs, problems)
    parsed: list[Tenant] = []
    seen: dict[str, str] = {}
    hosts = dict.fromkeys(protected_hosts, "the platform")
    for where, value in tenants:
        tenant = _parse_tenant(value, where, tiers, protected, problems)
        if tenant.id in seen and tenant.id:
            problems.add(where, f"id {tenant.id!r} is taken by {seen[tenant.id]}")
        seen.setdefault(tenant.id, where)
        _claim(tenant.hosts, where, hosts, problems)
        parsed.append(tenant)
    _check_wildcards(hosts, problems)
    return parsed


def check_id(value: Any, where: str, problems: Problems) -> str:
    """The id, empty when it is none."""
    if not isinstance(value, str) or not _ID.match(value):
        problems.add(where, f"must be a DNS label (a-z, 0-9, -), not {named(value)}")
        return ""
    if len(value) > ID_LENGTH:
        problems.add(where, f"has {len(value)} characters; a namespace {PREFIX}<id> leaves room for {ID_LENGTH}")
    return value


def _parse_tenant(
    value: Any, where: str, tiers: Mapping[str, Tier], protected: Sequence[Network], problems: Problems
) -> Tenant:
    value = problems.mapping(value, where, KEYS)
    name, created = value.get("name"), value.get("created")
    tenant_id = check_id(value.get("id"), f"{where}.id", problems)
    if not isinstance(name, str) or not name.strip() or len(name) > 256 or not name.isprintable():
        problems.add(f"{where}.name", f"must be a line of 1 to 256 characters, not {named(name)}")
    tier = parse_tier_name(value.get("tier"), f"{where}.tier", tiers, problems)
    if created is not None and not (isinstance(created, str) and _CREATED.match(created)):
        problems.add(f"{where}.created", f"must be a time like 2026-01-31T12:00:00Z in quotes, not {named(created)}")
    registry = "a registry such as registry.example:5000/acme, without a tag"
    return Tenant(
        id=tenant_id,
        name=str(name),
        tier=str(value.get("tier")),
        created=created,
        owners=_parse_owners(value.get("owners"), f"{where}.owners", problems),
        hosts=problems.texts(
            value.get("hosts"), f"{where}.hosts", HOST, "a host such as acme.example or *.acme.example"
        ),
        registries=problems.texts(value.get("registries"), f"{where}.registries", REGISTRY, registry),
        storage_classes=problems.quantities(value.get("storage_classes"), f"{where}.storage_classes"),
        egress=parse_egress(value.get("egress"), f"{where}.egress", protected, problems),
        overrides=parse_overrides(value.get("overrides"), f"{where}.overrides", tier, problems),
    )


def _parse_owners(value: Any, where: str, problems: Problems) -> tuple[Owner, ...]:
    owners: list[Owner] = []
    for index, entry in enumerate(problems.sequence(value, where)):
        here = f"{where}[{index}]"
        given = problems.mapping(entry, here, ("user", "group", "role"))
        names = [(kind.capitalize(), given[kind]) for kind in ("user", "group") if given.get(kind) is not None]
        role = given.get("role", "admin")
        if role not in ROLES:
            problems.add(here, f"unknown role {role!r}; known are {', '.join(ROLES)}")
        elif len(names) != 1 or not isinstance(names[0][1], str) or not names[0][1].strip():
            problems.add(here, "needs either user or group, a name")
        elif names[0][1].strip().lower().startswith("system:"):
            who = "a tenant's owner must be a person or a group of persons"
            problems.add(here, f"{names[0][1]} belongs to the system: {who}")
        else:
            owners.append(Owner(names[0][0], names[0][1], role))
    return tuple(dict.fromkeys(owners))


# --- hosts: each belongs to one tenant ----------------------------------------------------------------------------
def _claim(wanted: Iterable[str], where: str, hosts: dict[str, str], problems: Problems) -> None:
    for host in wanted:
        if host in hosts:
            problems.add(f"{where}.hosts", f"{host} belongs to {hosts[host]}")
        hosts.setdefault(host, where)


def _check_wildcards(hosts: Mapping[str, str], problems: Problems) -> None:
    for host, where in hosts.items():
        parts = host.removeprefix("*.").split(".")
        for cut in range(0 if host.startswith("*.") else 1, len(parts)):
            wider = "*." + ".".join(parts[cut:])
            if wider != host and hosts.get(wider, where) != where:
                problems.add(f"{where}.hosts", f"{host} is within {wider}, which belongs to {hosts[wider]}")
