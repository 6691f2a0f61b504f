"""Discrete information, against scikit-learn and numpy; independence of codes, against closed forms."""

import math

import numpy as np
import pytest
import scipy.linalg
import sklearn.metrics
import torch
from torch.distributions import MultivariateNormal, Normal

from vae_exp.analysis.discrete import (
    entropy,
    histogram_bins,
    information_between,
    mutual_information,
)
from vae_exp.metrics.disentanglement import (
    code_mutual_information,
    gaussian_total_correlation,
    gaussian_wasserstein,
)

from .tables import factors_of, metric, noise_like


def covariance(dims, seed=0):
    root = torch.randn(dims, dims, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return root @ root.T + 0.1 * torch.eye(dims)


def test_mutual_information_is_that_of_scikit_learn():
    a, b = factors_of((7, 4), 500).unbind(1)
    b = (a + b) % 5
    expected = sklearn.metrics.mutual_info_score(a.numpy(), b.numpy())
    assert mutual_information(a, b).item() == pytest.approx(expected, rel=1e-10)
    assert mutual_information(a, a).item() == pytest.approx(entropy(a).item(), rel=1e-10)


def test_entropy_of_even_labels_is_the_logarithm_of_their_number():
    assert entropy(torch.arange(12).repeat(3)).item() == pytest.approx(math.log(12))
    assert entropy(torch.zeros(5, dtype=torch.int64)).item() == 0


def test_information_between_is_of_all_pairs():
    a, b = factors_of((5, 3, 4), 200), factors_of((6, 2), 200, seed=3)
    matrix = information_between(a, b)
    assert matrix.shape == (3, 2)
    assert matrix[2, 1].item() == pytest.approx(sklearn.metrics.mutual_info_score(a[:, 2].numpy(), b[:, 1].numpy()))


def test_bins_are_those_of_numpy():
    codes = noise_like(factors_of((2,), 1000), 3)
    for column, bins in zip(codes.T.numpy(), histogram_bins(codes, 20).T, strict=True):
        counts, _ = np.histogram(column, 20)
        assert bins.bincount(minlength=20).tolist() == counts.tolist()
    assert histogram_bins(torch.full((4, 1), 3.0), 20).tolist() == [[0]] * 4


def test_total_correlation_of_two_gaussians():
    for rho in (0.0, 0.5, -0.9):
        s = torch.tensor([[4.0, 2 * 3 * rho], [2 * 3 * rho, 9.0]], dtype=torch.float64)
        assert gaussian_total_correlation(s).item() == pytest.approx(-0.5 * math.log(1 - rho**2), abs=1e-12)


def test_total_correlation_is_a_divergence():
    s = covariance(4)
    joint, z = MultivariateNormal(torch.zeros(4).double(), s), torch.zeros(4).double()
    z = joint.sample((200_000,))
    ratio = joint.log_prob(z) - Normal(0.0, s.diagonal().sqrt()).log_prob(z).sum(1)
    assert gaussian_total_correlation(s).item() == pytest.approx(
        ratio.mean().item(), abs=5 * ratio.std().item() / 200_000**0.5
    )


def test_total_correlation_leaves_out_dead_codes_and_is_infinite_for_copies():
    s = covariance(3)
    padded = torch.zeros(5, 5, dtype=torch.float64)
    padded[:3, :3] = s
    assert gaussian_total_correlation(padded).item() == pytest.approx(gaussian_total_correlation(s).item())
    assert gaussian_total_correlation(torch.zeros(2, 2)).item() == 0
    copies = s[:1, :1].expand(2, 2)
    assert gaussian_total_correlation(copies).item() == math.inf


def test_wasserstein_is_the_distance_of_bures():
    s = covariance(4)
    d = torch.diag(s.diagonal())
    root = scipy.linalg.sqrtm(s.numpy())
    expected = np.trace(s.numpy() + d.numpy() - 2 * scipy.linalg.sqrtm(root @ d.numpy() @ root).real)
    assert gaussian_wasserstein(s).item() == pytest.approx(expected, rel=1e-8)
    assert gaussian_wasserstein(d).item() == pytest.approx(0, abs=1e-12)
    assert gaussian_wasserstein(torch.ones(2, 2).double()).item() == pytest.approx(4 - 2 * 2**0.5)


def test_code_mutual_information_is_the_mean_of_pairs():
    codes = noise_like(factors_of((2,), 500), 3)
    codes[:, 1] += codes[:, 0]
    bins = [np.digitize(c, np.histogram_bin_edges(c, 20)[1:-1]) for c in codes.T.numpy()]
    pairs = [sklearn.metrics.mutual_info_score(bins[i], bins[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert code_mutual_information(codes, bins=20).item() == pytest.approx(np.mean(pairs), rel=1e-9)
    assert code_mutual_information(codes[:, :1], bins=20).item() == 0


def test_the_metric_measures_the_covariance_of_the_codes():
    joint = MultivariateNormal(torch.zeros(3), covariance(3).float())
    codes = torch.cat((joint.sample((9000,)), torch.full((9000, 1), 0.1)), 1)  # and a dead one
    found = metric("unsupervised").scores(codes, torch.zeros(9000, 0, dtype=torch.int64))
    s = torch.from_numpy(np.cov(codes.T.double().numpy()))[:3, :3]
    assert found["gaussian_total_correlation"].item() == pytest.approx(gaussian_total_correlation(s).item(), rel=1e-6)
    assert found["gaussian_wasserstein"].item() == pytest.approx(gaussian_wasserstein(s).item(), rel=1e-6)
    one = metric("unsupervised").scores(codes[:, :1], torch.zeros(9000, 0, dtype=torch.int64))
    assert max(value.item() for value in one.values()) == pytest.approx(0, abs=1e-12)


def test_bins_have_equal_width_from_the_least_to_the_largest():
    points = torch.tensor([[0.0], [0.99], [1.0], [4.0], [3.01]])
    assert histogram_bins(points, 4).flatten().tolist() == [0, 0, 1, 3, 3]
    assert histogram_bins(torch.ones(3, 1), 4).flatten().tolist() == [0, 0, 0]
