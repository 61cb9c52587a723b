# Copyright (c) 2026 GreenLang. All rights reserved.
"""What Secrets lack of what pods start with is told before anything is changed."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.filter.lacking_keys import lacking_keys

from tests.helpers import ROOT, play

DATA = ROOT / "roles" / "data"
NEEDED = {"redis-secrets": ["password", "members-password"], "s3-secrets": ["access-key-id"]}
CASES = {
    "nothing": ({"redis-secrets": ["password", "members-password", "more"], "s3-secrets": ["access-key-id"]}, []),
    "a key": (
        {"redis-secrets": ["password"], "s3-secrets": ["access-key-id"]},
        ["redis-secrets/members-password"],
    ),
    "a Secret": ({"redis-secrets": ["password", "members-password"]}, ["s3-secrets/access-key-id"]),
    "an empty one": (
        {"redis-secrets": ["password", "members-password"], "s3-secrets": []},
        ["s3-secrets/access-key-id"],
    ),
    "everything": ({}, ["redis-secrets/password", "redis-secrets/members-password", "s3-secrets/access-key-id"]),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_lacking(case: str) -> None:
    there, lacking = CASES[case]
    secrets = [
        {"metadata": {"name": name}, "data": dict.fromkeys(keys, "eA==") or None} for name, keys in there.items()
    ]
    assert lacking_keys(secrets, NEEDED) == lacking


NEEDED_TLS = ["postgresql-tls/tls.crt", "redis-tls/tls.crt", "weaviate-tls/tls.crt"]


@pytest.mark.parametrize(
    ("given", "lacking", "authority"),
    [
        ({}, NEEDED_TLS, False),
        ({"authority": [{"metadata": {"name": "data-ca"}, "data": {"ca.crt": "PEM"}}]}, NEEDED_TLS, True),
        ({"authority": [{"metadata": {"name": "data-ca"}, "data": {}}]}, NEEDED_TLS, False),
        ({"data_postgresql_enabled": False}, NEEDED_TLS[1:], False),
        ({"data_s3_server": "seaweedfs"}, [*NEEDED_TLS, "seaweedfs-tls/tls.crt"], False),
        ({"data_certificates": "cert-manager"}, [], True),
    ],
)
def test_certificates_that_are_given_must_be_there(given, lacking, authority, tmp_path) -> None:
    values = {
        "data_certificates": "given",
        "__data_authority_given": {"resources": given.pop("authority", [])},
        **given,
    }
    shown = {"lacking": "{{ __data_secrets_lacking }}", "checks": "{{ __data_authority_checks }}"}
    files = [*sorted((ROOT / "group_vars/all").glob("*.yml")), *sorted(DATA.glob("defaults/main/*.yml"))]
    files += sorted(DATA.glob("vars/main/*.yml"))
    known = {"platform_namespace": "x", "platform_environment": "x", "role_path": str(DATA), **values}
    tasks = [{"ansible.builtin.debug": {"msg": shown}, "vars": known}]
    results, said = play(tmp_path, tasks, vars_files=[str(path) for path in files])
    found = results[-1]["msg"]
    assert isinstance(found, dict), said
    assert [one for one in found["lacking"] if one.endswith("-tls/tls.crt")] == lacking, said
    assert [check["that"] for check in found["checks"]] == [authority]
