"""docs/performance.md."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

Goal = tuple[str, "float | None", float]
"""What is compared, the ratio that was measured (None where it could not be), and the least that was wanted."""


class Section(NamedTuple):
    """What was found in one workload."""

    name: str
    text: str
    goals: list[Goal]


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table of Markdown; numbers with two decimals, an empty cell for None."""
    lines = [f"| {' | '.join(head)} |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join([*lines, *(f"| {' | '.join(map(_cell, row))} |" for row in rows)])


def of_goals(goals: Sequence[Goal]) -> str:
    """What was wanted, and what was found."""
    rows = [[name, found, f"{wanted:g}", _verdict(found, wanted)] for name, found, wanted in goals]
    return table(["", "ratio", "wanted", ""], rows) if rows else ""


def rewrite(page: Path, section: Section, machine: dict[str, str], command: str) -> None:
    """Replace what the page says of a workload, together with its machine; the rest stays as it is.

    What a workload's measurement writes stands between two comments that bear its name.
    """
    on = "; ".join(f"{name}: {value}" for name, value in machine.items())
    body = "\n\n".join(filter(None, [section.text, of_goals(section.goals), f"`{command}` on {on}."]))
    begin, end = f"<!-- measured: {section.name} -->", f"<!-- end: {section.name} -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    text = page.read_text()
    if not pattern.search(text):
        text += f"\n## {section.name}\n\n{begin}\n{end}\n"
    page.write_text(pattern.sub(lambda _: f"{begin}\n{body}\n{end}", text))


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _verdict(found: float | None, wanted: float) -> str:
    if found is None:
        return "not measured here"
    return "yes" if found >= wanted else "no"
