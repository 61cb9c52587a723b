# Copyright (c) 2026 GreenLang. All rights reserved.
"""The lookup greenlang.vcci.helm_template: a chart rendered once, kept under a digest of all that it came from."""

from __future__ import annotations

DOCUMENTATION = r"""
name: helm_template
short_description: Render a helm chart, once for the same chart, values and helm
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - Renders a chart by C(helm template) and returns the path of the manifests, for C(src) of M(greenlang.vcci.applyset).
  - The rendered file is kept under a digest of everything that it came from, so that a run in which nothing changed
    does not start helm.
  - Hooks and tests are left out, and C(caBundle) of webhooks, which a controller fills in.
options:
  _terms:
    description: Name of the release.
    required: true
  chart:
    description: A directory, a packed chart, C(oci://) reference, or the name of a chart in O(repository).
    type: str
    required: true
  repository:
    description: URL of a chart repository.
    type: str
  version:
    description: >-
      Version of the chart; required unless it is a directory or a file.
      Also completes a chart directory whose own is the placeholder that upstream's release fills in.
    type: str
  digest:
    description: SHA-256 of the packed chart, checked before it is rendered.
    type: str
  values:
    description: Values of the chart.
    type: dict
    default: {}
  schema:
    description: >-
      Whether the values are judged by the chart's schema, which makes helm fetch the addresses that this refers to.
    type: bool
    default: true
  namespace:
    description: Namespace of the release.
    type: str
    default: default
  without:
    description: Kinds of objects that are left out.
    type: list
    elements: str
    default: []
  labels:
    description: Labels that every object gets.
    type: dict
    default: {}
  helm:
    description: The helm program.
    type: str
    default: helm
  kube_version:
    description: Kubernetes version that the chart is rendered for.
    type: str
    default: 1.37.0
  optional:
    description: >-
      Whether a local chart or a helm that is not there yet gives nothing and a warning,
      as for a plan before a cluster was built.
    type: bool
    default: false
  cache_dir:
    description: Where charts and rendered manifests are kept.
    type: str
    default: ~/.cache/greenlang-vcci/helm
"""

EXAMPLES = r"""
- name: Apply a chart
  greenlang.vcci.applyset:
    name: sealed-secrets
    src: "{{ lookup('greenlang.vcci.helm_template', 'sealed-secrets', chart=chart, namespace='kube-system') }}"
  vars:
    chart: /srv/charts/sealed-secrets
"""

RETURN = r"""
_raw:
  description: Path of the rendered manifests.
  type: list
  elements: path
"""

import functools
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

display = Display()
PLACEHOLDER = "0.0.0"  # the version that cert-manager's chart has in its module
FORMAT = 1  # of what is kept: raise it when rendering changes
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Options of which the digest knows as they are; the others enter it by what they lead to.
AS_GIVEN = ("repository", "version", "digest", "namespace", "labels", "kube_version", "without")
WEBHOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        options = self.get_options()
        found = []
        for term in terms:
            try:
                found.append(str(Chart(str(term), options).rendered()))
            except NotThere as exc:
                if not options["optional"]:
                    raise
                display.warning(f"the objects of chart {term} are not listed: {exc.message}")
        return found


class NotThere(AnsibleLookupError):
    """A chart or helm itself does not exist here."""


class Chart:
    """One release's chart, where it is, and what it is rendered with. Refuses what cannot be rendered."""

    def __init__(self, release: str, options: dict[str, Any]) -> None:
        self.release, self.options = release, options
        self.cache = Path(options["cache_dir"]).expanduser()
        self.local = not options["chart"].startswith("oci://") and not options["repository"]
        # Text of Ansible's carries tags, which YAML does not know.
        self.version = "".join(options["version"] or "")
        self.values = json.dumps(options["values"], sort_keys=True, default=str)
        if self.local and not self.directory.exists():
            raise NotThere(
                f"helm_template: the chart {self.directory} does not exist; "
                "name a directory, a packed chart, or set repository"
            )
        if not self.local and not options["version"]:
            raise AnsibleLookupError(
                f"helm_template: version is needed for {options['chart']}, so that every run renders the same chart"
            )
        helm = shutil.which(Path(options["helm"]).expanduser())
        if helm is None:
            raise NotThere(f"helm_template: there is no helm program {options['helm']}; install helm 3 or set its path")
        self.helm = Path(helm)

    @functools.cached_property
    def directory(self) -> Path:
        """The chart, when it is here: a directory, or a packed chart."""
        return Path(self.options["chart"]).expanduser()

    def rendered(self) -> Path:
        """The file of the chart's objects, made unless it is kept."""
        target = self.cache / f"{self.release}-{self.key()}.json"
        if not whole(target):
            self.cache.mkdir(mode=0o700, parents=True, exist_ok=True)
            documents = yaml.load_all(self.render(), Loader=LOADER)
            objects = [self.finish(document) for document in documents if self.wanted(document)]
            if not objects:
                raise AnsibleLookupError(f"helm_template: {self.options['chart']} rendered nothing")
            descriptor, made = tempfile.mkstemp(dir=self.cache)
            with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
                json.dump({"apiVersion": "v1", "kind": "List", "items": objects}, handle, default=str)
            Path(made).replace(target)
        return target

    def key(self) -> str:
        """A digest of everything that the objects come from."""
        digest, program = hashlib.sha256(), self.helm.stat()
        as_given = json.dumps([self.options[name] for name in AS_GIVEN], sort_keys=True, default=str)
        what = (FORMAT, self.release, self.options["chart"], self.values)
        for part in (*what, self.helm, program.st_size, int(program.st_mtime), as_given):
            digest.update(f"{part}\0".encode())
        for path in sorted(files(self.directory)) if self.local else []:
            digest.update(f"{path}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()[:24]

    def render(self) -> str:
        with tempfile.TemporaryDirectory(dir=self.cache, prefix="work-") as work:
            if not self.local:
                chart = self.pull(Path(work))
            elif self.directory.is_dir():
                chart = self.complete(Path(work))
            else:
                chart = self.directory
                self.check_digest(chart)
            bounds = ["--namespace", self.options["namespace"], "--kube-version", self.options["kube_version"]]
            kinds = ["--include-crds", "--no-hooks", "--skip-tests"]
            if not self.options["schema"]:
                kinds.append("--skip-schema-validation")
            return self.run("template", self.release, str(chart), *bounds, *kinds, "--values", "-", given=self.values)

    def pull(self, work: Path) -> Path:
        arguments = ["pull", self.options["chart"], "--version", self.options["version"], "--destination", str(work)]
        if self.options["repository"]:
            arguments += ["--repo", self.options["repository"]]
        self.run(*arguments)
        chart = next(work.glob("*.tgz"))
        self.check_digest(chart)
        return chart

    def check_digest(self, chart: Path) -> None:
        wanted = self.options["digest"]
        if not wanted:
            return
        found = hashlib.sha256(chart.read_bytes()).hexdigest()
        if found != wanted.removeprefix("sha256:"):
            raise AnsibleLookupError(
                f"helm_template: {self.options['chart']} has SHA-256 {found}, not {wanted}: it is refused"
            )

    def complete(self, work: Path) -> Path:
        """A chart directory as helm takes it: with the version that is asked for, where its own is a placeholder."""
        described = self.directory / "Chart.yaml"
        about = yaml.safe_load(described.read_text(encoding="utf-8")) if described.is_file() else {}
        if not self.version or str(about.get("version")).removeprefix("v") != PLACEHOLDER:
            return self.directory
        chart = work / "chart"
        for path in files(self.directory):
            copy(path, chart / path.relative_to(self.directory))
        about["version"] = about["appVersion"] = self.version
        (chart / "Chart.yaml").write_text(yaml.safe_dump(about), encoding="utf-8")
        return chart

    def run(self, *arguments: str, given: str = "") -> str:
        command = [str(self.helm), *arguments]
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
        if done.returncode:
            what, why = f"helm {arguments[0]} of {self.options['chart']}", done.stderr.strip()[-2000:]
            raise AnsibleLookupError(f"helm_template: {what} failed: {why}")
        return done.stdout

    def wanted(self, document: object) -> bool:
        """Whether it is an object, of a kind that is not left out, and neither a hook nor a test."""
        if not isinstance(document, dict) or document.get("kind") in self.options["without"]:
            return False
        return "helm.sh/hook" not in ((document.get("metadata") or {}).get("annotations") or {})

    def finish(self, document: dict[str, Any]) -> dict[str, Any]:
        """With our labels, without what only a controller fills in."""
        metadata = document["metadata"]
        metadata["labels"] = {**(metadata.get("labels") or {}), **self.options["labels"]}
        if not metadata.get("annotations", True):
            del metadata["annotations"]
        if document.get("kind") in WEBHOOKS:
            for hook in document.get("webhooks") or []:
                (hook.get("clientConfig") or {}).pop("caBundle", None)
        return document


def whole(path: Path) -> bool:
    """Whether it is there and was not cut short, by a full disk for example."""
    try:
        return bool(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return False


def files(root: Path) -> Iterator[Path]:
    """The file itself, or all below the directory."""
    if root.is_file():
        yield root
    for folder, _folders, names in os.walk(root):
        yield from (Path(folder, name) for name in names)


def copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)  # without the mode: module caches are read-only
