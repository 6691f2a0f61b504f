"""CelebA: faces."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from vae_exp.data.decode import Fit
from vae_exp.data.download import present_or_downloaded
from vae_exp.data.pictures import Pictures
from vae_exp.data.splits import Splits
from vae_exp.types import Count

CROP = 148  # of 178 x 218: the literature's square around the face


def celeba(*, root: str, size: Count) -> Splits:
    """Find CelebA in its official splits: 162,770 pictures to train, 19,867 to validate, 19,962 to test, no classes.

    Args:
        root: Folder that holds `celeba/`.
        size: Height and width, pixels, to which the central 148 x 148 is scaled.

    Raises:
        UserError: The files are missing and cannot be downloaded (which needs the package gdown), or are damaged.
    """
    from torchvision.datasets import CelebA

    def pictures(split: Literal["train", "valid", "test"]) -> Pictures:
        read: Any = present_or_downloaded(
            lambda download: CelebA(str(Path(root).expanduser()), split=split, download=download),
            name="celeba",
            root=root,
        )
        folder = Path(read.root) / read.base_folder / "img_align_celeba"
        files = [folder / name for name in read.filename]
        return Pictures("celeba", files, None, Fit(size=size, channels=3, crop=CROP), (3, size, size))

    return {"train": pictures("train"), "val": pictures("valid"), "test": pictures("test")}
