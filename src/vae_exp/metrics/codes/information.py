"""Mutual information of codes and factors."""

from __future__ import annotations

import torch
from torch import Tensor

from vae_exp.analysis.discrete import entropy, histogram_bins, information_between
from vae_exp.metrics.codes.table import CodeTable, chosen


def codes_and_factors(table: CodeTable, *, num_points: int, bins: int, seed: int) -> tuple[Tensor, Tensor]:
    """Mutual information of each binned code with each factor [D, F], and the entropies of the factors [F]; nats."""
    some = chosen(len(table.codes), num_points, seed)
    factors = table.factors[some]
    information = information_between(histogram_bins(table.codes[some], bins), factors)
    return information, torch.stack([entropy(column) for column in factors.unbind(1)])
