"""Points and lines in a plane, as the geometry that a template draws in SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from vae_exp.report.chart import Tick
from vae_exp.report.numbers import short, ticks
from vae_exp.report.polyline import path

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 560, 390, 66, 14, 44, 46


class Point(NamedTuple):
    """A point to draw.

    Args:
        x: Its place.
        y: Its place.
        x_error: Half the length of its bar; 0 for none.
        y_error: Likewise.
        share: Its colour, from 0 to 1.
        text: What is said of it when it is pointed at.
        setting: The number of the setting that it stands for.
    """

    x: float
    y: float
    x_error: float
    y_error: float
    share: float
    text: str
    setting: int


class Curve(NamedTuple):
    """Points that are joined, in their order: their label, and their colour, or None for that of the page's text."""

    label: str
    share: float | None
    points: list[tuple[float, float]]


class Drawn(NamedTuple):
    """A line as it is drawn: its label and where that stands, its colour, its path."""

    label: str
    at: tuple[float, float]
    share: float | None
    path: str


class Mark(NamedTuple):
    """A point as it is drawn, with the path of its error bars."""

    x: float
    y: float
    bars: str
    share: float
    text: str
    setting: int


@dataclass(frozen=True)
class Axis:
    """One direction of a plot, linear or logarithmic.

    Args:
        name: What is measured along it.
        low: Where it begins.
        high: Where it ends.
        marks: Values to be marked; None for round ones.
        log: Whether equal steps are equal ratios.
    """

    name: str
    low: float
    high: float
    marks: Sequence[float] | None = None
    log: bool = False

    def ticks(self, count: int) -> list[float]:
        """The values that are marked."""
        return ticks(self.low, self.high, count) if self.marks is None else list(self.marks)

    def share(self, value: float) -> float:
        """How far along a value is: from 0 to 1 inside."""
        low, high, at = (math.log(v) if self.log else v for v in (self.low, self.high, value))
        return (at - low) / (high - low)

    def beside(self, value: float, share: float) -> float:
        """The value that is a share of the axis further along."""
        width = math.log(self.high / self.low) if self.log else self.high - self.low
        return value * math.exp(share * width) if self.log else value + share * width


@dataclass(frozen=True)
class Plot:
    """A plot, ready to draw.

    Args:
        title: Its name.
        about: One sentence for those who cannot see it.
        x_name: What the horizontal axis measures.
        y_name: What the vertical axis measures.
        x_ticks: Marks of the horizontal axis.
        y_ticks: Marks of the vertical axis.
        curves: Lines that join points.
        rules: Lines of the background.
        marks: Points.
        outside: Points that lie outside of the frame.
    """

    title: str
    about: str
    x_name: str
    y_name: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    curves: list[Drawn]
    rules: list[Drawn]
    marks: list[Mark]
    outside: int
    width: int = WIDTH
    height: int = HEIGHT
    frame: tuple[int, int, int, int] = field(default=(LEFT, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM))


def padded(name: str, low: float, high: float) -> Axis:
    """A linear axis with some room at both ends."""
    room = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    return Axis(name, low - room, high + room)


def plot(
    title: str, x: Axis, y: Axis, curves: Sequence[Curve], rules: Sequence[Curve], points: Sequence[Point]
) -> Plot:
    """Lay out a plot."""

    def at(px: float, py: float) -> tuple[float, float]:
        across, up = x.share(px), y.share(py)
        return round(LEFT + across * (WIDTH - RIGHT - LEFT), 1), round(
            HEIGHT - BOTTOM - up * (HEIGHT - BOTTOM - TOP), 1
        )

    def drawn(curve: Curve) -> Drawn:
        places = [at(*point) for point in curve.points]
        x_end, y_end = places[-1]
        return Drawn(curve.label, (x_end, min(y_end, HEIGHT - BOTTOM - 6)), curve.share, path(places))

    def mark(p: Point) -> Mark:
        bars = [((p.x - p.x_error, p.y), (p.x + p.x_error, p.y))] if p.x_error else []
        bars += [((p.x, p.y - p.y_error), (p.x, p.y + p.y_error))] if p.y_error else []
        return Mark(
            *at(p.x, p.y), "".join(path([at(*a), at(*b)]) for a, b in bars), round(p.share, 3), p.text, p.setting
        )

    inside = [p for p in points if x.low <= p.x <= x.high and y.low <= p.y <= y.high]
    return Plot(
        title=title,
        about=f"{title}: {y.name} against {x.name}, {len(points)} settings",
        x_name=x.name,
        y_name=y.name,
        x_ticks=[Tick(at(value, y.low)[0], short(value)) for value in x.ticks(8)],
        y_ticks=[Tick(at(x.low, value)[1], short(value)) for value in y.ticks(7)],
        curves=[drawn(curve) for curve in curves if len(curve.points) > 1],
        rules=[drawn(rule) for rule in rules],
        marks=[mark(point) for point in inside],
        outside=len(points) - len(inside),
    )
