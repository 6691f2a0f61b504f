"""Active units against the number of latents: from where on more of them are not used."""

from __future__ import annotations

from collections.abc import Sequence

from vae_exp.report.sweep.axes import Axes
from vae_exp.report.sweep.plot import Axis, Curve, Plot, Point, padded, plot
from vae_exp.report.sweep.settings import Setting
from vae_exp.report.sweep.values import LATENTS, Value
from vae_exp.report.sweep.variation import Variation, words


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
    name, place = f"{stage}/active_units", varies.keys.index(LATENTS)
    points: list[Point] = []
    lines: dict[tuple[Value, ...], list[Point]] = {}
    for setting in settings:
        latents, mean = setting.values[place], setting.means.get(name)
        if not isinstance(latents, float) or mean is None or mean.mean is None:
            continue
        said = f"{words(varies, setting.values)}: {mean.text} active units ({mean.seeds} seed{'s'[: mean.seeds > 1]})"
        share = axes.share(axes.value(varies, setting, axes.column))
        point = Point(latents, mean.mean, 0.0, mean.error or 0.0, share, said, setting.number)
        points.append(point)
        lines.setdefault((*setting.values[:place], *setting.values[place + 1 :]), []).append(point)
    if not points:
        return None
    sizes = sorted({point.x for point in points})
    log = len(sizes) > 2 and sizes[0] > 0 and sizes[-1] >= 8 * sizes[0]
    y = padded(f"active units, {stage} set", 0.0, max(point.y for point in points))
    room = padded("", sizes[0], sizes[-1])
    marks = sizes if len(sizes) <= 12 else None
    x = Axis("latent_dim", sizes[0] / 1.15, sizes[-1] * 1.15, marks, log=True) if log else room
    x = x if log else Axis("latent_dim", room.low, room.high, marks)
    all_active = [(size, size) for size in _between(max(x.low, y.low), min(x.high, y.high)) if size > 0]
    rules = [Curve("all active", None, all_active)] if len(all_active) > 1 else []
    curves = [
        Curve("", line[0].share if axes.row == LATENTS else None, [(p.x, p.y) for p in line]) for line in lines.values()
    ]
    return plot(f"Active units on the {stage} set", x, y, curves if axes.fits else [], rules, points)


def _between(low: float, high: float, steps: int = 24) -> list[float]:
    return [low + (high - low) * step / steps for step in range(steps + 1)] if high > low else []
