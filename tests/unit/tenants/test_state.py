# Copyright (c) 2026 GreenLang. All rights reserved.
"""The options of a tenant's life, checked before any server is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.tenants.state import Wanted


def wanted(**changes):
    return Wanted(
        **{
            "id": "acme",
            "state": "absent",
            "namespace": "vcci-platform",
            "part_of": "part",
            "delete_pods": False,
            "quarantine_days": 30,
            "directory": Path("/srv/offboarding"),
            "image": "image",
            "users": {},
            "without_backup": False,
            "database": {},
            "wait_timeout": 300,
            **changes,
        }
    )


def test_good_options():
    wanted().check()
    wanted(users={"files": "26", "data": 999}, database={"schema": "0", "role": 1}).check()


def test_all_errors_at_once():
    with pytest.raises(InputError) as caught:
        wanted(id="Acme", users={"files": 0, "data": "root"}, database={"schema": "many"}).check()
    assert caught.value.errors == [
        "id: must be a DNS label (a-z, 0-9, -), not str 'Acme'",
        "users: files must be a user's number above 0, not 0",
        "users: data must be a user's number above 0, not 'root'",
        "database: schema must be a number, not 'many'",
    ]
    assert "4 errors, nothing was written" in caught.value.message
