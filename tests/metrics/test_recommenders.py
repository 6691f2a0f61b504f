"""Recommenders in closed form against slow ones, and the model beside them."""

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array

from vae_exp.metrics.recommenders import ease, item_knn
from vae_exp.metrics.recommenders.ease import EASE
from vae_exp.metrics.recommenders.item_knn import ItemKNN
from vae_exp.metrics.recommenders.popularity import Popularity


@pytest.fixture
def rows():
    return (np.random.default_rng(0).random((80, 12)) < np.linspace(0.1, 0.6, 12)).astype(np.float32)


@pytest.fixture(autouse=True)
def _several_blocks(monkeypatch):
    monkeypatch.setattr(ease, "BLOCK", 5)
    monkeypatch.setattr(item_knn, "BLOCK", 5)


def fitted(recommender, rows):
    recommender.fit(csr_array(rows))
    return recommender.scores(torch.from_numpy(rows)).numpy()


def test_ease_is_a_ridge_regression_of_each_item_on_the_others(rows):
    x, ridge = rows.astype(np.float64), 3.0
    scores = np.empty_like(x)
    for item in range(x.shape[1]):
        others = np.delete(x, item, axis=1)
        weights = np.linalg.solve(others.T @ others + ridge * np.eye(11), others.T @ x[:, item])
        scores[:, item] = others @ weights
    np.testing.assert_allclose(fitted(EASE(ridge=ridge), rows), scores, atol=1e-5)


def test_item_knn_sums_the_likeness_of_the_nearest(rows):
    num, shrink, size = 4, 2.0, rows.shape[1]
    scores = np.zeros_like(rows)
    for item in range(size):
        likeness = {}
        for other in set(range(size)) - {item}:
            both, one, two = (rows[:, item] * rows[:, other]).sum(), rows[:, item].sum(), rows[:, other].sum()
            likeness[other] = both / (np.sqrt(one * two) + shrink)
        for other in sorted(likeness, key=likeness.get)[-num:]:
            scores[:, item] += likeness[other] * rows[:, other]
    np.testing.assert_allclose(fitted(ItemKNN(neighbours=num, shrink=shrink), rows), scores, rtol=1e-4, atol=1e-6)


def test_item_knn_without_shrinking_knows_items_that_nobody_has(rows):
    rows[:, 3] = 0
    scores = fitted(ItemKNN(neighbours=4, shrink=0.0), rows)
    assert np.isfinite(scores).all()
    assert (scores[:, 3] == 0).all()


def test_popularity_counts_users(rows):
    assert fitted(Popularity(), rows)[7].tolist() == rows.sum(0).tolist()
