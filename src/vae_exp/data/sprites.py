"""Sprites with known factors, made here."""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor

from vae_exp.data.drawn import Drawn
from vae_exp.data.factors import Factors, to_factors
from vae_exp.data.render import NAMES, SIZES, render
from vae_exp.data.splits import Split, Splits
from vae_exp.data.table import Table
from vae_exp.errors import UserError
from vae_exp.types import Count, Seed


def sprites(
    *,
    size: Count,
    num_colors: Count,
    num_train: Count | None,
    num_val: Count,
    num_test: Count,
    on_the_fly: bool,
    seed: Seed,
) -> Splits:
    """Draw white squares, ellipses and hearts on black, of independent scale, orientation, x and y, as in dSprites.

    x is [N, C, size, size] uint8; factors are [N, F] int64, in dSprites' order and sizes: shape 3, scale 6,
    orientation 40, x 32, y 32, and before them the colour where there is more than one. y is the shape. The tuples of
    the three splits are drawn without replacement from the 737,280 (times the colours) that there are.

    Args:
        size: Height and width, pixels.
        num_colors: 1 for white and one channel, more for as many hues and three.
        num_train: Training examples; None for all tuples that are in no other split.
        num_val: Validation examples.
        num_test: Test examples.
        on_the_fly: Whether training examples are drawn on the device whenever they are used; otherwise once, and held.
        seed: Seed of the choice of tuples.

    Raises:
        UserError: There are fewer tuples than are asked for.

    Source: Matthey et al., 2017, "dSprites: disentanglement testing sprites dataset"
    """
    names, sizes = (("color", *NAMES), (num_colors, *SIZES)) if num_colors > 1 else (NAMES, SIZES)
    total = math.prod(sizes)
    held_out = num_val + num_test
    if held_out + (num_train or 1) > total:
        raise UserError(
            f"data.num_train={num_train}, data.num_val={num_val} and data.num_test={num_test} are more than the "
            f"{total} sprites that there are; give smaller numbers, or null for num_train"
        )
    chosen = torch.randperm(total, generator=torch.Generator().manual_seed(seed))
    chosen = chosen[: None if num_train is None else held_out + num_train]
    draw = partial(render, size=size, num_colors=num_colors)

    def split(numbers: Tensor, *, on_the_fly: bool) -> Split:
        factors = Factors(to_factors(numbers, sizes), names, sizes, "shape", draw)
        if on_the_fly:
            return Drawn(factors, factors.y, (1 if num_colors == 1 else 3, size, size))
        return Table(draw(factors.values), factors.y, factors)

    return {
        "train": split(chosen[held_out:], on_the_fly=on_the_fly),
        "val": split(chosen[:num_val], on_the_fly=False),
        "test": split(chosen[num_val:held_out], on_the_fly=False),
    }
