# Copyright (c) 2026 GreenLang. All rights reserved.
"""All figures, or those that are named: `make bench [ONLY=<name>]`, or `python -m bench [<name> …]`.

One line a figure: `<name> <measured> <unit> ratio=<x> goal=<y> ok|short`. Without a peer to compare with, the ratio is
measured / goal and the goal is in the figure's unit; with one, ratio and goal are shares of the peer's figure. What
follows on the line is how it came about. Figures are functions in bench/figures_*.py; they use clusters of their own,
whose names begin with `bench`, and leave nothing behind.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

from bench.figure import FIGURES, Figure


def chosen(names: list[str]) -> list[Figure]:
    """The figures to measure: those named, else all that are not too long to be asked for unasked."""
    if not names:
        return [figure for figure in FIGURES if not figure.long]
    unknown = set(names).difference(*({figure.group, *figure.names} for figure in FIGURES))
    if unknown:
        known = "\n".join(f"  {figure}" for figure in FIGURES)
        raise SystemExit(f"error: no figure is called {', '.join(sorted(unknown))}. Remedy: one of\n{known}")
    return [figure for figure in FIGURES if set(names) & {figure.group, *figure.names}]


def main() -> None:
    for path in sorted(Path(__file__).parent.glob("figures_*.py")):
        importlib.import_module(f"bench.{path.stem}")
    names = sys.argv[1:] or os.environ.get("ONLY", "").split()
    short = False
    for figure in chosen(names):
        for line in figure.measure():
            # A group may be measured in one go although only one of its figures was asked for.
            if not names or figure.group in names or line.split()[0] in names:
                print(line, flush=True)
                short = short or " short" in line
    sys.exit(1 if short else 0)


if __name__ == "__main__":
    main()
