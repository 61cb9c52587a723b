# Copyright (c) 2026 GreenLang. All rights reserved.
"""Specs of sig-network's Conformance on the real local cluster: docs/conformance.md says which."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.molecule.conformance import EVERYWHERE, Ground, Object, ground, made, pod, workload
from tests.molecule.conftest import Site

TCP, UDP = 8080, 8081
# Tells its own name to whoever asks, one after the other, by TCP and by UDP.
SERVER = f"""(while :; do hostname | nc -N -l {TCP}; done) &
while :; do hostname | nc -u -N -l -W 1 {UDP}; done"""
# Asks $1 at port $2 $3 times, and says who answered; who finds the server between two answers asks again.
CLIENT = """n=0; while [ $n -lt $3 ]; do
  said=$(nc -w 2 "$1" "$2" </dev/null 2>/dev/null) && [ -n "$said" ] && { echo "$said"; n=$((n + 1)); } || sleep 0.1
done"""
TIMES = 12


@pytest.fixture(scope="module")
def net(site: Site) -> Iterator[Ground]:
    """Two servers, and one who asks, whose resolver and hosts are its own."""
    for made_ground in ground(site, "conformance-network"):
        service = {"selector": {"app": "server"}, "ports": ports()}
        own = {"dnsPolicy": "None", "dnsConfig": {"nameservers": [nameserver(site)], "searches": ["there.test"]}}
        own |= {"hostAliases": [{"ip": "192.0.2.7", "hostnames": ["somewhere"]}]}
        made_ground.apply(
            made("v1", "Service", "server", spec=service),
            made("v1", "Service", "members", spec={**service, "clusterIP": "None", "selector": {"app": "member"}}),
            made("v1", "Service", "empty", spec={**service, "selector": {"app": "nobody"}}),
            workload("Deployment", "server", pod(SERVER, tolerations=EVERYWHERE), replicas=2),
            workload("StatefulSet", "member", pod(SERVER), replicas=1, serviceName="members"),
            made("v1", "Pod", "client", spec=pod("sleep 3600", **own)),
            made("v1", "Pod", "plain", spec=pod("sleep 3600")),
        )
        for what in ("deployment/server", "statefulset/member"):
            made_ground.rolled_out(what)
        made_ground.wait("pod/client pod/plain")
        yield made_ground


def ports() -> list[Object]:
    return [{"name": "tcp", "port": TCP, "protocol": "TCP"}, {"name": "udp", "port": UDP, "protocol": "UDP"}]


def nameserver(site: Site) -> str:
    """The cluster's own."""
    return site.kubectl("get", "service", "kube-dns", "-n", "kube-system", "-o", "jsonpath={.spec.clusterIP}")


def answers(net: Ground, address: str, port: int = TCP, times: int = TIMES) -> set[str]:
    """Who answered so many times."""
    told = net.kubectl("exec", "plain", "--", "sh", "-c", CLIENT, "sh", address, str(port), str(times))
    return set(told.split())


def address(net: Ground, name: str = "server") -> str:
    return str(net.get("service", name)["spec"]["clusterIP"])


def test_affinity_is_switched_on_and_off(net: Ground) -> None:
    servers = set(net.pods("server"))
    net.until(lambda: answers(net, address(net)) == servers, "both answer in turn")
    net.patch("service/server", {"spec": {"sessionAffinity": "ClientIP"}})
    net.until(lambda: len(answers(net, address(net))) == 1, "one of them answers always")
    assert len(answers(net, address(net), times=2 * TIMES)) == 1
    net.patch("service/server", {"spec": {"sessionAffinity": "None"}})
    net.until(lambda: answers(net, address(net)) == servers, "both answer again")


def test_the_type_is_changed_to_a_port_of_every_node_and_back(net: Ground) -> None:
    servers = set(net.pods("server"))
    before = address(net)
    net.patch("service/server", {"spec": {"type": "NodePort"}})
    port = net.get("service", "server")["spec"]["ports"][0]["nodePort"]
    nodes = net.get("nodes")["items"]
    for node in nodes:
        [at] = [one["address"] for one in node["status"]["addresses"] if one["type"] == "InternalIP"]
        net.until(lambda at=at: answers(net, at, port) == servers, f"both answer at {at}")
    net.patch("service/server", {"spec": {"type": "ClusterIP", "ports": ports()}})
    assert address(net) == before
    net.until(lambda: answers(net, before) == servers, "both answer at the same address")


def test_slices_follow_the_pods(net: Ground) -> None:
    def ready(service: str) -> set[str]:
        slices = net.get("endpointslices", "-l", f"kubernetes.io/service-name={service}")["items"]
        assert slices, f"{service} has no slice"
        found = [one for each in slices for one in each["endpoints"] or ()]
        return {one["targetRef"]["name"] for one in found if one["conditions"]["ready"]}

    assert ready("empty") == set()
    for number in (3, 0, 2):
        net.kubectl("scale", "deployment/server", f"--replicas={number}")
        net.until(lambda number=number: len(net.pods("server")) == number, f"{number} pods")
        net.until(lambda: ready("server") == set(net.pods("server")), "they are the endpoints")
    net.until(lambda: answers(net, address(net)) == set(net.pods("server")), "both answer")


def test_a_service_by_udp(net: Ground) -> None:
    """On the port beside that of TCP, of the same Service."""
    ask = f"echo ? | nc -u -w 2 {address(net)} {UDP} || true"
    seen: set[str] = set()

    def all_seen() -> bool:
        seen.update(net.sh("plain", ask).split())
        return seen == set(net.pods("server"))

    net.until(all_seen, "both answer")


@pytest.mark.parametrize("name", ["server", "server.conformance-network", "server.conformance-network.svc"])
def test_partial_names_of_a_service(net: Ground, name: str) -> None:
    assert net.sh("plain", f"getent ahostsv4 {name} | head -1").split()[0] == address(net)


def test_a_member_is_found_by_its_hostname_and_subdomain(net: Ground) -> None:
    [member] = net.pods("member").values()
    told = net.sh("plain", "getent ahostsv4 member-0.members | head -1").split()
    assert told[0] == member["status"]["podIP"]


def test_a_pods_own_resolver_and_hosts(net: Ground) -> None:
    lines = net.sh("client", "cat /etc/resolv.conf").splitlines()
    assert lines == ["search there.test", f"nameserver {nameserver(net.site)}"]
    assert net.sh("client", "getent hosts somewhere").split() == ["192.0.2.7", "somewhere"]
    pod_ip = net.get("pod", "client")["status"]["podIP"]
    assert net.sh("client", "getent hosts client").split()[0] == pod_ip
