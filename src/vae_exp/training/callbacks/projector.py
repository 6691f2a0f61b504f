"""The latent means for TensorBoard's projector, with their images and labels."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import pytorch_lightning as pl
import torch
from torch import Tensor

from vae_exp.analysis.encode import png
from vae_exp.analysis.pictures import latents
from vae_exp.analysis.views.base import factors_of
from vae_exp.files import write_whole
from vae_exp.training import rng
from vae_exp.training.lit import EVALUATION_SEED
from vae_exp.training.looking import looked_at
from vae_exp.types import Count

LARGEST = 8192
"""Side of the largest picture that the projector loads, in pixels."""


class Projector(pl.Callback):
    """After a test, writes the latent means of test examples where TensorBoard's projector looks for them.

    The files are written whole, under the same names each time. Where a run has no TensorBoard, there are none.

    Args:
        folder: TensorBoard's folder of the run.
        num: Examples at most.
    """

    def __init__(self, *, folder: str, num: Count) -> None:
        self.folder, self.num = Path(folder), num

    def on_test_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if not (trainer.is_global_zero and self.folder.is_dir()):
            return
        with looked_at(trainer, module, "test", self.folder) as subject, rng.isolated(EVALUATION_SEED):
            batch = subject.examples("test", self.num)
            means, known = latents(subject.model, batch), factors_of(subject, batch)
            pictures = subject.model.spec.pictures
        files: dict[str, bytes | str] = {"tensors.tsv": _lines(means.tolist())}
        size = None
        if pictures:
            image, size = sprite(batch["x"])
            files["sprite.png"] = png(image)
        if known:
            rows = torch.stack([values.cpu().double() for values in known.values()], dim=1).tolist()
            # The projector takes the first line for names only where there are several columns.
            files["metadata.tsv"] = _lines([*([list(known)] if len(known) > 1 else []), *rows])
        for name, content in files.items():
            write_whole(self.folder / "projector" / name, content)
        write_whole(self.folder / "projector_config.pbtxt", _config("metadata.tsv" in files, size))


def sprite(images: Tensor) -> tuple[Tensor, tuple[int, int]]:
    """[N, C, H, W] -> all of them in a square picture, row by row, and the height and width of each in it."""
    columns = math.isqrt(len(images) - 1) + 1
    factor = -(-columns * max(images.shape[-2:]) // LARGEST)
    small = torch.nn.functional.avg_pool2d(images.float(), factor) if factor > 1 else images
    blank = small.new_ones(columns**2 - len(small), *small.shape[1:])
    rows = torch.unflatten(torch.cat((small, blank)), 0, (columns, columns))
    height, width = small.shape[-2:]
    return rows.permute(2, 0, 3, 1, 4).flatten(3).flatten(1, 2), (height, width)


def _lines(rows: Iterable[Iterable[float | str]]) -> str:
    texts = ([value if isinstance(value, str) else f"{value:.6g}" for value in row] for row in rows)
    return "".join("\t".join(row) + "\n" for row in texts)


def _config(labelled: bool, size: tuple[int, int] | None) -> str:
    """In the text format of protocol buffers, paths relative to the folder."""
    metadata = '  metadata_path: "projector/metadata.tsv"\n' if labelled else ""
    images = size and (
        '  sprite {\n    image_path: "projector/sprite.png"\n'
        f"    single_image_dim: {size[1]}\n    single_image_dim: {size[0]}\n  }}\n"
    )
    return (
        'embeddings {\n  tensor_name: "latent means"\n  tensor_path: "projector/tensors.tsv"\n'
        f"{metadata}{images or ''}}}\n"
    )
