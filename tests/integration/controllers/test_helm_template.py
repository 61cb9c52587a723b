# Copyright (c) 2026 GreenLang. All rights reserved.
"""The lookup helm_template with the real helm: directories, packed charts, repositories; its cache; what it refuses."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import pathlib
import tarfile
import threading
from collections.abc import Iterator

import pytest
import yaml
from ansible.errors import AnsibleLookupError
from ansible.plugins.loader import lookup_loader

CHART = {"apiVersion": "v2", "name": "tiny", "version": "1.2.3", "appVersion": "1"}
TEMPLATE = """
apiVersion: v1
kind: ConfigMap
metadata: {name: tiny, namespace: "{{ .Release.Namespace }}", labels: {from: chart}}
data: {greeting: "{{ .Values.greeting }}"}
---
apiVersion: batch/v1
kind: Job
metadata: {name: hook, annotations: {helm.sh/hook: pre-install}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: tiny}
webhooks: [{name: a.example.com, clientConfig: {caBundle: Cg==}}]
"""


@pytest.fixture
def chart(tmp_path: pathlib.Path) -> pathlib.Path:
    made = tmp_path / "tiny"
    (made / "templates").mkdir(parents=True)
    (made / "Chart.yaml").write_text(yaml.safe_dump(CHART))
    (made / "values.yaml").write_text("greeting: hello\n")
    (made / "templates" / "all.yaml").write_text(TEMPLATE)
    return made


@pytest.fixture
def packed(chart: pathlib.Path) -> pathlib.Path:
    path = chart.parent / "repository" / "tiny-1.2.3.tgz"
    path.parent.mkdir()
    with tarfile.open(path, "w:gz") as archive:
        archive.add(chart, "tiny")
    return path


@pytest.fixture
def calls(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "calls"


@pytest.fixture
def render(tmp_path: pathlib.Path, programs: pathlib.Path, calls: pathlib.Path):
    """Look up, as a task would; the manifests and their path. Every start of helm leaves a line in `calls`."""
    helm = tmp_path / "helm"
    helm.write_text(f'#!/bin/sh\necho "$1" >> {calls}\nexec {programs / "helm"} "$@"\n')
    helm.chmod(0o755)

    def run(chart: object, **options) -> tuple[dict[str, dict], pathlib.Path]:
        lookup = lookup_loader.get("greenlang.vcci.helm_template")
        common = {
            "namespace": "here",
            "labels": {"ours": "yes"},
            "helm": str(helm),
            "cache_dir": str(tmp_path / "cache"),
        }
        path = pathlib.Path(lookup.run(["release"], {}, chart=str(chart), **{**common, **options})[0])
        return {item["kind"]: item for item in json.loads(path.read_text())["items"]}, path

    return run


@pytest.fixture
def repository(packed: pathlib.Path) -> Iterator[str]:
    index = {"apiVersion": "v1", "entries": {"tiny": [{**CHART, "urls": ["tiny-1.2.3.tgz"], "digest": digest(packed)}]}}
    (packed.parent / "index.yaml").write_text(yaml.safe_dump(index))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(packed.parent))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def digest(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def started(calls: pathlib.Path) -> list[str]:
    return calls.read_text().split() if calls.exists() else []


def test_objects_are_finished(render, chart) -> None:
    objects, _path = render(chart)
    assert set(objects) == {"ConfigMap", "ValidatingWebhookConfiguration"}
    assert objects["ConfigMap"]["metadata"] == {
        "name": "tiny",
        "namespace": "here",
        "labels": {"from": "chart", "ours": "yes"},
    }
    assert objects["ConfigMap"]["data"] == {"greeting": "hello"}
    assert objects["ValidatingWebhookConfiguration"]["webhooks"][0]["clientConfig"] == {}
    assert set(render(chart, without=["ConfigMap"])[0]) == {"ValidatingWebhookConfiguration"}


def test_helm_starts_only_when_something_changed(render, chart, calls) -> None:
    first = render(chart)
    assert render(chart) == first
    assert started(calls) == ["template"]
    objects, other = render(chart, values={"greeting": "other"})
    assert (objects["ConfigMap"]["data"]["greeting"], other != first[1]) == ("other", True)
    (chart / "values.yaml").write_text("greeting: changed\n")
    assert render(chart)[0]["ConfigMap"]["data"]["greeting"] == "changed"
    assert started(calls) == ["template"] * 3


def test_a_corrupt_cache_entry_is_rendered_again(render, chart, calls) -> None:
    first, path = render(chart)
    path.write_text(path.read_text()[:-5])
    assert render(chart)[0] == first
    assert started(calls) == ["template"] * 2


def test_a_packed_chart_must_have_its_digest(render, packed, calls) -> None:
    assert render(packed, digest=digest(packed))[0]["ConfigMap"]
    with pytest.raises(AnsibleLookupError, match="it is refused"):
        render(packed, digest="0" * 64)
    assert started(calls) == ["template"]


def test_a_repository_serves_the_pinned_version_with_its_digest(render, packed, repository, calls) -> None:
    pinned = {"repository": repository, "version": "1.2.3"}
    assert render("tiny", **pinned, digest=f"sha256:{digest(packed)}")[0]["ConfigMap"]["data"] == {"greeting": "hello"}
    render("tiny", **pinned, digest=f"sha256:{digest(packed)}")
    assert started(calls) == ["pull", "template"]
    with pytest.raises(AnsibleLookupError, match="it is refused"):
        render("tiny", **pinned, digest="0" * 64)
    with pytest.raises(AnsibleLookupError, match="version is needed"):
        render("tiny", repository=repository)


@pytest.mark.parametrize(
    ("own", "asked", "found"),
    [
        ("v0.0.0", "v9.9.9", "v9.9.9"),  # as cert-manager's module has it
        ("0.0.0", "9.9.9", "9.9.9"),
        ("v0.0.0", None, "1"),
        ("1.2.3", "9.9.9", "1"),
    ],
)
def test_a_placeholder_of_a_version_is_filled_in(render, chart, own: str, asked: str | None, found: str) -> None:
    (chart / "Chart.yaml").write_text(yaml.safe_dump({**CHART, "version": own}))
    crd = "apiVersion: v1\nkind: Service\nmetadata: {name: '{{ .Chart.AppVersion }}'}\n"
    (chart / "templates" / "crd.yaml").write_text(crd)
    objects, _path = render(chart, **({"version": asked} if asked else {}))
    assert objects["Service"]["metadata"]["name"] == found
    assert objects["ConfigMap"]


def test_a_schema_judges_unless_it_is_not_to(render, chart) -> None:
    """One that refers to an address is fetched from there, by helm."""
    schema = {"properties": {"greeting": {"$ref": "http://127.0.0.1:9/schema.json"}}}
    (chart / "values.schema.json").write_text(json.dumps(schema))
    with pytest.raises(AnsibleLookupError, match=r"127\.0\.0\.1:9"):
        render(chart)
    assert render(chart, schema=False)[0]["ConfigMap"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chart": "/nowhere"}, "the chart /nowhere does not exist"),
        ({"helm": "/nowhere/helm"}, "there is no helm program /nowhere/helm"),
        ({"kube_version": "nonsense"}, "helm template of .* failed"),
        ({"without": ["ConfigMap", "ValidatingWebhookConfiguration"]}, "rendered nothing"),
    ],
)
def test_bad_input_is_one_clear_error(render, chart, options: dict, message: str) -> None:
    with pytest.raises(AnsibleLookupError, match=message):
        render(**{"chart": chart, **options})


def test_what_is_not_built_yet_may_be_left_out_of_a_plan(programs, chart, tmp_path) -> None:
    lookup = lookup_loader.get("greenlang.vcci.helm_template")
    common = {"cache_dir": str(tmp_path / "cache"), "helm": str(programs / "helm"), "optional": True}
    assert lookup.run(["release"], {}, **{**common, "chart": "/nowhere"}) == []
    assert lookup.run(["release"], {}, **{**common, "chart": str(chart), "helm": "/nowhere"}) == []
    assert len(lookup.run(["release"], {}, **{**common, "chart": str(chart)})) == 1
