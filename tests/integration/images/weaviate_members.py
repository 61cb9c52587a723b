# Copyright (c) 2026 GreenLang. All rights reserved.
"""Three members of Weaviate and an S3 server on loopback addresses, with the programs that clusters get, the scripts of
the image vcci-weaviate, and the environment that role data gives its pods but for addresses and ports."""

from __future__ import annotations

import contextlib
import datetime
import functools
import ipaddress
import json
import os
import re
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.binaries import Binaries
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.helpers import PATIENCE, ROOT

SCRIPTS = ROOT / "images" / "vcci-weaviate" / "bin"
KEYS = {name: f"key-of-{name}" for name in ("administrator", "application", "backup", "members", "viewer")}
S3 = {"access-key-id": "an-access-key", "secret-access-key": "a-secret-key"}
MEMBERS = 3
PORT = 18080  # of REST over TLS, at each member's own address


@functools.cache
def programs() -> Mapping[str, Path]:
    """Built once for this machine, as for its clusters."""
    parts = Binaries(ROOT / "binaries" / "parts.yml", "weaviate", None, lambda _line: None).provide()
    return {"weaviate": parts["weaviate"], "weed": parts["seaweedfs"]}


def certificate(folder: Path, addresses: list[str]) -> None:
    """tls.crt, which is its own authority (ca.crt), and tls.key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "weaviate")])
    begun, ended = now - datetime.timedelta(days=1), now + datetime.timedelta(days=1)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(one)) for one in addresses])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), begun, ended)
    made = made.add_extension(names, False).add_extension(x509.BasicConstraints(True, None), True)
    public = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    for file in ("tls.crt", "ca.crt"):
        (folder / file).write_bytes(public)
    (folder / "tls.key").write_bytes(key.private_bytes(*form))


def environment(stateful_set: Mapping[str, Any]) -> dict[str, str]:
    """What role data gives a member's container; values of Secrets and fields are left out."""
    entries = stateful_set["spec"]["template"]["spec"]["containers"][0]["env"]
    return {entry["name"]: entry["value"] for entry in entries if "value" in entry}


class Members:
    def __init__(self, root: Path, network: int, given: Mapping[str, str]) -> None:
        self.root, self.network, self.given = root, network, given
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        certificate(root, [self.address(index) for index in range(MEMBERS + 1)])

    def address(self, index: int) -> str:
        """That of a member; the last one is the S3 server's."""
        return f"127.{self.network}.0.{index + 1}"

    @property
    def store(self) -> str:
        return f"{self.address(MEMBERS)}:18333"

    def ports(self, index: int) -> dict[str, int]:
        """Ports that a member takes at all addresses of the machine."""
        first = 20000 + (self.network - 200) * 9 + index * 3
        return {"data": first, "grpc": first + 1, "metrics": first + 2}

    def environment(self, index: int) -> dict[str, str]:
        """The role's, with $(…) as the kubelet fills it in, and what one machine needs for several."""
        known = {"POD_NAME": f"weaviate-{index}", "POD_IP": self.address(index)}
        known |= {f"KEY_{name.upper()}": key for name, key in KEYS.items()}
        known |= {"AWS_ACCESS_KEY_ID": S3["access-key-id"], "AWS_SECRET_ACCESS_KEY": S3["secret-access-key"]}
        known |= {
            name: re.sub(r"\$\((\w+)\)", lambda found: known[found[1]], value) for name, value in self.given.items()
        }
        mine = self.ports(index)
        known |= {
            "CLUSTER_JOIN": ",".join(f"{self.address(number)}:7100" for number in range(MEMBERS)),
            "CLUSTER_DATA_BIND_PORT": str(mine["data"]),
            "GRPC_PORT": str(mine["grpc"]),
            "PROMETHEUS_MONITORING_PORT": str(mine["metrics"]),
            "PERSISTENCE_DATA_PATH": str(self.root / f"data-{index}"),
            "BACKUP_S3_ENDPOINT": self.store,
            "SSL_CERT_DIR": str(self.root),
            "WEAVIATE_LOCAL": f"http://{self.address(index)}:{PORT + 1}",
            "PATH": f"{programs()['weaviate']}:{SCRIPTS}:{os.environ['PATH']}",
        }
        return known

    def start(self, *indexes: int) -> None:
        for index in indexes:
            arguments = [f"--host={self.address(index)}", f"--port={PORT + 1}", f"--tls-host={self.address(index)}"]
            arguments += [
                f"--tls-port={PORT}",
                f"--tls-certificate={self.root}/tls.crt",
                f"--tls-key={self.root}/tls.key",
            ]
            self._run(f"weaviate-{index}", [str(SCRIPTS / "entrypoint"), "server", *arguments], self.environment(index))

    def start_store(self, arguments: list[str]) -> None:
        """The S3 server with the arguments that the role gives it, but for places and ports."""
        identity = {"accessKey": S3["access-key-id"], "secretKey": S3["secret-access-key"]}
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        known = {"identities": [{"name": "backup", "credentials": [identity], "actions": actions}]}
        (self.root / "s3.json").write_text(json.dumps(known), encoding="utf-8")
        (self.root / "store").mkdir()
        address = self.address(MEMBERS)
        changed = {
            "-dir": str(self.root / "store"),
            "-ip": address,
            "-ip.bind": address,
            "-s3.port": self.store.rpartition(":")[2],
            "-s3.config": str(self.root / "s3.json"),
            "-s3.cert.file": str(self.root / "tls.crt"),
            "-s3.key.file": str(self.root / "tls.key"),
        }
        given = [
            f"{name}={changed[name]}" if name in changed else one for one in arguments for name in [one.split("=")[0]]
        ]
        self._run(
            "store", [str(programs()["weed"] / "weed"), *given], {"HOME": str(self.root), "PATH": "/usr/bin:/bin"}
        )

    def _run(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        with (self.root / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command], env=environment, stdout=log, stderr=log
            )

    def kill(self, *indexes: int) -> None:
        gone = [self.running.pop(f"weaviate-{index}") for index in indexes]
        for process in gone:
            process.send_signal(signal.SIGKILL)
        for process in gone:
            process.wait(PATIENCE)

    def end(self) -> None:
        for process in self.running.values():
            process.kill()
        for process in self.running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)

    def said(self, name: str) -> str:
        return (self.root / f"{name}.log").read_text(errors="replace")[-3000:]

    def restore(self, *words: str) -> subprocess.CompletedProcess[str]:
        """As it is typed in the first member's pod."""
        command: list[Any] = [SCRIPTS / "entrypoint", "weaviate-restore", *words]
        settings = {**os.environ, **self.environment(0)}
        return subprocess.run(command, env=settings, capture_output=True, text=True, check=False, timeout=PATIENCE)

    def back_up(self, what: str = "backup", **changes: str) -> subprocess.CompletedProcess[str]:
        """One run of weaviate-backup, with changes of its environment or of its keys."""
        keys = self.root / "keys"
        keys.mkdir(exist_ok=True)
        for name, key in {"backup": KEYS["backup"], **S3}.items():
            (keys / name).write_text(changes.pop(name, key) + "\n", encoding="utf-8")
        urls = " ".join(f"https://{self.address(index)}:{PORT}" for index in range(MEMBERS))
        environment = {"WEAVIATE_MEMBERS": urls, "S3_ENDPOINT": self.store, "S3_REGION": "us-east-1", "KEYS": str(keys)}
        environment |= {"S3_BUCKET": "vcci-weaviate-backup", "CA_FILE": str(self.root / "ca.crt"), **changes}
        environment |= {"PATH": os.environ["PATH"]}
        command: list[Any] = [SCRIPTS / "entrypoint", what]
        environment["PATH"] = f"{SCRIPTS}:{environment['PATH']}"
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE)
