# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the reference application takes for committed: what a replica has, too."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from vcci.database import Database
from vcci.settings import read_settings

from tests.helpers import eventually
from tests.integration.images.postgresql_server import Server
from tests.integration.images.redis_members import needs_root, unpacked

pytestmark = needs_root
CANCEL = "select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'"


def test_a_commit_that_no_replica_confirmed_is_an_error(tmp_path, tmp_path_factory, network):
    image = unpacked("vcci-postgresql", tmp_path_factory.getbasetemp() / "images")
    server = Server(image, tmp_path, network, "15436", password="secret")
    with server.running():
        server.ask("create table taken (n int)", "alter table taken owner to vcci")
        url = f"postgresql://vcci:secret@{server.address}:{server.port}/vcci"
        database = Database(read_settings({"DATABASE_URL": url, "REDIS_URL": "redis://none"}), "test")
        with database.session() as session:
            session.execute(text("insert into taken values (1)"))
            session.commit()
            server.ask("alter system set synchronous_standby_names = 'ANY 1 (*)'", "select pg_reload_conf()")
            asked = text("show synchronous_standby_names")
            eventually(lambda: session.execute(asked).scalar() == "ANY 1 (*)", "the server waits for a replica")
            session.execute(text("insert into taken values (2)"))
            ended = threading.Event()

            def cancel() -> None:
                while not ended.wait(0.2):
                    server.ask(CANCEL)

            canceller = threading.Thread(target=cancel)
            canceller.start()
            with pytest.raises(OperationalError, match="no replica has confirmed the commit"):
                session.commit()
            ended.set()
            canceller.join()
        server.ask("alter system reset synchronous_standby_names", "select pg_reload_conf()")
        with database.session() as session:  # what it warned of is there, as long as this server is
            eventually(
                lambda: session.execute(text("show synchronous_standby_names")).scalar() == "", "it waits no more"
            )
            session.execute(text("insert into taken values (3)"))
            session.commit()
            assert session.execute(text("select array_agg(n order by n) from taken")).scalar() == [1, 2, 3]
        database.engine.dispose()
