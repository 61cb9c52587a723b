# Copyright (c) 2026 GreenLang. All rights reserved.
"""Unpacked images of this repository; three members of vcci-redis on loopback addresses, in its root file system."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
from pathlib import Path

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.building import cache_directory
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.images.build import build_images
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.images.unpack import unpack

from tests.helpers import PATIENCE, ROOT
from tests.integration.images.authority import Authority

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="building and entering an image needs root")
PASSWORD, MEMBERS, BACKUP = 'p"a\\s s+/=é', 'm"e\\m b+/=ü', 'b"a\\c k+/=ö'
DOMAIN = "test"
PORTS = {"redis": 6379, "sentinel": 26379, "proxy": 6380}


def unpacked(name: str, folder: Path) -> Path:
    """An image of this repository, built unless it is cached, as the root file system that it is: in `folder`, once."""
    table, cache = ROOT / "images" / "images.yml", cache_directory() / "images"
    folder.mkdir(exist_ok=True)
    if not (folder / name).exists():
        unpack(build_images(table, cache, ROOT, lambda _line: None, [name])[name], folder / name)
    for one in [folder / name, *(folder / name).parents]:
        if one.stat().st_uid == os.getuid() and one.name:
            one.chmod(one.stat().st_mode | 0o011)  # the image's user must get there
    return folder / name


class Members:
    """Processes in a mount namespace each, in the image's root as the image's user; /etc/hosts names them all."""

    def __init__(self, image: Path, root: Path, network: int, replicas: int = 3) -> None:
        self.image, self.root, self.network, self.replicas = image, root, network, replicas
        self.running: dict[tuple[str, int], subprocess.Popen[bytes]] = {}
        root.chmod(0o755)  # the image's user is another
        (root / "secrets").mkdir()
        (root / "secrets" / "password").write_text(PASSWORD)
        (root / "secrets" / "members-password").write_text(MEMBERS)
        (root / "secrets" / "backup-password").write_text(BACKUP)
        self.authority, self.more = Authority(), dict[str, str]()  # environment
        for index in range(replicas):
            (root / f"tls-{index}").mkdir()
            self.certify(index)
        hosts = [f"{self.address(index)} redis-{index}.{DOMAIN} {self.former(index)}" for index in range(replicas)]
        (root / "hosts").write_text("127.0.0.1 localhost\n" + "\n".join(hosts) + "\n")
        (Path(f"{image}{root}")).mkdir(parents=True, exist_ok=True)

    def certify(self, index: int) -> int:
        """Its certificate, as its pod has it mounted; the serial number."""
        addresses = [self.address(index) for index in range(self.replicas)]
        return self.authority.issue(self.root / f"tls-{index}", ["localhost", "redis"], ["127.0.0.1", *addresses])

    def address(self, index: int) -> str:
        return f"127.{self.network}.0.{index + 1}"

    def former(self, index: int) -> str:
        """The name by which earlier versions announced it."""
        return f"redis-{index}.redis-headless.{DOMAIN}"

    def index(self, address: str) -> int:
        return [self.address(index) for index in range(self.replicas)].index(address)

    def member(self, address: str) -> str:
        return f"redis-{self.index(address)}"

    def command(self, *argv: str) -> list[str]:
        image, root = self.image, self.root
        steps = [
            f"mount --bind {root}/hosts {image}/etc/hosts",
            f"mount --bind {root} {image}{root}",
            f"mount --bind /dev {image}/dev",
            f"mount -t proc proc {image}/proc",
            f'exec chroot --userspec=999:999 {image} "$@"',
        ]
        mounts = " && ".join(steps)
        return ["unshare", "--mount", "--propagation", "private", "/bin/bash", "-c", mounts, "member", *argv]

    def environment(self, index: int) -> dict[str, str]:
        address = self.address(index)
        return dict(
            os.environ,
            REDIS_PEERS=" ".join(self.former(item) for item in range(self.replicas)),
            REDIS_DOMAIN=DOMAIN,
            REDIS_POD_NAME=f"redis-{index}",
            REDIS_SECRETS=str(self.root / "secrets"),
            REDIS_TLS=str(self.root / f"tls-{index}"),
            REDIS_WATCH_SECONDS="1",
            REDIS_EXPORTER_BIND=address,
            REDIS_DATA=str(self.root / f"data-{index}"),
            REDIS_RUN=str(self.root / f"run-{index}"),
            REDIS_BIND=address,
            REDIS_LOCAL_ADDRESS=address,
            REDIS_PROXY_BIND=f"{address}:",
            REDIS_PROXY_BIND_OPTIONS="",
            REDIS_DOWN_AFTER_MS="3000",
            REDIS_FAILOVER_TIMEOUT_MS="6000",
            REDIS_SETTLE_SECONDS="10",
            REDIS_YIELD_SECONDS="20",
            REDIS_HANDOVER_SECONDS="60",
            **self.more,
        )

    def start(self, *indexes: int, parts: tuple[str, ...] = ("redis", "sentinel", "proxy")) -> None:
        for index in indexes:
            for folder in (f"data-{index}", f"run-{index}"):
                (self.root / folder).mkdir(exist_ok=True)
                os.chown(self.root / folder, 999, 999)
            for part in parts:
                self.run(part, index, "/usr/local/bin/entrypoint", part)

    def run(self, part: str, index: int, *argv: str) -> None:
        command, environment = self.command(*argv), self.environment(index)
        with (self.root / f"{part}-{index}.log").open("a", encoding="utf-8") as log:
            started = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
            self.running[part, index] = started

    def kill(self, *indexes: int, number: int = signal.SIGKILL) -> None:
        self._end([key for key in self.running if key[1] in indexes], number)

    def kill_part(self, part: str, index: int) -> None:
        self._end([(part, index)], signal.SIGKILL)

    def _end(self, keys: list[tuple[str, int]], number: int) -> None:
        """All that a container runs, when it is killed; else its first process, which tells the others."""
        for key in keys:
            (os.killpg if number == signal.SIGKILL else os.kill)(self.running[key].pid, number)
        for key in keys:
            self.running[key].wait(PATIENCE)
            del self.running[key]  # what has not ended is killed at the end

    def script(self, index: int, *argv: str) -> subprocess.CompletedProcess[str]:
        environment = self.environment(index)
        return subprocess.run(
            self.command(*argv), env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
        )

    def ask(self, index: int, part: str, *argv: str, user: str = "members") -> str:
        server = ["-h", self.address(index), "-p", str(PORTS[part])]
        command = self.command("timeout", "60", "redis-cli", "--no-auth-warning", *server, *argv)
        password = {"members": MEMBERS, "backup": BACKUP}.get(user, PASSWORD)
        environment = {**os.environ, "REDISCLI_AUTH": password, "REDISCLI_USER": user}
        environment["REDIS_TLS"] = str(self.root / f"tls-{index}")
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout.strip()

    def status(self, index: int, path: str) -> int:
        """The status code of the proxy's own port, 0 without an answer."""
        connection = http.client.HTTPConnection(self.address(index), 8405, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    def master(self, index: int) -> str:
        """The address that a member's sentinel names."""
        return self.ask(index, "sentinel", "SENTINEL", "get-master-addr-by-name", "mymaster").split("\n", maxsplit=1)[0]
