# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the API server would refuse, found before anything is asked of one: names, keys, labels, numbers, texts. Pure.

Each check returns what is wrong, in clear sentences; no value is in any.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from ..errors import brief
from ..kubernetes.names import LABEL, is_dns_label, is_dns_subdomain

CONTAINER = re.compile(LABEL)
KEY = re.compile(r"[-._a-zA-Z0-9]+")
QUALIFIED = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?")
HOST = re.compile(rf"(?:\*\.)?{LABEL}(?:\.{LABEL})*\.?", re.IGNORECASE)
LONGEST_NAME, LONGEST_NAMESPACE, LONGEST_LABEL = 253, 63, 63  # characters
LARGEST_ANNOTATIONS = 256 * 1024  # bytes of all annotations of an object together
YES, NO = {"yes", "on", "1", "true", "t", "y"}, {"no", "off", "0", "false", "f", "n"}  # as Ansible reads them
# Types of Secrets, and keys of which one must be there: of each tuple.
NEEDED: dict[str, tuple[tuple[str, ...], ...]] = {
    "kubernetes.io/basic-auth": (("username", "password"),),
    "kubernetes.io/ssh-auth": (("ssh-privatekey",),),
    "kubernetes.io/tls": (("tls.crt",), ("tls.key",)),
    "kubernetes.io/dockercfg": ((".dockercfg",),),
    "kubernetes.io/dockerconfigjson": ((".dockerconfigjson",),),
}


def name(value: object, where: str) -> list[str]:
    """Of a Secret: a DNS name."""
    if isinstance(value, str) and is_dns_subdomain(value):
        return []
    needed = "each part between dots begins and ends with a letter or digit"
    return [f"{where}: name must be lower-case letters, digits, - and ., {LONGEST_NAME} at most; {needed}"]


def namespace(value: object, where: str) -> list[str]:
    if isinstance(value, str) and is_dns_label(value):
        return []
    needed = "it begins and ends with a letter or digit"
    return [f"{where}: namespace must be lower-case letters, digits and -, {LONGEST_NAMESPACE} at most; {needed}"]


def key(value: object, where: str) -> list[str]:
    """Of a Secret's data: it becomes the name of a file."""
    if not isinstance(value, str) or not KEY.fullmatch(value):
        return [f"{where}: key {brief(str(value), 60)!r} is invalid: letters, digits, -, _ and . are allowed"]
    if len(value) > LONGEST_NAME:
        return [f"{where}: key {brief(value, 60)!r} is invalid: {LONGEST_NAME} characters at most are allowed"]
    if value == "." or value.startswith(".."):
        return [f"{where}: key {value!r} is invalid: it must not be '.', and not begin with '..'"]
    return []


def labels_of(value: object, where: str) -> list[str]:
    wrong = _texts(value, where, str)
    for label, text in value.items() if isinstance(value, Mapping) and not wrong else ():
        if text and (len(text) > LONGEST_LABEL or not QUALIFIED.fullmatch(text)):
            wrong.append(
                f"{where}.{label}: letters, digits, -, _ and . are allowed, {LONGEST_LABEL} at most; "
                "the first and the last are a letter or digit"
            )
    return wrong


def annotations_of(value: object, where: str) -> list[str]:
    wrong = _texts(value, where, str.lower)
    if not wrong and isinstance(value, Mapping):
        size = sum(len(one.encode()) + len(text.encode()) for one, text in value.items())
        if size > LARGEST_ANNOTATIONS:
            wrong.append(f"{where}: {size} bytes, of {LARGEST_ANNOTATIONS} that the API server takes at most")
    return wrong


def _texts(value: object, where: str, prefix: Callable[[str], str]) -> list[str]:
    """A mapping of texts under qualified names; numbers and booleans are named: the server would refuse them.

    prefix  what is made of a name's prefix before it is looked at.
    """
    if not isinstance(value, Mapping):
        return [f"{where}: a dictionary of texts is needed"]
    wrong: list[str] = []
    for one, text in value.items():
        if not isinstance(one, str) or not _is_qualified(one, prefix):
            wrong.append(f"{where}: {brief(str(one), 60)!r} is no name of one: [prefix/]name is needed")
        elif not isinstance(text, str):
            wrong.append(f"{where}.{one}: a text is needed, and this is a {_kind(text)}; write it in quotes")
        else:
            wrong += unicode(text, f"{where}.{one}")
    return wrong


def _is_qualified(text: str, made: Callable[[str], str]) -> bool:
    prefix, slash, rest = text.rpartition("/")
    if slash and (len(prefix) > LONGEST_NAME or not is_dns_subdomain(made(prefix))):
        return False
    return len(rest) <= LONGEST_LABEL and bool(QUALIFIED.fullmatch(rest))


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return "null" if value is None else "list or dictionary"


def unicode(text: str, where: str) -> list[str]:
    try:
        text.encode()
    except UnicodeEncodeError:
        return [f"{where}: half a surrogate pair is no Unicode"]
    return []


def boolean(value: object) -> bool | None:
    """As Ansible reads it; None for what is none."""
    if isinstance(value, bool):
        return value
    text = str(value).lower().strip() if isinstance(value, (str, int)) else ""
    return True if text in YES else False if text in NO else None


def number(value: object) -> int | None:
    """A number, or a text of ASCII digits; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    text = str(value)
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else None


def lacking(kind: str, keys: set[str]) -> list[str]:
    """What a Secret of this type must have and does not."""
    return [" or ".join(some) for some in NEEDED.get(kind, ()) if not keys & set(some)]
