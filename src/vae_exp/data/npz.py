"""Arrays of one's own, in numpy's format."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vae_exp.data.splits import SplitName, Splits
from vae_exp.data.table import Table
from vae_exp.errors import UserError

KEYS: dict[SplitName, tuple[str, str]] = {"train": ("x", "y"), "val": ("x_val", "y_val"), "test": ("x_test", "y_test")}


def npz(*, path: str) -> Splits:
    """Read pictures from an .npz file: `x`, and optionally `y`, `x_val`, `y_val`, `x_test`, `y_test`.

    x is uint8 in 0..255 or floating-point in [0, 1]. Three axes are [N, H, W]. Four are [N, C, H, W] where the second
    has 1 to 4 entries, else [N, H, W, C] where the last has. y is [N] integers, the classes 0, 1, ... or -1 for
    unlabelled.

    Args:
        path: The file.

    Raises:
        UserError: The file is missing or no .npz, or an array is missing or of another shape or type.
    """
    arrays = _arrays(path)
    if "x" not in arrays:
        raise UserError(
            f"data.path={path} has no array x, only {', '.join(sorted(arrays)) or 'none'}; save one by that name"
        )
    return {
        split: Table(_pictures(arrays[x], x, path), _labels(arrays[y], y, path) if y in arrays else None)
        for split, (x, y) in KEYS.items()
        if x in arrays
    }


def _arrays(path: str) -> dict[str, np.ndarray]:
    file = Path(path).expanduser()
    if not file.is_file():
        raise UserError(f"data.path={path} is not a file; give an .npz file with an array x")
    if not zipfile.is_zipfile(file):
        raise UserError(f"data.path={path} is no .npz file; write it with numpy.savez")
    wanted = {key for keys in KEYS.values() for key in keys}
    with np.load(file, allow_pickle=False) as opened:
        # names that mean nothing here are not read, but listed where x is missing
        return {key: _array(opened, key, path) if key in wanted else np.empty(0) for key in opened.files}


def _array(opened: Any, key: str, path: str) -> np.ndarray:
    try:
        array: np.ndarray = opened[key]
    except Exception as error:  # objects, which could run code when loaded, or a damaged archive
        raise UserError(f"data.path={path}: the array {key} cannot be read ({error}); save plain numbers") from error
    return array


def _pictures(x: np.ndarray, key: str, path: str) -> torch.Tensor:
    where = f"data.path={path}: {key} has shape {list(x.shape)} and type {x.dtype}"
    if x.dtype != np.uint8 and not np.issubdtype(x.dtype, np.floating):
        raise UserError(f"{where}; it must be uint8 in 0..255 or floating-point in [0, 1]")
    if x.dtype == np.uint8 and x.size and x.max() <= 1:
        raise UserError(f"{where} but no value above 1; uint8 means 0..255, so save 255 * {key}, or floating-point")
    dtype = np.uint8 if x.dtype == np.uint8 else np.float32
    return torch.from_numpy(np.ascontiguousarray(_channels_first(x, where), dtype))


def _channels_first(x: np.ndarray, where: str) -> np.ndarray:
    if x.ndim == 3:
        return x[:, None]
    if x.ndim == 4 and 1 <= x.shape[1] <= 4:
        return x
    if x.ndim == 4 and 1 <= x.shape[3] <= 4:
        return np.moveaxis(x, 3, 1)
    raise UserError(f"{where}; it must be [N, H, W], [N, H, W, C] or [N, C, H, W] with 1 to 4 channels C")


def _labels(y: np.ndarray, key: str, path: str) -> torch.Tensor:
    if not np.issubdtype(y.dtype, np.integer):
        raise UserError(f"data.path={path}: {key} is {y.dtype}; labels must be integers")
    return torch.from_numpy(y.astype(np.int64))
