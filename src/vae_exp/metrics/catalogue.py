"""How much of all items is recommended, and how little known it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torchmetrics.utilities import dim_zero_cat

from vae_exp.analysis.ranking import ranked
from vae_exp.metrics.base import Need, PerExample, Stage
from vae_exp.types import Batch, Count, DataSpec, VAEOutput


class Catalogue(PerExample):
    """coverage@k, the share of all items that are among the first k of some user, and novelty@k.

    novelty@k = mean over users and their first k items i of -log2 p_i, p_i the share of training users who have i. The
    order is that of `Ranking`.

    Args:
        stages: When it is computed.
        k: Items of each user.

    Source: Ge et al., 2010, "Beyond accuracy: evaluating recommender systems by coverage and serendipity", sec. 3.1;
        Zhou et al., 2010, "Solving the apparent diversity-accuracy dilemma of recommender systems", arXiv:0808.2670
    """

    needs: tuple[Need, ...] = ("target",)
    first: list[Tensor]

    def __init__(self, *, stages: Sequence[Stage], k: Count) -> None:
        super().__init__(stages=stages, names=(f"novelty@{k}",))
        self.k = k
        self.num_items = 1
        self.add_state("first", default=[], dist_reduce_fx="cat")

    def scores(self, batch: Batch, out: VAEOutput, model: Any) -> dict[str, Tensor]:
        self.require(batch)
        spec: DataSpec = model.spec
        preferences = model.reconstruct(batch).mean.flatten(1)
        items, worth = ranked(preferences, batch["x"].flatten(1), self.k)
        unseen = worth > -torch.inf
        self.num_items = preferences.shape[1]
        self.first.append(items[unseen])
        counts = torch.tensor(spec.item_counts, dtype=torch.float32, device=items.device)
        bits = -(counts / spec.train_size).log2()
        return {f"novelty@{self.k}": (bits[items] * unseen).sum(1) / unseen.sum(1).clamp_min(1)}

    def compute(self) -> dict[str, Tensor]:
        figures = super().compute()
        if len(self.first):
            covered = len(dim_zero_cat(self.first).unique()) / self.num_items
            figures[f"coverage@{self.k}"] = torch.tensor(covered, dtype=torch.float64)
        return figures
