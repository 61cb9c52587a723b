# Copyright (c) 2026 GreenLang. All rights reserved.
"""Clients keep their connections, so that nothing pools them in between: at full scale the server has room for all."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.helpers import ROOT

ROLES = ROOT / "roles"
OURS = 15  # three of the superuser, Patroni, exporter, archive, a dump and a restore, a procedure, whoever looks
ENVIRONMENTS = sorted(path.name for path in (ROOT / "inventories").iterdir() if path.is_dir())


def read(*paths: Any) -> dict[str, Any]:
    return {name: value for path in paths for name, value in (yaml.safe_load(path.read_text()) or {}).items()}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_there_is_a_connection_for_whoever_may_want_one(environment: str) -> None:
    inventory = (ROOT / "inventories" / environment / "group_vars").rglob("*.yml")
    apps = read(*sorted((ROLES / "apps" / "defaults" / "main").glob("*.yml")), *sorted(inventory))
    settings = read(ROLES / "data" / "vars" / "main" / "postgresql.yml")["__data_postgresql_agreed"]
    there = {**settings, **apps.get("data_postgresql_settings", {})}["max_connections"]
    wanted = apps["apps_backend_api_max_replicas"] * apps["apps_backend_api_database_pool"] * 2  # its overflow
    wanted += apps["apps_worker_max_replicas"] * apps["apps_worker_concurrency"]
    wanted += apps["apps_worker_ml_max_replicas"] * apps["apps_worker_ml_concurrency"]
    assert wanted + OURS <= int(there), f"{wanted} connections of applications, of {there}"
