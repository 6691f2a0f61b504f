"""Mutual information of discrete variables."""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor


def histogram_bins(codes: Tensor, bins: int) -> Tensor:
    """Number of the bin of each code, [N, D] -> [N, D] int64: equal widths from each column's smallest to its largest.

    A column that does not vary has all its points in bin 0.
    """
    low, high = codes.amin(0), codes.amax(0)
    width = torch.where(high > low, high - low, 1.0)
    return ((codes - low) / width * bins).long().clamp_max(bins - 1)


def entropy(a: Tensor) -> Tensor:
    """Entropy of the empirical distribution of labels [N] int64, nats."""
    nats: Tensor = torch.special.entr(a.bincount().cpu().double() / len(a)).sum()
    return nats


def mutual_information(a: Tensor, b: Tensor) -> Tensor:
    """Mutual information of the empirical joint distribution of labels a [N] and b [N], int64; nats.

    I = sum_ij p_ij log(p_ij / (p_i p_j))
    """
    width = int(b.max()) + 1
    p = (a * width + b).bincount(minlength=(int(a.max()) + 1) * width).reshape(-1, width).cpu().double() / len(a)
    independent = p.sum(1, keepdim=True) * p.sum(0, keepdim=True)
    return (torch.xlogy(p, p) - torch.xlogy(p, independent)).sum().clamp_min(0.0)


def information_between(a: Tensor, b: Tensor) -> Tensor:
    """Mutual information of each column of a [N, D] with each of b [N, F], [D, F] nats."""
    rows = [mutual_information(x, y) for x, y in product(a.unbind(1), b.unbind(1))]
    return torch.stack(rows).reshape(a.shape[1], b.shape[1])
