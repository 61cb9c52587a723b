# Copyright (c) 2026 GreenLang. All rights reserved.
"""Whether the server refuses a change because what is there may never be changed. Pure.

No reason of a Status says so: built-in validation, the CEL rules of definitions and admission each have their own words
for it. So the words decide, but only those that somebody states about the field: one cause after the other, without the
names, the values and the quotations in it. Every cause has to say so: an object that has another fault as well would be
refused as a new one too.
"""

from __future__ import annotations

import re
from typing import Any

from ..errors import ApiError

# Reasons of causes that may speak of a change. Those of a plain fault (a wrong type, a value that is not supported) do
# not; admission gives none.
_REASONS = ("", "FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired")
_DENIED = re.compile(
    r"""(?:admission\ webhook\ "[^"]*"\ denied\ the\ request
      |(?:ValidatingAdmissionPolicy|policy)\ (?:'[^']*'|"[^"]*")
       (?:\ with\ binding\ (?:'[^']*'|"[^"]*"))?\ denied\ request)
      (?::\ |\ without\ explanation)""",
    re.VERBOSE,
)
_SUBJECT = re.compile(r'^.{0,300}?"[^"]*" is (?:invalid|forbidden): ', re.DOTALL)
_TYPED = re.compile(
    r"\b(Invalid value|Forbidden|Required value|Unsupported value|Duplicate value|Not found)(?:: ?|(?=[],]|$))"
)
_TYPES = {
    "Invalid value": "FieldValueInvalid",
    "Forbidden": "FieldValueForbidden",
    "Required value": "FieldValueRequired",
}
_QUOTED = re.compile(r"""\\?"(?:[^"\\]|\\.)*"|(?<!\w)'[^']*'(?!\w)|`[^`]*`""")
# How a value begins: a text, an object in JSON or as Go prints it, a number, a boolean. CEL rules may leave it out.
_VALUE = re.compile(r"""["`{\[(&*<]|[\w./*]+[{(]|(?:-?\d[\w.+-]*|true|false|null|nil)(?=:|$)""")

_CHANGE = r"(?:chang|modif|updat|edit|alter|mutat|unset|clear|remov|renam|replac|decreas|shrink|shrunk|downgrad)\w*"
_MAY_NOT = r"(?:can ?not|can't|may not|must not|mustn't|should not|shall not|(?:is|are) not allowed to|unable to)"
_NOT = r"(?:not|never)"
_ONCE = (
    r"(?:once|after|upon|at|on|during|when|in|since)\s+(?:(?:it|they|the \w+)\s+)?(?:(?:is|are|was|were|has|have|been|"
    r"being|an?|the|its)\s+)*(?:creat|set\b|assigned|bound|establish|update\b|first)\w*"
)
_STATEMENTS = [
    re.compile(pattern)
    for pattern in (
        r"\bimmutab(?:le|ility)\b",
        r"\b(?:unchangeable|write-once|create-only)\b",
        rf"\b{_MAY_NOT}(?:\s+(?:be|add or|add|ever|later|then))*\s+{_CHANGE}",
        rf"\b{_MAY_NOT}(?:\s+be)?\s+\w+\s[^.;]*\b{_ONCE}",
        rf"\b(?:can|may|must)\s+only\s+(?:be\s+)?(?:{_CHANGE}|\w+\s[^.;]*\b{_ONCE})",
        rf"\b(?:required|fixed|final|locked|frozen|read-?only)\s+{_ONCE}",
        rf"\b{_CHANGE}[^.;]{{0,300}}?\b(?:forbidden|prohibited|disallowed|{_NOT} (?:allow|permitt|support|possibl)\w+)",
        rf"\b(?:does|do)(?: not|n't) (?:allow|permit|support) (?:\w+ ){{0,2}}{_CHANGE}",
        r"\b(?:less|more|greater|smaller|larger|lower|higher) than (?:or equal to )?(?:the )?(?:previous|old|former)\b",
        r"\bfailed (?:rule|expression): .*\bold(?:self|object)\b",
    )
]
# What speaks of immutability without stating it: a negation, a demand, a condition, a time that passes.
_UNSTATED = re.compile(
    r"\b(?:not|never|no longer|non)[ -](?:yet |an? )?immutab\w+|n't (?:yet |an? )?immutab\w+"
    r"|\b(?:must|should|shall|has to|have to|needs? to|required to) (?:be|use|have|reference) (?:an? )?immutab\w+"
    r"|\bonly immutable\b|\bimmutable (?:must|should|has to|needs|can|may|is (?:true|false|required|set))\b"
    r"|\b(?:if|when|unless|while|until|because) (?:\S+ ){0,4}immutab\w+"
)
_PASSING = re.compile(
    r"\b(?:during (?!creation)|outside|until|while|freeze|window|approv\w+|without|by (?:the )?user)\b"
)


def is_immutable(exc: ApiError) -> bool:
    """Whether each cause of a refusal says that what is there may not be changed."""
    text = str(exc)
    if exc.status != 422 and not (exc.status in (400, 403) and _DENIED.search(text)):
        return False
    causes = [cause for cause in exc.causes if cause.get("message")]
    if not causes:
        return _states(text)
    return all((cause.get("reason") or "") in _REASONS and _states(str(cause["message"])) for cause in causes)


def statement(text: str) -> str:
    """What is said of a field, without the value at the beginning: values may be whole pod templates."""
    match = _TYPED.match(text)
    if match is None:
        return text
    return _after_value(text[match.end() :]) if match[1] == "Invalid value" else text[match.end() :]


def _states(text: str) -> bool:
    denied = list(_DENIED.finditer(text))
    text = text[denied[-1].end() :] if denied else text
    text = _SUBJECT.sub("", text)
    begins = [*_TYPED.finditer(text)]
    if not begins:
        return _is_stated(text)
    ends = [match.start() for match in begins[1:]] + [len(text)]
    for match, end in zip(begins, ends, strict=True):
        if match.start() != begins[0].start() and _in_quotes(text, match.start()):
            continue  # a value that holds these words
        if _TYPES.get(match[1]) is None or not _is_stated(statement(text[match.start() : end])):
            return False
    return True


def _is_stated(text: str) -> bool:
    words = _UNSTATED.sub(" ", _QUOTED.sub(" ", text).lower())
    return not _PASSING.search(words) and any(pattern.search(words) for pattern in _STATEMENTS)


def _in_quotes(text: str, at: int) -> bool:
    return any(match.start() < at < match.end() for match in _QUOTED.finditer(text))


def _after_value(text: str) -> str:
    """`"x": it is so`, `core.PodSpec{Name:"a: b"}: it is so` and, where the value is left out, `it is so`."""
    if not _VALUE.match(text):
        return text
    depth, at = 0, 0
    while at < len(text):
        quoted = _QUOTED.match(text, at) if text[at] in '"`' else None
        if quoted:
            at = quoted.end()
            continue
        if text[at] in "{[(":
            depth += 1
        elif text[at] in "}])":
            depth -= 1
        elif depth <= 0 and text.startswith(": ", at):
            return text[at + 2 :]
        at += 1
    return text.rpartition(": ")[2] if ": " in text else ""


def told(causes: list[dict[str, Any]], text: str) -> str:
    """The words of a refusal for people: of each cause once, without values; of the whole text where there are none."""
    said = dict.fromkeys(statement(str(cause["message"])).strip() for cause in causes if cause.get("message"))
    return "; ".join(said) or (text if _DENIED.search(text) else _SUBJECT.sub("", text))
