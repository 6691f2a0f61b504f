"""Scores of codes of which it is known what they should be."""

import math

import pytest
import torch

from vae_exp.metrics.codes.dci import completeness, disentanglement
from vae_exp.metrics.codes.gap import mean_gap
from vae_exp.metrics.codes.modularity_explicitness import modularity_of
from vae_exp.metrics.disentanglement import (
    beta_vae_score,
    dci,
    explicitness,
    factor_vae_score,
    irs,
    mig,
    modularity,
    sap,
)

from .tables import DSPRITES, factors_of, given, noise_like, rotated, standardised

SMALL = (3, 4, 5, 4)
FEW = {"num_train": 1000, "num_test": 500}
TREES = {**FEW, "num_rounds": 5}


def table(codes, n=2000):
    """Codes of one kind, of small factors."""
    factors = factors_of(SMALL, n)
    identity = standardised(factors)
    return {
        "identity": identity,
        "duplicated": identity.repeat(1, 2),
        "padded": torch.cat((identity, torch.zeros(n, 3)), 1),
        "rotated": rotated(identity),
        "random": noise_like(factors, 8),
        "zeros": torch.zeros(n, 4),
    }[codes], factors


# The formulas, at matrices


def test_two_factors_a_code():
    importance = torch.zeros(5, 10, dtype=torch.float64)
    for code in range(5):
        importance[code, 2 * code : 2 * code + 2] = 3.0
    assert disentanglement(importance).item() == pytest.approx(1 - math.log(2) / math.log(10))
    assert completeness(importance).item() == pytest.approx(1)
    assert completeness(importance.T).item() == pytest.approx(1 - math.log(2) / math.log(10))  # codes twice
    assert disentanglement(importance.T).item() == pytest.approx(1)
    assert modularity_of(importance).item() == pytest.approx(1 - 1 / 9)


def test_importance_weighs_codes_and_factors():
    importance = torch.tensor([[3.0, 0.0], [0.5, 0.5]], dtype=torch.float64)
    assert disentanglement(importance).item() == pytest.approx(3 / 4)
    spread = -(6 / 7 * math.log(6 / 7) + 1 / 7 * math.log(1 / 7)) / math.log(2)
    assert completeness(importance).item() == pytest.approx(3.5 / 4 * (1 - spread) + 0.5 / 4)
    assert disentanglement(torch.zeros(3, 2)).item() == 0


def test_a_code_without_information_is_not_modular():
    assert modularity_of(torch.diag(torch.tensor([1.0, 2.0, 0.0]))).item() == pytest.approx(2 / 3)
    assert modularity_of(torch.ones(3, 4)).item() == pytest.approx(0)


def test_the_gap_is_to_the_second_best():
    assert mean_gap(torch.eye(4)).item() == 1
    assert mean_gap(torch.eye(4).repeat(2, 1)).item() == 0
    assert mean_gap(torch.tensor([[0.2, 0.5], [0.9, 0.1], [0.6, 0.4]])).item() == pytest.approx((0.3 + 0.1) / 2)
    assert mean_gap(torch.tensor([[0.5, 0.7]])).item() == pytest.approx(0.6)  # of one code: above nothing


# The scores, at codes


@pytest.mark.parametrize("codes", ["identity", "padded"])
def test_copies_of_the_factors(codes):
    z, factors = table(codes)
    assert beta_vae_score(z, factors, **given("beta_vae_score", **FEW)).item() > 0.99
    assert factor_vae_score(z, factors, **given("factor_vae_score", **FEW)).item() > 0.99
    assert mig(z, factors, **given("mig")).item() > 0.98
    assert min(dci(z, factors, **given("dci", **TREES))) > 0.98
    assert irs(z, factors, **given("irs")).item() == pytest.approx(1)
    # a dead code counts as not modular
    share = 4 / z.shape[1]
    assert modularity(z, factors, num_points=2000, bins=20, seed=0).item() == pytest.approx(share, abs=1e-3)


def test_copies_of_factors_with_two_values_are_explicit_and_separated():
    factors = factors_of((2, 2, 2), 1500)
    z = standardised(factors)
    assert explicitness(z, factors, seed=0, **FEW).item() == pytest.approx(1)
    assert sap(z, factors, **given("sap", **FEW)).item() == pytest.approx(0.5, abs=0.05)  # the others guess


@pytest.mark.parametrize("scale", [-30.0, 0.1])
def test_sign_and_scale_of_codes_do_not_matter(scale):
    z, factors = table("identity")
    z = z * scale + 7
    assert factor_vae_score(z, factors, **given("factor_vae_score", **FEW)).item() > 0.99
    assert mig(z, factors, **given("mig")).item() > 0.98
    assert min(dci(z, factors, **given("dci", **TREES))) > 0.98
    assert irs(z, factors, **given("irs")).item() == pytest.approx(1)


def test_codes_twice_have_no_gap_but_are_disentangled():
    z, factors = table("duplicated")
    assert mig(z, factors, **given("mig")).item() == 0
    assert sap(z, factors, **given("sap", **FEW)).item() == 0
    found = dci(z, factors, **given("dci", **TREES))
    assert found.disentanglement > 0.98
    assert found.informativeness > 0.98
    assert factor_vae_score(z, factors, **given("factor_vae_score", **FEW)).item() > 0.99


def test_rotated_codes_know_everything_and_separate_nothing():
    z, factors = table("rotated")
    assert mig(z, factors, **given("mig")).item() < 0.3
    assert sap(z, factors, **given("sap", **FEW)).item() < 0.3
    found = dci(z, factors, **given("dci", **TREES))
    assert found.disentanglement < 0.5
    assert found.completeness < 0.5
    assert found.informativeness > 0.5
    whole = explicitness(table("identity")[0], factors, seed=0, **FEW).item()
    assert explicitness(z, factors, seed=0, **FEW).item() == pytest.approx(whole, abs=1e-3)  # it does not see turns
    assert irs(z, factors, **given("irs")).item() < 0.7


def test_random_codes_are_at_chance():
    z, factors = table("random")
    assert beta_vae_score(z, factors, **given("beta_vae_score", **FEW)).item() == pytest.approx(1 / 4, abs=0.08)
    assert factor_vae_score(z, factors, **given("factor_vae_score", **FEW)).item() == pytest.approx(1 / 4, abs=0.08)
    assert mig(z, factors, **given("mig")).item() < 0.01
    assert sap(z, factors, **given("sap", **FEW)).item() < 0.05
    found = dci(z, factors, **given("dci", **TREES))
    assert max(found.disentanglement, found.completeness) < 0.05
    assert found.informativeness.item() == pytest.approx(sum(1 / values for values in SMALL) / 4, abs=0.05)
    assert explicitness(z, factors, seed=0, **FEW).item() == pytest.approx(0.5, abs=0.05)


def test_dead_codes_score_nothing():
    z, factors = table("zeros")
    assert beta_vae_score(z, factors, **given("beta_vae_score", **FEW)).item() < 0.35
    assert factor_vae_score(z, factors, **given("factor_vae_score", **FEW)).item() == 0
    assert mig(z, factors, **given("mig")).item() == 0
    assert sap(z, factors, **given("sap", **FEW)).item() == 0
    found = dci(z, factors, **given("dci", **TREES))
    assert found.disentanglement == found.completeness == 0
    assert modularity(z, factors, num_points=2000, bins=20, seed=0).item() == 0
    assert explicitness(z, factors, seed=0, **FEW).item() == pytest.approx(0.5)
    assert irs(z, factors, **given("irs")).item() == 0


def test_codes_that_hardly_vary_do_not_vote():
    z, factors = table("identity")
    z = torch.cat((z, 0.001 * z.roll(1, 1)), 1)
    with_all = factor_vae_score(z, factors, **given("factor_vae_score", **FEW, min_std=0.0))
    assert with_all.item() > 0.99
    weak = 0.04 * z[:, :4]
    assert factor_vae_score(weak, factors, **given("factor_vae_score", **FEW)).item() == 0


def test_the_ceiling_of_dsprites():
    factors = factors_of(DSPRITES)
    z = factors.double()
    assert mig(z, factors, **given("mig")).item() == pytest.approx(0.896, abs=0.002)
    assert modularity(z, factors, num_points=10_000, bins=20, seed=0).item() == pytest.approx(1.0, abs=5e-4)


def test_the_floor_of_dsprites():
    factors = factors_of(DSPRITES)
    z = noise_like(factors, 10)
    assert mig(z, factors, **given("mig")).item() == pytest.approx(0.0004, abs=0.0004)
    assert modularity(z, factors, num_points=10_000, bins=20, seed=0).item() == pytest.approx(0.65, abs=0.05)


def test_robustness_by_hand():
    """One factor moves the code by 1, noise of one of four sizes by 0.1 at most."""
    factors = factors_of((2, 4), 4000)
    z = factors[:, :1] + (factors[:, 1:] - 1.5) / 15
    center = z.mean()
    farthest = (z - center).abs().max()
    expected = 1 - 0.1 / farthest  # within a value of the first factor
    assert irs(z, factors, **given("irs")).item() == pytest.approx(expected.item(), abs=0.01)
