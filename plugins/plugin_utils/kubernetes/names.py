# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the API server takes as names (its package apimachinery/pkg/util/validation). Pure."""

from __future__ import annotations

import re

from ..errors import InputError, brief

LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_DNS_LABEL = re.compile(LABEL + r"\Z")
_DNS_SUBDOMAIN = re.compile(rf"{LABEL}(?:\.{LABEL})*\Z")


def is_dns_label(text: str) -> bool:
    """Whether this may be the name of a namespace."""
    return len(text) <= 63 and _DNS_LABEL.match(text) is not None


def is_dns_subdomain(text: str) -> bool:
    """Whether this may be the name of a ConfigMap, a Secret, and most other objects."""
    return len(text) <= 253 and _DNS_SUBDOMAIN.match(text) is not None


def check_dns_label(option: str, text: str) -> None:
    """InputError names the option."""
    if not is_dns_label(text):
        raise InputError(
            f"{option}: {brief(text)} can be no name of a namespace; it takes lower-case letters, digits and -, "
            "at most 63 characters"
        )


def check_dns_subdomain(option: str, text: str) -> None:
    """InputError names the option."""
    if not is_dns_subdomain(text):
        raise InputError(
            f"{option}: {brief(text)} can be no name of an object; it takes lower-case letters, digits, - and ., "
            "at most 253 characters"
        )
