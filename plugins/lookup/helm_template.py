# Copyright (c) 2026 GreenLang. All rights reserved.
from __future__ import annotations

DOCUMENTATION = r"""
name: helm_template
short_description: Render a helm chart, once for the same chart, values and helm
version_added: 1.0.0
author: GreenLang VCCI (@greenlang)
description:
  - Renders a chart by C(helm template) and returns the path of the manifests, for C(src) of M(greenlang.vcci.applyset).
  - The rendered file is kept under a digest of everything that it came from, so that a run in which nothing changed does not start helm.
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
    description: Version of the chart; required unless it is a directory or a file. Also completes a chart directory that has no version.
    type: str
  digest:
    description: SHA-256 of the packed chart, checked before it is rendered.
    type: str
  templates:
    description: Directories whose manifests are rendered as part of a chart directory.
    type: list
    elements: str
    default: []
  values:
    description: Values of the chart.
    type: dict
    default: {}
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
    description: Whether a local chart or a helm that is not there yet gives nothing and a warning, as for a plan before a cluster was built.
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
    src: "{{ lookup('greenlang.vcci.helm_template', 'sealed-secrets', chart='/srv/charts/sealed-secrets', namespace='kube-system') }}"
"""

RETURN = r"""
_raw:
  description: Path of the rendered manifests.
  type: list
  elements: path
"""

import glob
import hashlib
import json
import os
import shutil
import subprocess
import tempfile

import yaml
from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

display = Display()
FORMAT = 1  # of what is kept: raise it when rendering changes


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        options = {name: self.get_option(name) for name in OPTIONS}
        found = []
        for term in terms:
            try:
                found.append(_Render(str(term), options).path())
            except NotThere as exc:
                if not self.get_option("optional"):
                    raise
                display.warning(f"the objects of chart {term} are not listed: {exc.message}")
        return found


class NotThere(AnsibleLookupError):
    """A chart or helm itself does not exist here."""


OPTIONS = ("chart", "repository", "version", "digest", "templates", "values", "namespace", "without", "labels", "helm", "kube_version", "cache_dir")


class _Render:
    def __init__(self, release: str, options: dict) -> None:
        self.release, self.options = release, options
        self.cache = os.path.expanduser(options["cache_dir"])
        self.chart = os.path.expanduser(options["chart"])
        self.local = not self.chart.startswith("oci://") and not options["repository"]
        # Text of Ansible's carries tags, which YAML does not know.
        self.version = "".join(options["version"] or "")
        self.values = json.dumps(options["values"], sort_keys=True, default=str)
        if self.local and not os.path.exists(self.chart):
            raise NotThere(f"helm_template: the chart {self.chart} does not exist; name a directory, a packed chart, or set repository")
        if not self.local and not options["version"]:
            raise AnsibleLookupError(f"helm_template: version is needed for {self.chart}, so that every run renders the same chart")
        if options["templates"] and not os.path.isdir(self.chart):
            raise AnsibleLookupError("helm_template: templates can only be added to a chart that is a directory")
        self.helm = shutil.which(os.path.expanduser(options["helm"]))
        if self.helm is None:
            raise NotThere(f"helm_template: there is no helm program {options['helm']}; install helm 3 or set its path")

    def path(self) -> str:
        target = os.path.join(self.cache, f"{self.release}-{self.key()}.json")
        if not _whole(target):
            os.makedirs(self.cache, mode=0o700, exist_ok=True)
            documents = [self.finish(document) for document in yaml.load_all(self.render(), Loader=LOADER) if self.wanted(document)]
            if not documents:
                raise AnsibleLookupError(f"helm_template: {self.chart} rendered nothing")
            descriptor, made = tempfile.mkstemp(dir=self.cache)
            with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
                json.dump({"apiVersion": "v1", "kind": "List", "items": documents}, handle, default=str)
            os.replace(made, target)
        return target

    def key(self) -> str:
        digest = hashlib.sha256()
        stat = os.stat(self.helm)
        names = ("repository", "version", "digest", "namespace", "labels", "kube_version", "without")
        for part in (
            FORMAT,
            self.release,
            self.options["chart"],
            self.values,
            self.helm,
            stat.st_size,
            int(stat.st_mtime),
            json.dumps([self.options[name] for name in names], sort_keys=True, default=str),
        ):
            digest.update(f"{part}\0".encode())
        for root in [self.chart, *self.options["templates"]] if self.local else []:
            for path in sorted(_files(root)):
                with open(path, "rb") as handle:
                    digest.update(f"{path}\0".encode() + hashlib.sha256(handle.read()).digest())
        return digest.hexdigest()[:24]

    def render(self) -> str:
        with tempfile.TemporaryDirectory(dir=self.cache, prefix="work-") as work:
            if not self.local:
                chart = self.pull(work)
            elif os.path.isdir(self.chart):
                chart = self.complete(work)
            else:
                chart = self.chart
                self.check_digest(chart)
            return self.run(
                "template",
                self.release,
                chart,
                "--namespace",
                self.options["namespace"],
                "--include-crds",
                "--no-hooks",
                "--skip-tests",
                "--kube-version",
                self.options["kube_version"],
                "--values",
                "-",
                given=self.values,
            )

    def pull(self, work: str) -> str:
        arguments = ["pull", self.chart, "--version", self.options["version"], "--destination", work]
        if self.options["repository"]:
            arguments += ["--repo", self.options["repository"]]
        self.run(*arguments)
        chart = glob.glob(os.path.join(work, "*.tgz"))[0]
        self.check_digest(chart)
        return chart

    def check_digest(self, chart: str) -> None:
        if self.options["digest"]:
            with open(chart, "rb") as handle:
                found = hashlib.sha256(handle.read()).hexdigest()
            if found != self.options["digest"].removeprefix("sha256:"):
                raise AnsibleLookupError(f"helm_template: {self.options['chart']} has SHA-256 {found}, not {self.options['digest']}: it is refused")

    def complete(self, work: str) -> str:
        """A chart directory as helm takes it: cert-manager's repository has it without Chart.yaml, and its CRDs beside it."""
        template = os.path.join(self.chart, "Chart.template.yaml")
        if os.path.exists(os.path.join(self.chart, "Chart.yaml")) and not self.options["templates"]:
            return self.chart
        chart = os.path.join(work, "chart")
        os.mkdir(chart)
        for path in _files(self.chart):
            _copy(path, os.path.join(chart, os.path.relpath(path, self.chart)))
        for number, folder in enumerate(self.options["templates"]):
            if not os.path.isdir(folder):
                raise AnsibleLookupError(f"helm_template: the directory {folder} in templates does not exist")
            for path in _files(folder):
                if path.endswith((".yaml", ".yml")):
                    _copy(path, os.path.join(chart, "templates", f"added-{number}-{os.path.basename(path)}"))
        if not os.path.exists(os.path.join(chart, "Chart.yaml")) and os.path.exists(template):
            with open(template, encoding="utf-8") as handle:
                about = yaml.safe_load(handle)
            about.pop("annotations", None)
            about["version"] = about["appVersion"] = self.version or about["version"]
            with open(os.path.join(chart, "Chart.yaml"), "w", encoding="utf-8") as handle:
                yaml.safe_dump(about, handle)
        return chart

    def run(self, *arguments: str, given: str = "") -> str:
        done = subprocess.run([self.helm, *arguments], input=given, capture_output=True, text=True, check=False)
        if done.returncode:
            raise AnsibleLookupError(f"helm_template: helm {arguments[0]} of {self.options['chart']} failed: {done.stderr.strip()[-2000:]}")
        return done.stdout

    def wanted(self, document: object) -> bool:
        if not isinstance(document, dict) or document.get("kind") in self.options["without"]:
            return False
        return "helm.sh/hook" not in ((document.get("metadata") or {}).get("annotations") or {})

    def finish(self, document: dict) -> dict:
        metadata = document["metadata"]
        metadata["labels"] = {**(metadata.get("labels") or {}), **self.options["labels"]}
        if not metadata.get("annotations", True):
            del metadata["annotations"]
        if document.get("kind") in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
            for hook in document.get("webhooks") or []:
                (hook.get("clientConfig") or {}).pop("caBundle", None)
        return document


def _whole(path: str) -> bool:
    """Whether it is there and was not cut short, by a full disk for example."""
    try:
        with open(path, encoding="utf-8") as handle:
            return bool(json.load(handle))
    except (OSError, ValueError):
        return False


def _files(root: str) -> list[str]:
    if os.path.isfile(root):
        return [root]
    return [os.path.join(folder, name) for folder, _dirs, names in os.walk(root) for name in names]


def _copy(source: str, target: str) -> None:
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copyfile(source, target)  # without the mode: module caches are read-only


LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
