"""What each latent dimension does."""

from __future__ import annotations

import torch
from torch import Tensor

from vae_exp.analysis import pictures
from vae_exp.analysis.views.base import Subject, latent_name, of_pictures, ranked
from vae_exp.analysis.views.style import rows_of_images
from vae_exp.models.vae import VAE
from vae_exp.types import Count, Positive

EXAMPLES = 200
"""Examples whose latent means rank the dimensions where there is no KL."""


@of_pictures
def traversals(subject: Subject, *, num_latents: Count, steps: Count, span: Positive) -> Tensor | None:
    """The first example with one latent dimension varied in each row, the most informative dimension first.

    On a sphere a dimension goes from -1 to 1. None for one-hot latents and codes, whose entries do not vary by
    themselves, and for several groups.

    Args:
        subject: What is looked at.
        num_latents: Dimensions at most.
        steps: Values of each.
        span: The largest of them; the least is its negative.

    Source: Higgins et al., 2017, "beta-VAE", fig. 2, where traversals are so drawn
    """
    model = subject.model
    if not isinstance(model, VAE) or model.posterior.space in ("one_hot", "codes"):
        return None
    batch = subject.examples(subject.split, EXAMPLES)
    order = ranked(subject, pictures.latents(model, batch))
    images = pictures.traversals(model, batch, dims=order[:num_latents], steps=steps, span=span)
    values = torch.linspace(-1, 1, steps) * (1.0 if model.posterior.space == "sphere" else span)
    return rows_of_images(
        images,
        title=f"Latent traversals, {len(images)} of {len(order)}",
        rows=[latent_name(subject, dim) for dim in order[:num_latents]],
        columns=[f"{round(value, 1) + 0.0:.1f}" for value in values.tolist()],  # no "-0.0"
    )
