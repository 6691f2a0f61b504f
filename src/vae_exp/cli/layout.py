"""Text in two columns that fits the terminal."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable


def heading(text: str) -> str:
    """Make a line bold where the output is a terminal."""
    return f"\033[1m{text}\033[0m" if sys.stdout.isatty() else text


def columns(rows: Iterable[tuple[str, str]], indent: int = 2, left: int | None = None) -> str:
    """Set rows of a name and a text, the text wrapped in its own column.

    Args:
        rows: Names and texts.
        indent: Spaces before the names.
        left: Width of the column of names; None takes the longest name.
    """
    rows = list(rows)
    width = min(shutil.get_terminal_size((80, 24)).columns, 100)
    left = left or max((len(name) for name, _ in rows), default=0)
    hanging = " " * (indent + left + 2)
    lines = []
    for name, text in rows:
        start = f"{' ' * indent}{name.ljust(left)}  "
        over = len(start) > len(hanging)
        body = textwrap.fill(
            text,
            width,
            initial_indent=hanging if over else start,
            subsequent_indent=hanging,
            break_long_words=False,
            break_on_hyphens=False,
        )
        lines.append(f"{start.rstrip()}\n{body}" if over and text else body.rstrip() or start.rstrip())
    return "\n".join(lines)
