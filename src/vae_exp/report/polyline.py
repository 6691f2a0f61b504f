"""Lines of points, as paths of SVG."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

Point = tuple[float, float]
MOST_POINTS = 400


def finite_runs(steps: Sequence[float], values: Sequence[float]) -> Iterator[list[Point]]:
    """Stretches of points in which every value is finite."""
    run: list[Point] = []
    for step, value in zip(steps, values, strict=True):
        if math.isfinite(value):
            run.append((step, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def thinned(points: list[Point]) -> list[Point]:
    """Of very many points, the lowest and the highest of each stretch: a spike stays a spike."""
    if len(points) <= MOST_POINTS:
        return points
    size = math.ceil(len(points) / (MOST_POINTS // 2))
    kept: list[Point] = []
    for start in range(0, len(points), size):
        part = points[start : start + size]
        kept += sorted({min(part, key=lambda p: p[1]), max(part, key=lambda p: p[1])})
    return [points[0], *kept, points[-1]]


def path(points: Sequence[Point]) -> str:
    """The path through points."""
    return "M" + "L".join(f"{x:g},{y:g}" for x, y in points)
