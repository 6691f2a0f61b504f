"""Pictures of many runs side by side, small enough that a page can hold them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from vae_exp.report.pictures import FIRST
from vae_exp.report.sweep.axes import Axes
from vae_exp.report.sweep.runs import Run
from vae_exp.report.sweep.settings import Setting
from vae_exp.report.sweep.values import shown
from vae_exp.report.sweep.variation import Variation, words

BUDGET = 12_000_000
"""Characters of all pictures of a page."""
WIDE, HIGH = 360, 200
"""Pixels that a picture is brought down to."""


class Thumb(NamedTuple):
    """A small picture of a run: the run's number, the seed in words, the content, the size."""

    run: int
    seed: str
    uri: str
    width: int
    height: int


class Cell(NamedTuple):
    """The pictures of a setting, by seed, and what stands there without any."""

    setting: int | None
    thumbs: list[Thumb]
    instead: str


class Sheet(NamedTuple):
    """One view of all settings of a slice: a title, names of the columns, and rows of a name and cells."""

    title: str
    columns: list[str]
    rows: list[tuple[str, list[Cell]]]


class Gallery(NamedTuple):
    """All pictures of a page.

    Args:
        views: Names of views, such as `samples`, with the sheets of each.
        seeds: Seeds that there are pictures of.
        shown: Runs with pictures in it.
        left_out: Runs whose pictures, if they have any, do not fit into the page.
    """

    views: dict[str, list[Sheet]]
    seeds: list[str]
    shown: int
    left_out: int


def gallery_of(runs: Sequence[Run], settings: Sequence[Setting], varies: Variation, axes: Axes) -> Gallery:
    """Lay out the pictures of runs in the grid of their settings, the first seed of each setting first."""
    candidates = [n for number in range(_most(settings)) for s in settings for n in s.runs[number : number + 1]]
    candidates = [number for number in candidates if runs[number].state != "missing"]
    found: dict[tuple[str, int], Thumb] = {}
    spent = looked_at = 0
    for number in candidates:
        seed = words(varies, varies.values[number]) if not axes.fits else _seed(varies, number)
        thumbs = {view: _thumb(runs[number].folder / "images" / f"{view}.png", number, seed) for view in FIRST}
        spent += sum(len(thumb.uri) for thumb in thumbs.values() if thumb)
        if spent > BUDGET:
            break
        found |= {(view, number): thumb for view, thumb in thumbs.items() if thumb}
        looked_at += 1
    views = [view for view in FIRST if any(key[0] == view for key in found)]
    seeds = list(dict.fromkeys(thumb.seed for thumb in found.values() if thumb.seed)) if axes.fits else []
    left_out = len(candidates) - looked_at
    pictures = {view: {n: thumb for (v, n), thumb in found.items() if v == view} for view in views}
    sheets = {view: _sheets(runs, settings, axes, pictures[view], left_out > 0) for view in views}
    return Gallery(sheets, seeds, len({number for _, number in found}), left_out)


def _most(settings: Sequence[Setting]) -> int:
    return max((len(setting.runs) for setting in settings), default=0)


def _seed(varies: Variation, number: int) -> str:
    return f"seed {shown(varies.values[number][-1])}" if varies.keys[-1:] == ["seed"] else ""


def _sheets(
    runs: Sequence[Run], settings: Sequence[Setting], axes: Axes, thumbs: dict[int, Thumb], cut: bool
) -> list[Sheet]:
    def cell(number: int | None) -> Cell:
        own = settings[number].runs if number is not None else []
        states = dict.fromkeys(runs[n].state for n in own)
        return Cell(number, [thumbs[n] for n in own if n in thumbs], ", ".join(states) or "not in the sweep")

    if not axes.fits:
        cells = [cell(setting.number) for setting in settings]
        return [Sheet("", [], [("", [one for one in cells if one.thumbs])])]
    sheets = []
    for part in axes.slices:
        named = zip(axes.row_values, part.grid, strict=True)
        rows = [(f"{axes.row_name} {shown(value)}".strip(), [cell(n) for n in line]) for value, line in named]
        rows = [(name, cells) for name, cells in rows if not cut or any(one.thumbs for one in cells)]
        columns = [f"{axes.column_name} {shown(value)}".strip() for value in axes.column_values]
        sheets += [Sheet(part.title, columns, rows)] if rows else []
    return sheets


def _thumb(path: Path, run: int, seed: str) -> Thumb | None:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            small = image.convert("RGB")
            if image.mode == "L" or small.getchannel(0).tobytes() == small.getchannel(2).tobytes():
                small = small.convert("L")
            small.thumbnail((WIDE, HIGH))
            buffer = BytesIO()
            small.save(buffer, "JPEG", quality=80, optimize=True)
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError):
        return None
    content = base64.b64encode(buffer.getvalue()).decode()
    return Thumb(run, seed, f"data:image/jpeg;base64,{content}", small.width, small.height)
