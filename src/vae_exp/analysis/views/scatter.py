"""Points of a plane, coloured by what is known of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vae_exp.analysis.views.style import COLOURS, GREY, MAP, SMALL, figure, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def scatter(points: Tensor, factors: dict[str, Tensor], *, title: str, x: str = "", y: str = "") -> Figure:
    """One panel for each factor, or a single one in grey; classes in colours of their own, quantities on a scale.

    Args:
        points: [N, 2].
        factors: [N] by name.
        title: What is shown.
        x: Name of the first axis.
        y: Name of the second.
    """
    panels = max(1, len(factors))
    columns = math.ceil(math.sqrt(panels))
    rows = math.ceil(panels / columns)
    side = 4.5 if panels == 1 else 3.0
    made = figure(side * columns + 0.8, side * rows + 0.3)
    made.suptitle(title, fontsize=10)
    grid = made.subplots(rows, columns, squeeze=False).flatten()
    shown: list[tuple[str, Tensor | None]] = [*factors.items()] if factors else [("", None)]
    for axes, (name, values) in zip(grid, shown, strict=False):
        _panel(axes, points.cpu(), None if values is None else values.cpu())
        tidy(axes, title=name, x=x, y=y)
        if not x:
            axes.set_xticks([])
            axes.set_yticks([])
    for axes in grid[panels:]:
        axes.set_axis_off()
    return made


def _panel(axes: Axes, points: Tensor, values: Tensor | None) -> None:
    size = min(12.0, max(2.0, 6000 / len(points)))
    look: dict[str, Any] = {"s": size, "alpha": 0.8, "linewidths": 0}
    x, y = points.T.tolist()
    if values is None:
        axes.scatter(x, y, color=GREY, **look)
        return
    classes = torch.unique(values)
    if len(classes) > len(COLOURS):
        drawn = axes.scatter(x, y, c=values.tolist(), cmap=MAP, **look)
        axes.figure.colorbar(drawn, ax=axes, shrink=0.8).ax.tick_params(labelsize=SMALL)
        return
    for colour, value in zip(COLOURS, classes, strict=False):
        axes.scatter(*points[values == value].T.tolist(), color=colour, label=f"{value.item():g}", **look)
    axes.legend(fontsize=SMALL, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, markerscale=15 / size)
