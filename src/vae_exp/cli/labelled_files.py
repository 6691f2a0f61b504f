"""Ways to write labelled examples: an array file, or a folder with a subfolder a class. Each whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from vae_exp.analysis.encode import png
from vae_exp.data.splits import SplitName


class Labelled(NamedTuple):
    """Examples with their classes.

    Args:
        x: Pictures, [N, C, H, W] in [0, 1].
        y: Classes, [N] int64.
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
    partial = out.with_name(f"{out.name}.partial")
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        with partial.open("wb") as stream:
            np.savez_compressed(stream, **arrays)
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


def write_folder(out: Path, splits: Mapping[SplitName, Labelled]) -> None:
    """A folder of the training examples, CLASS/NUMBER.png, that data=image_folder reads."""
    partial = out.with_name(f"{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    x, y = splits["train"]
    digits = len(str(int(y.max())))  # so that the order of the names is that of the classes
    try:
        for number, (image, label) in enumerate(zip(x, y.tolist(), strict=True)):
            folder = partial / f"{label:0{digits}d}"
            folder.mkdir(exist_ok=True)
            (folder / f"{number:06d}.png").write_bytes(png(image))
        partial.replace(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


FORMATS: dict[str, tuple[str, Write]] = {"npz": (".npz", write_arrays), "png": ("", write_folder)}
