#!/usr/bin/python
# Copyright (c) 2026 GreenLang. All rights reserved.

from __future__ import annotations

DOCUMENTATION = r"""
module: local_cluster
short_description: Run a real multi-node Kubernetes cluster on this machine
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - Runs upstream's own programs - etcd, the Kubernetes control plane, containerd, runc, kubelet, kube-proxy and
    Cilium - as daemons on the control node, each worker node in network and mount namespaces of its own. Needs neither
    Docker nor systemd.
  - Programs are built from committed go.mod files with pinned versions and checksums, and kept in a cache; nothing
    prebuilt is downloaded.
  - The cluster outlives the playbook. Its daemons are supervised (s6) - what ends is started again, at once twice, then
    after 2, 4, 8 and up to 60 seconds; logs are rotated.
  - After a reboot the cluster comes back with its data, by a unit of systemd where root runs it and systemd is there,
    else by a line for cron that is in C(<state_dir>/<name>/boot).
  - It is hardened - a certificate for every component, Node and RBAC authorization, NodeRestriction, Pod Security
    Admission, an audit log, Secrets encrypted in etcd and no anonymous access.
attributes:
  check_mode: {support: full, description: "Says what would be built, created or started."}
  diff_mode: {support: full, description: Lists the same.}
options:
  name:
    description: Name of the cluster; at most 20 characters of a-z, 0-9 and -.
    type: str
    default: local
  state:
    description:
      - V(started) makes the cluster run with every node Ready.
      - V(stopped) ends every process and removes namespaces, mounts, interfaces and cgroups; data stays.
      - V(absent) also deletes the data.
    type: str
    choices: [started, stopped, absent]
    default: started
  nodes:
    description:
      - V(real) nodes run containers and enforce network policies; needs root.
      - V(simulated) nodes only claim to run pods (KWOK); needs no root.
      - V(none) runs the control plane alone; needs no root.
    type: str
    choices: [real, simulated, none]
    default: real
  pools:
    description: Node pools. Nodes are named C(<pool>-<number>).
    type: list
    elements: dict
    default: [{name: compute, count: 3}]
    suboptions:
      name: {description: Name of the pool., type: str, required: true}
      count: {description: How many nodes., type: int, default: 1}
      labels: {description: Labels of the pool's nodes., type: dict, default: {}}
      taints:
        description: "Taints of the pool's nodes, as in a Node: key, value, effect."
        type: list
        elements: dict
        default: []
      capacity:
        description: 'What simulated nodes claim to have, such as C({cpu: "4", memory: 16Gi}); of real ones extended
          resources without a device, such as C({nvidia.com/gpu: "1"}).'
        type: dict
        default: {}
  subnet:
    description:
      - A /16 inside 10.0.0.0/8 that nothing else on this machine uses; nodes, pods, Services and LoadBalancers get
        their addresses from it.
    type: str
    default: 10.77.0.0/16
  environment_name:
    description:
      - The environment that the cluster is for, recorded in its identity; see M(greenlang.vcci.cluster_identity).
    type: str
    default: local
  held:
    description:
      - What is down on purpose, for maintenance and for fault tests - C(<node>), C(<node>/<daemon>) or C(<daemon>) of
        the control plane. It is killed, not shut down; of a whole node its pods and its link too.
      - Kept over runs and reboots until another list is given; an empty one starts all again. Who gives none changes
        nothing.
      - While V(etcd) or V(kube-apiserver) is held, nothing is asked of the cluster.
    type: list
    elements: str
  version:
    description:
      - Version of Kubernetes that a new cluster runs, such as C(1.37) or C(v1.37.2); empty is the newest.
      - An existing cluster is not started in another version than the one that it runs, unless O(upgrade) says so.
        V(as-it-is) is that one.
    type: str
    default: ""
  scale:
    description:
      - Whether an existing cluster loses nodes that are not in O(pools). What leaves must have been emptied;
        C(playbooks/nodes_scale.yml) does it. Nodes that come need no permission; those that stay keep their addresses.
    type: bool
    default: false
  upgrade:
    description:
      - What of the cluster is replaced by O(version) - C(control-plane), or names of nodes, which have been emptied.
        The control plane comes first, one minor at a time, and never back. C(playbooks/cluster_upgrade.yml) does it.
    type: list
    elements: str
    default: []
  wait_timeout:
    description:
      - Seconds in which all nodes must be Ready, by the word of the kubelets that run then.
    type: int
    default: 180
extends_documentation_fragment:
  - greenlang.vcci.local
"""

EXAMPLES = r"""
- name: Run a cluster with three worker nodes
  greenlang.vcci.local_cluster:
    name: local

- name: Run a control plane with 100 simulated nodes, without root
  greenlang.vcci.local_cluster:
    name: scale
    nodes: simulated
    subnet: 10.90.0.0/16
    pools:
      - {name: compute, count: 100, capacity: {cpu: "4", memory: 16Gi, pods: "110"}}

- name: Have a node lose its power
  greenlang.vcci.local_cluster:
    name: local
    held: [compute-2]

- name: Give it back
  greenlang.vcci.local_cluster:
    name: local
    held: []

- name: Remove it with all its data
  greenlang.vcci.local_cluster:
    name: local
    state: absent
"""

RETURN = r"""
actions:
  description: What was built, created, started, stopped or removed, in order.
  returned: success
  type: list
  elements: str
  sample: ["started etcd", "started compute-1: kubelet"]
kubeconfig:
  description: Path of the administrator's kubeconfig, mode 0600.
  returned: success
  type: str
  sample: /var/lib/greenlang-vcci/local/kubeconfig
server:
  description: URL of the API server.
  returned: success
  type: str
  sample: https://10.77.0.1:6443
api_cidr:
  description: The API server's address as a network, for policies that let something reach it, or be reached by it.
  returned: success
  type: str
  sample: 10.77.0.1/32
pod_cidr:
  description: Network of the cluster's pods.
  returned: success
  type: str
  sample: 10.77.64.0/18
dns_address:
  description: Address of the cluster's DNS, a Service's.
  returned: success
  type: str
  sample: 10.77.128.10
nodes:
  description: The nodes with their addresses, and the version of their kubelets.
  returned: when started
  type: list
  elements: dict
  sample: [{name: compute-1, ready: true, address: 10.77.0.11, version: v1.37.2}]
leaving:
  description: With O(scale), the nodes that the cluster loses.
  returned: success
  type: list
  elements: str
  sample: []
versions:
  description: Versions of what runs.
  returned: when started
  type: dict
  sample: {kubernetes: v1.37.2}
held:
  description: What is down on purpose.
  returned: success
  type: list
  elements: str
  sample: [compute-2]
daemons:
  description:
    - How each supervised daemon is - node (none of the control plane's), name, state, pid, seconds in that state, and
      how often it was started again since the plugin started it.
    - State is one of up, starting, waiting (it ended again and again, its next start is delayed), down, lost.
  returned: success
  type: list
  elements: dict
  sample: [{node: compute-1, name: kubelet, state: up, pid: 4711, seconds: 86400, restarts: 0}]
bin_dir:
  description: Directory with the programs, kubectl and helm among them.
  returned: success
  type: str
  sample: /var/lib/greenlang-vcci/local/bin
files_dir:
  description: Directory with upstream's charts and custom resource definitions, by program.
  returned: success
  type: str
  sample: /var/lib/greenlang-vcci/local/files
volumes_dir:
  description: Directory for the data of volumes.
  returned: success
  type: str
  sample: /var/lib/greenlang-vcci/local/volumes
exists:
  description: Whether the cluster is there, running or stopped; check mode changes nothing of that.
  returned: success
  type: bool
  sample: true
ca_certificate:
  description: Certificate of the cluster's authority, PEM; empty before the cluster exists.
  returned: success
  type: str
  sample: "-----BEGIN CERTIFICATE-----..."
"""
