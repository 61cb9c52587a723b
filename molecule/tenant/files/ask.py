# Copyright (c) 2026 GreenLang. All rights reserved.
"""What a client outside is answered at an address: ask.py <address> <http|https> <host>; the status is printed.

It says to have come for somebody else, which nobody may believe. The certificate is not verified.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import sys

PORTS = {"http": 80, "https": 443}
FORWARDED = {"X-Forwarded-For": "203.0.113.7"}
address, scheme, host = sys.argv[1:]
connection = http.client.HTTPConnection(host)
connection.sock = socket.create_connection((address, PORTS[scheme]), timeout=10)
if scheme == "https":
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection.sock = context.wrap_socket(connection.sock, server_hostname=host)
connection.request("GET", "/", headers=FORWARDED)
sys.stdout.write(f"{connection.getresponse().status}\n")
