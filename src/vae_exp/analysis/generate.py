"""Images from a model, in batches of rows: what `vae-exp sample` writes.

Every function here takes a model, a source of examples (a count -> [n, C, H, W] in [0, 1], asked only if needed), the
number of rows wanted and how many to make at a time, and yields [rows, columns, C, H, W] in [0, 1].
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import torch
from torch import Tensor

from vae_exp.analysis import pictures
from vae_exp.models.vae import VAE
from vae_exp.types import Count, NonNegative, Positive

Examples = Callable[[int], Tensor]


@torch.no_grad()
def sample(
    model: VAE,
    examples: Examples,
    num: int,
    batch_size: int,
    *,
    temperature: NonNegative,
    pixels: Literal["mean", "sample"],
) -> Iterator[Tensor]:
    """Draw from the prior and decode; one column.

    Args:
        model: The model.
        examples: Not needed.
        num: Images.
        batch_size: Images at a time.
        temperature: Factor on the spread of the prior; 1 is the prior itself.
        pixels: The mean of p(x|z), or a draw from it, which has the pixels' noise.
    """
    del examples
    for start in range(0, num, batch_size):
        p_x = model.sample(min(batch_size, num - start), temperature)
        yield (p_x.mean if pixels == "mean" else p_x.sample()).clamp(0, 1)[:, None]


def reconstruct(model: VAE, examples: Examples, num: int, batch_size: int) -> Iterator[Tensor]:
    """Test examples, and beside each its mean reconstruction; two columns."""
    for x in examples(num).split(batch_size):
        yield pictures.reconstructions(model, x).transpose(0, 1)


def interpolate(model: VAE, examples: Examples, num: int, batch_size: int, *, steps: Count) -> Iterator[Tensor]:
    """From one test example to another along the line between their latent means; `steps` columns."""
    x = examples(2 * num)
    pairs = len(x) // 2
    for a, b in zip(x[:pairs].split(batch_size), x[pairs : 2 * pairs].split(batch_size), strict=True):
        yield pictures.interpolations(model, a, b, steps=steps)


def traverse(
    model: VAE, examples: Examples, num: int, batch_size: int, *, steps: Count, span: Positive
) -> Iterator[Tensor]:
    """The first test example, one row for each latent dimension from -span to span; at most `num` rows."""
    x = examples(1)
    latent_dim = model.encode(x).mean.shape[-1]
    for start in range(0, min(num, latent_dim), batch_size):
        dims = list(range(start, min(start + batch_size, num, latent_dim)))
        yield pictures.traversals(model, x, dims=dims, steps=steps, span=span)
