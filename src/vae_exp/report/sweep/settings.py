"""Settings: runs that differ in nothing but the seed, and the means of their figures."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from vae_exp.report.numbers import with_error
from vae_exp.report.sweep.runs import Run
from vae_exp.report.sweep.values import SEED, Value, order
from vae_exp.report.sweep.variation import Variation


class Mean(NamedTuple):
    """A figure over the seeds of a setting.

    mean = sum_i x_i / n and error = sqrt(sum_i (x_i - mean)^2 / (n - 1) / n)

    Args:
        mean: None where the figure of any seed is not finite: a mean of the others would hide that.
        error: Standard error of the mean over the seeds; None of a single one.
        seeds: Runs that are done and have the figure, n.
        lost: How many of them have one that is not finite.
    """

    mean: float | None
    error: float | None
    seeds: int
    lost: int

    @property
    def text(self) -> str:
        """As it stands in a table."""
        if self.mean is None:
            return f"not finite ({self.lost} of {self.seeds})"
        return with_error(self.mean, self.error)


@dataclass
class Setting:
    """A setting.

    Args:
        number: Its place among the settings.
        values: Of the keys that vary, without the seed.
        runs: Numbers of its runs, by seed.
        means: Of the figures of those that are done.
    """

    number: int
    values: tuple[Value, ...]
    runs: list[int] = field(default_factory=list)
    means: dict[str, Mean] = field(default_factory=dict)


def settings_of(runs: Sequence[Run], varies: Variation) -> list[Setting]:
    """Bring the runs of a setting together; settings are sorted by their values, the runs of each by the seed."""
    seeded = SEED in varies.keys
    grouped: dict[tuple[Value, ...], list[int]] = {}
    for number, values in enumerate(varies.values):
        grouped.setdefault(values[:-1] if seeded else values, []).append(number)
    found: list[Setting] = []
    for values in sorted(grouped, key=lambda values: [order(value) for value in values]):
        numbers = sorted(grouped[values], key=lambda number: [order(value) for value in varies.values[number]])
        done = [runs[number] for number in numbers if runs[number].state == "done"]
        names = dict.fromkeys(name for run in done for name in run.figures)
        means = {name: mean_of([run.figures[name] for run in done if name in run.figures]) for name in names}
        found.append(Setting(len(found), values, numbers, means))
    return found


def mean_of(values: Sequence[float | None]) -> Mean:
    """The mean of the figures of some seeds; None stands for one that is not finite."""
    finite = [value for value in values if value is not None]
    lost = len(values) - len(finite)
    if lost or not finite:
        return Mean(None, None, len(values), lost)
    error = statistics.stdev(finite) / math.sqrt(len(finite)) if len(finite) > 1 else None
    return Mean(statistics.fmean(finite), error, len(finite), 0)
