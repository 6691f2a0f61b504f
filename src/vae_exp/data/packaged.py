"""Tables of numbers that come inside other packages."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vae_exp.errors import UserError


@cache  # for the runs of a sweep that share a process; nobody writes to it
def packaged_csv(name: str, *, package: str, file: str) -> Tensor:
    """Read a gzipped table of integers 0..255 of an installed package, without importing the package (seconds).

    Args:
        name: Name of the data set, for the error.
        package: The package.
        file: The file's path inside it.

    Returns:
        [rows, columns] uint8.

    Raises:
        UserError: The package is not installed, or lacks the file.
    """
    spec = find_spec(package)
    folders = [] if spec is None else spec.submodule_search_locations or []
    for folder in folders:
        if (found := Path(folder) / file).is_file():
            return torch.from_numpy(np.loadtxt(found, delimiter=",", dtype=np.uint8))
    raise UserError(f"data={name} is the file {file} of the package {package}, which is not installed; install it")
