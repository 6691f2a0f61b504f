"""What each latent dimension does, in motion."""

from __future__ import annotations

import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torchvision.transforms.functional import pil_to_tensor

from vae_exp.analysis import pictures
from vae_exp.analysis.views.base import Subject, latent_name, of_pictures, ranked
from vae_exp.analysis.views.style import GAP, LINE, write
from vae_exp.analysis.views.traversals import EXAMPLES
from vae_exp.models.vae import VAE
from vae_exp.types import Count, Positive

SIDE = 104
"""Pixels of an image at least, so that the name above it has room."""


@of_pictures
def animated_traversals(
    subject: Subject, *, num_latents: Count, columns: Count, steps: Count, span: Positive
) -> Tensor | None:
    """The traversals of the most informative latent dimensions side by side, forth and back: [T, 3, H, W].

    None for one-hot latents, for codes and for several groups.

    Args:
        subject: What is looked at.
        num_latents: Dimensions at most.
        columns: Dimensions side by side.
        steps: Images from one end to the other.
        span: The largest value; the least is its negative.

    Source: Higgins et al., 2017, "beta-VAE"
    """
    model = subject.model
    if not isinstance(model, VAE) or model.posterior.space in ("one_hot", "codes"):
        return None
    batch = subject.examples(subject.split, EXAMPLES)
    order = ranked(subject, pictures.latents(model, batch))[:num_latents]
    images = pictures.traversals(model, batch, dims=order, steps=steps, span=span)  # [D, steps, C, H, W]
    factor = -(-SIDE // images.shape[-1])
    large = images.repeat_interleave(factor, -1).repeat_interleave(factor, -2).cpu()
    tiles = torch.stack([_under(latent_name(subject, dim), row) for dim, row in zip(order, large, strict=True)])
    missing = -len(order) % min(columns, len(order))
    tiles = torch.cat((tiles, tiles.new_ones(missing, *tiles.shape[1:])))
    forth = torch.stack([_laid(frame, min(columns, len(order))) for frame in tiles.unbind(1)])
    return torch.cat((forth, forth.flip(0)[1:-1]))


def _under(name: str, frames: Tensor) -> Tensor:
    """[T, C, H, W] -> [T, 3, H', W'], with a name above and a margin."""
    band = Image.new("RGB", (frames.shape[-1], LINE), "white")
    write(ImageDraw.Draw(band), (1, LINE - 4), name, "ls")
    above = (pil_to_tensor(band).float() / 255).expand(len(frames), -1, -1, -1)
    below = frames[:, :3].float().expand(-1, 3, -1, -1)
    return torch.nn.functional.pad(torch.cat((above, below), dim=-2), (GAP,) * 4, value=1.0)


def _laid(tiles: Tensor, columns: int) -> Tensor:
    """[N, C, H, W] -> [C, rows * H, columns * W]."""
    rows = torch.unflatten(tiles, 0, (-1, columns))
    return torch.cat([torch.cat(list(row), dim=-1) for row in rows], dim=-2)
