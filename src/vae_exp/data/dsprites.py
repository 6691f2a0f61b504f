"""dSprites: the published file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vae_exp.data import npz_blocks
from vae_exp.data.cache import held
from vae_exp.data.factors import Factors
from vae_exp.data.published import BLOCK, fingerprint, present, readable
from vae_exp.data.render import NAMES, SIZES
from vae_exp.data.splits import Splits
from vae_exp.data.table import Table

WHAT = "the file dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz of https://github.com/deepmind/dsprites-dataset"


def dsprites(*, path: str, root: str) -> Splits:
    """Read dSprites: 737,280 pictures [1, 64, 64], each tuple of factors once; levels 0 and 255; y is the shape.

    The pictures (3 GB) are unpacked once, below `root`, and mapped to memory.

    Args:
        path: The published .npz file.
        root: Folder of unpacked pictures.

    Raises:
        UserError: The file is missing, damaged or another.

    Source: Matthey et al., 2017, "dSprites: disentanglement testing sprites dataset"
    """
    file = present(path, name="dsprites", what=WHAT)
    with readable(file, name="dsprites"):
        classes = np.concatenate(list(npz_blocks.blocks(file, "latents_classes", size=BLOCK)))
        n, height, width = npz_blocks.header(file, "imgs").shape
        numbers = torch.from_numpy(classes[:, 1:]).long().contiguous()  # the first is the color: all are white
    factors = Factors(numbers, NAMES, SIZES, "shape")

    def blocks() -> Iterator[Tensor]:
        with readable(file, name="dsprites"):
            for block in npz_blocks.blocks(file, "imgs", size=BLOCK):
                yield torch.from_numpy(block)[:, None].ne(0).to(torch.uint8).mul_(255)

    x = held(
        blocks,
        name="dsprites",
        fingerprint=fingerprint([file]),
        shape=(n, 1, height, width),
        root=Path(root).expanduser(),
    )
    return {"train": Table(x, factors.y, factors)}
