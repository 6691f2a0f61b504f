"""Which items come first for a user, and how good that order is."""

from __future__ import annotations

import torch
from torch import Tensor


def ranked(scores: Tensor, seen: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The unseen items with the highest scores.

    Args:
        scores: [B, items], any increasing function of what an item is worth.
        seen: [B, items]; where it is above 0 an item is passed over.
        k: How many; at most all items.

    Returns:
        Their numbers and their scores, [B, k] each, the best first; the score of a seen item, which stands behind all
        others, is -inf.
    """
    unseen = scores.masked_fill(seen > 0, -torch.inf)
    best = unseen.topk(min(k, scores.shape[1]), dim=1)
    return best.indices, best.values


def hits(items: Tensor, target: Tensor) -> Tensor:
    """Whether each of the ranked items [B, k] is one of the target's [B, items]; [B, k] of 0 and 1."""
    return (target.gather(1, items) > 0).to(torch.float32)


def ndcg(found: Tensor, num_relevant: Tensor) -> Tensor:
    """Normalised discounted cumulative gain, sum_r hit_r / log2(r + 1) over that of an ideal order, r = 1, ..., k.

    Args:
        found: Hits, [B, k].
        num_relevant: Items that were to be found, [B], at least 1.

    Returns:
        [B], in [0, 1].

    Source: Järvelin & Kekäläinen, 2002, "Cumulated gain-based evaluation of IR techniques"; as Liang et al., 2018,
        sec. 4.2, have it, arXiv:1802.05814
    """
    discounts = 1 / torch.arange(2, found.shape[1] + 2, device=found.device).log2()
    ideal = discounts.cumsum(0)[num_relevant.long().clamp(max=found.shape[1]) - 1]
    return (found * discounts).sum(1) / ideal


def recall(found: Tensor, num_relevant: Tensor) -> Tensor:
    """Share of what was to be found that is among the first k: hits / n; [B], at most k / n."""
    return found.sum(1) / num_relevant


def capped_recall(found: Tensor, num_relevant: Tensor) -> Tensor:
    """The same over what k items can hold, hits / min(k, n); [B], 1 is always within reach.

    Source: Liang et al., 2018, "Variational autoencoders for collaborative filtering", sec. 4.2, arXiv:1802.05814,
        where it is called recall
    """
    return found.sum(1) / num_relevant.clamp(max=found.shape[1])
