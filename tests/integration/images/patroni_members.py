# Copyright (c) 2026 GreenLang. All rights reserved.
"""Members of vcci-postgresql as role data describes them, in the image's root file system: each in namespaces of its
own, on an address of its own, and all of them at a real API server, with the rights of their account."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509

from tests import helpers
from tests.integration.images.authority import Authority

TEMPLATES = ("postgresql_access.yml.j2", "postgresql_services.yml.j2", "postgresql.yml.j2")
SECRETS = {"password": "p:a\\s s+é", "replication-password": "r", "rewind-password": "w"}
SOCKETS = "/var/run/postgresql"


class Members:
    """`values` are variables of the role. Member 0 has the address 198.18.<network>.1, and so on: Endpoints take
    none of 127.0.0.0/8."""

    def __init__(self, image: Path, root: Path, network: int, kubeconfig: Path, namespace: str, **values: Any) -> None:
        self.image, self.root, self.network, self.namespace = image, root, network, namespace
        self.kubeconfig, self.running = kubeconfig, dict[int, subprocess.Popen[bytes]]()
        root.chmod(0o755)
        for name in ("config", "secrets", "tls", "account", "backup", "rendered"):
            (root / name).mkdir()
        os.chown(root / "backup", 999, 999)
        (root / "rendered").chmod(0o755)
        values = {"data_postgresql_archive": "none", "data_namespace": namespace, **values}
        self.manifests = helpers.render(root / "rendered", "data", names=TEMPLATES, **values)
        self.stateful_set = self._manifest("StatefulSet", "postgresql")
        self.replicas = self.stateful_set["spec"]["replicas"]
        self.authority = Authority()
        self.renew()
        for key, value in SECRETS.items():
            (root / "secrets" / key).write_text(value)
        hosts = [f"{self.address(index)} {self._host(index)}" for index in range(self.replicas)]
        (root / "hosts").write_text("\n".join(["127.0.0.1 localhost", *hosts, ""]))
        self.configure(self._manifest("ConfigMap", "postgresql-config")["data"])

    def configure(self, data: dict[str, str]) -> None:
        """What the ConfigMap has."""
        for name, text in data.items():
            (self.root / "config" / name).write_text(text)

    def bring(self, kubectl: Callable[..., str]) -> None:
        """What is in the cluster beside the members: their account, the Services, and the pods that they tell at."""
        kinds = ("ServiceAccount", "Role", "RoleBinding", "Service")
        items = [manifest for manifest in self.manifests if manifest["kind"] in kinds]
        items += [self._pod(index) for index in range(self.replicas)]
        kubectl("apply", "--server-side", "-f", "-", given={"apiVersion": "v1", "kind": "List", "items": items})
        token = kubectl("create", "token", "postgresql", "-n", self.namespace, "--duration=1h").strip()
        self.lay()
        cluster = yaml.safe_load(self.kubeconfig.read_text())["clusters"][0]["cluster"]
        (self.root / "account" / "token").write_text(token)
        authority = cluster.get("certificate-authority-data")
        given = base64.b64decode(authority) if authority else Path(cluster["certificate-authority"]).read_bytes()
        (self.root / "account" / "ca.crt").write_bytes(given)
        self.api_server = cluster["server"].removeprefix("https://").rstrip("/")

    def lay(self) -> None:
        device = f"vp{self.network}"
        subprocess.run(["ip", "link", "del", device], check=False, capture_output=True)  # a run that was killed
        subprocess.run(["ip", "link", "add", device, "type", "bridge"], check=True)
        for index in range(self.replicas):
            subprocess.run(["ip", "addr", "add", f"{self.address(index)}/32", "dev", device], check=True)
        subprocess.run(["ip", "link", "set", device, "up"], check=True)

    # --- members -----------------------------------------------------------------------------------------------------
    def address(self, index: int) -> str:
        return f"198.18.{self.network}.{index + 1}"

    def start(self, *indexes: int) -> None:
        for index in indexes:
            self.folder(index)
            command = self.command(index, "/usr/local/bin/entrypoint", "member", alone=True)
            with (self.root / f"member-{index}.log").open("a", encoding="utf-8") as log:
                self.running[index] = subprocess.Popen(command, env=self.environment(index), stdout=log, stderr=log)

    def folder(self, index: int) -> Path:
        """What is of this member alone."""
        place = self.root / f"member-{index}"
        for name in ("data", "run", "sockets"):
            (place / name).mkdir(parents=True, exist_ok=True)
            os.chown(place / name, 999, 999)
        (place / "data").chmod(0o700)
        return place

    def kill(self, *indexes: int) -> None:
        """Every process of the container at once, as when its node is lost."""
        first = [child for index in indexes for child in self._first(index)]
        for index in indexes:
            self.running[index].kill()
        for index in indexes:
            self.running.pop(index).wait(helpers.PATIENCE)
        helpers.eventually(lambda: not [pid for pid in first if Path(f"/proc/{pid}").exists()], "all are gone")

    def end(self, index: int, seconds: float = 60) -> None:
        """As the kubelet does it: TERM to the first process, and what is left after a while is killed."""
        first, process = self._first(index), self.running.pop(index)
        for child in first:
            os.kill(child, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return
        process.kill()
        process.wait(helpers.PATIENCE)

    def _first(self, index: int) -> list[int]:
        """The first process of the container, by its number outside."""
        pid = self.running[index].pid
        with contextlib.suppress(OSError):
            return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return []

    def stop(self) -> None:
        self.kill(*list(self.running))
        subprocess.run(["ip", "link", "del", f"vp{self.network}"], check=False, capture_output=True)

    # --- what they say -----------------------------------------------------------------------------------------------
    def told(self, index: int) -> dict[str, Any]:
        """What a member answers to whoever asks, nothing when it does not."""
        try:
            return dict(json.loads(self.ask(index, "/patroni")[1]))
        except (OSError, ValueError):
            return {}

    def ask(self, index: int, path: str, method: str = "GET", body: object = None) -> tuple[int, str]:
        """Status and text of a member's REST API, to somebody who is no member."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"https://{self.address(index)}:8008{path}", data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=3, context=self.trust()) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as exc:
            return exc.code, exc.read().decode()

    def served(self, index: int) -> int:
        """The serial number of the certificate that the server shows: TLS begins as PostgreSQL has it."""
        with socket.create_connection((self.address(index), 5432), 3) as plain:
            plain.sendall(bytes([0, 0, 0, 8, 4, 210, 22, 47]))
            assert plain.recv(1) == b"S"
            with self.trust().wrap_socket(plain) as secure:
                return x509.load_der_x509_certificate(secure.getpeercert(binary_form=True) or b"").serial_number

    def trust(self) -> ssl.SSLContext:
        """The authority is asked for, the name is not: members are reached by address here."""
        context = ssl.create_default_context(cafile=str(self.root / "tls" / "ca.crt"))
        context.check_hostname = False
        return context

    def renew(self) -> int:
        """A new certificate where the old one was; its serial number."""
        return self.authority.issue(self.root / "tls", [self._host(index) for index in range(self.replicas)])

    def primaries(self) -> list[int]:
        """The members that take writes, by their own account."""
        told = {index: self.told(index) for index in range(self.replicas)}
        return [index for index, one in told.items() if (one.get("role"), one.get("state")) == ("primary", "running")]

    def whole(self) -> int | None:
        """The primary, once each other member streams from it and is one of those of which some must have whatever is
        acknowledged: only these may follow it, and they are told a moment after they stream."""
        primaries = self.primaries()
        told = [self.told(index) for index in range(self.replicas) if index not in primaries]
        follow = [one for one in told if one.get("quorum_standby") and one.get("replication_state") == "streaming"]
        return primaries[0] if len(primaries) == 1 and len(follow) == self.replicas - 1 else None

    def run(self, index: int, *argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """As typed in that container: `kubectl exec`."""
        command = self.command(index, *argv)
        settings = {**self.environment(index), **environment}
        return subprocess.run(
            command, env=settings, capture_output=True, text=True, check=False, timeout=helpers.PATIENCE
        )

    def sql(self, index: int, statement: str, *options: str) -> str:
        done = self.run(index, "psql", "-U", "vcci", "-d", "vcci", "-At", "-c", statement, *options)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def logs(self) -> str:
        return "\n".join(path.read_text(errors="replace")[-4000:] for path in sorted(self.root.glob("member-*.log")))

    # --- how ---------------------------------------------------------------------------------------------------------
    def command(self, index: int, *argv: str, alone: bool = False) -> list[str]:
        """`alone`: with processes of its own, of which the first is the entry point."""
        steps = []
        for source, target in self.mounts(index).items():
            if source.is_dir():
                (self.image / target).mkdir(parents=True, exist_ok=True)
            steps.append(f"mount --rbind {source} {self.image}/{target}")
        user = "setpriv --reuid 999 --regid 999 --clear-groups --pdeathsig KILL"  # ends with whoever started it
        steps += [f"mount -t proc proc {self.image}/proc", f'exec chroot {self.image} {user} "$@"']
        space = ["--pid", "--fork", "--kill-child"] if alone else []
        start = ["unshare", "--mount", "--propagation", "private", *space]
        return [*start, "/bin/bash", "-c", " && ".join(steps), "member", *argv]

    def mounts(self, index: int) -> dict[Path, str]:
        """Here → there."""
        place = self.folder(index)
        return {
            self.root / "hosts": "etc/hosts",
            self.root / "config": "etc/postgresql/vcci",
            self.root / "secrets": "run/secrets/postgresql",
            self.root / "tls": "run/secrets/postgresql-tls",
            self.root / "account": "run/secrets/kubernetes.io/serviceaccount",
            self.root / "backup": "backup",
            place / "data": "var/lib/postgresql/data",
            place / "run": "run/patroni",
            place / "sockets": "run/postgresql",
            Path("/dev"): "dev",
        }

    def environment(self, index: int) -> dict[str, str]:
        """That of the container, as the StatefulSet says it, and what the kubelet adds."""
        container = self.stateful_set["spec"]["template"]["spec"]["containers"][0]
        said = {entry["name"]: entry["value"] for entry in container["env"] if "value" in entry}
        host, port = self.api_server.rsplit(":", 1)
        major = self.stateful_set["metadata"]["annotations"]["vcci.greenlang.io/postgresql-major"]
        return {
            "PATH": f"/usr/lib/postgresql/{major}/bin:/usr/local/bin:/usr/sbin:/usr/bin",
            "LANG": "C.UTF-8",
            **said,
            "POD_NAME": f"postgresql-{index}",
            "POD_IP": self.address(index),
            "POSTGRES_LISTEN": self.address(index),
            "POSTGRES_USER": "vcci",
            "POSTGRES_WATCH_SECONDS": "1",
            "KUBERNETES_SERVICE_HOST": host,
            "KUBERNETES_SERVICE_PORT": port,
        }

    def begun(self, index: int) -> None:
        """Its volume has what an initdb left that was killed."""
        part = self.folder(index) / "data" / "pgdata"
        part.mkdir(mode=0o700)
        (part / "PG_VERSION").write_text("17\n")
        for path in (part, part / "PG_VERSION"):
            os.chown(path, 999, 999)

    def wipe(self, index: int) -> None:
        shutil.rmtree(self.root / f"member-{index}" / "data")

    def _host(self, index: int) -> str:
        return f"postgresql-{index}.postgresql-headless"

    def _manifest(self, kind: str, name: str) -> dict[str, Any]:
        found = [one for one in self.manifests if (one["kind"], one["metadata"]["name"]) == (kind, name)]
        return found[0]

    def _pod(self, index: int) -> dict[str, Any]:
        labels = self.stateful_set["spec"]["template"]["metadata"]["labels"]
        meta = {"name": f"postgresql-{index}", "namespace": self.namespace, "labels": labels}
        spec = {"schedulerName": "none", "containers": [{"name": "postgresql", "image": "beside"}]}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
