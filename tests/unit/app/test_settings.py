# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the reference application makes of its environment."""

from __future__ import annotations

import pytest

pytest.importorskip("sqlalchemy")
from vcci.settings import read_settings

GIVEN = {"DATABASE_URL": "postgresql://vcci:p%40ss@postgresql:5432/vcci", "REDIS_URL": "redis://:s%2Fcret@redis:6379/0"}


def test_defaults() -> None:
    settings = read_settings(GIVEN)
    assert settings.database.drivername == "postgresql+psycopg"
    assert settings.database.password == "p@ss"
    assert settings.broker == GIVEN["REDIS_URL"]
    assert "master_name" not in settings.broker_options
    assert (settings.api_version, settings.log_level, settings.weaviate) == ("v1", "INFO", "")


def test_empty_values_of_a_config_map_mean_the_default() -> None:
    empty = dict.fromkeys(
        ["REDIS_SENTINELS", "REDIS_MASTER", "WEAVIATE_URL", "API_VERSION", "LOG_LEVEL", "DATABASE_POOL_SIZE"], ""
    )
    assert read_settings(GIVEN | empty) == read_settings(GIVEN)


def test_tls() -> None:
    url = "rediss://application:s%2Fcret@redis:6379/0"
    settings = read_settings(GIVEN | {"REDIS_URL": url, "REDIS_CA_FILE": "/ca.crt"})
    assert settings.broker == url
    assert settings.redis_tls == {"ssl_cert_reqs": "required", "ssl_ca_certs": "/ca.crt"}
    settings = read_settings(GIVEN | {"REDIS_URL": url, "REDIS_CA_FILE": "/ca.crt", "REDIS_SENTINELS": "a"})
    assert settings.broker == "sentinel://application:s%2Fcret@a:26379/0"
    assert settings.redis_tls["ssl_check_hostname"] is False
    asked = settings.broker_options["sentinel_kwargs"]
    assert (asked["username"], asked["ssl"], asked["ssl_ca_certs"]) == ("application", True, "/ca.crt")
    assert read_settings(GIVEN).redis_tls == {}


def test_sentinels() -> None:
    settings = read_settings(GIVEN | {"REDIS_SENTINELS": "a:26379, b", "REDIS_MASTER": "main"})
    assert settings.sentinels == (("a", 26379), ("b", 26379))
    assert settings.broker == "sentinel://:s%2Fcret@a:26379/0;sentinel://:s%2Fcret@b:26379/0"
    assert settings.broker_options["master_name"] == "main"
    assert settings.broker_options["sentinel_kwargs"]["password"] == "s/cret"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"DATABASE_URL": ""}, "DATABASE_URL is not set"),
        ({"REDIS_URL": ""}, "REDIS_URL is not set"),
        ({"REDIS_SENTINELS": "a:b"}, "no host:port"),
        ({"DATABASE_POOL_SIZE": "many"}, "no number"),
    ],
)
def test_errors_are_told_together(change: dict, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        read_settings(GIVEN | change)
    with pytest.raises(ValueError, match="CHECK_TIMEOUT_SECONDS") as raised:
        read_settings(GIVEN | change | {"CHECK_TIMEOUT_SECONDS": "soon"})
    assert error in str(raised.value)
