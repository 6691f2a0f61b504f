"""Figures of rankings against slow ones written here, user by user and item by item."""

import math

import pytest
import torch

from vae_exp.build import build_data, build_model
from vae_exp.errors import UserError
from vae_exp.metrics.catalogue import Catalogue
from vae_exp.metrics.ranking import Ranking, ranking_figures
from vae_exp.types import DataSpec

USERS, ITEMS, KS = 40, 17, (1, 3, 10, 30)


@pytest.fixture
def scored():
    """Scores of items, and a batch; some users have all held out, some nothing."""
    generator = torch.Generator().manual_seed(3)
    scores = torch.randn(USERS, ITEMS, generator=generator)
    kind = torch.rand(USERS, ITEMS, generator=generator)
    x, target = (kind < 0.3).float(), ((kind > 0.3) & (kind < 0.5)).float()
    x[0], target[0], target[1] = 0, 1, 0
    return scores, {"x": x, "target": target}


def order_of(scores, seen):
    return sorted((item for item in range(ITEMS) if not seen[item]), key=lambda item: -scores[item])


def slow(scores, batch, k):
    """NDCG, recall and capped recall at k, each a mean over the users who have something to be found."""
    found = {"ndcg": [], "recall": [], "capped_recall": []}
    for user in range(USERS):
        wanted = {item for item in range(ITEMS) if batch["target"][user, item] and not batch["x"][user, item]}
        if not wanted:
            continue
        first = order_of(scores[user].tolist(), batch["x"][user])[:k]
        gain = sum(1 / math.log2(rank + 2) for rank, item in enumerate(first) if item in wanted)
        best = sum(1 / math.log2(rank + 2) for rank in range(min(k, len(wanted))))
        num = len(wanted & set(first))
        found["ndcg"].append(gain / best)
        found["recall"].append(num / len(wanted))
        found["capped_recall"].append(num / min(k, len(wanted)))
    return {name: sum(values) / len(values) for name, values in found.items()}


class Given:
    """A model that reconstructs what it is given."""

    def __init__(self, scores, counts=(), train_size=100):
        self.mean, self.spec = scores, DataSpec((ITEMS,), "binary", train_size, item_counts=counts)

    def reconstruct(self, batch):
        rows = [int(row) for row in batch["row"]]
        return type("P", (), {"mean": self.mean[rows]})


def computed(metric, model, batch, size):
    for start in range(0, USERS, size):
        part = {key: value[start : start + size] for key, value in {**batch, "row": torch.arange(USERS)}.items()}
        metric.update(part, None, model)
    return metric.compute()


@pytest.mark.parametrize("size", [7, USERS])
def test_figures_are_those_of_a_slow_implementation(scored, size):
    scores, batch = scored
    metric = Ranking(stages=["test"], ndcg_at=KS, recall_at=KS)
    figures = computed(metric, Given(scores), batch, size)
    for k in KS:
        for name, value in slow(scores, batch, k).items():
            assert figures[f"{name}@{k}"].item() == pytest.approx(value, abs=1e-6)
    assert figures["ndcg@3/se"] > 0


def test_a_perfect_order_has_one_and_the_worst_has_none(scored):
    _, batch = scored
    metric = Ranking(stages=["test"], ndcg_at=[3], recall_at=[3])
    right = computed(metric, Given(batch["target"]), batch, USERS)
    assert right["ndcg@3"] == right["capped_recall@3"] == 1
    assert right["recall@3"] < 1  # three items cannot hold all
    batch = {key: value[2:] for key, value in batch.items()}
    wrong = ranking_figures(1 - batch["target"], batch, ndcg_at=[3], recall_at=[3])
    several = (1 - batch["target"] - batch["x"]).sum(1)[batch["target"].sum(1) > 0] >= 3
    assert (wrong["ndcg@3"][several] == 0).all()


def test_what_a_user_has_is_not_ranked(scored):
    scores, batch = scored
    plain = ranking_figures(scores, batch, ndcg_at=[5], recall_at=[5])
    loud = ranking_figures(scores + 100 * batch["x"], batch, ndcg_at=[5], recall_at=[5])
    assert all(torch.equal(plain[name], loud[name]) for name in plain)


@pytest.mark.parametrize("size", [7, USERS])
def test_coverage_and_novelty_are_those_of_a_slow_implementation(scored, size):
    scores, batch = scored
    counts = tuple(range(1, ITEMS + 1))
    figures = computed(Catalogue(stages=["test"], k=4), Given(scores, counts), batch, size)
    lists = [order_of(scores[user].tolist(), batch["x"][user])[:4] for user in range(USERS)]
    bits = [sum(-math.log2(counts[item] / 100) for item in items) / len(items) for items in lists]
    assert figures["novelty@4"].item() == pytest.approx(sum(bits) / USERS, rel=1e-5)
    assert figures["coverage@4"].item() == len(set().union(*lists)) / ITEMS


def test_a_list_that_runs_out_of_items_is_shorter():
    x = torch.ones(2, ITEMS)
    x[:, :3] = 0
    model, metric = Given(torch.randn(2, ITEMS), (50,) * ITEMS), Catalogue(stages=["test"], k=9)
    metric.update({"x": x, "target": x, "row": torch.arange(2)}, None, model)
    figures = metric.compute()
    assert figures["novelty@9"].item() == 1
    assert figures["coverage@9"].item() == 3 / ITEMS


def test_data_without_held_out_items_are_refused(settings):
    chosen = settings("metrics=recommender")
    model = build_model(chosen, build_data(chosen).spec)
    batch = {"x": torch.zeros(2, 1, 8, 8)}
    with pytest.raises(UserError, match="Ranking needs held-out items"):
        Ranking(stages=["test"], ndcg_at=[1], recall_at=[1]).update(batch, model(batch), model)
