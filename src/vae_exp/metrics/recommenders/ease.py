"""A linear autoencoder in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vae_exp.metrics.recommenders.base import Recommender, counts_together
from vae_exp.types import Positive

if TYPE_CHECKING:
    from scipy.sparse import csr_array

BLOCK = 1024  # items whose row of the Gram matrix is made at once


class EASE(Recommender):
    """scores = x B, B = argmin |X - X B|^2 + ridge |B|^2 among those with a diagonal of zeros.

    With P = (X^T X + ridge I)^-1 it is B_ij = -P_ij / P_jj for i != j. Takes 8 bytes for each pair of items.

    Args:
        ridge: Weight of the penalty, in users.

    Source: Steck, 2019, "Embarrassingly shallow autoencoders for sparse data", eq. 8, arXiv:1905.03375
    """

    def __init__(self, *, ridge: Positive) -> None:
        self.ridge = ridge

    def fit(self, x: csr_array) -> None:
        size = x.shape[1]
        gram = torch.empty(size, size)
        for start in range(0, size, BLOCK):
            gram[start : start + BLOCK] = counts_together(x, start, min(start + BLOCK, size))
        gram.diagonal().add_(self.ridge)
        inverse = torch.cholesky_inverse(torch.linalg.cholesky(gram, out=gram))
        self.weights = inverse.div_(-inverse.diagonal().clone())
        self.weights.fill_diagonal_(0)

    def scores(self, x: Tensor) -> Tensor:
        return x @ self.weights.to(x)
