"""How well held-out items are ranked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from vae_exp.analysis.ranking import capped_recall, hits, ndcg, ranked, recall
from vae_exp.metrics.base import Need, PerExample, Stage
from vae_exp.types import Batch, Count, VAEOutput


class Ranking(PerExample):
    """ndcg@k, recall@k and capped_recall@k of the target's items in the order of the mean of p(x|z).

    z is the mean of q(z|x); all items but those in x are ranked. Users without an item to be found are left out.

    Args:
        stages: When it is computed.
        ndcg_at: Values of k of ndcg@k.
        recall_at: Values of k of the other two: hits / n and hits / min(k, n), n the items that are to be found.

    Source: Liang et al., 2018, "Variational autoencoders for collaborative filtering", sec. 4.2, arXiv:1802.05814
    """

    needs: tuple[Need, ...] = ("target",)

    def __init__(self, *, stages: Sequence[Stage], ndcg_at: Sequence[Count], recall_at: Sequence[Count]) -> None:
        super().__init__(stages=stages, names=names_of(ndcg_at, recall_at))
        self.ndcg_at, self.recall_at = ndcg_at, recall_at

    def scores(self, batch: Batch, out: VAEOutput, model: Any) -> dict[str, Tensor]:
        self.require(batch)
        mean = model.reconstruct(batch).mean
        return ranking_figures(mean, batch, ndcg_at=self.ndcg_at, recall_at=self.recall_at)


def names_of(ndcg_at: Sequence[int], recall_at: Sequence[int]) -> list[str]:
    """Names of the figures at these values of k."""
    recalls = [f"{name}@{k}" for k in recall_at for name in ("recall", "capped_recall")]
    return [*(f"ndcg@{k}" for k in ndcg_at), *recalls]


def ranking_figures(
    preferences: Tensor, batch: Batch, *, ndcg_at: Sequence[int], recall_at: Sequence[int]
) -> dict[str, Tensor]:
    """The figures of each user who has something to be found, by name.

    Args:
        preferences: What each item is worth, [B, *x_shape], in any unit.
        batch: x, the items that are passed over, and target, those that are to be found.
        ndcg_at: Values of k of ndcg@k.
        recall_at: Values of k of recall@k and capped_recall@k.
    """
    seen, target = batch["x"].flatten(1), batch["target"].flatten(1)
    wanted = (target > 0) & (seen == 0)
    num = wanted.sum(1)
    items, _ = ranked(preferences.flatten(1), seen, max((*ndcg_at, *recall_at)))
    found, num = hits(items, wanted)[num > 0], num[num > 0]
    figures = {f"ndcg@{k}": ndcg(found[:, :k], num) for k in ndcg_at}
    for k in recall_at:
        figures[f"recall@{k}"] = recall(found[:, :k], num)
        figures[f"capped_recall@{k}"] = capped_recall(found[:, :k], num)
    return figures
