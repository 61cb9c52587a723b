# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which requests are tenants': the FlowSchemas that put their people and ServiceAccounts into one priority level, where
each user has a queue of its own. Pure.

One FlowSchema for each share of the tenants, whoever of it is converged: the API server looks through all of them at
every request, and an object has an end.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..labels import labels
from .tenant import Tenant

COMPONENT = "tenant-flow"
# Behind upstream's own for nodes, leaders and kube-system (up to 900) and the platform's (1000), before those for
# everybody's ServiceAccounts (9000) and everybody (9900).
PRECEDENCE = 8000
EVERYTHING = {
    "resourceRules": [
        {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}
    ],
    "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
}


def flow_schema(
    name: str, level: str, part_of: str, tenants: Iterable[Tenant], namespaces: Iterable[str]
) -> dict[str, Any]:
    """Of the owners of these tenants, and of the ServiceAccounts in these namespaces."""
    people = {(owner.kind, owner.name) for tenant in tenants for owner in tenant.owners}
    accounts = {("Group", f"system:serviceaccounts:{namespace}") for namespace in namespaces}
    subjects = [{"kind": kind, kind.lower(): {"name": who}} for kind, who in sorted(people | accounts)]
    return {
        "apiVersion": "flowcontrol.apiserver.k8s.io/v1",
        "kind": "FlowSchema",
        "metadata": {"name": name, "labels": labels(COMPONENT, part_of)},
        "spec": {
            "priorityLevelConfiguration": {"name": level},
            "matchingPrecedence": PRECEDENCE,
            "distinguisherMethod": {"type": "ByUser"},
            "rules": [{"subjects": subjects, **EVERYTHING}],
        },
    }
