"""What a model sees and makes, as images: pure functions of a model.

Each gives [rows, columns, C, H, W] in [0, 1], which `grid` lays out.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torchvision.utils import make_grid

from vae_exp.models.base import Model
from vae_exp.models.class_model import ClassModel
from vae_exp.models.vae import VAE, one_group
from vae_exp.types import Batch

SIDE = 56
"""Pixels to which small images are enlarged, by the whole factor that comes nearest."""

Path = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(a [..., D], b [..., D], weight of b [..., 1]) -> a point between them [..., D]."""


@torch.no_grad()
def latents(model: Model, batch: Batch) -> Tensor:
    """The latent mean of each example, or the point that stands for it, [B, D]."""
    return model.latents(batch)


@torch.no_grad()
def reconstructions(model: Model, batch: Batch) -> Tensor:
    """Originals in the first row, and under each the mean of p(x|z) at the mean of q(z|x)."""
    return torch.stack((batch["x"], model.reconstruct(batch).mean)).clamp(0, 1)


@torch.no_grad()
def of_every_class(model: Model, batch: Batch) -> Tensor:
    """Originals in the first row, and under each its own style in one class after the other."""
    classes = torch.arange(model.spec.num_classes, device=batch["x"].device)
    of_classes = model if isinstance(model, ClassModel) else one_group(model, "a picture by class")
    return torch.cat((batch["x"][None], of_classes.as_classes(batch, classes).mean)).clamp(0, 1)


@torch.no_grad()
def samples(model: Model, n: int, temperature: float = 1.0) -> Tensor:
    """Means of p(x|z) for `n` latents from the prior, in one row."""
    return model.sample(n, temperature=temperature).mean.clamp(0, 1)[None]


def square(images: Tensor) -> Tensor:
    """[N, C, H, W] -> [rows, columns, C, H, W], as many rows as columns or one fewer, the rest of the last blank."""
    columns = math.isqrt(len(images) - 1) + 1
    blank = images.new_ones((-len(images) % columns, *images.shape[1:]))
    return torch.unflatten(torch.cat((images, blank)), 0, (-1, columns))


@torch.no_grad()
def traversals(model: VAE, batch: Batch, *, dims: list[int], steps: int, span: float) -> Tensor:
    """One row for each latent dimension: the latent mean of the batch's first example, that one from -span to span.

    On a sphere the dimension goes from -1 to 1, whatever the span, and the others shrink so that the point stays there.
    """
    mean = latents(model, batch)[:1]
    on_sphere = model.posterior.space == "sphere"
    values = torch.linspace(-1, 1, steps).to(mean) * (1.0 if on_sphere else span)
    z = mean.repeat(len(dims), steps, 1)
    for row, dim in enumerate(dims):
        z[row, :, dim] = 0
        if on_sphere:
            z[row] *= ((1 - values**2) / z[row].square().sum(-1).clamp_min(1e-12)).clamp_min(0).sqrt()[:, None]
        z[row, :, dim] = values
    return model.decode(z, batch["y"][:1] if "y" in batch else None).mean.clamp(0, 1)


@torch.no_grad()
def interpolations(model: VAE, a: Batch, b: Batch, *, steps: int, path: Path = torch.lerp) -> Tensor:
    """One row for each pair of examples: along a path between their latent means, with the first one's label."""
    weights = torch.linspace(0, 1, steps, device=a["x"].device)[:, None]
    first, second = latents(model, a)[:, None], latents(model, b)[:, None]
    return model.decode(path(first, second, weights.to(first)), a["y"][:, None] if "y" in a else None).mean.clamp(0, 1)


def slerp(a: Tensor, b: Tensor, weight: Tensor) -> Tensor:
    """A point between two along the great circle: sin((1 - w) t) / sin(t) a + sin(w t) / sin(t) b, t their angle.

    Between points of one length all points have that length; where the two lie on one line, it is the line itself.

    Source: White, 2016, "Sampling generative networks", arXiv:1609.04468; Shoemake, 1985, "Animating rotation with
        quaternion curves"
    """
    cosine = torch.nn.functional.cosine_similarity(a, b, dim=-1)[..., None].clamp(-1, 1)
    angle = torch.arccos(cosine)
    sine = torch.sin(angle)
    straight = sine < 1e-4
    sine = torch.where(straight, torch.ones_like(sine), sine)
    arc = (torch.sin((1 - weight) * angle) * a + torch.sin(weight * angle) * b) / sine
    return torch.where(straight, torch.lerp(*torch.broadcast_tensors(a, b, weight)), arc)


def enlarged(images: Tensor) -> Tensor:
    """[..., H, W], small images enlarged by a whole factor."""
    factor = max(1, round(SIDE / images.shape[-1]))
    return images.repeat_interleave(factor, -1).repeat_interleave(factor, -2)


def grid(images: Tensor) -> Tensor:
    """[rows, columns, C, H, W] -> one picture [3, H', W'], small images enlarged by a whole factor."""
    laid: Tensor = make_grid(enlarged(images.flatten(0, 1)).cpu(), nrow=images.shape[1], padding=2, pad_value=1.0)
    return laid


def by_rate(kl: Tensor) -> list[int]:
    """Latent dimensions, the one with the highest rate first."""
    return torch.argsort(kl, descending=True).tolist()
