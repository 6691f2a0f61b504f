"""How figures look: one size of type, few lines, colours that the colour-blind tell apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torchvision.transforms.functional import pil_to_tensor

from vae_exp.analysis.pictures import enlarged

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 120
SMALL, NORMAL = 7, 9  # points, in figures
GREY = "#9a9a9a"
BLUE = "#0072b2"
COLOURS = (BLUE, "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#b5a900", "#000000", "#8c564b", "#5a4fcf")
"""For classes: those of Okabe & Ito, 2008, the yellow darker for white paper, and two more."""
MAP = "viridis"
"""For quantities."""
GAP = 2  # pixels between images
LINE = 15  # pixels of a line of text
TEXT, TITLE = 11, 13  # pixels


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
) -> Tensor:
    """Lay out images with names beside the rows, and above the columns or above each image; no image is blurred.

    Without matplotlib, whose import and letters would take most of the time of a drawing.

    Args:
        images: [rows, columns, C, H, W] in [0, 1].
        title: What is shown.
        rows: Name of each row, none for no names.
        columns: Name of each column.
        captions: A caption above each image, one list a row, an empty one for a row without.

    Returns:
        [3, H', W'].
    """
    large = enlarged(images)
    left, top = margins(title, rows, columns)
    heads = [LINE if index < len(captions) and captions[index] else 0 for index in range(len(images))]
    paper, tops, lefts = _laid(large, heads, left, top, math.ceil(_font(TITLE).getlength(title)) + 2 * GAP)
    height, width = large.shape[-2:]
    drawing = ImageDraw.Draw(paper)
    write(drawing, (GAP, GAP), title, "la", TITLE)
    for name, y in zip(rows, tops, strict=False):
        write(drawing, (left - 6, y + height // 2), name, "rm")
    for name, x in zip(columns, lefts, strict=False):
        write(drawing, (x + width // 2, top - 3), name, "ms")
    for texts, y in zip(captions, tops, strict=False):
        for text, x in zip(texts, lefts, strict=False):
            write(drawing, (x + width // 2, y - 3), text, "ms")
    pixels: Tensor = pil_to_tensor(paper)
    return pixels.float() / 255


def margins(title: str, rows: Sequence[str], columns: Sequence[str]) -> tuple[int, int]:
    """What the names take at the left and at the top, in pixels."""
    left = GAP + (math.ceil(max(map(_font(TEXT).getlength, rows))) + 10 if rows else 0)
    return left, (TITLE + 8 if title else GAP) + (LINE if columns else 0)


def write(drawing: ImageDraw.ImageDraw, at: tuple[int, int], text: str, anchor: str, size: int = TEXT) -> None:
    """Put a text on an image, by one of the anchors of Pillow."""
    drawing.text(at, text, fill=(0, 0, 0), font=_font(size), anchor=anchor)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """The font that comes with Pillow, in pixels."""
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


def _laid(
    images: Tensor, heads: Sequence[int], left: int, top: int, least: int
) -> tuple[Image.Image, list[int], list[int]]:
    """White paper, at least so wide, with the images on it, and where their rows begin and their columns."""
    levels = images[:, :, :3].detach().float().cpu().mul(255).round().to(torch.uint8)
    height, width = images.shape[-2:]
    lefts = [left + column * (width + GAP) for column in range(images.shape[1])]
    tops, y = [], top
    for head in heads:
        tops.append(y + head)
        y += head + height + GAP
    paper = torch.full((3, y, max(least, lefts[-1] + width + GAP)), 255, dtype=torch.uint8)
    for row, y in zip(levels, tops, strict=True):
        for image, x in zip(row, lefts, strict=True):
            paper[:, y : y + height, x : x + width] = image
    return Image.fromarray(paper.permute(1, 2, 0).contiguous().numpy()), tops, lefts
