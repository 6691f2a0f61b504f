"""`vae-exp status DIR`: what became of the runs of a sweep. Imports neither torch nor Hydra."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vae_exp.cli.flags import Parser
from vae_exp.errors import UserError
from vae_exp.files import read_json
from vae_exp.report.sweep.objective import first_config, objective_of
from vae_exp.sweeps.objective import hint
from vae_exp.sweeps.overview import STATES, RunState, overview

USAGE = "vae-exp status DIR [--metric NAME] [--json]"
FLAGS = (
    ("--metric NAME", "show this figure, in the place of sweep.metric"),
    ("--json", "print all that is known, for programs"),
)
_COLOURS = {"running": "cyan", "done": "green", "failed": "red", "interrupted": "yellow", "missing": "dim"}


def main(argv: list[str]) -> int:
    """Print the state of every run of a sweep's folder, or of one run's."""
    parser = Parser(USAGE)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--metric")
    parser.add_argument("--json", action="store_true")
    flags = parser.parse_args(argv)
    metric = objective_of(first_config([flags.folder]), flags.metric, maximize=False).metric
    runs = overview(flags.folder, metric)
    if flags.metric is not None:
        _refuse_unknown(flags.folder, runs, metric)
    if flags.json:
        counts = counted(runs)
        print(json.dumps({"folder": str(flags.folder), "counts": counts, "runs": [run._asdict() for run in runs]}))
    else:
        show_runs(runs, str(flags.folder), metric)
    return 0


def _refuse_unknown(folder: Path, runs: Sequence[RunState], metric: str) -> None:
    done = [run for run in runs if run.state == "done"]
    if done and not any(run.figure for run in done):
        figures = next(path for path in (folder / done[0].name, folder) if (path / "metrics.json").is_file())
        raise UserError(f"--metric {metric}: no run has it{hint(metric, read_json(figures / 'metrics.json'))}")


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
            _number(run, metric),
            "" if run.seconds_left is None else _duration(run.seconds_left),
            _duration(run.wall_seconds) if run.wall_seconds else "",
        )
    console.print(table)
    for run in runs:
        if run.error:
            console.print(Text(f"{run.name}: {run.error}", style="red"), soft_wrap=True)
    print(", ".join(f"{count} {state}" for state, count in counted(runs).items()), f"of {len(runs)} runs")


def _number(run: RunState, metric: str) -> str:
    if run.objective is None:
        return ""
    name = (run.figure or metric).rpartition("/")[2]
    other = "" if name.removesuffix("_bce") == metric.rpartition("/")[2] else f"{name} "
    return f"{other}{run.objective:.2f}" if run.state == "done" else f"{other}{run.objective:.4g}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
