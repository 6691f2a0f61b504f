"""What each figure means, as the yaml file of its metric says: comment lines of the form `# NAME [UNIT]: meaning`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

_LINE = re.compile(r"^#\s*([\w@]+) \[([^\]]*)\]: (.+)$")
_AT = re.compile(r"@\d+$")
SUFFIX = "_bce"
"""Ends the names of figures that rest on a cross-entropy of grey pixels (`heads.likelihoods.bernoulli`)."""


class Meaning(NamedTuple):
    """A figure's unit, "" for a pure number, and what it says in plain words."""

    unit: str
    text: str


def read_meanings(folders: Sequence[Path], metrics: Mapping[str, Any]) -> dict[str, Meaning]:
    """Read the meanings of figures, in the order in which they are shown: that of the run's metrics, then the rest.

    Args:
        folders: Folders of configuration; the first that has a file wins.
        metrics: The run's node `metrics`.
    """
    files: dict[str, Path] = {}
    for folder in folders:
        for file in sorted((folder / "metrics").glob("*.yaml")):
            files.setdefault(file.stem, file)
    found: dict[str, Meaning] = {}
    for name in (*(name for name in metrics if name in files), *files):
        for line in files[name].read_text(encoding="utf-8").splitlines():
            if match := _LINE.match(line):
                found.setdefault(match[1], Meaning(match[2], match[3]))
    return found


def meaning_of(name: str, meanings: Mapping[str, Meaning]) -> Meaning:
    """The meaning of a figure; empty where nobody wrote one."""
    name = _AT.sub("@k", name)
    if name in meanings:
        return meanings[name]
    if name.endswith(SUFFIX) and (plain := meanings.get(name.removesuffix(SUFFIX))):
        return Meaning(plain.unit, f"{plain.text} Of a binary cross-entropy of grey pixels: no log-likelihood.")
    return Meaning("", "")


def in_order(names: Iterable[str], meanings: Mapping[str, Meaning]) -> list[str]:
    """Sort figures as their meanings are; those without one by name, behind them."""
    places = {name: place for place, name in enumerate(meanings)}

    def place(name: str) -> tuple[int, str]:
        general = _AT.sub("@k", name)
        return places.get(general, places.get(general.removesuffix(SUFFIX), len(places))), name

    return sorted(names, key=place)
