# Copyright (c) 2026 GreenLang. All rights reserved.
"""Manifests of large projects of the field, out of the Go modules that the programs here are built from.

Each set is applied by kubectl (a server-side dry run) and by applyset: both must accept the same documents, send the
same fields with the same values, and applyset must find everything unchanged in its second run.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset import manifests
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.manifests import CONTROL_PREFIX, Ref, ref_of
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.membership import PART_OF
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.options import FIELD_MANAGER, ApplyOptions
from ansible_collections.greenlang.vcci.plugins.plugin_utils.applyset.run import apply_set, delete_set
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import VcciError

from tests.helpers import ROOT, Client, eventually

# What would judge, or serve, the objects after them, be held by what nobody here frees, or be taken away, as a node is
# that the cloud does not know: dry runs only.
NEVER_WRITTEN = (
    "Node",
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    "APIService",
    "ResourceQuota",
    "LimitRange",
    "PersistentVolume",
    "PersistentVolumeClaim",
)
# Marks of templates, which are no manifests yet.
TEMPLATE = re.compile(r"\{\{|\$\(|^<|<[A-Z]\w*>|__[A-Z]", re.MULTILINE)
DOCUMENT = re.compile(r"^---.*$", re.MULTILINE)
ALLOCATED = (
    "clusterIP",
    "clusterIPs",
    "nodeName",
    "volumeName",
    "nodePort",
    "healthCheckNodePort",
    "controller-uid",
    "timeAdded",
)
Kubectl = Callable[..., str]


class Corpus(NamedTuple):
    """A set: what it is called, and where it is: binaries/<program>/go.mod, a module of it, folders there."""

    name: str
    program: str
    module: str
    folders: tuple[str, ...]
    most: int = 900  # documents; some projects have thousands of one kind


# Definitions stay, for the sets after them.
SETS = (
    Corpus("kubernetes add-ons", "kubernetes", "k8s.io/kubernetes", ("cluster/addons",)),
    Corpus("kubernetes end-to-end", "kubernetes", "k8s.io/kubernetes", ("test/e2e/testing-manifests",)),
    Corpus("kubernetes documentation", "kubernetes", "k8s.io/kubernetes", ("test/fixtures",)),
    Corpus("kubernetes performance", "kubernetes", "k8s.io/kubernetes", ("test/integration", "test/kubemark")),
    Corpus("pod security", "kubernetes", "k8s.io/pod-security-admission", ("test/testdata/restricted/v1.34",)),
    Corpus("definitions of every form", "kubernetes", "k8s.io/apiextensions-apiserver", ("test",)),
    Corpus("kubectl", "kubernetes", "k8s.io/kubectl", ("testdata", "pkg")),
    Corpus("node simulation", "kubernetes", "sigs.k8s.io/kwok", ("kustomize/crd", "kustomize/stage")),
    Corpus("metrics", "kubernetes", "sigs.k8s.io/metrics-server", ("manifests", "test")),
    Corpus("local volumes", "kubernetes", "github.com/rancher/local-path-provisioner", ("deploy", "examples", "test")),
    Corpus("sealed secrets", "kubernetes", "github.com/bitnami/sealed-secrets", (".",)),
    Corpus("helm", "kubernetes", "helm.sh/helm/v3", (".",)),
    Corpus("gateway definitions", "cilium", "sigs.k8s.io/gateway-api", ("config/crd/standard",)),
    Corpus("gateway examples", "cilium", "sigs.k8s.io/gateway-api", ("examples/standard", "conformance")),
    Corpus("clusters of clusters", "cilium", "sigs.k8s.io/mcs-api", ("config",)),
    Corpus("network policy definitions", "cilium", "sigs.k8s.io/network-policy-api", ("config/crd/experimental",)),
    Corpus("network policies", "cilium", "sigs.k8s.io/network-policy-api", ("conformance",)),
    Corpus("mesh definitions", "cilium", "github.com/cilium/cilium", ("pkg/k8s/apis",)),
    Corpus("mesh examples", "cilium", "github.com/cilium/cilium", ("examples",)),
    Corpus("mesh tests", "cilium", "github.com/cilium/cilium", ("test/k8s", "operator/pkg/model")),
    Corpus("certificates", "cert-manager", "github.com/cert-manager/cert-manager", ("deploy", "test", "make")),
    Corpus("mesh laboratories", "cilium", "github.com/cilium/cilium", ("contrib", ".github")),
    Corpus("kustomizations", "kubernetes", "sigs.k8s.io/kustomize/kyaml", (".",)),
    Corpus("controllers' tests", "cert-manager", "sigs.k8s.io/controller-runtime", ("pkg",)),
)


class Document(NamedTuple):
    """One object of a set and the very text that it was written in."""

    text: str
    obj: dict[str, Any]
    ref: Ref


class Found(NamedTuple):
    """What came of one set."""

    accepted: Counter[str]  # by kind
    refused: int  # by both
    wrong: list[str]  # differences: there must be none


def compare(corpus: Corpus, client: Client, kubectl: Kubectl, folder: Path) -> Found:
    """Apply a set both ways; it is gone afterwards, but for definitions and namespaces."""
    documents = list(read(corpus, client))
    make_namespaces(client, {document.ref.namespace for document in documents})
    accepted, refused, wrong = [], [], []
    for document in documents:
        (accepted if is_accepted(client, document) else refused).append(document)
    better = [document.ref.label for document in refused if accepted_by_kubectl(kubectl, document)]
    wrong += [f"{label}: refused, and kubectl accepts it" for label in better]
    theirs = by_kubectl(kubectl, accepted, folder)
    written = [document for document in accepted if stays(document)]
    options = ApplyOptions(name="corpus", force_conflicts=True)
    try:
        apply_set(client, [(document.obj, document.ref.label) for document in written], options)
        for document in written:
            wrong += differences(document.ref, theirs[document.ref], get(client, document.ref, document.obj))
        again = apply_set(client, [document.obj for document in written], options)
        if again.changed:
            wrong.append(f"a second run is not unchanged: {again.summary()}")
    finally:
        stay = ("CustomResourceDefinition", "Namespace")
        gone = [document.obj for document in written if document.ref.kind not in stay]
        delete_set(client, gone, replace(options, force_conflicts=False, wait=True))
    return Found(Counter(document.ref.kind for document in accepted), len(refused), wrong)


# -- documents


def read(corpus: Corpus, client: Client) -> Iterator[Document]:
    """The documents of a set, each object once, in a namespace as kubectl would choose it."""
    seen: set[Ref] = set()
    for path in files(corpus):
        for text in DOCUMENT.split(path.read_text(encoding="utf-8", errors="ignore")):
            for document in documents(text, str(path.name), client):
                if document.ref not in seen and len(seen) < corpus.most:
                    seen.add(document.ref)
                    yield document


def files(corpus: Corpus) -> list[Path]:
    command = ["go", "mod", "download", "-json", corpus.module]
    done = subprocess.run(command, cwd=ROOT / "binaries" / corpus.program, capture_output=True, text=True, check=True)
    root = Path(json.loads(done.stdout)["Dir"])
    found = [path for folder in corpus.folders for path in (root / folder).rglob("*.y*ml")]
    return sorted(path for path in found if path.is_file() and path.stat().st_size < 10**6)


def documents(text: str, source: str, client: Client) -> Iterator[Document]:
    """None of what is no manifest, but a template, values, a patch or a broken example."""
    if TEMPLATE.search(text) or not re.search("^apiVersion:", text, re.MULTILINE):
        return
    try:
        found = manifests.parse(text, source)
        for obj, where in found:
            manifests.check(obj, where)
            # Exported objects are not: kubectl takes their uid for a condition, and refuses them; those of a set
            # that somebody recorded have its label, which is refused in a manifest (docs/applyset.md).
            meta = obj["metadata"]
            exported = any(meta.get(key) for key in manifests.SERVER_METADATA) or PART_OF in (meta.get("labels") or {})
            if len(found) == 1 and not exported:
                yield Document(text, obj, addressed(obj, client))
    except VcciError:
        return


def addressed(obj: dict[str, Any], client: Client) -> Ref:
    """Its reference; where a namespace is needed and lacks, it is `default`, and where none is, one is ignored."""
    meta = obj["metadata"]
    if not client.resource(obj["apiVersion"], obj["kind"]).namespaced:
        return ref_of(obj)._replace(namespace="")
    meta["namespace"] = meta.get("namespace") or "default"
    return ref_of(obj)


def make_namespaces(client: Client, names: Iterable[str]) -> None:
    for name in sorted({name for name in names if name}):
        meta = {"metadata": {"name": name}}
        path = f"/api/v1/namespaces/{name}"
        if client.get("v1", "Namespace", name) is None:
            client.request("POST", "/api/v1/namespaces", body=meta)
            eventually(lambda path=path: account_of(client, path), f"no service account in {name}")


def account_of(client: Client, path: str) -> bool:
    """Pods are refused until the namespace has one."""
    return bool(client.request("GET", f"{path}/serviceaccounts")["items"])


def stays(document: Document) -> bool:
    """A pod that names its node is taken away where there is no such node."""
    bound = document.ref.kind == "Pod" and "nodeName" in (document.obj.get("spec") or {})
    return document.ref.kind not in NEVER_WRITTEN and not bound


# -- both ways


def is_accepted(client: Client, document: Document) -> bool:
    try:
        apply_set(client, [(document.obj, "corpus")], ApplyOptions(check=True, force_conflicts=True))
    except VcciError:
        return False
    return True


def accepted_by_kubectl(kubectl: Kubectl, document: Document) -> bool:
    try:
        kubectl("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-", given=document.text)
    except AssertionError:  # it says so by its exit code
        return False
    return True


def by_kubectl(kubectl: Kubectl, accepted: list[Document], folder: Path) -> dict[Ref, dict[str, Any]]:
    """What kubectl's dry run makes of the same texts."""
    for path in folder.iterdir():
        path.unlink()
    for number, document in enumerate(accepted):
        (folder / f"{number:04}.yaml").write_text(document.text, encoding="utf-8")
    flags = ("--server-side", "--force-conflicts", "--dry-run=server", "--show-managed-fields", "-o", "json")
    made = json.loads(kubectl("apply", *flags, "-f", str(folder)))
    items = made["items"] if made["kind"] == "List" else [made]
    return {ref_of(item): item for item in items}


def get(client: Client, ref: Ref, obj: Mapping[str, Any]) -> dict[str, Any]:
    resource = client.resource(obj["apiVersion"], obj["kind"])
    return dict(client.request("GET", resource.path(ref.namespace, ref.name)))


def differences(ref: Ref, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> Iterator[str]:
    """Fields that only one of them sent, and values of kubectl's object that ours has not."""
    sent, also = owned(theirs, "kubectl"), owned(ours, FIELD_MANAGER)
    for field in sorted(sent ^ also):
        yield f"{ref.label}: only {'kubectl' if field in sent else 'we'} sent {field}"
    yield from (f"{ref.label}: {text}" for text in lacking(comparable(theirs, sent), ours, ""))


def owned(obj: Mapping[str, Any], manager: str) -> set[str]:
    """The paths of fields that this manager's applies own."""
    entries = obj["metadata"].get("managedFields") or []
    found: set[str] = set()
    for entry in entries:
        if entry["manager"] == manager and entry["operation"] == "Apply" and not entry.get("subresource"):
            found |= set(leaves(entry["fieldsV1"], ""))
    # Labels and annotations as such: applyset always brings one of each. stringData arrives as data.
    found -= {"/f:metadata/f:labels", "/f:metadata/f:annotations"}
    kept = [path for path in found if CONTROL_PREFIX not in path and PART_OF not in path]
    return {path.replace("/f:stringData/", "/f:data/") for path in kept}


def leaves(fields: Mapping[str, Any], path: str) -> Iterator[str]:
    if not fields:
        yield path
    for key, below in fields.items():
        yield from leaves(below, f"{path}/{key}")


def comparable(obj: Mapping[str, Any], sent: set[str]) -> dict[str, Any]:
    """Without what is the server's. Of metadata only what was sent: it gives some kinds labels if they have none."""
    rest = {key: value for key, value in obj.items() if key not in ("metadata", "status")}
    meta = {}
    for key in ("labels", "annotations"):
        texts = obj["metadata"].get(key) or {}
        meta[key] = {name: value for name, value in texts.items() if f"/f:metadata/f:{key}/f:{name}" in sent}
    return {**rest, "metadata": meta}


def lacking(theirs: Any, ours: Any, path: str) -> Iterator[str]:
    """Where `ours` is not what `theirs` is. More is allowed: controllers were at work."""
    if isinstance(theirs, Mapping) and isinstance(ours, Mapping):
        for key, value in theirs.items():
            if key.rpartition("/")[2] not in ALLOCATED and value not in ({}, None):
                yield from lacking(value, ours.get(key), f"{path}.{key}")
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for number, (one, other) in enumerate(zip(theirs, ours, strict=True)):
            yield from lacking(one, other, f"{path}[{number}]")
    elif theirs != ours and "kube-api-access-" not in str(theirs):
        yield f"{path} is {str(theirs)[:60]!r} by kubectl and {str(ours)[:60]!r} by us"
