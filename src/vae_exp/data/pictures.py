"""A data set of picture files that are decoded when they are asked for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from vae_exp.data.members import Members
from vae_exp.data.splits import Split
from vae_exp.errors import UserError


@dataclass(eq=False)
class Pictures(Split, Dataset[tuple[Tensor, int]]):
    """Picture files, decoded one at a time.

    Args:
        name: Name of the data set.
        files: The files, in a fixed order: paths, or members of tar files.
        y: Classes, [N] int64, -1 = unlabelled, or None where the data set has no labels. Known without decoding.
        decode: Makes [C, H, W] uint8 of a file. Its `repr` names its settings: it is part of the cache's key.
        shape: What `decode` makes, (channels, height, width).
    """

    name: str
    files: Sequence[Path] | Members
    y: Tensor | None
    decode: Callable[[Any], Tensor]
    shape: tuple[int, int, int]

    factors = None  # files do not tell them

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.decode(self.files[index]), -1 if self.y is None else int(self.y[index])

    def inputs(self, indices: Tensor) -> dict[str, Tensor]:
        return {"x": stack(self, indices.tolist())}

    def binarized(self, seed: int) -> Pictures:
        raise UserError(
            f"data.binarize=static needs the data in memory, and a split takes {self.decoded_bytes / 1e9:.1f} GB; "
            "raise data.memory_limit_gb or use data.binarize=threshold"
        )

    @property
    def decoded_bytes(self) -> int:
        """Memory that all pictures take when decoded, bytes."""
        channels, height, width = self.shape
        return len(self.files) * channels * height * width

    def fingerprint(self) -> str:
        """Hash what changes when a file is added, removed or edited, or when decoding has other settings.

        Raises:
            UserError: A file is missing.
        """
        try:
            contents = self.files.contents() if isinstance(self.files, Members) else _contents(self.files)
        except OSError as error:
            raise UserError(f"a picture of data={self.name} cannot be read: {error}") from error
        key = json.dumps([self.name, self.shape, repr(self.decode), contents])
        return hashlib.sha256(key.encode()).hexdigest()[:32]


def _contents(files: Sequence[Path]) -> list[tuple[Any, ...]]:
    stats = [(file, file.stat()) for file in files]
    return [(str(file), stat.st_size, stat.st_mtime_ns) for file, stat in stats]


def stack(pictures: Pictures, indices: Sequence[int]) -> Tensor:
    """Decode some pictures, [B, C, H, W] uint8."""
    return torch.stack([pictures[index][0] for index in indices])
