"""Colours of the cells of a heat map: where a setting's figure stands between the lowest and the highest."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from vae_exp.report.sweep.settings import Setting

FAR = 4.0
"""Quartile distances from the middle half beyond which a value does not stretch the scale."""


class Heat(NamedTuple):
    """The colours of one figure.

    Args:
        low: Where the scale begins.
        high: Where it ends.
        shares: For each setting from 0 to 1; None where it has no figure.
        outside: Settings beyond the scale, which have the colour of its end.
    """

    low: float
    high: float
    shares: list[float | None]
    outside: int


def heat_of(settings: Sequence[Setting], figure: str) -> Heat | None:
    """Colour the settings by the mean of a figure; None where none has a finite one."""
    means = [setting.means[figure].mean if figure in setting.means else None for setting in settings]
    finite = [mean for mean in means if mean is not None]
    if not finite:
        return None
    low, high = range_of(finite)
    width = (high - low) or 1.0
    shares = [None if mean is None else round(min(max((mean - low) / width, 0.0), 1.0), 3) for mean in means]
    return Heat(low, high, shares, sum(not low <= mean <= high for mean in finite))


def range_of(values: Sequence[float]) -> tuple[float, float]:
    """From the lowest to the highest of values; one that diverged does not flatten all the others.

    A value counts that lies within `FAR` distances of the quartiles from the nearer quartile.
    """
    if len(values) < 4:
        return min(values), max(values)
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    reach = FAR * (third - first)
    near = [value for value in values if first - reach <= value <= third + reach]
    return min(near), max(near)
