"""Figures of q(y|x) against sums by hand."""

import math
from types import SimpleNamespace

import pytest
import torch

from vae_exp.build import build_model
from vae_exp.metrics.classification import Classification, calibration_error
from vae_exp.types import DataSpec

Q = torch.tensor([[0.7, 0.2, 0.1], [0.3, 0.6, 0.1], [0.05, 0.9, 0.05], [0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
Y = torch.tensor([0, 0, 1, 1, -1])


@pytest.fixture
def figures(settings, monkeypatch):
    model = build_model(settings("model=m2", "model.classifier.hidden=[4]"), DataSpec((1, 4, 4), "binary", 10, 3))
    monkeypatch.setattr(model, "classify", lambda batch: SimpleNamespace(logits=Q[batch["x"]].log()[:, None]))
    metric = Classification(stages=["test"], num_bins=2)
    for rows in torch.arange(5).split(2):
        metric.update({"x": rows, "y": Y[rows]}, None, model)
    return metric.compute()


def test_error_rate_and_nll_are_of_labelled_examples(figures):
    assert figures["error_rate"] == pytest.approx(2 / 4)
    expected = -sum(math.log(q) for q in (0.7, 0.3, 0.9, 0.3)) / 4
    assert figures["label_nll"].item() == pytest.approx(expected, rel=1e-6)
    assert figures["error_rate/se"] == pytest.approx(torch.tensor([0.0, 1, 0, 1]).std().item() / 2)


def test_calibration_error_is_the_gap_of_the_bins(figures):
    # In (0.5, 1]: confidence 0.7, 0.6, 0.9 and two of three right; in [0, 0.5]: 0.5, and none right.
    gap = 3 / 4 * abs(2 / 3 - 2.2 / 3) + 1 / 4 * 0.5
    assert figures["calibration_error"].item() == pytest.approx(gap, abs=1e-6)


def test_certainty_is_in_the_last_bin():
    q = torch.cat((torch.tensor([[1.0, 0.0]]).expand(100, 2), torch.tensor([[0.95, 0.05]]).expand(100, 2)))
    y = torch.zeros(200, dtype=torch.long)
    y[:20] = 1  # 0.8 of 1.0, all of 0.95: 0.9 where 0.975 was expected
    assert calibration_error(q, y, 15).item() == pytest.approx(0.075)


def test_a_set_without_a_label_has_no_such_figures(settings):
    model = build_model(settings("model=m2", "model.classifier.hidden=[4]"), DataSpec((1, 4, 4), "binary", 10, 3))
    metric = Classification(stages=["test"], num_bins=2)
    metric.update({"x": torch.rand(2, 1, 4, 4), "y": torch.tensor([-1, -1])}, None, model)
    assert metric.compute() == {}


def test_other_models_have_no_such_figures(settings):
    metric = Classification(stages=["test"], num_bins=2)
    metric.update({"x": torch.rand(2, 1, 4, 4), "y": Y[:2]}, None, torch.nn.Identity())
    assert metric.compute() == {}
