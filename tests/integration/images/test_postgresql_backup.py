# Copyright (c) 2026 GreenLang. All rights reserved.
"""The nightly backup of the image vcci-postgresql, run as its CronJob does: the whole database, whoever owns a part."""

from __future__ import annotations

from tests.integration.images.postgresql_server import Server
from tests.integration.images.redis_members import needs_root, unpacked

pytestmark = needs_root


def test_the_backup_has_schemas_of_other_roles(tmp_path, tmp_path_factory, network):
    """Also in a database that was made before the owner might read them: the grant is made at every start."""
    image = unpacked("vcci-postgresql", tmp_path_factory.mktemp("image"))
    server = Server(image, tmp_path, network, "15433", password="secret")
    owner = {
        "PGHOST": server.address,
        "PGUSER": "vcci",
        "PGPASSWORD": "secret",
        "PGDATABASE": "vcci",
        "BACKUP_DIR": f"{tmp_path}/backup",
    }
    with server.running():
        server.ask(
            "create role tenant_x",
            "create schema tenant_x authorization tenant_x",
            "create table tenant_x.entries as select 'kept-value' as entry",
            "create sequence tenant_x.numbers",
            "alter table tenant_x.entries owner to tenant_x",
            "revoke pg_read_all_data from vcci",
        )
        refused = server.run("/usr/local/bin/entrypoint", "backup", **owner)
        assert refused.returncode != 0
        assert "permission denied" in refused.stderr
    with server.running():
        done = server.run("/usr/local/bin/entrypoint", "backup", **owner)
        assert done.returncode == 0, done.stdout + done.stderr
        (dump,) = (tmp_path / "backup").glob("vcci-backup-*.dump")
        assert "kept-value" in server.run("pg_restore", "--file", "-", str(dump)).stdout
