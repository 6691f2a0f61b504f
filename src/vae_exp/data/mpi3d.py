"""MPI3D: a robot's arm that holds an object."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from vae_exp.data import npz_blocks
from vae_exp.data.cache import held
from vae_exp.data.factors import grid
from vae_exp.data.published import BLOCK, fingerprint, present, readable
from vae_exp.data.splits import Splits
from vae_exp.data.table import Table
from vae_exp.errors import UserError

WHAT = "a file of https://github.com/rr-learning/disentanglement_dataset, such as mpi3d_toy.npz"
NAMES = ("object_color", "object_shape", "object_size", "camera_height", "background_color", "horizontal", "vertical")
SIZES = (
    (6, 6, 2, 3, 3, 40, 40),  # toy, realistic, real
    (4, 4, 2, 3, 3, 40, 40),  # real, complex objects
)


def mpi3d(*, path: str, root: str) -> Splits:
    """Read MPI3D: 1,036,800 pictures [3, 64, 64], or 460,800 of complex objects; y is the object's shape.

    The pictures (12.7 GB) are unpacked once, below `root`, and mapped to memory.

    Args:
        path: A published .npz file.
        root: Folder of unpacked pictures.

    Raises:
        UserError: The file is missing, damaged or another.

    Source: Gondal et al., 2019, "On the transfer of inductive bias from simulation to the real world: a new
        disentanglement dataset", arXiv:1906.03292
    """
    file = present(path, name="mpi3d", what=WHAT)
    with readable(file, name="mpi3d"):
        n, height, width, channels = npz_blocks.header(file, "images").shape
    sizes = next((sizes for sizes in SIZES if math.prod(sizes) == n), None)
    if sizes is None:
        raise UserError(f"data.path={file} has {n} pictures, MPI3D 1036800 or 460800; give {WHAT}")
    factors = grid(NAMES, sizes, label="object_shape")

    def blocks() -> Iterator[Tensor]:
        with readable(file, name="mpi3d"):
            for block in npz_blocks.blocks(file, "images", size=BLOCK):
                yield torch.from_numpy(block).permute(0, 3, 1, 2).contiguous()

    x = held(
        blocks,
        name="mpi3d",
        fingerprint=fingerprint([file]),
        shape=(n, channels, height, width),
        root=Path(root).expanduser(),
    )
    return {"train": Table(x, factors.y, factors)}
