"""All images of a model with two latent dimensions."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent

from vae_exp.analysis.views.base import Subject, of_pictures
from vae_exp.analysis.views.style import rows_of_images
from vae_exp.models.vae import VAE
from vae_exp.types import Count, CountOrZero

DRAWS = 10_000
"""Of a prior whose quantiles are not known."""


@of_pictures
@torch.no_grad()
def manifold(subject: Subject, *, side: Count, label: CountOrZero) -> Tensor | None:
    """Images at a grid of quantiles of the prior, (i - 1/2) / side; z0 grows to the right and z1 upward.

    None where the latent space is not a plane, or has no such label.

    Args:
        subject: What is looked at.
        side: Images in a row and in a column.
        label: Class of the images, for a model with a context.

    Source: Kingma & Welling, 2014, "Auto-encoding variational Bayes", fig. 4, arXiv:1312.6114
    """
    model = subject.model
    if not isinstance(model, VAE):
        return None
    plane = model.posterior.space == "real" and model.posterior.event_shape == (2,)
    if not plane or (model.conditional and label >= model.spec.num_classes):
        return None
    probabilities = (torch.arange(side, device=next(model.parameters()).device) + 0.5) / side
    x, y = quantiles(model.p_z(), probabilities).T
    z = torch.stack(torch.meshgrid(x, y.flip(0), indexing="xy"), dim=-1)  # [side, side, 2]
    classes = torch.full((1,), label, device=z.device) if model.conditional else None
    images = model.decode(z, classes).mean.clamp(0, 1)
    title = "The latent plane, by quantiles of the prior" + (f", label {label}" if model.conditional else "")
    rows = [f"{value:.2f}" for value in y.flip(0).tolist()]
    return rows_of_images(images, title=title, rows=rows, columns=[f"{value:.2f}" for value in x.tolist()])


def quantiles(p: Distribution, probabilities: Tensor) -> Tensor:
    """Quantiles of each dimension, [N, D]: exact where the distribution divides and knows them, else of draws."""
    if isinstance(p, Independent):
        try:
            exact: Tensor = p.base_dist.icdf(probabilities.to(p.mean)[:, None])
        except NotImplementedError:
            pass
        else:
            return exact
    draws = p.sample(torch.Size([DRAWS]))
    return torch.quantile(draws, probabilities.to(draws), dim=0)
