"""Ways to write many images: one picture, a folder of pictures, an array file. Each is written whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vae_exp.analysis.encode import png
from vae_exp.analysis.pictures import grid, square
from vae_exp.errors import UserError
from vae_exp.files import whole, write_whole

Rows = Iterator[Tensor]


def write_grid(out: Path, rows: Rows) -> None:
    """All images in one picture, [rows, columns, C, H, W] as they come; a single column is laid in a square."""
    images = torch.cat(list(rows))
    write_whole(out, png(grid(square(images[:, 0]) if images.shape[1] == 1 else images)))


def write_folder(out: Path, rows: Rows) -> None:
    """A folder of numbered PNG files, ROW.png, or ROW_COLUMN.png where there are several columns."""
    if out.is_dir() and any(out.iterdir()):
        raise UserError(f"out={out} is a folder with files in it; give another one")
    with whole(out, folder=True) as partial:
        number = 0
        for batch in rows:
            for row in batch.cpu():
                for column, image in enumerate(row):
                    name = f"{number:06d}.png" if len(row) == 1 else f"{number:06d}_{column:02d}.png"
                    (partial / name).write_bytes(png(image))
                number += 1


def write_arrays(out: Path, rows: Rows) -> None:
    """An .npz file with x, uint8: [N, H, W], colour [N, H, W, C]; several columns follow each other as N * columns."""
    with whole(out) as partial, tempfile.TemporaryFile(dir=out.parent) as raw:
        shape: tuple[int, ...] = ()
        count = 0
        for batch in rows:  # straight to the disk: there may be more images than memory
            levels = batch.flatten(0, 1).mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().contiguous()
            array = levels.numpy()[..., 0] if levels.shape[-1] == 1 else levels.numpy()
            raw.write(array.tobytes())
            shape, count = array.shape[1:], count + len(array)
        raw.seek(0)
        with zipfile.ZipFile(partial, "w") as archive, archive.open("x.npy", "w", force_zip64=True) as member:
            header = {"descr": "|u1", "fortran_order": False, "shape": (count, *shape)}
            np.lib.format.write_array_header_1_0(member, header)
            shutil.copyfileobj(raw, member)


FORMATS: dict[str, tuple[str, Callable[[Path, Rows], None]]] = {
    "grid": (".png", write_grid),
    "png": ("", write_folder),
    "npz": (".npz", write_arrays),
}
