#!/usr/bin/python
# Copyright (c) 2026 GreenLang. All rights reserved.
from __future__ import annotations

DOCUMENTATION = r"""
module: sealed_secret
short_description: Seal Secrets, with values that are given, generated once, or composed
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - Seals many Secrets in one task, as C(kubeseal) of sealed-secrets 0.40 does, and waits until the controller has
    unsealed them.
  - A second run compares with the unsealed Secrets and reports no change; ciphertexts of unchanged values stay as they
    are.
  - What somebody else wrote into a Secret since is put back, which the controller by itself does not do. What is sealed
    is the truth for what is generated; it is unsealed where the sealing keys may be read, and else the controller is
    made to write the Secret again.
  - A value that is there is never replaced unless O(rotate) names it. What cannot be read, or told apart, is an error.
  - Every write is bound to what was read. When somebody else has changed it meanwhile, everything is read and decided
    again, up to five times.
  - Everything is checked before anything is written, as the API server would. A type, and the data of an immutable
    Secret, which Kubernetes never changes, are refused.
  - Runs on the control node, in memory. No value reaches a file, a process argument, a result, a diff or a log.
extends_documentation_fragment: [greenlang.vcci.connection]
attributes:
  check_mode:
    description: Predicts by server-side dry runs what would be written; seals and writes nothing.
    support: full
  diff_mode:
    description: Shows the names of the keys and which of them get a new value.
    support: full
options:
  secrets:
    description: The Secrets.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the Secret.
        type: str
        required: true
      namespace:
        description: Its namespace; O(namespace) without it.
        type: str
      scope:
        description: Whether the ciphertext is bound to name and namespace, to the namespace, or to nothing.
        type: str
        choices: [strict, namespace-wide, cluster-wide]
        default: strict
      type:
        description: Type of the Secret; C(Opaque) when none is named and, with O(merge), none is there.
        type: str
      labels:
        description: Labels of the Secret, texts, added to O(labels).
        type: dict
      annotations:
        description:
          - Annotations of the Secret, texts. Those in which C(kubectl), C(kubecfg) and C(kapp) keep a whole copy of an
            object are never written.
        type: dict
      immutable:
        description: Whether the Secret may not be changed after; false unless, with O(merge), it is so already.
        type: bool
      values:
        description:
          - Key to value. A text, or a dictionary with C(value) (a text), C(base64) (bytes), C(generate), C(compose)
            or C(certificate).
          - C(base64) may have line breaks.
          - C(generate) makes a random value once and keeps it; an empty one that is there is an error. It takes
            C(length) (32), C(format) (C(text), C(hex), C(base64), C(uuid), C(rsa), C(ed25519); of an RSA key C(length)
            is its bits) and, for text, C(alphabet) (C(alphanumeric), C(lower), C(digits), C(printable), or the
            characters themselves).
          - C(compose) is a text in which C(${key}), C(${secret/key}) and C(${namespace/secret/key}) stand for other
            values of this task; with C(|url), C(|dsn) or C(|base64) they are encoded. With C(generate) beside it,
            C(${generated|url}) stands for the generated part, which is kept when the text around it changes; where it
            is (two lengths) is noted on the SealedSecret.
          - C(certificate) is one signed by itself, for the private key in C(key) of the same Secret, with C(names) and
            C(days) (365). It is made anew with the key, with other names, and in the last third of its life. Without a
            cluster it is kept; in the last third there is a warning.
        type: dict
        required: true
      tell:
        description:
          - A server that keeps these values elsewhere, as a database keeps passwords. When a value changes, its pods
            are told after the Secret was written, and before anything that is composed of it is.
          - C(workload) (C(StatefulSet/postgresql)), C(container), and C(commands), each a list of program and
            arguments. A command runs in all ready pods before the next does. It reads lines C(key base64) from standard
            input, and then an empty line; it must be repeatable.
          - With O(restart) the workload is not restarted then, or, with C(restart) true, after all others.
        type: dict
  name:
    description: Name of the set that the SealedSecrets belong to.
    type: str
    default: secrets
  namespace:
    description: Namespace of Secrets that name none.
    type: str
  record_namespace:
    description: Namespace of the set's record.
    type: str
    default: default
  certificate:
    description:
      - File or URL (C(file://), C(https://), C(http://)) of the sealing certificate; of several in it the first counts.
        Without it, the controller is asked for it through the API server, as kubeseal does; where that is not allowed,
        or it gives none that is valid, that of its newest active key is used. An expired one, another than
        O(certificate_fingerprint), or a private key is refused before anything is written.
    type: str
  certificate_fingerprint:
    description: >-
      Fingerprint that the certificate's key must have, as RV(certificate) and C(ssh-keygen -l) give it. Plain
      C(http://) needs it, also where an C(https://) URL leads there.
    type: str
  cluster:
    description:
      - Whether the SealedSecrets go to the cluster. Without it no cluster is asked, O(certificate) is needed, and the
        result goes to O(directory), or, without one, to RV(sealed).
    type: bool
    default: true
  directory:
    description:
      - Where SealedSecrets are kept as manifests that may be committed, C(<namespace>/<name>.yml). Files whose values
        did not change stay byte for byte. Without the cluster the ciphertext of a generated value is kept as long as it
        is there, whatever the fingerprints say; what needs its value is an error.
    type: path
  fingerprint_key:
    description:
      - Key, from the vault, of the fingerprints by which a run without a cluster knows which values did not change. A
        plain hash would be a way to try guesses, and show which values are equal; this is an HMAC over name and value.
    type: str
  merge:
    description:
      - Whether what is not named stays, of a SealedSecret, its manifest, or what is ours in O(aws) or O(vault), keys
        with their ciphertexts, C(spec.template.data), labels, annotations, type.
      - Without it, keys that are no longer named go, and are among C(changed_keys); what C(spec.template.data) makes
        stays.
    type: bool
    default: false
  controller_namespace:
    description: Namespace of the controller and its keys.
    type: str
    default: kube-system
  controller_name:
    description: >-
      Name of the controller's Service, which gives the sealing certificate out, and of its Deployment, which says in
      which order it uses its keys.
    type: str
    default: sealed-secrets-controller
  aws:
    description:
      - Keep the values in AWS Secrets Manager instead of sealing them, as the JSON object
        C(<prefix>/<namespace>/<name>), and write Secrets of them. C(prefix) is needed; C(region), C(kms_key_id) and
        C(endpoint_url) may be given; credentials are those that boto3 finds.
      - What it holds is the truth. Keys of others in the same object stay as they are, and are not brought into the
        cluster; a generated value that it lost comes back from the cluster, or from its version before.
      - Each write is bound to the version that was read. What somebody else wrote meanwhile is read, and decided about,
        again.
    type: dict
  vault:
    description:
      - The same in a KV engine of version 2 of Vault or OpenBao. C(prefix) is needed, and the Python package hvac.
      - C(address), C(namespace) and C(ca_cert) (a file) are without it those of E(VAULT_ADDR), E(VAULT_NAMESPACE) and
        E(VAULT_CACERT); C(mount) is V(secret). Plain C(http://) is only taken to this machine, and no redirect is
        followed.
      - C(method) says how to log in. V(approle), with C(role_id) and C(secret_id), and the default where there is a
        C(role_id). V(kubernetes) and V(jwt), with C(role), and the signed text of who runs this as C(jwt) or in the
        file C(jwt_file), which is for V(kubernetes) that of the pod's ServiceAccount. V(token), the default otherwise,
        with C(token), E(VAULT_TOKEN), or what C(vault login) left. C(login_mount) is where the method is enabled,
        without it at its name.
      - Writes are check-and-set. A version that was deleted is an error, since what it held may be wanted back.
    type: dict
  labels:
    description: Labels of every SealedSecret and Secret.
    type: dict
    default: {}
  allow_scope_change:
    description: Whether a Secret that is sealed already may get another scope.
    type: bool
    default: false
  force_conflicts:
    description: Take back fields of SealedSecrets that somebody changed by hand; without it the task stops and names
      field and owner.
    type: bool
    default: false
  prune:
    description: Whether SealedSecrets of the set that are no longer named are deleted.
    type: bool
    default: false
  rotate:
    description:
      - Generated keys (C(generate), C(certificate)) that get new values, as V(secret), V(secret/key) or
        V(namespace/secret/key). Every run with it makes new ones.
    type: list
    elements: str
    default: []
  restart:
    description:
      - Whether Deployments, StatefulSets and DaemonSets that consume a key are restarted when its value changed, now or
        since their pods started, and awaited. It implies O(wait). Only times of the API server are compared; pods of
        the second in which a value came count as older.
    type: bool
    default: false
  wait:
    description: Whether to wait until the controller has unsealed everything that was written, and says so.
    type: bool
    default: true
  wait_timeout:
    description: Seconds to wait, in all.
    type: int
    default: 120
  assume_empty:
    description: In check mode, ask no cluster and predict what an empty one would get.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Seal the database's password and everything that needs it
  greenlang.vcci.sealed_secret:
    namespace: vcci-platform
    secrets:
      - name: postgresql-secrets
        values:
          username: vcci
          password: {generate: {length: 32}}
      - name: backend-secrets
        values:
          DATABASE_URL:
            compose: postgresql://vcci:${postgresql-secrets/password|url}@postgresql:5432/vcci
          OPENAI_API_KEY: "{{ vault_openai_api_key }}"

- name: Make a new key, and restart what uses it
  greenlang.vcci.sealed_secret:
    namespace: vcci-platform
    secrets:
      - name: backend-secrets
        values:
          JWT_SECRET: {generate: {format: base64}}
    rotate: [backend-secrets/JWT_SECRET]
    restart: true
"""

RETURN = r"""
secrets:
  description: Of each Secret its scope, its keys, and which keys were sealed anew or went. Never a value.
  returned: success
  type: dict
  sample: {vcci-platform/redis-secrets: {scope: strict, keys: [password], changed_keys: []}}
restarted:
  description: The workloads that were restarted, or would be.
  returned: with O(restart)
  type: list
  elements: str
  sample: [vcci-platform/Deployment/vcci-backend-api]
files:
  description: The manifests that were written.
  returned: with O(directory)
  type: list
  elements: str
  sample: [sealed/production/vcci-platform/redis-secrets.yml]
sealed:
  description: Ciphertexts, by Secret and key.
  returned: with neither O(cluster) nor O(directory)
  type: dict
  sample: {vcci-platform/redis-secrets: {password: AgBy8h}}
certificate:
  description: Fingerprint and expiry of the certificate that was used.
  returned: when something was sealed
  type: dict
  sample: {fingerprint: "SHA256:abc", expires: "2036-01-31T12:00:00Z"}
"""
