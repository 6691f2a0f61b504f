"""`vae-exp status DIR`: what became of the runs of a sweep. Imports neither torch nor Hydra."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vae_exp.sweeps.overview import STATES, RunState, overview

USAGE = "vae-exp status DIR [--metric NAME] [--json]"
_COLOURS = {"running": "cyan", "done": "green", "failed": "red", "interrupted": "yellow", "missing": "dim"}


def main(argv: list[str]) -> int:
    """Print the state of every run of a sweep's folder, or of one run's."""
    parser = argparse.ArgumentParser(prog="vae-exp status", usage=USAGE)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--metric", default="val/nelbo")
    parser.add_argument("--json", action="store_true")
    flags = parser.parse_args(argv)
    runs = overview(flags.folder, flags.metric)
    if flags.json:
        counts = counted(runs)
        print(json.dumps({"folder": str(flags.folder), "counts": counts, "runs": [run._asdict() for run in runs]}))
    else:
        show_runs(runs, str(flags.folder), flags.metric)
    return 0


def counted(runs: Sequence[RunState]) -> dict[str, int]:
    """How many runs are in each state, those that there are."""
    found = Counter(run.state for run in runs)
    return {state: found[state] for state in STATES if found[state]}


FILE_WIDTH = 200
"""Characters of a line at most where it is not a terminal that is written to."""


def show_runs(runs: Sequence[RunState], title: str, metric: str, states: Mapping[str, str] | None = None) -> None:
    """Print runs as a table, and how many there are of each state.

    Args:
        runs: The runs.
        title: Above the table.
        metric: The objective.
        states: Other words for the states of some runs, by name.
    """
    console = Console()
    if not console.is_terminal:
        console.width = FILE_WIDTH
    table = Table("run", "state", "epoch", metric, "left", "time", title=title, title_justify="left")
    for column in table.columns[2:]:
        column.justify = "right"
    for run in runs:
        word = (states or {}).get(run.name, run.state)
        table.add_row(
            Text(run.name, overflow="fold"),
            Text(word, style=_COLOURS.get(run.state, "")),
            "" if run.epoch is None else f"{run.epoch}/{run.epochs or '?'}",
            "" if run.objective is None else f"{run.objective:.4g}" if run.state != "done" else f"{run.objective:.2f}",
            "" if run.seconds_left is None else _duration(run.seconds_left),
            _duration(run.wall_seconds) if run.wall_seconds else "",
        )
    console.print(table)
    for run in runs:
        if run.error:
            console.print(Text(f"{run.name}: {run.error}", style="red"), soft_wrap=True)
    print(", ".join(f"{count} {state}" for state, count in counted(runs).items()), f"of {len(runs)} runs")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
