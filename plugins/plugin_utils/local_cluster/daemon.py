# Copyright (c) 2026 GreenLang. All rights reserved.
"""How one daemon is run. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# Where daemons look for commands. Not the PATH of whoever starts them: it differs between shells, and would restart
# them without need.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Of TLS 1.2, as Go names them: forward secrecy and authenticated encryption; those of TLS 1.3 are all allowed.
CIPHERS = (
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
)


@dataclass(frozen=True)
class Daemon:
    """What to run.

    inputs  files whose content, when it changes, calls for a restart.
    inside  a prefix that enters namespaces.
    """

    name: str
    argv: Sequence[str]
    inputs: Sequence[Path] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    inside: Sequence[str] = ()
