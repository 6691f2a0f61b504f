"""Omniglot: handwritten characters of fifty alphabets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from vae_exp.data.decode import Fit
from vae_exp.data.download import present_or_downloaded
from vae_exp.data.pictures import Pictures
from vae_exp.data.splits import Splits
from vae_exp.types import Count


def omniglot(*, root: str, size: Count) -> Splits:
    """Find Omniglot: 19,280 pictures to train (964 characters) and 13,180 to test, upright, white on black.

    The characters to test are none of those to train, and so are all labelled -1.

    Args:
        root: Folder that holds `omniglot-py/`.
        size: Height and width, pixels; the files have 105.

    Raises:
        UserError: The files are missing and cannot be downloaded.
    """
    from torchvision.datasets import Omniglot

    def read(*, background: bool) -> Any:
        folder = str(Path(root).expanduser())
        return present_or_downloaded(
            lambda download: Omniglot(folder, background=background, download=download), name="omniglot", root=root
        )

    train, test = _pictures(read(background=True), size), _pictures(read(background=False), size)
    unlabelled = torch.full((len(test),), -1)
    return {"train": train, "test": Pictures(test.name, test.files, unlabelled, test.decode, test.shape)}


def _pictures(read: Any, size: int) -> Pictures:
    folder = Path(read.target_folder)
    files = [folder / read._characters[character] / name for name, character in read._flat_character_images]
    y = torch.tensor([character for _, character in read._flat_character_images])
    return Pictures("omniglot", files, y, Fit(size=size, channels=1, invert=True), (1, size, size))
