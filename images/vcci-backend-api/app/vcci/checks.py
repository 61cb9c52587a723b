# Copyright (c) 2026 GreenLang. All rights reserved.
"""Readiness: everything that a request needs, asked at the same time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from urllib.error import URLError
from urllib.request import urlopen

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from vcci.database import Database
from vcci.settings import Settings

LOG = logging.getLogger("vcci.checks")


class Checks:
    """The configured services by name, each with a function that raises when the service is not there."""

    def __init__(self, settings: Settings, database: Database, redis: Redis) -> None:
        self._timeout = settings.check_timeout
        self._checks: dict[str, Callable[[], object]] = {"postgresql": database.check, "redis": redis.ping}
        if settings.weaviate:
            self._checks["weaviate"] = lambda: _get(settings.weaviate + "/v1/.well-known/ready", settings.check_timeout)
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
        except (RedisError, SQLAlchemyError, URLError, OSError) as exc:
            LOG.warning("%s is not ready: %s", name, exc)
            return type(exc).__name__
        return "ok"


def _get(url: str, timeout: float) -> None:
    with urlopen(url, timeout=timeout):
        pass
