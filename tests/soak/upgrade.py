# Copyright (c) 2026 GreenLang. All rights reserved.
"""A platform of an earlier version, with rows, keys, tenants and their Jobs in it, is converged by this one: nothing is
lost, a second run changes nothing, and it verifies.

The earlier version comes out of this clone's history and runs with this one's environment, whose packages it knows.
The cluster is one of three real nodes, of the trial's own.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import json
import re
import subprocess
import tempfile
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.helpers import ROOT, STATE, ansible, eventually, kubectl, local_cluster, reserved

# The last versions before tenants had contracts, ingress and levels of their own; before PostgreSQL had members; before
# Redis spoke TLS, and Weaviate was there.
BEFORE = (
    "f587045a070fb55232121203c4e7d175f14a5989",
    "df5bfc8b13567c5b754776c7a794c7975d2cdabe",
    "f565c307e5d347c542d251c94f1901a812117d53",
)
NUMBERS = range(68, 72)  # of the subnet
ROWS, KEYS = 1000, 1000
TENANTS = {"vcci-tenant-acme-corp": "acme-admins", "vcci-tenant-globex": "globex-admins"}
MEMBERS = 3  # of PostgreSQL
TRIES = 3  # of the earlier version, whose times are too short for a busy machine: it goes on where it was
GATE = "until [ -e /gate/open ]; do sleep 1; done"

Found = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Site:
    name: str
    subnet: str

    def command(self, *playbooks: str, **variables: object) -> list[str]:
        variables |= {"cluster_local_name": self.name, "cluster_local_subnet": self.subnet}
        return ["ansible-playbook", *playbooks, "-i", "inventories/local", "-e", json.dumps(variables)]

    def play(self, version: Path, *playbooks: str, tries: int = 1, **variables: object) -> int:
        """Run playbooks of a version on the cluster; how many tasks changed something."""
        command = self.command(*playbooks, **variables)
        for _attempt in range(tries):
            done = ansible(*command, cwd=version, environment={"ANSIBLE_CONFIG": str(version / "ansible.cfg")})
            if not done.returncode:
                break
        assert done.returncode == 0, f"{' '.join(playbooks)} of {version}:\n{done.stdout[-6000:]}"
        return sum(map(int, re.findall(r"changed=(\d+)", done.stdout.rpartition("PLAY RECAP")[2])))

    def kubectl(self, *arguments: str, given: object = None) -> str:
        return kubectl(STATE / self.name / "kubeconfig", *arguments, given=given)

    def objects(self, *arguments: str) -> list[Found]:
        items: list[Found] = json.loads(self.kubectl("get", *arguments, "-o", "json"))["items"]
        return items

    def remove(self) -> None:
        removed = local_cluster(name=self.name, state="absent")
        assert removed.returncode == 0, removed.stdout


def soak() -> str:
    return "; ".join(f"from {version[:7]}: {_from(version)}" for version in BEFORE)


def _from(version: str) -> str:
    with earlier(version) as old, own_site() as site:
        site.play(old, "site.yml", tries=TRIES)
        site.play(old, "playbooks/verify.yml", tries=TRIES)  # rows and jobs of the platform's own
        fill(site)
        before = state(site)
        first = site.play(ROOT, "site.yml")
        after = state(site)
        lost = differences(before, after)
        assert not lost, f"{len(lost)} lost or changed: {', '.join(lost[:20])}"
        finish_jobs(site)
        assert members(site) == MEMBERS, f"{members(site)} members of PostgreSQL agree"
        again = site.play(ROOT, "site.yml")
        assert again == 0, f"the second run says changed={again}"
        site.play(ROOT, "playbooks/verify.yml")
        lost = differences(before, state(site))
        assert not lost, f"{len(lost)} lost or changed when it was verified: {', '.join(lost[:20])}"
        moved = len(set(before["pods"].items()) - set(after["pods"].items()))
    counts = ", ".join(f"{len(before[what])} {what}" for what in KEPT)
    return f"changed={first}, then 0; {counts} kept; {moved} of {len(before['pods'])} pods of tenants were replaced"


@contextlib.contextmanager
def earlier(version: str) -> Iterator[Path]:
    """A folder with an earlier version, as it was committed."""
    known = subprocess.run(
        ["git", "cat-file", "-e", f"{version}^{{commit}}"], cwd=ROOT, capture_output=True, check=False
    )
    assert known.returncode == 0, (
        f"the history of {ROOT} has no commit {version[:7]}, a version to begin with: it is no clone, or a shallow "
        "one. Remedy: git fetch --unshallow, or a whole clone"
    )
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="vcci-upgrade-") as folder:
        packed = subprocess.run(["git", "archive", version], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
        subprocess.run(["tar", "--extract", "--directory", folder], input=packed, check=True)
        yield Path(folder)


@contextlib.contextmanager
def own_site() -> Iterator[Site]:
    """The name and the subnet of a cluster that no other run uses; nothing is there before and after the block."""
    with contextlib.ExitStack() as stack:
        number = stack.enter_context(reserved(NUMBERS, "upgrade"))
        site = Site(f"upgrade-{number}", f"10.{number}.0.0/16")
        site.remove()
        try:
            yield site
        except BaseException:
            with contextlib.suppress(AssertionError):  # what went wrong before is what counts
                site.remove()
            raise
        site.remove()


# -- what is put into it


def fill(site: Site) -> None:
    rows = f"create table kept (x int); insert into kept select generate_series(1, {ROWS})"
    sql(site, rows)
    script = f"for i = 1, {KEYS} do redis.call('SET', 'kept:' .. i, 'value ' .. i) end return 'OK'"
    redis(site, "eval", script, "0")
    for namespace, group in TENANTS.items():
        for made in tenant_objects(namespace):
            site.kubectl("create", "--as=somebody", f"--as-group={group}", "-f", "-", given=made)
    eventually(lambda: settled(site), lambda: site.kubectl("get", "pods", "-A", "-o", "wide"), every=2)


def tenant_objects(namespace: str) -> Iterator[Found]:
    """A server with a volume, a Job that has ended, and one that ends when its gate is opened; as its admins write."""
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "64Mi"}}}
    data = {"name": "data", "persistentVolumeClaim": {"claimName": "kept"}}
    gate = {"name": "gate", "configMap": {"name": "gate"}}
    yield whole("v1", "ConfigMap", namespace, "gate", data={"closed": ""})
    yield whole("v1", "Secret", namespace, "kept", stringData={"password": f"of {namespace}"})
    yield whole("v1", "PersistentVolumeClaim", namespace, "kept", spec={**claim, "storageClassName": "standard"})
    server = template(f"echo {namespace} > /data/kept; exec sleep infinity", data)
    labels = {"app": "kept"}
    server["metadata"] = {"labels": labels}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "strategy": {"type": "Recreate"}, "template": server}
    yield whole("apps/v1", "Deployment", namespace, "kept", spec=spec)
    for name, script in (("ended", "true"), ("waiting", GATE)):
        job = template(script, gate)
        job["spec"]["restartPolicy"] = "Never"
        yield whole("batch/v1", "Job", namespace, name, spec={"backoffLimit": 0, "template": job})


def whole(api_version: str, kind: str, namespace: str, name: str, **fields: object) -> Found:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, **fields}


def template(script: str, volume: Found) -> Found:
    """A pod that satisfies Pod Security `restricted`, with its volume mounted by the volume's name."""
    container = {
        "name": "main",
        "image": "greenlang/vcci-probe:v1.0.0",
        "command": ["sh", "-c", script],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "100m", "memory": "64Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": volume["name"], "mountPath": f"/{volume['name']}"}],
    }
    security = {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "fsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    spec = {"containers": [container], "volumes": [volume], "securityContext": security}
    return {"spec": {**spec, "automountServiceAccountToken": False}}


def settled(site: Site) -> bool:
    """Whether each tenant's server runs, one Job has ended and the other waits."""
    return all(
        done(site, namespace, "ended")
        and jobs(site, namespace)["waiting"].get("ready") == 1
        and site.kubectl("get", "deployment", "kept", "-n", namespace, "-o", "jsonpath={.status.readyReplicas}") == "1"
        for namespace in TENANTS
    )


def jobs(site: Site, namespace: str) -> dict[str, Found]:
    """Their status, by name."""
    return {job["metadata"]["name"]: job["status"] for job in site.objects("jobs", "-n", namespace)}


def done(site: Site, namespace: str, name: str) -> bool:
    status = jobs(site, namespace)[name]
    assert not status.get("failed"), f"Job {namespace}/{name} failed: {status}"
    return bool(status.get("succeeded"))


def finish_jobs(site: Site) -> None:
    """The Jobs that were begun before the upgrade end after it."""
    for namespace in TENANTS:
        site.kubectl("patch", "configmap", "gate", "-n", namespace, "--patch", '{"data": {"open": ""}}')
    for namespace in TENANTS:
        eventually(
            lambda where=namespace: done(site, where, "waiting"),
            lambda where=namespace: jobs(site, where),
            every=2,
        )


def backup(site: Site) -> None:
    """Of every store, which preflights ask for."""
    here = ("-n", "vcci-platform")
    names = [item["metadata"]["name"] for item in site.objects("cronjobs", *here)]
    jobs = {f"{name}-by-hand": name for name in names if name.endswith("-backup")}
    for job, name in jobs.items():
        site.kubectl("create", "job", job, f"--from=cronjob/{name}", *here)
    site.kubectl("wait", *(f"job/{job}" for job in jobs), "--for=condition=Complete", *here, "--timeout=300s")


# -- what must be there afterwards

KEPT = ("rows", "keys", "secrets", "objects", "files")


def state(site: Site) -> dict[str, dict[str, str]]:
    """By what it is and where: digests of what must be kept; and pods, which may be replaced."""
    tenants = [item for kind in KINDS for item in tenant_items(site, kind)]
    return {
        "rows": dict(rows(site)),
        "keys": dict(keys(site)),
        "secrets": dict(secrets(site)),
        "objects": {where(item): uid(item) for item in tenants},
        "files": {namespace: written(site, namespace) for namespace in TENANTS},
        "pods": {where(item): uid(item) for item in tenant_items(site, "pods")},
    }


def secrets(site: Site) -> Iterator[tuple[str, str]]:
    """Each key of each Secret: more may be added. Redis has had users since: of its address the password is kept."""
    for item in site.objects("secrets", "-A"):
        yield where(item), uid(item)
        for key, value in (item.get("data") or {}).items():
            kept = urllib.parse.urlsplit(base64.b64decode(value)).password if key == "REDIS_URL" else value
            yield f"{where(item)} {key}", digest(str(kept))


def members(site: Site) -> int:
    """Of PostgreSQL, that are the primary or may take its place."""
    endpoints = {item["metadata"]["name"]: item for item in site.objects("endpoints", "-n", "vcci-platform")}
    kept = endpoints["postgresql-sync"]["metadata"]["annotations"]
    return 1 + len([name for name in kept.get("sync_standby", "").split(",") if name])


KINDS = (
    "namespaces",
    "configmaps",
    "persistentvolumeclaims",
    "deployments",
    "jobs",
    "resourcequotas",
    "serviceaccounts",
)


def tenant_items(site: Site, kind: str) -> list[Found]:
    """All of this kind in the tenants' namespaces."""
    if kind == "namespaces":
        return [item for item in site.objects(kind) if item["metadata"]["name"] in TENANTS]
    return [item for namespace in TENANTS for item in site.objects(kind, "-n", namespace)]


def where(item: Found) -> str:
    metadata = item["metadata"]
    return f"{item['kind']} {metadata.get('namespace', '')}/{metadata['name']}"


def uid(item: Found) -> str:
    return str(item["metadata"]["uid"])


def digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def written(site: Site, namespace: str) -> str:
    return site.kubectl("exec", "deployment/kept", "-n", namespace, "--", "cat", "/data/kept")


def sql(site: Site, statement: str) -> str:
    psql = ["psql", "-U", "vcci", "-d", "vcci", "-At", "-v", "ON_ERROR_STOP=1", "-c", statement]
    return site.kubectl("exec", "postgresql-0", "-n", "vcci-platform", "--", *psql)


def rows(site: Site) -> Iterator[tuple[str, str]]:
    """Each row of each table."""
    for table in sql(site, "select quote_ident(tablename) from pg_tables where schemaname = 'public'").split():
        for row in sql(site, f"select to_json(t) from {table} t").splitlines():
            yield f"row of {table} {digest(row)}", ""


def redis(site: Site, *arguments: str) -> str:
    """At the master, to which the proxy in each member leads."""
    command = ["redis-cli", "--no-auth-warning", "-p", "6380", *arguments]
    return site.kubectl("exec", "redis-0", "-n", "vcci-platform", "-c", "redis", "--", *command)


def keys(site: Site) -> Iterator[tuple[str, str]]:
    """The keys that were put there, with their values."""
    names = [f"kept:{number}" for number in range(1, KEYS + 1)]
    for name, value in zip(names, redis(site, "mget", *names).splitlines(), strict=True):
        if value:
            yield name, value


def differences(before: dict[str, dict[str, str]], after: dict[str, dict[str, str]]) -> list[str]:
    """What was there and is not, or is another."""
    return [
        f"{what}: {name}" for what in KEPT for name, value in before[what].items() if after[what].get(name) != value
    ]
