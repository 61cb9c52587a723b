# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the application is told by its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from sqlalchemy.engine import URL, make_url


@dataclass(frozen=True)
class Settings:
    """Environment variables, by what they mean."""

    database: URL
    redis: str
    redis_authority: str = ""
    sentinels: tuple[tuple[str, int], ...] = ()
    master: str = "mymaster"
    weaviate: str = ""
    weaviate_key: str = ""
    weaviate_authority: str = ""
    version: str = "v1.0.0"
    api_version: str = "v1"
    environment: str = "local"
    log_level: str = "INFO"
    pool_size: int = 5
    check_timeout: float = 2.0
    visibility_timeout: int = 300

    @property
    def redis_password(self) -> str:
        return unquote(urlsplit(self.redis).password or "")

    @property
    def redis_user(self) -> dict:
        """Who it is, to the sentinels too, and over TLS where REDIS_URL says so; as redis-py calls it."""
        user = unquote(urlsplit(self.redis).username or "") or None
        found = {"username": user, "password": self.redis_password or None}
        return found | ({"ssl": True, **self.redis_tls} if self.redis_tls else {})

    @property
    def redis_tls(self) -> dict:
        """How the server is verified. A sentinel tells a master's address, which no certificate has: it is verified by
        the authority alone then."""
        if urlsplit(self.redis).scheme != "rediss":
            return {}
        found = {"ssl_cert_reqs": "required", "ssl_ca_certs": self.redis_authority or None}
        return found | ({"ssl_check_hostname": False} if self.sentinels else {})

    @property
    def broker(self) -> str:
        """The queue's address as kombu reads it: all sentinels, when there are any."""
        if not self.sentinels:
            return self.redis
        user = quote(self.redis_user["username"] or "", safe="")
        secret = f"{user}:{quote(self.redis_password, safe='')}@" if self.redis_password else ""
        database = urlsplit(self.redis).path.strip("/") or "0"
        return ";".join(f"sentinel://{secret}{host}:{port}/{database}" for host, port in self.sentinels)

    @property
    def broker_options(self) -> dict:
        options = {
            "visibility_timeout": self.visibility_timeout,
            "socket_timeout": 5,
            "socket_connect_timeout": 3,
            "socket_keepalive": True,
            "health_check_interval": 5,  # a server that is gone without a word is noticed after this, too
            "retry_on_timeout": True,
        }
        if self.sentinels:
            options |= {
                "master_name": self.master,
                "sentinel_kwargs": {**self.redis_user, "socket_timeout": 3},
            }
        return options


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings, or ValueError with all that is missing or wrong."""
    wrong = [f"{name} is not set" for name in ("DATABASE_URL", "REDIS_URL") if not environ.get(name)]
    numbers: dict[str, float] = {}
    for name, default in (
        ("DATABASE_POOL_SIZE", 5),
        ("CHECK_TIMEOUT_SECONDS", 2.0),
        ("VISIBILITY_TIMEOUT_SECONDS", 300),
    ):
        try:
            numbers[name] = type(default)(environ.get(name) or default)
        except ValueError:
            wrong.append(f"{name} is {environ[name]!r}, which is no number")
    sentinels = []
    for entry in filter(None, (part.strip() for part in environ.get("REDIS_SENTINELS", "").split(","))):
        host, _, port = entry.partition(":")
        if not host or not (port or "26379").isdigit():
            wrong.append(f"REDIS_SENTINELS has {entry!r}, which is no host:port")
            continue
        sentinels.append((host, int(port or 26379)))
    if wrong:
        raise ValueError("; ".join(wrong))
    return Settings(
        database=make_url(environ["DATABASE_URL"]).set(drivername="postgresql+psycopg"),
        redis=environ["REDIS_URL"],
        redis_authority=environ.get("REDIS_CA_FILE", ""),
        sentinels=tuple(sentinels),
        master=environ.get("REDIS_MASTER") or "mymaster",
        weaviate=environ.get("WEAVIATE_URL", "").rstrip("/"),
        weaviate_key=environ.get("WEAVIATE_API_KEY", ""),
        weaviate_authority=environ.get("WEAVIATE_CA_FILE", ""),
        version=environ.get("VCCI_VERSION") or "v1.0.0",
        api_version=environ.get("API_VERSION") or "v1",
        environment=environ.get("ENVIRONMENT") or "local",
        log_level=(environ.get("LOG_LEVEL") or "INFO").upper(),
        pool_size=int(numbers["DATABASE_POOL_SIZE"]),
        check_timeout=numbers["CHECK_TIMEOUT_SECONDS"],
        visibility_timeout=int(numbers["VISIBILITY_TIMEOUT_SECONDS"]),
    )
