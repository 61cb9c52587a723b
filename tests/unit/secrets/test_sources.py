# Copyright (c) 2026 GreenLang. All rights reserved.
"""Where a certificate comes from: every form of `kubeseal --cert`; over plain http only with its fingerprint."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.greenlang.vcci.plugins.plugin_utils.errors import InputError, VcciError
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.certificate import read
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.generators import sealing_certificate
from ansible_collections.greenlang.vcci.plugins.plugin_utils.secrets.sources import certificate_from

from tests.unit.secrets.keys import NOW, fingerprint, private

PEM = sealing_certificate(private(0), NOW, 36500)
CONTENTS = {
    "PEM": PEM,
    "CRLF": PEM.replace(b"\n", b"\r\n"),
    "a text before it": b"subject=/CN=sealing\n" + PEM,
    "a chain": PEM + sealing_certificate(private(1), NOW, 36500),
    "other blocks before it": b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + PEM,
}


class Handler(http.server.BaseHTTPRequestHandler):
    """/cert.pem is the certificate; /to/<address> leads there."""

    def do_GET(self) -> None:
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
            return
        self.send_response(200 if self.path == "/cert.pem" else 404)
        self.end_headers()
        self.wfile.write(PEM if self.path == "/cert.pem" else b"")

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("content", CONTENTS)
def test_every_form_of_a_certificate(content: str, tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_bytes(CONTENTS[content])
    assert read(str(tmp_path / "cert.pem")).fingerprint == fingerprint(0)


def test_every_form_of_a_file(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "a cert.pem").write_bytes(PEM)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for source in (
        tmp_path / "a cert.pem",
        f"file://{tmp_path}/a%20cert.pem",
        f"FILE://{tmp_path}/a cert.pem",
        f"file://localhost{tmp_path}/a%20cert.pem",
        f"file:{tmp_path}/a%20cert.pem",
        "~/a cert.pem",
        "a cert.pem",
    ):
        assert certificate_from(str(source), None) == PEM


@pytest.mark.parametrize("scheme", ["ftp", "s3", "data", "HTTPX"])
def test_other_forms_are_refused_with_those_that_there_are(scheme: str) -> None:
    with pytest.raises(
        InputError, match=rf"{scheme.lower()} is not supported; give a file, file:///…, https://… or http"
    ):
        certificate_from(f"{scheme}://host/cert.pem", None)


PLAIN = ["http://{}/cert.pem", "HTTP://{}/cert.pem", "http://{0}/to/http://{0}/cert.pem", "http://{}/to//cert.pem"]


@pytest.mark.parametrize("url", PLAIN)
def test_plain_http_needs_the_fingerprint(url: str, served: str) -> None:
    source = url.format(served)
    with pytest.raises(InputError, match=r"may be exchanged on its way: use https, or give certificate_fingerprint"):
        read(source)
    assert read(source, fingerprint(0)).fingerprint == fingerprint(0)
    assert read(source, f" {fingerprint(0)}=\n").fingerprint == fingerprint(0)
    with pytest.raises(InputError, match="is expected"):
        read(source, fingerprint(1))


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://host/cert.pem", "gopher://host"])
def test_nothing_but_http_is_followed(target: str, served: str) -> None:
    with pytest.raises(InputError, match=r"leads to .* which is not https"):
        read(f"http://{served}/to/{target}", fingerprint(0))


def test_an_end_of_redirects(served: str) -> None:
    source = f"http://{served}/to/" + "/to/" * 12 + "/cert.pem"
    with pytest.raises(VcciError, match="more than 10 redirects"):
        read(source, fingerprint(0))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("none.pem", "none.pem cannot be read: No such file"),
        ("/", "/ cannot be read: Is a directory"),
        ("~nobody-of-this-name/x", "cannot be read"),
        ("http://127.0.0.1:1/cert.pem", "cannot be fetched: .*refused"),
    ],
)
def test_what_cannot_be_read(source: str, message: str) -> None:
    with pytest.raises(VcciError, match=f"certificate: .*{message}"):
        read(source, fingerprint(0))
