"""Which latents are neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from vae_exp.analysis.pictures import latents
from vae_exp.analysis.views.base import Subject, factors_of
from vae_exp.analysis.views.scatter import scatter
from vae_exp.types import Count, Positive, Seed

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def latent_tsne(subject: Subject, *, num: Count, perplexity: Positive, seed: Seed) -> Figure | None:
    """Latent means of examples in a plane where neighbours stay neighbours, coloured by label or factor.

    Distances between clusters, and their sizes, mean nothing. None where there are fewer than ten examples, or they
    all have one mean.

    Args:
        subject: What is looked at.
        num: Examples.
        perplexity: Number of neighbours that count, at most a third of the examples.
        seed: Of what the optimisation draws.

    Source: van der Maaten & Hinton, 2008, "Visualizing data using t-SNE"
    """
    batch = subject.examples(subject.split, num)
    means = latents(subject.model, batch)
    if len(means) < 10 or bool((means.var(0) == 0).all()):
        return None
    from sklearn.manifold import TSNE  # as slow to import as torch

    start = "pca" if means.shape[1] > 1 else "random"
    within = min(perplexity, (len(means) - 1) / 3)
    made = TSNE(perplexity=within, init=start, random_state=seed).fit_transform(means.cpu().float().numpy())
    return scatter(torch.from_numpy(made), factors_of(subject, batch), title="Latent means, t-SNE")
