# Copyright (c) 2026 GreenLang. All rights reserved.
"""Readiness: everything that a request needs, asked at the same time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from vcci.database import Database
from vcci.documents import Documents
from vcci.settings import Settings
from vcci.weaviate import WeaviateError

LOG = logging.getLogger("vcci.checks")
# Without it all but the search goes on: it is told, and no reason to take a pod out of service.
OPTIONAL = "weaviate"


class Checks:
    """The configured services by name, each with a function that raises when the service is not there."""

    def __init__(self, settings: Settings, database: Database, redis: Redis, documents: Documents | None) -> None:
        self._timeout = settings.check_timeout
        self._checks: dict[str, Callable[[], object]] = {"postgresql": database.check, "redis": redis.ping}
        if documents:
            self._checks[OPTIONAL] = documents.check
        self._pool = ThreadPoolExecutor(2 * len(self._checks), thread_name_prefix="check")

    def run(self) -> Mapping[str, str]:
        """`ok` or the kind of failure of each service; details go to the log, not to whoever asks."""
        futures = {name: self._pool.submit(self._one, name, check) for name, check in self._checks.items()}
        wait(futures.values(), timeout=self._timeout + 1)
        return {name: future.result() if future.done() else "timed out" for name, future in futures.items()}

    @staticmethod
    def _one(name: str, check: Callable[[], object]) -> str:
        try:
            check()
        except (RedisError, SQLAlchemyError, WeaviateError, OSError) as exc:
            LOG.warning("%s is not ready: %s", name, exc)
            return type(exc).__name__
        return "ok"


def is_ready(found: Mapping[str, str]) -> bool:
    return all(state == "ok" for name, state in found.items() if name != OPTIONAL)
