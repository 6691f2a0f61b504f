"""The best setting and the best run, and the command that repeats it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from vae_exp.errors import UserError
from vae_exp.report.facts import command_of
from vae_exp.report.numbers import with_error
from vae_exp.report.record import read_record
from vae_exp.report.sweep.links import link
from vae_exp.report.sweep.objective import Objective
from vae_exp.report.sweep.runs import Run
from vae_exp.report.sweep.settings import Mean, Setting
from vae_exp.report.sweep.values import Value, named
from vae_exp.report.sweep.variation import Variation, words

APART = ("data", "data.binarize", "data.path", "model/likelihood")
"""Keys whose values make figures that are not to be compared: nats of other data, or of densities and probabilities."""


class Best(NamedTuple):
    """The best of the runs that can be compared.

    Args:
        among: What these have in common; "" where all can be compared.
        figure: The figure that they are compared by.
        setting: The values of the best setting, by the mean over its seeds; "" where none has a finite one.
        mean: That mean.
        run: The best single run, which may be of another setting.
        value: Its figure, with the standard error over the examples.
        page: The address of its page, or "".
        command: The command that repeats it.
    """

    among: str
    figure: str
    setting: str
    mean: Mean | None
    run: str
    value: str
    page: str
    command: str


def best_of(
    runs: Sequence[Run], settings: Sequence[Setting], varies: Variation, objective: Objective, page: Path
) -> list[Best]:
    """Find the best, once for each kind of runs that can be compared."""
    apart = [place for place, key in enumerate(varies.keys) if key in APART]
    kinds: dict[tuple[tuple[Value, ...], str], list[int]] = {}
    for number, run in enumerate(runs):
        figure = objective.of(run)
        if figure is not None and run.figures[figure] is not None:
            kinds.setdefault((tuple(varies.values[number][place] for place in apart), figure), []).append(number)
    found = []
    for (common, figure), numbers in kinds.items():
        best = min(numbers, key=lambda number: objective.rank(runs[number].figures[figure]))
        members = set(numbers)
        own = [s for s in settings if figure in s.means and s.means[figure].mean is not None and members & set(s.runs)]
        top = min(own, key=lambda s: objective.rank(s.means[figure].mean), default=None)
        found.append(
            Best(
                among=named((varies.labels[varies.keys[place]] for place in apart), common),
                figure=figure,
                setting=words(varies, top.values) if top else "",
                mean=top.means[figure] if top else None,
                run=runs[best].name,
                value=with_error(runs[best].figures[figure] or 0.0, runs[best].errors.get(figure)),
                page=page_of(runs[best], page),
                command=_command(runs[best]),
            )
        )
    return found


def page_of(run: Run, page: Path) -> str:
    """The address of a run's own page, "" where there is none."""
    own = run.folder / "report" / "index.html"
    return link(own, page) if own.is_file() else ""


def _command(run: Run) -> str:
    try:
        return command_of(read_record(run.folder))
    except UserError:  # the folder was removed meanwhile
        return ""
