# Copyright (c) 2026 GreenLang. All rights reserved.
"""What is not as its owner wants it: nothing is upgraded, and no node taken away, while something of the platform is
not well. What a tenant's own people break, and need not mend, is only told. Pure.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from .findings import Finding, Object, named

KINDS = (("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("apps/v1", "DaemonSet"))
FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def unready(workloads: Iterable[Object], tenants: Collection[str] = ()) -> list[Finding]:
    """Those that have fewer Ready pods than they want, or are being rolled out. In `tenants`, the namespaces of
    tenants, none blocks."""
    found = []
    for workload in workloads:
        ready, wanted = counts(workload)
        behind = int((workload.get("status") or {}).get("observedGeneration") or 0) < workload["metadata"].get(
            "generation", 0
        )
        if ready < wanted or behind:
            told = "is being rolled out" if ready >= wanted else f"has {ready} of {wanted} pods Ready"
            blocks, remedy = workload["metadata"].get("namespace") not in tenants, "mend it, or wait for it"
            remedy = remedy if blocks else "none is needed: it is a tenant's own"
            found.append(Finding("workloads", blocks, f"{named(workload)} {told}. Remedy: {remedy}"))
    return found


def counts(workload: Object) -> tuple[int, int]:
    """How many of its pods are Ready, and how many it wants."""
    status, spec = workload.get("status") or {}, workload.get("spec") or {}
    if workload.get("kind") == "DaemonSet":
        return int(status.get("numberReady") or 0), int(status.get("desiredNumberScheduled") or 0)
    wanted = spec.get("replicas")
    return int(status.get("readyReplicas") or 0), 1 if wanted is None else int(wanted)


def of_backups(
    jobs: Iterable[Object], hours: int, now: datetime.datetime, tenants: Collection[str] = ()
) -> list[Finding]:
    """CronJobs that make backups, of which the last success is older than so many hours; a tenant's are its own."""
    found = []
    for job in (one for one in jobs if one["metadata"].get("namespace") not in tenants):
        if (job.get("spec") or {}).get("suspend"):
            found.append(_old(job, f"{named(job)} is suspended"))
            continue
        last = (job.get("status") or {}).get("lastSuccessfulTime")
        age = (now - moment(last)).total_seconds() / 3600 if last else None
        if age is None:
            found.append(_old(job, f"{named(job)} never succeeded"))
        elif age > hours:
            found.append(_old(job, f"{named(job)} last succeeded {age:.0f} hours ago, {hours} are allowed"))
    return found


def moment(text: str) -> datetime.datetime:
    return datetime.datetime.strptime(text, FORMAT).replace(tzinfo=datetime.UTC)


def is_backup(job: Mapping[str, Any]) -> bool:
    """Whether a CronJob makes a backup, by its name."""
    return "backup" in job["metadata"]["name"]


def _old(job: Object, what: str) -> Finding:
    name, where = job["metadata"]["name"], job["metadata"].get("namespace")
    command = f"kubectl create job {name}-now --from=cronjob/{name} -n {where}"
    return Finding("backups", True, f"{what}. Remedy: run it now ({command}), and see that it succeeds")
