"""How figures look: one size of type, few lines, colours that the colour-blind tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vae_exp.analysis.pictures import enlarged

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 120
SMALL, NORMAL = 7, 9  # points
GREY = "#9a9a9a"
BLUE = "#0072b2"
COLOURS = (BLUE, "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#b5a900", "#000000", "#8c564b", "#9a9a9a")
"""For classes: those of Okabe & Ito, 2008, the yellow darker for white paper, and two more."""
MAP = "viridis"
"""For quantities."""
GAP = 2  # pixels between images
LINE = 15  # pixels of a line of small type


def figure(width: float, height: float) -> Figure:
    """An empty figure, sizes in inches."""
    from matplotlib.figure import Figure  # half a second that only those who draw should wait

    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")


def tidy(axes: Axes, *, title: str = "", x: str = "", y: str = "") -> None:
    """Name the axes, in small type, and leave out the lines that say nothing."""
    axes.set_title(title, fontsize=NORMAL)
    axes.set_xlabel(x, fontsize=NORMAL)
    axes.set_ylabel(y, fontsize=NORMAL)
    axes.tick_params(labelsize=SMALL)
    axes.spines[["top", "right"]].set_visible(False)


def rows_of_images(
    images: Tensor,
    *,
    title: str,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    captions: Sequence[Sequence[str]] = (),
) -> Figure:
    """Lay out images with names beside the rows, and above the columns or above each image; no image is blurred.

    Args:
        images: [rows, columns, C, H, W] in [0, 1].
        title: What is shown.
        rows: Name of each row, none for no names.
        columns: Name of each column.
        captions: A caption above each image, one list a row, an empty one for a row without.
    """
    from matplotlib.figure import Figure

    heads = [LINE if index < len(captions) and captions[index] else 0 for index in range(len(images))]
    canvas, tops, lefts = _laid(enlarged(images), heads)
    height, width = canvas.shape[:2]
    left = GAP + (max(map(len, rows)) * 8 if rows else 0)
    top = LINE * (2 if columns else 1) + 10
    # A line of the title has room for so many letters.
    whole = (max(left + width + GAP, 8 * len(title) + 8), top + height + GAP)
    made = Figure(figsize=(whole[0] / DPI, whole[1] / DPI), dpi=DPI)
    box = (left / whole[0], GAP / whole[1], width / whole[0], height / whole[1])
    axes = made.add_axes(box)
    axes.imshow(canvas.numpy(), interpolation="nearest", aspect="auto", extent=(0, width, height, 0))
    axes.set_axis_off()
    side_y, side_x = enlarged(images).shape[-2:]
    for name, y in zip(rows, tops, strict=False):
        axes.text(-6, y + side_y / 2, name, ha="right", va="center", fontsize=SMALL)
    for name, x in zip(columns, lefts, strict=False):
        axes.text(x + side_x / 2, -3, name, ha="center", va="bottom", fontsize=SMALL)
    for texts, y in zip(captions, tops, strict=False):
        for text, x in zip(texts, lefts, strict=False):
            axes.text(x + side_x / 2, y - 2, text, ha="center", va="bottom", fontsize=SMALL)
    made.text(GAP / whole[0], 1 - 4 / whole[1], title, ha="left", va="top", fontsize=NORMAL)
    return made


def _laid(images: Tensor, heads: Sequence[int]) -> tuple[Tensor, list[int], list[int]]:
    """White paper [H', W', 3] with the images on it, and where their rows begin and their columns."""
    rgb = (
        images.detach().float().cpu().expand(-1, -1, 3, -1, -1)
        if images.shape[2] == 1
        else images.detach().float().cpu()
    )
    height, width = images.shape[-2:]
    lefts = [column * (width + GAP) for column in range(images.shape[1])]
    tops, y = [], 0
    for head in heads:
        tops.append(y + head)
        y += head + height + GAP
    canvas = torch.ones(y - GAP, lefts[-1] + width, 3)
    for row, top in zip(rgb, tops, strict=True):
        for image, left in zip(row, lefts, strict=True):
            canvas[top : top + height, left : left + width] = image.permute(1, 2, 0)
    return canvas, tops, lefts
