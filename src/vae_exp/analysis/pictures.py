"""What a model sees and makes, as pictures: pure functions of a model.

Each gives [rows, columns, C, H, W] in [0, 1], which `grid` lays out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torchvision.utils import make_grid

from vae_exp.distributions.center import center
from vae_exp.models.vae import VAE
from vae_exp.types import Batch

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@torch.no_grad()
def reconstructions(model: VAE, batch: Batch) -> Tensor:
    """Originals in the first row, and under each the mean of p(x|z) at the mean of q(z|x)."""
    return torch.stack((batch["x"], model.decode(_latents(model, batch), batch.get("y")).mean)).clamp(0, 1)


@torch.no_grad()
def samples(model: VAE, n: int, temperature: float = 1.0) -> Tensor:
    """Means of p(x|z) for `n` latents from the prior, in a square."""
    return square(model.sample(n, temperature=temperature).mean.clamp(0, 1))


def square(images: Tensor) -> Tensor:
    """[N, C, H, W] -> [rows, columns, C, H, W], as many rows as columns or one fewer, the rest of the last blank."""
    columns = math.isqrt(len(images) - 1) + 1
    blank = images.new_ones((-len(images) % columns, *images.shape[1:]))
    return torch.unflatten(torch.cat((images, blank)), 0, (-1, columns))


@torch.no_grad()
def traversals(model: VAE, batch: Batch, *, dims: list[int], steps: int, span: float) -> Tensor:
    """One row for each latent dimension: the latent mean of the batch's first example, that one from -span to span."""
    mean = _latents(model, batch)[:1]
    z = mean.repeat(len(dims), steps, 1)
    for row, dim in enumerate(dims):
        z[row, :, dim] = torch.linspace(-span, span, steps, device=z.device)
    return model.decode(z, batch["y"][:1] if "y" in batch else None).mean.clamp(0, 1)


@torch.no_grad()
def interpolations(model: VAE, a: Batch, b: Batch, *, steps: int) -> Tensor:
    """One row for each pair of examples: along the line between their latent means, with the first one's label."""
    weights = torch.linspace(0, 1, steps, device=a["x"].device)[:, None]
    z = torch.lerp(_latents(model, a)[:, None], _latents(model, b)[:, None], weights)
    return model.decode(z, a["y"][:, None] if "y" in a else None).mean.clamp(0, 1)


def _latents(model: VAE, batch: Batch) -> Tensor:
    return center(model.encode(batch["x"], batch.get("y")))


def grid(images: Tensor, *, min_side: int = 56) -> Tensor:
    """[rows, columns, C, H, W] -> one picture [3, H', W'], small images enlarged by a whole factor."""
    factor = max(1, min_side // images.shape[-1])
    flat = images.flatten(0, 1).repeat_interleave(factor, -1).repeat_interleave(factor, -2).cpu()
    laid: Tensor = make_grid(flat, nrow=images.shape[1], padding=2, pad_value=1.0)
    return laid


def by_rate(kl: Tensor) -> list[int]:
    """Latent dimensions, the one with the highest rate first."""
    return torch.argsort(kl, descending=True).tolist()


def kl_bars(kl: Tensor) -> Figure:
    """Rate of each latent dimension in nats, from the highest to the lowest."""
    from matplotlib.figure import Figure  # half a second that only those who draw should wait

    order = by_rate(kl)
    figure = Figure(figsize=(max(4.0, 0.22 * len(order) + 1.5), 3.0), dpi=120, layout="constrained")
    axes = figure.subplots()
    axes.bar(range(len(order)), kl[order].tolist(), color="#3b6ea5")
    every = max(1, len(order) // 40)
    axes.set_xticks(range(0, len(order), every), [f"z{d}" for d in order[::every]], rotation=90, fontsize=7)
    axes.set_ylabel("KL, nats")
    axes.set_title(f"Rate by latent dimension: {float(kl.sum()):.1f} nats in all", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
