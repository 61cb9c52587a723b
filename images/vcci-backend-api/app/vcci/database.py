# Copyright (c) 2026 GreenLang. All rights reserved.
"""The one table of the reference application, and how to reach it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg
from sqlalchemy import DateTime, Engine, Float, String, create_engine, event, func, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from vcci.settings import Settings

SCHEMA_LOCK = 0x76636369  # "vcci": replicas that start together create the schema one after the other


class Base(DeclarativeBase):
    pass


class Record(Base):
    """An activity of the supply chain; a worker works out its emissions."""

    __tablename__ = "records"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    quantity: Mapped[float] = mapped_column(Float)
    factor: Mapped[float] = mapped_column(Float)
    status: Mapped[str] = mapped_column(String(20), default="queued")
    emissions: Mapped[float | None] = mapped_column(Float)
    worker: Mapped[str | None] = mapped_column(String(253))
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    completed: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Confirming(psycopg.Connection[Any]):
    """One whose commit fails unless a replica has it.

    A server that is told to end its wait for a replica, as `statement_timeout` does, answers that it has committed, and
    warns: what it has then may vanish with it.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._unconfirmed = ""
        self.add_notice_handler(self._listen)

    def _listen(self, notice: psycopg.errors.Diagnostic) -> None:
        if (notice.message_primary or "").startswith("canceling wait for synchronous replication"):
            self._unconfirmed = notice.message_primary or ""

    def commit(self) -> None:
        self._unconfirmed = ""
        super().commit()
        if self._unconfirmed:
            raise psycopg.OperationalError(f"no replica has confirmed the commit: {self._unconfirmed}")


class Database:
    """A pool of connections that notices a server which was replaced."""

    def __init__(self, settings: Settings, application: str) -> None:
        self.engine: Engine = create_engine(
            settings.database,
            pool_size=settings.pool_size,
            max_overflow=settings.pool_size,
            pool_timeout=5,
            pool_pre_ping=True,
            pool_recycle=1800,
            connect_args={
                "connect_timeout": 3,
                "application_name": application,
                "options": "-c statement_timeout=10000",
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 3,
            },
        )
        event.listen(self.engine, "do_connect", lambda _of, _record, args, more: Confirming.connect(*args, **more))
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._schema_known = False

    def session(self) -> Session:
        """A session that is used as a context manager."""
        return self._sessions()

    def ensure_schema(self) -> None:
        """Create what is missing; safe to repeat and to run from several replicas at once."""
        if self._schema_known:
            return
        with self.engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SCHEMA_LOCK})
            Base.metadata.create_all(connection)
        self._schema_known = True

    def check(self) -> None:
        """Raise unless the server answers and has the schema."""
        self.ensure_schema()
        with self.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
