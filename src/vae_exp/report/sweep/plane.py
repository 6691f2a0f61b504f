"""The rate-distortion plane: what a setting's description of an example costs, and how true it is."""

from __future__ import annotations

from collections.abc import Sequence

from vae_exp.report.meanings import SUFFIX
from vae_exp.report.numbers import short, ticks, with_error
from vae_exp.report.sweep.axes import Axes
from vae_exp.report.sweep.heat import range_of
from vae_exp.report.sweep.plot import Curve, Plot, Point, padded, plot
from vae_exp.report.sweep.settings import Setting
from vae_exp.report.sweep.values import Value, order, shown
from vae_exp.report.sweep.variation import Variation, words

LABELLED = 24
"""Lines beyond which their labels would hide each other."""


def planes_of(settings: Sequence[Setting], varies: Variation, axes: Axes, stage: str) -> list[Plot]:
    """The plane of a stage: one for nats, and one for distortions that rest on no log-likelihood.

    Lines of the background are those of equal rate + distortion, which at beta = 1 is the negative ELBO. A model
    without a rate has no place there.

    Source: Alemi et al., 2018, "Fixing a broken ELBO", section 3, arXiv:1711.00464

    Args:
        settings: All settings.
        varies: What varies.
        axes: Points have the colour of the column's value; those of a row and a slice are joined.
        stage: val or test.
    """
    found = (_plane(settings, varies, axes, stage, suffix) for suffix in ("", SUFFIX))
    return [plane for plane in found if plane is not None]


def _plane(settings: Sequence[Setting], varies: Variation, axes: Axes, stage: str, suffix: str) -> Plot | None:
    rate, distortion = f"{stage}/rate", f"{stage}/distortion{suffix}"
    points = {s.number: _point(s, varies, axes, rate, distortion) for s in settings if _has(s, rate, distortion)}
    if not points:
        return None
    x = padded(f"rate, {stage} set, nats", *range_of([point.x for point in points.values()]))
    y = padded(f"distortion{suffix}, {stage} set, nats", *range_of([point.y for point in points.values()]))
    rules = []
    for total in ticks(x.low + y.low, x.high + y.high, 9):
        left, right = max(x.low, total - y.high), min(x.high, total - y.low)
        if left < right:
            rules.append(Curve(f"{short(total)}", None, [(left, total - left), (right, total - right)]))
    lines: dict[tuple[Value, ...], list[Setting]] = {}
    column = None if axes.column is None else varies.keys.index(axes.column)
    for setting in settings:
        if setting.number in points and axes.fits:
            values = setting.values if column is None else (*setting.values[:column], *setting.values[column + 1 :])
            lines.setdefault(values, []).append(setting)
    curves = [_curve(line, points, varies, axes, len(lines) <= LABELLED) for line in lines.values()]
    inside = [c for c in curves if all(x.low <= px <= x.high and y.low <= py <= y.high for px, py in c.points)]
    title = f"Rate and distortion{suffix} on the {stage} set"
    return plot(title, x, y, inside, rules, list(points.values()))


def _has(setting: Setting, *figures: str) -> bool:
    return all(name in setting.means and setting.means[name].mean is not None for name in figures)


def _point(setting: Setting, varies: Variation, axes: Axes, rate: str, distortion: str) -> Point:
    r, d = setting.means[rate], setting.means[distortion]
    assert r.mean is not None
    assert d.mean is not None
    said = f"{words(varies, setting.values)}: rate {r.text}, distortion {d.text}"
    total = setting.means.get(distortion.replace("distortion", "nelbo"))
    said += f", nelbo {total.text}" if total else f", sum {with_error(r.mean + d.mean, None)}"
    said += f" ({r.seeds} seed{'s' if r.seeds > 1 else ''})"
    share = axes.share(axes.value(varies, setting, axes.column))
    return Point(r.mean, d.mean, r.error or 0.0, d.error or 0.0, share, said, setting.number)


def _curve(line: list[Setting], points: dict[int, Point], varies: Variation, axes: Axes, labelled: bool) -> Curve:
    line = sorted(line, key=lambda setting: order(axes.value(varies, setting, axes.column)), reverse=True)
    row = axes.value(varies, line[0], axes.row)
    label = shown(row) if axes.row and labelled else ""
    return Curve(label, None, [(points[s.number].x, points[s.number].y) for s in line])
