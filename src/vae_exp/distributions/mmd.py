"""The maximum mean discrepancy between two sets of vectors, and its kernels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from vae_exp.types import Positive


class Kernel(nn.Module, ABC):
    """k(x, y), a function of the squared distance, summed over scales C = scale * 2 * D * variance.

    2 * D * variance is the mean squared distance of two draws from a prior of that variance in D dimensions.

    Args:
        variance: Variance of each dimension of the prior.
        scales: Factors on the squared bandwidth.

    Raises:
        ValueError: there are no scales.
    """

    def __init__(self, *, variance: Positive, scales: Sequence[Positive]) -> None:
        super().__init__()
        if not scales:
            raise ValueError("scales=[]: should name at least one scale")
        # Tensors, so that runs that differ in them share a compiled step.
        self.bandwidths = nn.Buffer(2 * variance * torch.tensor([float(scale) for scale in scales]), persistent=False)

    @abstractmethod
    def of(self, squared_distance: Tensor, c: Tensor) -> Tensor:
        """One kernel of the sum, of any shape; c []."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """[..., N, D] and [..., M, D] -> [..., N, M]."""
        squared = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist").square()
        return torch.stack([self.of(squared, x.shape[-1] * c) for c in self.bandwidths]).sum(0)


class RBF(Kernel):
    """k(x, y) = sum over scales of exp(-|x - y|^2 / C), C = scale * 2 * D * variance.

    Args:
        variance: Variance of each dimension of the prior.
        scales: Factors on the squared bandwidth.

    Source: Gretton et al., 2012, "A kernel two-sample test", JMLR 13, sec. 8
    """

    def of(self, squared_distance: Tensor, c: Tensor) -> Tensor:
        return torch.exp(-squared_distance / c)


class IMQ(Kernel):
    """k(x, y) = sum over scales of C / (C + |x - y|^2), C = scale * 2 * D * variance.

    Its tails are heavy: a latent far from the prior still gets a gradient.

    Args:
        variance: Variance of each dimension of the prior.
        scales: Factors on the squared bandwidth.

    Source: Tolstikhin et al., 2018, "Wasserstein auto-encoders", sec. 4, arXiv:1711.01558
    """

    def of(self, squared_distance: Tensor, c: Tensor) -> Tensor:
        return c / (c + squared_distance)


def mmd(x: Tensor, y: Tensor, kernel: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """The unbiased estimate of MMD^2; zero in expectation for equal distributions, and negative about half the time.

    1/(N(N-1)) sum_{i != j} k(x_i, x_j) + 1/(M(M-1)) sum_{i != j} k(y_i, y_j) - 2/(NM) sum_ij k(x_i, y_j)

    Args:
        x: [..., N, D].
        y: [..., M, D].
        kernel: k, [..., N, D] and [..., M, D] -> [..., N, M].

    Returns:
        [...].

    Source: Gretton et al., 2012, "A kernel two-sample test", JMLR 13, eq. 3
    """
    return _within(kernel(x, x)) + _within(kernel(y, y)) - 2 * kernel(x, y).mean((-2, -1))


def _within(gram: Tensor) -> Tensor:
    """Mean of the off-diagonal entries; of a single vector there are none, and it is 0."""
    size = gram.shape[-1]
    return (gram.sum((-2, -1)) - gram.diagonal(dim1=-2, dim2=-1).sum(-1)) / max(size * (size - 1), 1)
