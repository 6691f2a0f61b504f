"""What several tests make."""

import torch

from vae_exp.data.datamodule import DataModule
from vae_exp.data.table import Table


def grey(n=40, shape=(1, 5, 3), dtype=torch.uint8):
    x = torch.randint(0, 256, (n, *shape), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    x = x if dtype == torch.uint8 else x.float() / 255
    return {"train": Table(x, torch.arange(n) % 4)}


def module(tmp_path, dataset=grey, **changes):
    settings = {
        "dataset": dataset,
        "root": str(tmp_path / "root"),
        "batch_size": 8,
        "eval_batch_size": 5,
        "val_fraction": 0.1,
        "test_fraction": 0.1,
        "num_labels": None,
        "labelled_batch_size": 3,
        "split_seed": 0,
        "seed": 0,
        "binarize": "none",
        "flip": False,
        "num_workers": 0,
        "memory_limit_gb": 4,
    }
    made = DataModule(**(settings | changes))
    made.setup()
    return made


def to_index(factors, sizes):
    """Number of each tuple when all are counted with the last factor fastest: [..., F] -> [...], int64."""
    index = torch.zeros_like(factors[..., 0])
    for column, size in zip(factors.unbind(-1), sizes, strict=True):
        index = index * size + column
    return index
