# Copyright (c) 2026 GreenLang. All rights reserved.
"""Redis speaks TLS alone, and certificates are renewed while its members run."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import quote

import pytest
from cryptography import x509
from redis.exceptions import RedisError
from vcci.queue import make_queue, make_redis
from vcci.settings import read_settings

from tests.helpers import eventually
from tests.integration.images.redis_members import PASSWORD, PORTS, Members, needs_root, unpacked
from tests.integration.images.test_redis_members import agreed, writes

pytestmark = needs_root


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return unpacked("vcci-redis", tmp_path_factory.getbasetemp() / "images")


@pytest.fixture
def members(image, tmp_path, network):
    made = Members(image, tmp_path, network)
    yield made
    made.kill(0, 1, 2)


def wire(*words: str) -> bytes:
    encoded = [word.encode() for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)


def connected(members: Members, index: int, part: str) -> ssl.SSLSocket:
    """As a client that verifies whom it speaks to."""
    context = ssl.create_default_context(cafile=str(members.root / f"tls-{index}" / "ca.crt"))
    return context.wrap_socket(
        socket.create_connection((members.address(index), PORTS[part]), 10), server_hostname="redis"
    )


def serial(members: Members, index: int, part: str) -> int:
    with connected(members, index, part) as connection:
        return x509.load_der_x509_certificate(connection.getpeercert(True) or b"").serial_number


def plain(members: Members, index: int, part: str, *words: str) -> bytes:
    """What a client without TLS is answered that logs in as earlier versions had it."""
    try:
        with socket.create_connection((members.address(index), PORTS[part]), 10) as connection:
            answer = b""
            for line in (("AUTH", PASSWORD), words):
                connection.sendall(wire(*line))
                answer = connection.recv(4096)
            return answer
    except OSError:
        return b""


def test_certificates_are_renewed_while_members_run(members):
    members.start(0, 1, 2)
    master = eventually(lambda: agreed(members), "first agreement")
    eventually(lambda: writes(members, 1, "k", "1"), "a write through a proxy")
    ports = [(index, part) for index in range(3) for part in ("redis", "sentinel")]
    before = {port: serial(members, *port) for port in ports}
    runs = [members.ask(index, "redis", "INFO", "server").split("run_id:")[1][:40] for index in range(3)]
    with connected(members, 0, "proxy") as kept:
        kept.sendall(wire("AUTH", "application", PASSWORD))
        assert kept.recv(100) == b"+OK\r\n"
        made = {index: members.certify(index) for index in range(3)}
        wanted = {(index, part): made[index] for index, part in ports}

        def renewed() -> bool:
            try:
                return {port: serial(members, *port) for port in ports} == wanted
            except OSError:
                return False  # a sentinel that starts again

        eventually(renewed, "every port shows the new certificate")
        assert set(before.values()).isdisjoint(made.values())
        assert eventually(lambda: agreed(members), "agreement") == master
        kept.sendall(wire("GET", "k"))
        assert kept.recv(100) == b"$1\r\n1\r\n"  # the connection of before
    after = [members.ask(index, "redis", "INFO", "server").split("run_id:")[1][:40] for index in range(3)]
    assert after == runs  # no server was restarted

    members.kill(members.index(master))  # and sentinels that were started again elect
    left = tuple(index for index in range(3) if members.address(index) != master)
    assert eventually(lambda: agreed(members, left), "failover") != master


def test_nothing_is_in_clear_but_for_clients_of_an_earlier_version(members):
    members.start(0, 1, 2)
    eventually(lambda: agreed(members), "first agreement")
    eventually(lambda: writes(members, 1, "k", "1"), "a write through a proxy")
    for part in PORTS:
        assert not plain(members, 0, part, "PING").startswith(b"+"), part
    assert members.ask(0, "redis", "PING", user="default") != "PONG"
    members.authority = type(members.authority)()  # of somebody else
    members.certify(1)
    stranger = ssl.create_default_context(cafile=str(members.root / "tls-1" / "ca.crt"))
    with socket.create_connection((members.address(0), PORTS["redis"]), 10) as connection, pytest.raises(ssl.SSLError):
        stranger.wrap_socket(connection, server_hostname="redis")


def test_clients_that_ask_sentinels_reach_the_master(members):
    """Whose address a sentinel tells, and no name: the authority verifies it."""
    members.start(0, 1, 2)
    eventually(lambda: agreed(members), "first agreement")
    eventually(lambda: writes(members, 1, "k", "1"), "a write through a proxy")
    environment = {
        "DATABASE_URL": "postgresql://none",
        "REDIS_URL": f"rediss://application:{quote(PASSWORD, safe='')}@redis:6379/0",
        "REDIS_CA_FILE": str(members.root / "tls-0" / "ca.crt"),
        "REDIS_SENTINELS": ",".join(f"{members.address(index)}:{PORTS['sentinel']}" for index in range(3)),
    }
    settings = read_settings(environment)
    client = make_redis(settings)
    assert eventually(lambda: client.set("k", "2"), "a write to whom the sentinels name")
    with make_queue(settings).connection_for_write() as connection:
        connection.ensure_connection(max_retries=3, interval_start=1)
    with pytest.raises(RedisError):
        make_redis(read_settings({**environment, "REDIS_CA_FILE": ""})).ping()  # nobody that the system knows


def test_clients_of_an_earlier_version_are_let_in_by_proxies_while_they_are_left(members):
    members.more["REDIS_FORMER_CLIENTS"] = "yes"
    members.start(0, 1, 2)
    eventually(lambda: agreed(members), "first agreement")
    eventually(lambda: writes(members, 1, "k", "1"), "a write over TLS")
    for index in range(3):
        written = eventually(lambda index=index: plain(members, index, "proxy", "SET", "k", "2"), "a plain write")
        assert written == b"+OK\r\n"
        assert plain(members, index, "proxy", "CONFIG", "GET", "*").startswith(b"-NOPERM")
        for part in ("redis", "sentinel"):
            assert not plain(members, index, part, "PING").startswith(b"+")
