"""Which latent knows which factor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vae_exp.analysis.discrete import entropy, histogram_bins, information_between
from vae_exp.analysis.pictures import latents
from vae_exp.analysis.views.base import Subject, factors_of, latent_name, ranked
from vae_exp.analysis.views.style import MAP, NORMAL, SMALL, figure
from vae_exp.types import Count

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def mutual_information(subject: Subject, *, num: Count, bins: Count, num_latents: Count) -> Figure | None:
    """I(z_j; v_k) / H(v_k) for each factor v_k, or the label, and each latent mean z_j, from 0 to 1.

    From N examples it is too high by about (bins - 1) (values - 1) / (2 N) nats: each row is told what latents that
    know nothing come to, the mean over the same ones with the examples in another order. None where neither factors
    nor labels are known.

    Args:
        subject: What is looked at.
        num: Examples.
        bins: Bins of equal width into which each latent mean is put.
        num_latents: Latent dimensions at most, those with the highest KL.

    Source: Chen et al., 2018, "Isolating sources of disentanglement in variational autoencoders", sec. 4,
        arXiv:1802.04942
    """
    if not factors_of(subject, subject.examples(subject.split, 1)):
        return None
    batch = subject.examples(subject.split, num)
    factors = factors_of(subject, batch)
    if not factors:  # some labels are missing
        return None
    means = latents(subject.model, batch)
    order = ranked(subject, means)[:num_latents]
    columns = [torch.unique(values, return_inverse=True)[1] for values in factors.values()]
    entropies = torch.stack([entropy(column) for column in columns])
    known, codes = torch.stack(columns, dim=1), histogram_bins(means[:, order], bins)
    elsewhere = torch.randperm(len(codes), generator=torch.Generator().manual_seed(0)).to(codes.device)
    shares, chance = (
        information_between(known, rows) / entropies.clamp_min(1e-12)[:, None] for rows in (codes, codes[elsewhere])
    )
    names = [
        f"{name}, H = {nats:.2f} nats; by chance {level:.2f}"
        for name, nats, level in zip(factors, entropies.tolist(), chance.mean(1).tolist(), strict=True)
    ]
    return _drawn(shares.cpu(), names, [latent_name(subject, dim) for dim in order])


def _drawn(shares: Tensor, rows: list[str], columns: list[str]) -> Figure:
    made = figure(0.42 * len(columns) + 4.2, 0.42 * len(rows) + 1.9)
    axes = made.subplots()
    drawn = axes.imshow(shares.tolist(), cmap=MAP, vmin=0, vmax=1)
    for row, values in enumerate(shares.tolist()):
        for column, share in enumerate(values):
            ink = "black" if share > 0.6 else "white"
            axes.text(column, row, f"{share:.2f}", ha="center", va="center", fontsize=6, color=ink)
    axes.set_xticks(range(len(columns)), columns, rotation=90, fontsize=SMALL)
    axes.set_yticks(range(len(rows)), rows, fontsize=SMALL)
    axes.set_title("Mutual information of latents and factors,\nas a share of the factor's entropy", fontsize=NORMAL)
    made.colorbar(drawn, ax=axes, shrink=0.8).ax.tick_params(labelsize=SMALL)
    return made
