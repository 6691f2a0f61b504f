"""From one example to another."""

from __future__ import annotations

import torch
from torch import Tensor

from vae_exp.analysis import pictures
from vae_exp.analysis.generate import PATHS
from vae_exp.analysis.views.base import Subject, of_pictures
from vae_exp.analysis.views.style import rows_of_images
from vae_exp.models.vae import VAE
from vae_exp.types import Batch, Count

SPACES = {"real": ("linear", "spherical"), "sphere": ("spherical",), "one_hot": ("linear",), "codes": ("linear",)}
"""Ways between two latents of a space: a straight line leaves a sphere, an arc the cube."""


@of_pictures
def interpolations(subject: Subject, *, num: Count, steps: Count) -> Tensor | None:
    """Pairs of examples and what lies between their latent means, on a straight line and on an arc.

    None where there are fewer than two examples, or several groups of latents.

    Args:
        subject: What is looked at.
        num: Pairs.
        steps: Images from one to the other.

    Source: White, 2016, "Sampling generative networks", arXiv:1609.04468
    """
    model = subject.model
    if not isinstance(model, VAE):
        return None
    both = subject.examples(subject.split, 2 * num)
    pairs = len(both["x"]) // 2
    if pairs == 0:
        return None
    a: Batch = {key: value[:pairs] for key, value in both.items()}  # type: ignore[assignment, index]
    b: Batch = {key: value[pairs : 2 * pairs] for key, value in both.items()}  # type: ignore[assignment, index]
    paths = SPACES[model.posterior.space]
    drawn = [pictures.interpolations(model, a, b, steps=steps, path=PATHS[path]) for path in paths]
    images = torch.stack(drawn, dim=1).flatten(0, 1)  # [pairs * paths, steps, C, H, W]
    return rows_of_images(images, title="Interpolations between examples", rows=list(paths) * pairs)
