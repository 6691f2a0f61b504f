"""The pictures in a run's folder, as they go into a page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from vae_exp.report.page import data_uri

FIRST = ("reconstructions", "samples", "traversals")
SMALL = 320
"""Pixels of width up to which a picture is enlarged, by a whole factor and without smoothing."""

BROAD = 900
"""Pixels of width from which a picture has a row to itself."""


class Picture(NamedTuple):
    """A picture.

    Args:
        name: The name of its file.
        caption: What it shows.
        uri: Its content.
        width: Pixels of its width as shown at the most.
        height: Pixels of its height at that width.
        factor: How many times it is enlarged.
    """

    name: str
    caption: str
    uri: str
    width: int
    height: int
    factor: int

    @property
    def broad(self) -> bool:
        """Whether its text would be too small in a card of half the page."""
        return self.wide or self.width > BROAD

    @property
    def wide(self) -> bool:
        """Whether it would be too low to be seen at the width of a phone."""
        return self.width > 3 * self.height


def pictures_in(folder: Path, captions: Mapping[str, str]) -> tuple[list[Picture], list[str]]:
    """Read all pictures of a folder, and one sentence for each that cannot be read.

    Args:
        folder: Of files NAME.png and NAME.gif.
        captions: What the pictures of these names show.
    """
    from PIL import Image, UnidentifiedImageError

    files = [path for ending in ("png", "gif") for path in folder.glob(f"*.{ending}")]
    found, unread = [], []
    for path in sorted(files, key=lambda path: (_rank(path.stem), path.name)):
        try:
            with Image.open(path) as image:
                image.load()  # a file that is cut short is found out here
                width, height = image.size
            uri = data_uri(path)
        except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError):
            unread.append(f"images/{path.name} cannot be read; the page does without it.")
            continue
        factor = max(1, SMALL // width)
        caption = captions.get(path.stem) or f"{path.stem.replace('_', ' ').capitalize()}."
        found.append(Picture(path.name, caption, uri, width * factor, height * factor, factor))
    return found, unread


def _rank(name: str) -> int:
    return FIRST.index(name) if name in FIRST else len(FIRST)
