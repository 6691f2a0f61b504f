"""The images that are measured on, in the forms that the variants read."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vae_exp.data.mnist_5k import mnist_5k

FILES = {"train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", 60_000)}
FILES["test"] = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", 10_000)


class Images(NamedTuple):
    """Where they are.

    Args:
        root: As torchvision's MNIST wants it.
        files: A .npz file of the same images for each network, with x [N, C, H, W] uint8.
        real: Whether they are MNIST itself, rather than 5,000 of its digits over and over.
    """

    root: Path
    files: dict[str, Path]
    real: bool


def prepare(folder: Path, data_root: Path | None) -> Images:
    """Write what the variants read.

    Args:
        folder: Where to.
        data_root: Folder that holds MNIST/raw; None for the digits that come with a package.
    """
    root = folder / "data" if data_root is None else data_root
    if data_root is None:
        _write_mnist(root / "MNIST" / "raw")
    grey = _read(root / "MNIST" / "raw" / FILES["train"][0])[:, None]
    grey_file, colour_file = folder / "grey.npz", folder / "colour.npz"
    np.savez(grey_file, x=grey)
    coloured = np.repeat(np.pad(grey[:20_000], ((0, 0), (0, 0), (2, 2), (2, 2))), 3, axis=1)
    np.savez(colour_file, x=coloured)
    return Images(root, {"mlp": grey_file, "conv": grey_file, "resnet": colour_file}, data_root is not None)


def _write_mnist(folder: Path) -> None:
    table = mnist_5k()["train"]
    x, y = table.x.numpy()[:, 0], table.y.numpy().astype(np.uint8)  # type: ignore[union-attr]
    order = np.random.default_rng(0).permutation(len(x))
    folder.mkdir(parents=True, exist_ok=True)
    for images, labels, count in FILES.values():
        rows = np.resize(order, count)
        (folder / images).write_bytes(struct.pack(">4B3I", 0, 0, 8, 3, count, 28, 28) + x[rows].tobytes())
        (folder / labels).write_bytes(struct.pack(">4BI", 0, 0, 8, 1, count) + y[rows].tobytes())


def _read(file: Path) -> np.ndarray:
    content = file.read_bytes() if file.is_file() else gzip.decompress(file.with_suffix(".gz").read_bytes())
    count, height, width = struct.unpack(">3I", content[4:16])
    return np.frombuffer(content, np.uint8, offset=16).reshape(count, height, width)
