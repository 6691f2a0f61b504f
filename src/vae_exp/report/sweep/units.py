"""Active units against the number of latents: from where on more of them are not used."""

from __future__ import annotations

from collections.abc import Sequence

from vae_exp.report.sweep.axes import Axes
from vae_exp.report.sweep.plot import Axis, Curve, Plot, Point, padded, plot
from vae_exp.report.sweep.settings import Setting
from vae_exp.report.sweep.values import LATENTS, Value
from vae_exp.report.sweep.variation import Variation, words

MARKED = 12
"""Sizes that are marked one by one."""
ASIDE = 0.012
"""Points of one size stand beside each other: the first and the last this share of the width from the middle."""


def units_of(settings: Sequence[Setting], varies: Variation, axes: Axes, stage: str) -> Plot | None:
    """The active units of each setting; None where latent_dim does not vary, or no run has counted them.

    Args:
        settings: All settings.
        varies: What varies.
        axes: Points have the colour of the column's value; those that differ in latent_dim alone are joined.
        stage: val or test.
    """
    if LATENTS not in varies.keys:
        return None
    place = varies.keys.index(LATENTS)
    found = {setting.number: point for setting in settings if (point := _point(setting, varies, axes, stage, place))}
    if not found:
        return None
    x = _sizes({point.x for point in found.values()})
    y = padded(f"active units, {stage} set", 0.0, max(point.y for point in found.values()))
    points = {
        number: point._replace(x=x.beside(point.x, ASIDE * (2 * point.share - 1))) for number, point in found.items()
    }
    lines: dict[tuple[Value, ...], list[Point]] = {}
    for number, point in points.items():
        values = settings[number].values
        lines.setdefault((*values[:place], *values[place + 1 :]), []).append(point)
    coloured = axes.column != LATENTS
    curves = [Curve("", line[0].share if coloured else None, [(p.x, p.y) for p in line]) for line in lines.values()]
    # A straight line on these axes or a curve, according to the horizontal one.
    low, high = max(x.low, y.low), min(x.high, y.high)
    whole = [(low + (high - low) * step / 24,) * 2 for step in range(25)]
    title = f"Active units on the {stage} set"
    return plot(title, x, y, curves if axes.fits else [], [Curve("all", None, whole)], list(points.values()))


def _point(setting: Setting, varies: Variation, axes: Axes, stage: str, place: int) -> Point | None:
    latents, active = setting.values[place], setting.means.get(f"{stage}/active_units")
    if not isinstance(latents, float) or active is None or active.mean is None:
        return None
    said = f"{words(varies, setting.values)}: {active.text} active units ({active.seeds} seed{'s'[: active.seeds > 1]})"
    share = axes.share(axes.value(varies, setting, axes.column))
    return Point(latents, active.mean, 0.0, active.error or 0.0, share, said, setting.number)


def _sizes(found: set[float]) -> Axis:
    """The axis of latent_dim: logarithmic where it grows by ratios, so that small sizes are told from each other."""
    sizes = sorted(found)
    marks = sizes if len(sizes) <= MARKED else None
    if len(sizes) > 2 and sizes[0] > 0 and sizes[-1] >= 8 * sizes[0]:
        return Axis("latent_dim", sizes[0] / 1.15, sizes[-1] * 1.15, marks, log=True)
    room = padded("latent_dim", sizes[0], sizes[-1])
    return Axis("latent_dim", room.low, room.high, marks)
