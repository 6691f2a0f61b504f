"""Batches and nothing else."""

from __future__ import annotations

import sys

import torch
from turns import every_turn


def by_torchvision(root: str) -> int:
    """As in PyTorch's examples."""
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    data = datasets.MNIST(root, train=True, transform=transforms.ToTensor())
    return sum(len(x) for x, _ in DataLoader(data, batch_size=128, shuffle=True))


def main(way: str, root: str) -> None:
    """An epoch a turn."""
    if way == "torchvision":
        every_turn(lambda: by_torchvision(root))
    from vae_exp.build import build_data
    from vae_exp.config.check import check
    from vae_exp.config.compose import compose

    binarize, flip = ("none", "true") if way == "flip" else (way, "false")
    chosen = [f"data.root={root}", "data=mnist", f"data.binarize={binarize}", f"data.flip={flip}", "run_dir=."]
    data = build_data(check(compose("train", chosen)))
    torch.manual_seed(0)
    every_turn(lambda: sum(len(data.prepare(batch, train=True)["x"]) for batch in data.train_dataloader()))


main(*sys.argv[1:])
