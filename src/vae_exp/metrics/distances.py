"""How far apart two sets of feature vectors are: pure functions of real [N, F] and made [M, F]."""

from __future__ import annotations

import torch
from torch import Tensor

from vae_exp.distributions.mmd import mmd


def frechet(real: Tensor, made: Tensor) -> Tensor:
    """|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)), of the sets' means and unbiased covariances; [], float64.

    The trace of the root is the sum of the roots of the eigenvalues of S1^(1/2) S2 S1^(1/2), which is symmetric. The
    estimate is too high by a term that falls as 1/N: compare figures of equally many pictures.

    Source: Heusel et al., 2017, "GANs trained by a two time-scale update rule", eq. 6, arXiv:1706.08500
    """
    real, made = real.cpu().double(), made.cpu().double()
    s1, s2 = torch.atleast_2d(torch.cov(real.T)), torch.atleast_2d(torch.cov(made.T))
    values, vectors = torch.linalg.eigh(s1)
    root = vectors * values.clamp_min(0).sqrt() @ vectors.T
    trace_of_root = torch.linalg.eigvalsh(root @ s2 @ root).clamp_min(0).sqrt().sum()
    between = (real.mean(0) - made.mean(0)).square().sum()
    distance: Tensor = between + s1.trace() + s2.trace() - 2 * trace_of_root
    return distance


def kernel_distance(real: Tensor, made: Tensor) -> Tensor:
    """The unbiased squared maximum mean discrepancy with k(x, y) = (x'y / F + 1)^3; [], float64, can be negative.

    Source: Binkowski et al., 2018, "Demystifying MMD GANs", sec. 4, arXiv:1801.01401
    """
    return mmd(real.cpu().double(), made.cpu().double(), _cubic)


def _cubic(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.mT / x.shape[-1] + 1) ** 3


def coverage_of_manifolds(real: Tensor, made: Tensor, neighbours: int) -> dict[str, Tensor]:
    """Precision, recall, density and coverage, by balls around each point that reach its k-th nearest neighbour.

        precision = share of made points in some ball of the real ones
        recall    = share of real points in some ball of the made ones
        density   = number of real balls that a made point is in, a mean, divided by k; can exceed 1
        coverage  = share of real balls with a made point in them

    Args:
        real: [N, F], N > k.
        made: [M, F], M > k.
        neighbours: k.

    Source: Kynkaanniemi et al., 2019, "Improved precision and recall metric", eq. 1-2, arXiv:1904.06991; Naeem et al.,
        2020, "Reliable fidelity and diversity metrics for generative models", arXiv:2002.09797
    """
    between = _distances(real, made)
    of_real, of_made = _reach(real, neighbours), _reach(made, neighbours)
    in_real = between <= of_real[:, None]  # [N, M]: made point m is in the ball of real point n
    return {
        "precision": in_real.any(0).cpu().double().mean(),
        "recall": (between <= of_made).any(1).cpu().double().mean(),
        "density": in_real.sum(0).cpu().double().mean() / neighbours,
        "coverage": in_real.any(1).cpu().double().mean(),
    }


def _reach(points: Tensor, neighbours: int) -> Tensor:
    """Distance of each point to its k-th nearest neighbour, itself not counted; [N]."""
    return _distances(points, points).kthvalue(neighbours + 1, dim=1).values


def _distances(x: Tensor, y: Tensor) -> Tensor:
    # Not by a product of matrices, which gives equal points a distance.
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")
