"""Ways to write labelled examples: an array file, or a folder with a subfolder a class. Each whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from vae_exp.analysis.encode import png
from vae_exp.data.splits import SplitName
from vae_exp.files import whole


class Labelled(NamedTuple):
    """Examples with their classes.

    Args:
        x: Pictures, [N, C, H, W] in [0, 1].
        y: Classes, [N] int64, -1 = unlabelled.
    """

    x: Tensor
    y: Tensor


Write = Callable[[Path, Mapping[SplitName, Labelled]], None]


def write_arrays(out: Path, splits: Mapping[SplitName, Labelled]) -> None:
    """An .npz file that data=npz reads: x, y, x_val, y_val, x_test, y_test; x uint8 [N, C, H, W]."""
    arrays: dict[str, Any] = {}
    for name, (x, y) in splits.items():
        ending = "" if name == "train" else f"_{name}"
        arrays |= {f"x{ending}": x.mul(255).round().to(torch.uint8).numpy(), f"y{ending}": y.numpy()}
    with whole(out) as partial, partial.open("wb") as stream:
        np.savez_compressed(stream, **arrays)


def write_folder(out: Path, splits: Mapping[SplitName, Labelled]) -> None:
    """A folder of the training examples, CLASS/NUMBER.png, that data=image_folder reads."""
    x, y = splits["train"]
    digits = len(str(int(y.max())))  # so that the order of the names is that of the classes
    with whole(out, folder=True) as partial:
        for number, (image, label) in enumerate(zip(x, y.tolist(), strict=True)):
            folder = partial / f"{label:0{digits}d}"
            folder.mkdir(exist_ok=True)
            (folder / f"{number:06d}.png").write_bytes(png(image))


FORMATS: dict[str, tuple[str, Write]] = {"npz": (".npz", write_arrays), "png": ("", write_folder)}
