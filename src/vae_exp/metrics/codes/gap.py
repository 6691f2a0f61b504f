"""The gap between the best code of each factor and its runner-up."""

from __future__ import annotations

import torch
from torch import Tensor


def mean_gap(scores: Tensor) -> Tensor:
    """Mean over factors of the highest score less the second highest, scores [D, F]; of one code, less 0."""
    first, second = torch.cat((scores, torch.zeros_like(scores[:1]))).topk(2, dim=0).values
    gap: Tensor = (first - second).mean()
    return gap
