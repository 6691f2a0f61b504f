"""Line and bar charts, as the geometry that a template draws in SVG: colours are the page's, and follow its theme."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from vae_exp.report.numbers import short, ticks
from vae_exp.report.polyline import finite_runs, path, thinned

WIDTH, HEIGHT, TOP, RIGHT, BOTTOM = 380, 200, 8, 12, 24
EARLY = 0.05
"""The part of the steps at the beginning that does not set the range, where it would flatten all the rest."""


class Series(NamedTuple):
    """One line of a chart.

    Args:
        label: What the legend calls it.
        steps: Where it was measured.
        values: What was measured, as many.
        errors: Standard errors, as many; none where there are none.
    """

    label: str
    steps: Sequence[float]
    values: Sequence[float]
    errors: Sequence[float] = ()


class Tick(NamedTuple):
    """A mark of an axis: where, and what stands there."""

    at: float
    label: str


class Line(NamedTuple):
    """A drawn line: its label, the newest value, and the paths of the line and of the band of its errors."""

    label: str
    last: str
    path: str
    band: str
    dots: list[tuple[float, float]]


class Bar(NamedTuple):
    """A drawn bar, with the text that it shows when pointed at."""

    x: float
    y: float
    width: float
    height: float
    text: str


@dataclass(frozen=True)
class Chart:
    """A chart, ready to draw.

    Args:
        title: Its name.
        about: One sentence for those who cannot see it.
        frame: Left, top, right and bottom of the drawing.
        x_name: What the horizontal axis counts.
        x_ticks: Marks of the horizontal axis.
        y_ticks: Marks of the vertical axis.
        lines: Lines.
        bars: Bars.
        cut: Whether something lies outside of the frame.
        width: Width of the whole.
        height: Height of the whole.
    """

    title: str
    about: str
    frame: tuple[float, float, float, float]
    x_name: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    lines: list[Line]
    bars: list[Bar]
    cut: bool = False
    width: int = WIDTH
    height: int = HEIGHT


class _Scale(NamedTuple):
    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


def line_chart(title: str, series: Sequence[Series]) -> Chart:
    """Draw what was measured over the steps of training; the values are finite somewhere."""
    last = max(max(s.steps) for s in series)
    low, high, cut = _range(series, last)
    y_ticks = ticks(low, high, 5)
    left = _left(y_ticks)
    frame = (left, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM)
    x, y = _Scale(0, max(last, 1), frame[0], frame[2]), _Scale(low, high, frame[3], frame[1])
    return Chart(
        title=title,
        about=f"{title} over {short(last)} steps: " + "; ".join(_spoken(s) for s in series),
        frame=frame,
        x_name="step",
        x_ticks=[Tick(x(value), short(value)) for value in ticks(0, max(last, 1), 4)],
        y_ticks=[Tick(y(value), short(value)) for value in y_ticks],
        lines=[_line(s, x, y) for s in series],
        bars=[],
        cut=cut,
    )


def bar_chart(title: str, values: Sequence[float], texts: Sequence[str]) -> Chart:
    """Draw one bar a value, from zero, in the given order; the values are finite and not negative."""
    high = max(*values, 1e-9) * 1.05
    y_ticks = ticks(0, high, 4)
    left = _left(y_ticks)
    frame = (left, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM)
    count = len(values)
    x, y = _Scale(0, count, frame[0], frame[2]), _Scale(0, high, frame[3], frame[1])
    room = (frame[2] - frame[0]) / count
    gap = min(2.0, 0.2 * room) if room > 3 else 0.0  # narrower ones would shimmer
    width = round(room - gap, 2)
    marks = sorted({1, *(round(value) for value in ticks(0, count, 4) if value >= 1)})
    return Chart(
        title=title,
        about=f"{title}: {count} bars, from {short(values[0])} to {short(values[-1])}",
        frame=frame,
        x_name="rank",
        x_ticks=[Tick(x(mark - 0.5), str(mark)) for mark in marks],
        y_ticks=[Tick(y(value), short(value)) for value in y_ticks],
        lines=[],
        bars=[
            Bar(round(x(i) + gap / 2, 2), y(value), width, round(frame[3] - y(value), 1), text)
            for i, (value, text) in enumerate(zip(values, texts, strict=True))
        ],
    )


def _left(y_ticks: Sequence[float]) -> float:
    """Room for what stands at the vertical axis, and for the name of the other."""
    return max(40, 10 + 6.5 * max((len(short(value)) for value in y_ticks), default=1))


def _range(series: Sequence[Series], last: float) -> tuple[float, float, bool]:
    points = [(step, value) for s in series for step, value in zip(s.steps, s.values, strict=True)]
    finite = [(step, value) for step, value in points if math.isfinite(value)]
    every = [value for _, value in finite]
    later = [value for step, value in finite if step > EARLY * last] or every
    low, high = min(every), max(every)
    # The first steps are often far off: a chart that must show them shows nothing else.
    cut = max(later) > min(later) and high - low > 2 * (max(later) - min(later))
    low, high = (min(later), max(later)) if cut else (low, high)
    pad = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return low - pad, high + pad, cut


def _line(series: Series, x: _Scale, y: _Scale) -> Line:
    runs = [[(x(step), y(value)) for step, value in run] for run in finite_runs(series.steps, series.values)]
    runs = [thinned(run) for run in runs]
    band = ""
    if series.errors:
        low = [(s, v - e) for s, v, e in zip(series.steps, series.values, series.errors, strict=True)]
        high = [(s, v + e) for s, v, e in zip(series.steps, series.values, series.errors, strict=True)]
        if all(math.isfinite(value) for _, value in low):
            around = thinned([(x(s), y(v)) for s, v in high]) + thinned([(x(s), y(v)) for s, v in low])[::-1]
            band = path(around) + "Z" if len(low) > 1 else ""
    return Line(
        label=series.label,
        last=f"{series.values[-1]:.4g}",
        path="".join(path(run) for run in runs if len(run) > 1),
        band=band,
        dots=[run[0] for run in runs if len(run) == 1],
    )


def _spoken(series: Series) -> str:
    return f"{series.label} from {series.values[0]:.4g} to {series.values[-1]:.4g}"
