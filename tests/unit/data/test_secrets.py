# Copyright (c) 2026 GreenLang. All rights reserved.
"""What Secrets lack of what pods start with is told before anything is changed."""

from __future__ import annotations

import pytest
from ansible_collections.greenlang.vcci.plugins.filter.lacking_keys import lacking_keys

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
