"""The tables of a page: of all settings, and of all runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from vae_exp.report.figures import NOT_FINITE
from vae_exp.report.meanings import SUFFIX, Meaning, in_order
from vae_exp.report.numbers import with_error
from vae_exp.report.sweep.best import page_of
from vae_exp.report.sweep.objective import Objective
from vae_exp.report.sweep.runs import Run
from vae_exp.report.sweep.settings import Setting
from vae_exp.report.sweep.values import SEED, shown
from vae_exp.report.sweep.variation import Variation

MAIN = ("nelbo", "nll", "rate", "distortion", "active_units")
"""Figures that are shown unless the reader chooses others."""
ROWS = 50
"""Rows that are shown at a time."""


class Column(NamedTuple):
    """A column: its name, and whether it holds numbers and is shown unless the reader chooses otherwise."""

    name: str
    number: bool
    shown: bool


class Table(NamedTuple):
    """A table, each cell as it is shown; a row's address leads to its own page, where it is not ""."""

    name: str
    columns: list[Column]
    rows: list[list[str]]
    links: list[str]

    def first(self, count: int) -> Iterator[tuple[str, list[tuple[str, bool]]]]:
        """The first rows as they are before the reader chooses: the address, and cells that are numbers or not."""
        for address, row in zip(self.links[:count], self.rows[:count], strict=True):
            cells = zip(row, self.columns, strict=True)
            yield address, [(text, column.number) for text, column in cells if column.shown]


def figures_of(runs: Sequence[Run], objective: Objective, meanings: Mapping[str, Meaning]) -> list[str]:
    """The names of all figures that a run has: the objective's, then those of the test set, then val's."""
    names = dict.fromkeys(name for run in runs for name in run.figures)
    first = dict.fromkeys(name for run in runs if (name := objective.of(run)) is not None)
    stages = {stage: [] for stage in ("test", "val")}  # type: dict[str, list[str]]
    for name in names:
        stages.setdefault(name.partition("/")[0], []).append(name.partition("/")[2])
    ordered = (f"{stage}/{name}" if name else stage for stage in stages for name in in_order(stages[stage], meanings))
    return list(dict.fromkeys([*first, *ordered]))


def settings_table(
    settings: Sequence[Setting], runs: Sequence[Run], varies: Variation, figures: Sequence[str], objective: Objective
) -> Table:
    """Means over the seeds of each setting, the best first."""
    keys = [key for key in varies.keys if key != SEED]
    columns = [Column(varies.labels[key], _numbers(varies, key), True) for key in keys]
    columns += [Column("done", True, True), Column("runs", True, True), *_columns(figures)]

    def rank(setting: Setting) -> float:
        own = next((name for name in figures if name in setting.means), None)
        return objective.rank(setting.means[own].mean if own else None)

    rows = []
    for setting in sorted(settings, key=rank):
        done = sum(runs[number].state == "done" for number in setting.runs)
        texts = (setting.means[name].text if name in setting.means else "" for name in figures)
        rows.append([*(shown(v) for v in setting.values), str(done), str(len(setting.runs)), *texts])
    return Table("settings", columns, rows, [""] * len(rows))


def runs_table(
    runs: Sequence[Run], varies: Variation, figures: Sequence[str], objective: Objective, page: Path
) -> Table:
    """All runs, the best first, and those without figures behind."""
    columns = [Column("run", False, True), Column("state", False, True)]
    columns += [Column(varies.labels[key], _numbers(varies, key), True) for key in varies.keys]
    columns += [*_columns(figures), Column("seconds", True, True)]

    def rank(number: int) -> float:
        name = objective.of(runs[number])
        return objective.rank(runs[number].figures[name] if name else None)

    order = sorted(range(len(runs)), key=rank)
    rows = []
    for run, values in ((runs[number], varies.values[number]) for number in order):
        texts = (_cell(run, name) for name in figures)
        rows.append(
            [run.name, run.state, *(shown(v) for v in values), *texts, f"{run.seconds:.1f}" if run.seconds else ""]
        )
    return Table("runs", columns, rows, [page_of(runs[number], page) for number in order])


def csv_of(runs: Sequence[Run], varies: Variation, figures: Sequence[str]) -> str:
    """All that the tables show, unrounded: a line for each run, `NAME/se` being standard errors over the examples."""
    errors = [f"{name}/se" for name in figures if any(name in run.errors for run in runs)]
    wanted = [column for name in figures for column in (name, f"{name}/se") if column == name or column in errors]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["run", "state", *varies.keys, "seconds", *wanted, "error", "folder"])
    for run, values in zip(runs, varies.values, strict=True):
        known = {**run.figures, **{f"{name}/se": value for name, value in run.errors.items()}}
        numbers = ("nan" if known.get(name, "") is None else known.get(name, "") for name in wanted)
        plain = (int(v) if isinstance(v, float) and v.is_integer() else v for v in values)
        writer.writerow([run.name, run.state, *plain, run.seconds, *numbers, run.error, run.folder])
    return text.getvalue()


def _columns(figures: Sequence[str]) -> list[Column]:
    stage = "test" if any(name.startswith("test/") for name in figures) else "val"
    main = {f"{stage}/{name}{end}" for name in MAIN for end in ("", SUFFIX)}
    return [Column(name, True, name in main or name == figures[0]) for name in figures]


def _numbers(varies: Variation, key: str) -> bool:
    place = varies.keys.index(key)
    return all(isinstance(values[place], float | None) for values in varies.values)


def _cell(run: Run, name: str) -> str:
    if name not in run.figures:
        return ""
    value = run.figures[name]
    return NOT_FINITE if value is None else with_error(value, run.errors.get(name))
