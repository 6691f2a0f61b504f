"""What is said of a run, from its figures and settings."""

import pytest

from vae_exp.analysis.diagnosis import diagnose, posterior_collapse

GOOD = {
    "test/nelbo": 90.0, "test/nelbo/se": 0.5, "test/rate": 25.0, "test/nll": 88.0, "test/active_units": 4.0,
    "test/kl_per_dim": [8.0, 7.0, 6.0, 4.0], "train/nelbo": 89.5, "test/mse": 0.01,
}  # fmt: skip


def settings(beta=1.0):
    return {"loss": {"_target_": "vae_exp.losses.elbo.ELBO", "beta": beta}}


def the_one(figures, cfg=None):
    (warning,) = diagnose(figures, cfg or settings(), {})
    return warning


def test_a_good_run_has_no_warnings():
    assert diagnose(GOOD, settings(), {}) == []
    assert posterior_collapse(GOOD).collapsed == "no"


def test_no_figures_no_warnings():
    assert diagnose({}, {}, {}) == []
    assert posterior_collapse({}).collapsed == "unknown"


@pytest.mark.parametrize(
    "figures",
    [
        {"test/rate": 0.1},
        {"test/rate": 3.0, "test/active_units": 0.0},
        {"val/kl_per_dim": [0.001, 0.0]},
        GOOD | {"test/rate": 0.02, "test/nll": 90.0},
    ],
)
def test_a_collapsed_posterior(figures):
    verdict = posterior_collapse(figures)
    assert verdict.collapsed == "yes"
    assert "collapsed" in the_one(figures)
    assert verdict.evidence


def test_the_cure_of_a_collapse_is_the_beta_where_it_is_high():
    assert "a lower loss.beta than 8" in the_one({"test/rate": 0.1}, settings(beta=8.0))
    assert "loss=elbo loss/schedule=linear" in the_one({"test/rate": 0.1})


def test_a_few_dead_dimensions_are_told_and_many_are_warned_of():
    few = GOOD | {"test/kl_per_dim": [8.0, 7.0, 6.0, 0.0]}
    verdict = posterior_collapse(few)
    assert (verdict.collapsed, verdict.evidence["dead_dimensions"]) == ("partly", 1)
    assert diagnose(few, settings(), {}) == []
    assert "Fewer latent dimensions" in the_one(GOOD | {"test/kl_per_dim": [25.0, 0.0, 0.0, 0.001]})


def test_overfitting_is_a_gap_beyond_chance():
    assert "overfits" in the_one(GOOD | {"train/nelbo": 80.0})
    assert diagnose(GOOD | {"train/nelbo": 80.0, "test/nelbo/se": 5.0}, settings(), {}) == []
    assert diagnose(GOOD | {"train/nelbo": 100.0}, settings(), {}) == []


def test_cross_entropy_of_grey_is_no_likelihood():
    assert "not normalised" in the_one({"test/nelbo_bce": 100.0})


@pytest.mark.parametrize(("last", "rest", "unfinished"), [(0.9, 1.0, True), (1.0, 1.0, False), (0.99, 1.0, False)])
def test_a_schedule_that_had_not_ended(last, rest, unfinished):
    found = diagnose(GOOD, settings(), {"loss.schedule": (last, rest)})
    assert [("loss.schedule" in warning) for warning in found] == [True] * unfinished


def test_a_loose_bound():
    assert "encoder is loose" in the_one(GOOD | {"test/nll": 80.0})


def test_a_figure_that_is_no_number():
    assert "test/mse" in the_one(GOOD | {"test/mse": None})
    assert "test/mse" in the_one(GOOD | {"test/mse": float("nan")})


def test_every_warning_is_a_sentence():
    figures = GOOD | {"test/rate": 0.1, "train/nelbo": 10.0, "test/nelbo_bce": 1.0, "test/mse": None, "test/nll": 8.0}
    found = diagnose(figures, settings(), {"loss.schedule": (0.2, 1.0)})
    assert len(found) == 6
    assert all(warning[0].isupper() and warning.endswith(".") for warning in found)
