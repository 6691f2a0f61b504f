"""Distances of two sets of vectors, against scipy, loops and closed forms."""

import itertools
import math

import numpy as np
import pytest
import scipy.linalg
import torch
from sklearn.metrics import roc_auc_score

from vae_exp.metrics.distances import coverage_of_manifolds, frechet, kernel_distance
from vae_exp.metrics.ood import auroc


@pytest.mark.parametrize("dim", [1, 3, 8])
def test_frechet_is_that_of_scipys_matrix_root(dim):
    real = torch.randn(60, dim).double() @ torch.randn(dim, dim).double() + 1
    made = torch.randn(45, dim).double() @ torch.randn(dim, dim).double()
    s1, s2 = (np.atleast_2d(np.cov(x.numpy().T)) for x in (real, made))
    root = scipy.linalg.sqrtm(s1 @ s2).real
    expected = ((real.mean(0) - made.mean(0)) ** 2).sum().item() + np.trace(s1 + s2 - 2 * root)
    assert frechet(real, made).item() == pytest.approx(expected, rel=1e-8)


def test_frechet_of_a_set_with_itself_moved_is_the_squared_way():
    x = torch.randn(50, 4).double()
    assert frechet(x, x + torch.tensor([3.0, 4, 0, 0])).item() == pytest.approx(25, abs=1e-8)
    assert frechet(x.float(), x.float()).item() == pytest.approx(0, abs=1e-6)


def test_frechet_of_fewer_vectors_than_dimensions_is_finite():
    real, made = torch.randn(5, 20).double(), torch.randn(5, 20).double()
    s1, s2 = np.cov(real.numpy().T), np.cov(made.numpy().T)
    roots = np.sqrt(np.clip(np.linalg.eigvals(s1 @ s2).real, 0, None)).sum()
    expected = ((real.mean(0) - made.mean(0)) ** 2).sum().item() + np.trace(s1) + np.trace(s2) - 2 * roots
    assert frechet(real, made).item() == pytest.approx(expected, rel=1e-5)


def test_kernel_distance_is_the_sum_over_pairs():
    real, made = torch.randn(7, 3).double(), torch.randn(5, 3).double() + 1
    k = lambda a, b: (float(a @ b) / 3 + 1) ** 3  # noqa: E731
    within = [sum(k(a, b) for a, b in itertools.permutations(x, 2)) / (len(x) * (len(x) - 1)) for x in (real, made)]
    between = sum(k(a, b) for a in real for b in made) / 35
    assert kernel_distance(real, made).item() == pytest.approx(sum(within) - 2 * between, rel=1e-10)


def test_kernel_distance_of_equal_laws_is_zero_on_average():
    found = torch.stack([kernel_distance(torch.randn(30, 2), torch.randn(30, 2)) for _ in range(300)])
    assert abs(found.mean()) < 4 * found.std() / 300**0.5


def by_loops(real, made, k):
    far = lambda a, b: math.dist(a.tolist(), b.tolist())  # noqa: E731
    reach = [[sorted(far(a, b) for b in x)[k] for a in x] for x in (real, made)]
    in_real = [[far(a, b) <= reach[0][n] for b in made] for n, a in enumerate(real)]
    in_made = [[far(a, b) <= reach[1][m] for m, b in enumerate(made)] for a in real]
    return {
        "precision": sum(any(column) for column in zip(*in_real, strict=True)) / len(made),
        "recall": sum(any(row) for row in in_made) / len(real),
        "density": sum(sum(row) for row in in_real) / (k * len(made)),
        "coverage": sum(any(row) for row in in_real) / len(real),
    }


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("shift", [0.0, 0.7, 50.0])
def test_coverage_of_manifolds_is_that_of_loops(k, shift):
    real, made = torch.randn(20, 3).double(), torch.randn(15, 3).double() * 0.8 + shift
    found = {name: value.item() for name, value in coverage_of_manifolds(real, made, k).items()}
    assert found == pytest.approx(by_loops(real, made, k))
    if shift == 50.0:
        assert set(found.values()) == {0.0}


def test_a_set_covers_itself():
    x = torch.randn(40, 3)
    found = coverage_of_manifolds(x, x.clone(), 4)
    assert found["precision"] == found["recall"] == found["coverage"] == 1


def test_auroc_is_that_of_scikit_learn():
    own, foreign = torch.randint(0, 12, (50,)).double(), torch.randint(3, 15, (30,)).double()
    truth = np.r_[np.zeros(50), np.ones(30)]
    assert auroc(own, foreign).item() == pytest.approx(roc_auc_score(truth, torch.cat((own, foreign)).numpy()))
    assert auroc(own, own + 100) == 1
    assert auroc(own, torch.full((4,), -1.0).double()) == 0
