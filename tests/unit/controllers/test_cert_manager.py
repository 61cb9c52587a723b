# Copyright (c) 2026 GreenLang. All rights reserved.
"""What role controllers gives the chart of cert-manager: whose images, told what they are."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from tests import helpers

SHARED = {"platform_environment": "production", "cluster_api_server_cidrs": ["10.77.0.1/32"]}
ONE = {"controllers_cert_manager_image": "registry.example:5000/own/cert-manager:1.2.3"}
MIRROR = {"controllers_cert_manager_registry": "registry.example/mirror", "controllers_cert_manager_tag": "v1.2.3"}
TEXT = "{{ __controllers_cert_manager_values | to_json }}"


def values(folder: pathlib.Path, **given: Any) -> dict[str, Any]:
    (folder / "templates").mkdir()
    (folder / "templates" / "values.yml.j2").write_text(TEXT, encoding="utf-8")
    made: dict[str, Any] = helpers.render(folder, "controllers", names=["values.yml.j2"], **SHARED, **given)[0]
    return made


def test_no_tenant_displaces_its_pods(tmp_path: pathlib.Path) -> None:
    (tmp_path / "templates").mkdir()
    text = "{{ [__controllers_cert_manager_values.global, __controllers_sealed_secrets_values] | to_json }}"
    (tmp_path / "templates" / "values.yml.j2").write_text(text, encoding="utf-8")
    given, made = helpers.render(tmp_path, "controllers", names=["values.yml.j2", "priority.yml.j2"], **SHARED)
    assert {part["priorityClassName"] for part in given} == {made["metadata"]["name"]}
    assert made["value"] > 500_000_000  # as the platform's workers have


@pytest.mark.parametrize(
    ("given", "repository", "tag", "told"),
    [
        ({}, None, None, False),
        (MIRROR, "registry.example/mirror/cert-manager-{}", "v1.2.3", False),
        (ONE, "registry.example:5000/own/cert-manager", "1.2.3", True),
        ({**MIRROR, **ONE}, "registry.example:5000/own/cert-manager", "1.2.3", True),
    ],
)
def test_images(tmp_path: pathlib.Path, given: dict, repository: str | None, tag: str | None, told: bool) -> None:
    made = values(tmp_path, **given)
    for name, part in (("controller", made), ("webhook", made["webhook"]), ("cainjector", made["cainjector"])):
        assert part["image"].get("repository") == (repository and repository.format(name))
        assert part["image"].get("tag") == tag
        assert part["extraArgs"] == ([name] if told else [])
