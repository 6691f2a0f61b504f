"""Any folder of pictures."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import Tensor

from vae_exp.data.decode import Channels, Fit
from vae_exp.data.pictures import Pictures
from vae_exp.data.splits import Splits
from vae_exp.errors import UserError
from vae_exp.types import Count

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"}


def image_folder(*, path: str, size: Count, channels: Channels) -> Splits:
    """Find all pictures below a folder, of any size and mode; hidden files and folders are passed over.

    The subfolders of the first level that hold pictures are the classes, in alphabetical order; a picture beside them
    is labelled -1. Without such subfolders there are no labels.

    Args:
        path: The folder.
        size: Height and width, pixels: the short side is scaled to it (antialiased) and the centre is cut out.
        channels: 1 for grey, 3 for colour.

    Raises:
        UserError: The folder is missing or holds no pictures.
    """
    folder = Path(path).expanduser().absolute()
    if not folder.is_dir():
        raise UserError(f"data.path={path} is not a folder; give a folder of pictures")
    files = _picture_files(folder)
    if not files:
        raise UserError(
            f"data.path={path} holds no picture files ({', '.join(sorted(SUFFIXES))}); give a folder that does"
        )
    decode = Fit(size=size, channels=channels)
    return {"train": Pictures("image_folder", files, _labels(folder, files), decode, (channels, size, size))}


def _picture_files(folder: Path) -> list[Path]:
    found: list[Path] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent, n) for n in names if not n.startswith(".") and Path(n).suffix.lower() in SUFFIXES]
    return sorted(found)


def _labels(folder: Path, files: list[Path]) -> Tensor | None:
    parts = [file.relative_to(folder).parts for file in files]
    classes = sorted({first for first, *rest in parts if rest})
    numbers = {name: number for number, name in enumerate(classes)}
    return torch.tensor([numbers[first] if rest else -1 for first, *rest in parts]) if classes else None
