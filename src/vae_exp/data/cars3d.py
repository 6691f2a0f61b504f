"""Cars3D: models of cars from all sides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from vae_exp.data.cache import held
from vae_exp.data.factors import Factors, to_factors
from vae_exp.data.published import fingerprint, present, readable, resized
from vae_exp.data.splits import Splits
from vae_exp.data.table import Table
from vae_exp.errors import UserError
from vae_exp.types import Count

WHAT = "the folder data/cars with 183 .mat files of nips2015-analogy-data.tar.gz of http://www.scottreed.info"
ELEVATIONS, AZIMUTHS = 4, 24


def cars3d(*, path: str, root: str, size: Count) -> Splits:
    """Read Cars3D: 183 cars x 24 azimuths x 4 elevations, 17,568 pictures [3, size, size]; y is the car.

    Args:
        path: Folder of the published .mat files, one a car, each an array `im` [128, 128, 3, 24, 4]. Cars are numbered
            by the names of their files.
        root: Folder of decoded pictures.
        size: Height and width to which the pictures are scaled, pixels.

    Raises:
        UserError: The files are missing, damaged or others.

    Source: Reed et al., 2015, "Deep visual analogy-making"
    """
    folder = present(path, name="cars3d", what=WHAT)
    files = sorted(folder.glob("*.mat"))
    if not files:
        raise UserError(f"data=cars3d needs {WHAT}, and data.path={folder} has no .mat files")
    n = len(files) * AZIMUTHS * ELEVATIONS
    numbers = to_factors(torch.arange(n), (len(files), AZIMUTHS, ELEVATIONS)).flip(1)
    factors = Factors(numbers, ("elevation", "azimuth", "object"), (ELEVATIONS, AZIMUTHS, len(files)), "object")

    def blocks() -> Iterator[Tensor]:
        for file in files:
            yield resized(_pictures(file), size)

    x = held(
        blocks,
        name="cars3d",
        fingerprint=fingerprint(files, size),
        shape=(n, 3, size, size),
        root=Path(root).expanduser(),
    )
    return {"train": Table(x, factors.y, factors)}


def _pictures(file: Path) -> Tensor:
    """The pictures of one car, [96, 3, H, W], elevations fastest."""
    from scipy.io import loadmat

    with readable(file, name="cars3d"):
        im = torch.from_numpy(loadmat(file, variable_names=["im"])["im"])
        if im.shape[2:] != (3, AZIMUTHS, ELEVATIONS) or im.dtype != torch.uint8:
            raise ValueError(f"im is {im.dtype} {list(im.shape)}, not uint8 [H, W, 3, {AZIMUTHS}, {ELEVATIONS}]")
        return im.permute(3, 4, 2, 0, 1).flatten(0, 1)
