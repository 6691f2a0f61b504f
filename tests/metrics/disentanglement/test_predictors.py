"""The classifiers in the scores, against scikit-learn's."""

import pytest
import sklearn.ensemble
import sklearn.metrics
import sklearn.svm
import torch

from vae_exp.metrics.codes.dci import completeness, disentanglement
from vae_exp.metrics.codes.logistic import logistic_regression
from vae_exp.metrics.codes.modularity_explicitness import area_under_roc
from vae_exp.metrics.codes.svm import fit_lines
from vae_exp.metrics.codes.table import halves, tabulate
from vae_exp.metrics.disentanglement import dci

from .tables import factors_of, given, noise_like, rotated, standardised


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("c", [0.01, 1.0])
@pytest.mark.parametrize("scale", [0.05, 1.0, 20.0])
def test_lines_are_those_of_scikit_learn(classes, c, scale):
    y = (factors_of((classes,), 600)[:, 0] * factors_of((4,), 600, seed=5)[:, 0].clamp_max(1)) % classes  # uneven
    x = scale * (y + 0.7 * noise_like(y, 1)[:, 0] + 0.3)
    lines = fit_lines(x, y, c=c)
    model = sklearn.svm.LinearSVC(C=c, class_weight="balanced", dual=False, tol=1e-10, max_iter=100_000)
    model.fit(x[:, None].numpy(), y.numpy())
    skip = 1 if classes == 2 else 0  # which has one line for two classes
    torch.testing.assert_close(lines.w[skip:], torch.from_numpy(model.coef_[:, 0]), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(lines.b[skip:], torch.from_numpy(model.intercept_), rtol=1e-4, atol=1e-6)
    assert (lines.classes(x) == torch.from_numpy(model.predict(x[:, None].numpy()))).double().mean() > 0.998


def test_two_classes_of_three_are_weighed_as_two():
    y = 2 * (noise_like(torch.zeros(500), 1)[:, 0] > 0.8).long()
    x = y + noise_like(y, 1, seed=3)[:, 0]
    model = sklearn.svm.LinearSVC(C=0.01, class_weight="balanced", dual=False, tol=1e-10, max_iter=100_000)
    model.fit(x[:, None].numpy(), y.numpy())
    predicted = fit_lines(x.double(), y, c=0.01).classes(x.double())
    assert predicted.tolist() == model.predict(x[:, None].numpy()).tolist()


def test_a_class_without_examples_is_never_chosen():
    x = torch.linspace(-1, 1, 100).double()
    lines = fit_lines(x, 2 * (x > 0).long(), c=1.0)
    assert set(lines.classes(x).tolist()) == {0, 2}


def test_a_number_that_does_not_vary_predicts_one_class():
    x = torch.zeros(90).double()
    assert len(set(fit_lines(x, torch.arange(90) % 3, c=0.01).classes(x).tolist())) == 1


def test_area_under_roc_is_that_of_scikit_learn():
    score = (4 * noise_like(torch.zeros(300), 1)[:, 0]).round()  # with ties
    positive = score + 3 * noise_like(score, 1, seed=4)[:, 0] > 1
    expected = sklearn.metrics.roc_auc_score(positive.numpy(), score.numpy())
    assert area_under_roc(score, positive).item() == pytest.approx(expected, rel=1e-12)


def test_logistic_regression_gives_probabilities_of_all_classes():
    y = torch.tensor([0, 2, 2, 5] * 30)
    x = torch.stack((y == 0, y == 2), 1).double() * 5
    probabilities = logistic_regression(x, y)(x)
    assert probabilities.shape == (120, 6)
    assert (probabilities.argmax(1) == y).all()
    assert probabilities[:, [1, 3, 4]].sum() == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["identity", "rotated", "random", "noisy"])
def test_dci_is_that_of_scikit_learns_boosting(kind):
    """Which the field's scores are made with."""
    factors = factors_of((3, 6, 8), 1500)
    z, noise = standardised(factors), noise_like(factors, 6)
    codes = torch.cat((z, noise[:, 3:]), 1)
    codes = {"identity": codes, "rotated": rotated(codes), "random": noise, "noisy": codes + noise.abs() * 0.4}[kind]
    settings = given("dci", num_train=1000, num_test=500)
    train, test = halves(tabulate(codes, factors), num_train=1000, num_test=500, seed=settings["seed"])
    columns, hits = [], []
    for y, y_test in zip(train.factors.T, test.factors.T, strict=True):
        model = sklearn.ensemble.GradientBoostingClassifier(random_state=0).fit(train.codes.numpy(), y.numpy())
        columns.append(torch.from_numpy(model.feature_importances_))
        hits.append(model.score(test.codes.numpy(), y_test.numpy()))
    importance = torch.stack(columns, 1).clamp_min(0)  # by rounding, less than none
    near = 0.1 if kind in ("rotated", "noisy") else 0.02
    found = dci(codes, factors, **settings)
    assert found.disentanglement.item() == pytest.approx(disentanglement(importance).item(), abs=near)
    assert found.completeness.item() == pytest.approx(completeness(importance).item(), abs=near)
    assert found.informativeness.item() == pytest.approx(sum(hits) / 3, abs=max(near, 0.04))
