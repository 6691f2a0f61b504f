"""3D Shapes: an object in a room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae_exp.data.cache import held
from vae_exp.data.factors import Factors
from vae_exp.data.published import BLOCK, fingerprint, present, readable
from vae_exp.data.splits import Splits
from vae_exp.data.table import Table
from vae_exp.errors import UserError

WHAT = "the file 3dshapes.h5 of https://github.com/deepmind/3d-shapes"
NAMES = ("floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation")
SIZES = (10, 10, 10, 8, 4, 15)


def shapes3d(*, path: str, root: str) -> Splits:
    """Read 3D Shapes: 480,000 pictures [3, 64, 64], each tuple of factors once; y is the object's shape.

    The pictures (5.9 GB) are unpacked once, below `root`, and mapped to memory.

    Args:
        path: The published .h5 file.
        root: Folder of unpacked pictures.

    Raises:
        UserError: The file is missing, damaged or another, or the package h5py is not installed.

    Source: Burgess & Kim, 2018, "3D shapes dataset"; first used by Kim & Mnih, 2018, "Disentangling by factorising",
        arXiv:1802.05983
    """
    file, h5py = present(path, name="shapes3d", what=WHAT), _h5py()
    with readable(file, name="shapes3d"), h5py.File(file) as opened:
        n, height, width, channels = opened["images"].shape
        labels = opened["labels"][:]  # values of the factors: hues, angles, ...
        numbers = [np.unique(labels[:, column], return_inverse=True)[1] for column in range(len(NAMES))]
    factors = Factors(torch.from_numpy(np.stack(numbers, 1)).long(), NAMES, SIZES, "shape")

    def blocks() -> Iterator[Tensor]:
        with readable(file, name="shapes3d"), h5py.File(file) as opened:
            for start in range(0, n, BLOCK):
                block = torch.from_numpy(opened["images"][start : start + BLOCK])
                yield block.permute(0, 3, 1, 2).contiguous()

    x = held(
        blocks,
        name="shapes3d",
        fingerprint=fingerprint([file]),
        shape=(n, channels, height, width),
        root=Path(root).expanduser(),
    )
    return {"train": Table(x, factors.y, factors)}


def _h5py() -> Any:
    try:
        import h5py
    except ImportError as error:
        raise UserError("data=shapes3d needs the package h5py; `pip install 'vae_exp[shapes3d]'`") from error
    return h5py
