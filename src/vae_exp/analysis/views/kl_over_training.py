"""When each latent dimension came to say something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from vae_exp.analysis.kl_history import read_history
from vae_exp.analysis.pictures import by_rate
from vae_exp.analysis.views.base import Subject
from vae_exp.analysis.views.style import COLOURS, GREY, NORMAL, figure, tidy
from vae_exp.types import CountOrZero

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def kl_over_training(subject: Subject, *, num_named: CountOrZero) -> Figure | None:
    """KL of each latent dimension on the validation set, at each validation; None where fewer than two are known.

    Args:
        subject: What is looked at.
        num_named: Dimensions with a colour and a name, those with the highest KL at the end; the others are grey.

    Source: Burgess et al., 2018, "Understanding disentangling in beta-VAE", fig. 3, arXiv:1804.03599
    """
    history = None if subject.folder is None else read_history(subject.folder)
    if history is None or len(history.steps) < 2:
        return None
    nats = torch.tensor(history.nats)  # [validations, D]
    order = by_rate(nats[-1])
    made = figure(7.0, 3.6)
    axes = made.subplots()
    for dim in order[num_named:]:
        axes.plot(history.steps, nats[:, dim].tolist(), color=GREY, linewidth=0.6)
    for place, dim in enumerate(order[:num_named]):
        colour, dash = COLOURS[place % len(COLOURS)], "-" if place < len(COLOURS) else "--"
        axes.plot(history.steps, nats[:, dim].tolist(), color=colour, linestyle=dash, linewidth=1.4, label=f"z{dim}")
    if num_named:
        axes.legend(fontsize=NORMAL - 1, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    axes.set_ylim(bottom=0)
    tidy(axes, title="Rate by latent dimension over training", x="step", y="KL, nats")
    return made
