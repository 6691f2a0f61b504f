"""How much each latent dimension says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vae_exp.analysis.pictures import by_rate
from vae_exp.analysis.views.base import Subject
from vae_exp.analysis.views.style import BLUE, SMALL, figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = 40
"""Names on the axis at most."""


def kl_per_dim(subject: Subject) -> Figure | None:
    """KL(q(z_j|x) || p(z_j)) of each latent dimension in nats, from the highest; None where it does not divide.

    Source: Higgins et al., 2017, "beta-VAE", fig. 7
    """
    if subject.kl is None:
        return None
    kl = subject.kl.cpu()
    order = by_rate(kl)
    made = figure(min(16.0, max(4.0, 0.22 * len(order) + 1.5)), 3.0)
    axes = made.subplots()
    axes.bar(range(len(order)), kl[order].tolist(), color=BLUE)
    every = -(-len(order) // NAMES)
    axes.set_xticks(range(0, len(order), every), [f"z{dim}" for dim in order[::every]], rotation=90)
    tidy(axes, title=f"Rate by latent dimension: {float(kl.sum()):.1f} nats in all", y="KL, nats")
    axes.tick_params(axis="x", labelsize=SMALL)
    return made
