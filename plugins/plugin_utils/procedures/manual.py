# Copyright (c) 2026 GreenLang. All rights reserved.
"""A contract as people read it: the help of a procedure, and the table of its runbook. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

from .contract import Contract, Option

BEGIN, END = "<!-- variables of the contract: begin -->", "<!-- variables of the contract: end -->"
NO_WAY = "It takes no variables of its own."
_MARKUP = re.compile(r"\b([A-Z])\(([^()]*(?:\([^()]*\)[^()]*)*)\)")


def plain(text: str) -> str:
    """Without Ansible's markup."""
    return _MARKUP.sub(lambda found: found[2], text)


def markdown(text: str) -> str:
    return _MARKUP.sub(lambda found: f"`{found[2]}`", text).replace("|", "\\|")


def kind(option: Option) -> str:
    choices = option.spec.get("choices")
    if choices:
        return " | ".join(map(str, choices))
    elements = option.spec.get("elements")
    bounds = [f"from {option.minimum:g}"] if option.minimum is not None else []
    bounds += [f"to {option.maximum:g}"] if option.maximum is not None else []
    return " ".join([f"list of {elements}" if elements else str(option.spec["type"]), *bounds])


def default(option: Option) -> str:
    if option.required or option.confirms:
        return "required"
    value: Any = option.spec.get("default")
    return "" if value in (None, "") else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def table(contract: Contract) -> str:
    """The block of the runbook, with its marks."""
    lines = [BEGIN]
    if contract.options:
        lines += ["| variable | value | default | |", "|---|---|---|---|"]
        lines += map(_row, contract.options.values())
    else:
        lines.append(NO_WAY)
    if contract.settings:
        named = ", ".join(f"`ansible-doc -t role greenlang.vcci.{role}`" for role in contract.settings)
        lines += ["", f"Settings that count as well: {named}."]
    return "\n".join([*lines, END])


def _row(option: Option) -> str:
    value, filled = kind(option).replace("|", "\\|"), default(option)
    shown = filled if filled == "required" else f"`{filled}`" if filled else ""
    return f"| `{option.name}` | {value} | {shown} | {markdown(option.description)} |"


def with_table(page: str, contract: Contract) -> str:
    """The runbook with its block as the contract has it; ValueError if it has none."""
    head, begin, rest = page.partition(BEGIN)
    _old, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{contract.name}: the runbook lacks the lines {BEGIN} and {END}")
    return head + table(contract) + tail


def text(contract: Contract) -> str:
    """What `make help-playbook P=<name>` shows."""
    lines = [f"{contract.name}: {contract.summary}", ""]
    lines.append(f"  ansible-playbook playbooks/{contract.name}.yml -i inventories/<environment>{_example(contract)}")
    lines.append("")
    if not contract.options:
        lines.append(f"  {NO_WAY}")
    for option in contract.options.values():
        filled = default(option)
        said = filled if filled in ("", "required") else f"default: {filled}"
        lines.append(f"  {option.name}  ({'; '.join(filter(None, [kind(option), said]))})")
        lines.append(f"      {plain(option.description)}")
    if contract.lock:
        lines += ["", f"  Recorded in the cluster, one run at a time: {contract.lock}"]
    if contract.settings:
        roles = ", ".join(f"`ansible-doc -t role greenlang.vcci.{role}`" for role in contract.settings)
        lines += ["", f"  Settings that count as well: {roles}"]
    return "\n".join([*lines, f"  Runbook: docs/runbooks/{contract.name}.md"])


def _example(contract: Contract) -> str:
    needed = [option for option in contract.options.values() if option.required or option.confirms]
    return "".join(f" -e {option.name}=<{option.confirms or kind(option)}>" for option in needed)
