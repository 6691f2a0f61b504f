"""How far codes are from independent, whatever they stand for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vae_exp.analysis.discrete import histogram_bins, information_between
from vae_exp.metrics.base import Need, Stage
from vae_exp.metrics.codes.base import CodeScore
from vae_exp.metrics.codes.table import checked_codes, chosen
from vae_exp.types import Count, Seed


def gaussian_total_correlation(covariance: Tensor) -> Tensor:
    """KL(N(0, S) || N(0, diag S)) = (sum_j log S_jj - log det S) / 2, nats; S [D, D].

    A code that does not vary is left out. Infinite where one code follows from the others.

    Source: Locatello et al., 2019, "Challenging common assumptions in the unsupervised learning of disentangled
    representations", arXiv:1811.12359
    """
    covariance = _varying(covariance)
    scale = covariance.diagonal().sqrt()
    eigenvalues = torch.linalg.eigvalsh(covariance / scale / scale[:, None])
    rounding = len(scale) * torch.finfo(covariance.dtype).eps
    return (-0.5 * torch.where(eigenvalues > rounding, eigenvalues, 0.0).log().sum()).clamp_min(0)


def gaussian_wasserstein(covariance: Tensor) -> Tensor:
    """Squared 2-Wasserstein distance of N(0, S) and N(0, diag S): 2 tr S - 2 tr (R S R)^(1/2), R^2 = diag S; S [D, D].

    Source: Locatello et al., 2019, "Challenging common assumptions in the unsupervised learning of disentangled
    representations", arXiv:1811.12359
    """
    root = covariance.diagonal().sqrt()
    eigenvalues = torch.linalg.eigvalsh(covariance * root * root[:, None]).clamp_min(0)
    distance: Tensor = 2 * covariance.trace() - 2 * eigenvalues.sqrt().sum()
    return distance.clamp_min(0)


def code_mutual_information(codes: Tensor, *, bins: Count) -> Tensor:
    """Mean over pairs of different codes of the mutual information of their bins, nats; codes [N, D].

    Source: Locatello et al., 2019, "Challenging common assumptions in the unsupervised learning of disentangled
    representations", arXiv:1811.12359
    """
    binned, size = histogram_bins(codes, bins), codes.shape[1]
    if size == 1:
        return torch.zeros((), dtype=codes.dtype)
    information = information_between(binned, binned)
    return (information.sum() - information.trace()) / (size * (size - 1))


def _varying(covariance: Tensor) -> Tensor:
    kept = covariance.diagonal() > 0
    return covariance[kept][:, kept]


class Unsupervised(CodeScore):
    """gaussian_total_correlation, gaussian_wasserstein and code_mutual_information; they need no factors.

    Args:
        stages: When it is computed.
        num_points: Points used.
        bins: Bins of each code, for their mutual information.
        seed: Seed of their choice.

    Source: Locatello et al., 2019, "Challenging common assumptions in the unsupervised learning of disentangled
    representations", arXiv:1811.12359
    """

    needs: tuple[Need, ...] = ()

    def __init__(self, *, stages: Sequence[Stage], num_points: Count, bins: Count, seed: Seed) -> None:
        super().__init__(stages=stages)
        self.num_points, self.bins, self.seed = num_points, bins, seed

    def scores(self, codes: Tensor, factors: Tensor) -> dict[str, Tensor]:
        codes = checked_codes(codes)[chosen(len(codes), self.num_points, self.seed)]
        shifted = codes - codes[0]  # a code that does not vary then has no variance, not even by rounding
        covariance = shifted.T.cov().reshape(codes.shape[1], codes.shape[1])  # of one code it has no axes
        return {
            "gaussian_total_correlation": gaussian_total_correlation(covariance),
            "gaussian_wasserstein": gaussian_wasserstein(covariance),
            "code_mutual_information": code_mutual_information(codes, bins=self.bins),
        }
