"""The latent space in its two widest directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vae_exp.analysis.pictures import latents
from vae_exp.analysis.views.base import Subject, factors_of
from vae_exp.analysis.views.scatter import scatter
from vae_exp.types import Count

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def latent_pca(subject: Subject, *, num: Count) -> Figure | None:
    """Latent means of examples along their first two principal components, coloured by label or factor.

    None where there is one latent dimension, or fewer than three examples.

    Args:
        subject: What is looked at.
        num: Examples.

    Source: Pearson, 1901, "On lines and planes of closest fit to systems of points in space"
    """
    batch = subject.examples(subject.split, num)
    means = latents(subject.model, batch)
    if means.shape[1] < 2 or len(means) < 3:
        return None
    points, shares = principal(means, 2)
    x, y = (f"component {i + 1}, {100 * share:.0f}% of the variance" for i, share in enumerate(shares.tolist()))
    return scatter(points, factors_of(subject, batch), title="Latent means, principal components", x=x, y=y)


def principal(points: Tensor, num: int) -> tuple[Tensor, Tensor]:
    """Coordinates along the first principal components, [N, num], and the share of the variance of each, [num]."""
    points = points.cpu().double()
    centred = points - points.mean(0)
    _, spread, directions = torch.linalg.svd(centred, full_matrices=False)
    shares = spread.square() / spread.square().sum().clamp_min(torch.finfo(spread.dtype).tiny)
    return centred @ directions[:num].T, shares[:num]
