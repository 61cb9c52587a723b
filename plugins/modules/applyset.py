#!/usr/bin/python
# Copyright (c) 2026 GreenLang. All rights reserved.
# The code is in plugins/action/applyset.py: it runs on the control node, and nothing is copied to a host.
from __future__ import annotations

DOCUMENTATION = r"""
module: applyset
short_description: Make a cluster equal to a set of Kubernetes objects
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - Applies any number of objects in one task by concurrent server-side apply, in dependency order.
  - Objects that are already as wanted cost a share of a LIST and are not sent. Any change of a field of ours by anyone
    else is noticed.
  - A workload that leaves its number of replicas to an autoscaler of the same set is created at the autoscaler's
    minimum; a number that leaves its manifest stays as it is.
  - Remembers which objects belong to the set as the upstream ApplySet specification (KEP-3659) says, so that objects
    which left it can be pruned, here or by C(kubectl apply --prune --applyset=configmap/NAME).
  - Check mode is a dry run by the server. What it predicts is what the run then does.
  - The page C(docs/applyset.md) says how it decides.
options:
  name:
    description:
      - Name of the set, and of the ConfigMap that records it.
      - Without it the objects are applied without membership, and nothing can be pruned.
    type: str
  namespace:
    description:
      - Namespace of the set's record. The objects name their own namespaces, or O(objects_namespace) does.
      - In C(kubernetes.core.k8s) the option of this name is what is O(objects_namespace) here.
    type: str
    default: default
  objects_namespace:
    description:
      - Namespace of the objects that live in one and do not say in which, as C(kubectl apply -n) has it. Objects that
        name another one are then refused.
      - For manifests that are published without a namespace.
    type: str
  state:
    description:
      - V(present) applies the objects.
      - V(absent) deletes the given objects or, when none are given, every member of the set and then its record.
        Namespaces, PersistentVolumes, PersistentVolumeClaims and CustomResourceDefinitions are then skipped unless
        O(prune_named) has them, and no more objects than O(prune_limit) are deleted.
    type: str
    choices: [present, absent]
    default: present
  definition:
    description: The objects, as a dictionary, a list, or YAML text of one or more documents.
    type: raw
    aliases: [resource_definition, inline]
  src:
    description:
      - Files, directories (all C(.yml), C(.yaml) and C(.json) files below) or globs with manifests; not templated.
        Those that C(ansible-vault) has encrypted are decrypted in memory.
      - The fastest way in for thousands of objects, above all as JSON.
    type: list
    elements: path
  template:
    description:
      - Jinja2 templates of manifests, a name or a list of names, searched in the role's C(templates/) like those of
        M(ansible.builtin.template).
      - Instead of a name a dictionary may say how it is read, as in C(kubernetes.core.k8s), with the keys C(path),
        C(newline_sequence), C(variable_start_string), C(variable_end_string), C(block_start_string),
        C(block_end_string), C(trim_blocks) (true) and C(lstrip_blocks) (false).
    type: raw
  force_conflicts:
    description:
      - Take over fields that other managers own, and objects of other sets; with O(state=absent), delete objects of
        other sets.
      - For a single object use its annotation C(applyset.greenlang.io/force-conflicts=true).
    type: bool
    default: false
  recreate:
    description:
      - Kinds of which objects may be deleted and created again when an immutable field changes, such as V(Job) or
        V(Certificate.cert-manager.io). For manifests of others, which the annotation cannot be written into.
      - Namespaces, volumes, claims, snapshots, Nodes and CustomResourceDefinitions are refused.
    type: list
    elements: str
    default: []
  field_manager:
    description: Name under which the API server records what is ours.
    type: str
    default: greenlang.vcci
  prune:
    description:
      - Delete members of the set that are no longer among the objects.
      - Without objects it is refused; to delete a whole set use O(state=absent).
      - What the remaining objects need (their namespaces, definitions and owners) is kept, with a warning.
    type: bool
    default: false
  prune_limit:
    description: Refuse, before anything is changed, when more objects than this would be pruned. V(-1) for no limit.
    type: int
    default: 20
  prune_named:
    description:
      - Namespaces, PersistentVolumes, PersistentVolumeClaims and CustomResourceDefinitions that may be pruned, each as
        V(Kind/name) or V(Kind/namespace/name). Those not named here are kept and reported as skipped.
    type: list
    elements: str
    default: []
  concurrency:
    description: How many requests are under way at once.
    type: int
    default: 16
  assume_empty:
    description:
      - In check mode, ask no server and predict that everything is created. For a cluster that does not exist yet.
    type: bool
    default: false
extends_documentation_fragment:
  - greenlang.vcci.connection
  - greenlang.vcci.waiting
attributes:
  check_mode:
    description: Predicts by server-side dry run.
    support: full
  diff_mode:
    description: Shows each changed object before and after; values of Secrets only as changed or unchanged.
    support: full
notes:
  - The annotation C(applyset.greenlang.io/recreate=true) on an object allows deleting and creating it again when an
    immutable field changes, as O(recreate) does for whole kinds. Nothing is deleted before the server has said that it
    would accept the new object. A StatefulSet is deleted orphaning its pods; Namespaces, volumes, claims and
    CustomResourceDefinitions are never deleted for this.
  - An object with the annotation C(applyset.greenlang.io/optional) is left out, with a warning, where the API server
    does not serve its kind; its text says what is so without the object.
  - Annotations C(applyset.greenlang.io/force-conflicts), C(applyset.greenlang.io/recreate) and
    C(applyset.greenlang.io/optional) are instructions and are not stored.
"""

EXAMPLES = r"""
- name: Apply a component from the role's templates and wait for it
  greenlang.vcci.applyset:
    name: vcci-redis
    namespace: vcci-platform
    template: redis.yml.j2
    wait: true
    wait_timeout: 600

- name: Apply objects given in place
  greenlang.vcci.applyset:
    name: example
    definition:
      - apiVersion: v1
        kind: Namespace
        metadata:
          name: example
      - apiVersion: v1
        kind: ConfigMap
        metadata:
          name: settings
          namespace: example
        data:
          colour: green

- name: Apply manifests that are published without a namespace, as kubectl apply -n argocd does
  greenlang.vcci.applyset:
    name: argocd
    namespace: argocd
    objects_namespace: argocd
    src: argocd-install.yaml

- name: Apply a directory of manifests, and delete what left it since the last time
  greenlang.vcci.applyset:
    name: example
    src: manifests/
    prune: true
    prune_limit: 5

- name: Apply what a vendor publishes, with a set-up job of a fixed name, and wait for its own kind
  greenlang.vcci.applyset:
    name: vendor
    src: vendor/
    recreate: [Job]
    wait: true
    wait_for:
      - kind: Backup.velero.io
        field: status.phase
        value: [Completed]
        failed: [Failed, PartiallyFailed]

- name: Delete the whole set and the namespace that it brought
  greenlang.vcci.applyset:
    name: example
    state: absent
    prune_named:
      - Namespace/example
    wait: true
"""

RETURN = r"""
created:
  description: Objects that were not there.
  returned: always
  type: list
  elements: str
  sample: ["Deployment vcci-platform/vcci-backend-api"]
configured:
  description: Objects that were there and of which something of ours was written.
  returned: always
  type: list
  elements: str
  sample: ["ConfigMap vcci-platform/platform-config"]
recreated:
  description:
    - Objects that were deleted and created again because an immutable field changed, and their annotation or
      O(recreate) allowed it.
  returned: always
  type: list
  elements: str
  sample: []
replaced:
  description: Pods of an older revision of a StatefulSet that did not start and were deleted while waiting.
  returned: always
  type: list
  elements: str
  sample: []
assumed_ready:
  description:
    - Custom resources that were awaited and counted as ready although nothing spoke for them, no known condition and no
      O(wait_for), or because their own specification suspends them.
  returned: always
  type: list
  elements: str
  sample: []
unchanged:
  description: Objects that were as wanted.
  returned: always
  type: list
  elements: str
  sample: ["Namespace vcci-platform"]
pruned:
  description: Former members that were deleted.
  returned: always
  type: list
  elements: str
  sample: []
deleted:
  description: Objects deleted by state absent.
  returned: always
  type: list
  elements: str
  sample: []
skipped_objects:
  description:
    - Former members kept because their kind is deleted only when named or because the set needs them, and objects not
      reached because of a failure.
  returned: always
  type: list
  elements: str
  sample: ["PersistentVolumeClaim vcci-platform/backup"]
msg:
  description: How many objects were created, configured and so on; on failure what is wrong.
  returned: always
  type: str
  sample: 2 created, 14 unchanged
errors:
  description: Each single fault; C(msg) has them together. The lists above then say what was done until then.
  returned: on failure
  type: list
  elements: str
  sample: ["Deployment a/b: .spec.replicas is owned by 'kubectl'. Remove the field from the manifest, or …"]
requests:
  description: Requests made to the API server.
  returned: always
  type: int
  sample: 12
duration:
  description: Seconds that it took.
  returned: always
  type: float
  sample: 0.084
timing:
  description: Seconds by step.
  returned: always
  type: dict
  sample: {"prepare": 0.002, "read": 0.03, "write": 0.05}
"""
