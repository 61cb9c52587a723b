# Copyright (c) 2026 GreenLang. All rights reserved.
"""Which doors a gateway has, by its own configuration."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.platform.routes import Route, refuses_strangers, routes

from tests.helpers import render

CASES: dict[str, list[Route]] = {
    "": [],
    "events {} http { }": [],
    "http { server { listen 80; location / { return 308 https://$host; } } }": [Route("", "/", False, 308)],
    'http { server { listen 80; location = /h { return 200 "o;k }\\n"; } } }': [Route("", "/h", False, 200)],
    "http { server { listen 443 ssl; server_name a b; location / { proxy_pass http://x; } } }": [
        Route("a", "/", True, None),
        Route("b", "/", True, None),
    ],
    "http { server { listen 443 ssl; server_name a; location ^~ /s/ { root /x; } location ~ /x$ { return 1; } } }": [
        Route("a", "/s/", True, None)
    ],
    "http { server { listen 443 ssl; server_name a; location /health/ { proxy_pass http://x; } } }": [
        Route("a", "/health/ready", True, None)
    ],
    "http { server { listen 443 ssl default_server; ssl_reject_handshake on; } }": [],
    "http { # server { listen 80; location /no { return 200; } }\n }": [],
    "http { server { listen 80; location @named { return 200; } location { } } } }": [],
    "stream { server { listen 80; location / { return 200; } } }": [],
    "http { server { location /a { return https://x; } } }": [Route("", "/a", False, None)],
}


@pytest.mark.parametrize("configuration", CASES)
def test_the_doors_of_a_configuration(configuration: str) -> None:
    assert routes(configuration) == CASES[configuration]


@pytest.mark.parametrize(
    ("configuration", "refuses"),
    [("  ssl_reject_handshake on;", True), ("ssl_reject_handshake off;", False), ("# ssl_reject_handshake on;", False)],
)
def test_whether_strangers_are_refused(configuration: str, refuses: bool) -> None:
    assert refuses_strangers(configuration) is refuses


def test_the_doors_of_our_gateway(tmp_path: Path) -> None:
    """Whatever is added to its template is asked for from then on."""
    made = render(
        tmp_path, "apps", names=["api_gateway.yml.j2"], platform_environment="local", platform_domain="vcci.test"
    )
    (config,) = (one for one in made if one["metadata"]["name"] == "api-gateway-config")
    assert routes(config["data"]["nginx.conf"]) == [
        Route("", "/gateway/health", False, 200),
        Route("", "/", False, 308),
        Route("api.vcci.test", "/metrics", True, 404),
        Route("api.vcci.test", "/", True, None),
        Route("app.vcci.test", "/api/", True, None),
        Route("app.vcci.test", "/health/ready", True, None),
        Route("app.vcci.test", "/", True, None),
    ]
    assert refuses_strangers(config["data"]["nginx.conf"])


def test_what_the_controller_leads_on_are_the_same_doors(tmp_path: Path) -> None:
    """By the gateway's port for it nobody outside can ask."""
    values = {"platform_environment": "local", "platform_domain": "vcci.test"}
    found = {}
    for exposure in ("loadbalancer", "ingress"):
        (tmp_path / exposure).mkdir()
        made = render(
            tmp_path / exposure, "apps", names=["api_gateway.yml.j2"], apps_gateway_exposure=exposure, **values
        )
        (config,) = (one for one in made if one["metadata"]["name"] == "api-gateway-config")
        found[exposure] = {route for route in routes(config["data"]["nginx.conf"]) if route.secure}
        assert refuses_strangers(config["data"]["nginx.conf"])
    assert found["ingress"] == found["loadbalancer"] != set()
