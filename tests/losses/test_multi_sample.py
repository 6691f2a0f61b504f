"""Values of bounds of several samples, against sums written by hand."""

import itertools

import pytest
import torch

from analysis.linear import SHAPE, marginal, solved_vae
from losses.making import assert_same, examples, losses, step, weights_by_hand
from vae_exp.losses.ciwae import CIWAE
from vae_exp.losses.dreg import DReG
from vae_exp.losses.elbo import ELBO
from vae_exp.losses.iwae import IWAE
from vae_exp.losses.miwae import MIWAE
from vae_exp.losses.piwae import PIWAE
from vae_exp.losses.renyi import Renyi
from vae_exp.losses.stl import STL
from vae_exp.schedules import Constant
from vae_exp.types import Context


@pytest.fixture(scope="module")
def model():
    """A linear VAE whose q is off the exact posterior by half a standard deviation."""
    return solved_vae(off=0.5)


# Values


@pytest.mark.parametrize("loss", [IWAE(num_samples=6), STL(num_samples=6), DReG(num_samples=6)])
def test_iwae_is_the_logarithm_of_the_mean_weight_whatever_its_gradient(model, loss):
    result, _, _ = step(model, loss, examples(4))
    by_hand = -weights_by_hand(model, examples(4), 6).mean(0).log()
    torch.testing.assert_close(result.terms["nll_bound"], by_hand)
    torch.testing.assert_close(result.loss, by_hand.mean())


def test_miwae_is_the_mean_over_groups(model):
    w = weights_by_hand(model, examples(4), 6)
    result, _, _ = step(model, MIWAE(num_groups=2, samples_per_group=3), examples(4))
    by_hand = -(w[0::2].mean(0).log() + w[1::2].mean(0).log()) / 2
    torch.testing.assert_close(result.terms["nll_bound"], by_hand)


def test_piwae_reports_the_bound_of_all_samples(model):
    result, _, _ = step(model, PIWAE(num_groups=2, samples_per_group=3), examples(4))
    torch.testing.assert_close(result.loss, -weights_by_hand(model, examples(4), 6).mean(0).log().mean())


@pytest.mark.parametrize("alpha", [0.25, 0.5, 2.0])
def test_renyi_is_a_power_mean_of_the_weights(model, alpha):
    result, _, _ = step(model, Renyi(num_samples=6, alpha=alpha), examples(4))
    power_mean = weights_by_hand(model, examples(4), 6).pow(1 - alpha).mean(0).pow(1 / (1 - alpha))
    torch.testing.assert_close(result.terms["nll_bound"], -power_mean.log())


@pytest.mark.parametrize("loss", losses(), ids=lambda loss: type(loss).__name__)
def test_terms_are_of_the_target_and_in_nats_per_example(model, loss):
    batch = {"x": examples(4), "target": examples(4, seed=9)}
    out = model(batch, loss.num_samples)
    terms = loss(out, batch, Context(100, model)).terms
    torch.testing.assert_close(terms["distortion"], -out.p_x.log_prob(batch["target"]))
    q = out.latents[0].q.base_dist
    torch.testing.assert_close(terms["rate"], 0.5 * (q.loc**2 + q.variance - 1 - q.variance.log()).sum(-1))
    assert terms["nll_bound"].shape == (4,)


def test_the_bound_tightens_with_the_samples_and_stays_a_bound(model):
    x = examples(1).expand(4000, *SHAPE)
    means = []
    for k in (1, 2, 8, 64):
        with torch.no_grad():
            loss = IWAE(num_samples=k)
            means.append(loss(model({"x": x}, k), {"x": x}, Context(100, model)).loss.item())
    nll = -marginal(model).log_prob(examples(1).flatten()).item()
    assert all(later < sooner - 0.005 for sooner, later in itertools.pairwise(means))
    assert nll - 0.005 < means[-1] < nll + 0.05


# Losses that are others under some settings


def test_one_sample_is_the_elbo_with_an_estimated_rate(model):
    out = model({"x": examples(4)}, 1)
    ((q, p, z),) = out.latents
    by_hand = -out.p_x.log_prob(examples(4)) + q.log_prob(z) - p.log_prob(z)
    for loss in (IWAE(num_samples=1), Renyi(num_samples=1, alpha=0.5), CIWAE(num_samples=1, elbo_share=0.3)):
        torch.testing.assert_close(loss(out, {"x": examples(4)}, Context(100, model)).loss, by_hand.mean())


def elbo_of_samples():
    return CIWAE(num_samples=6, elbo_share=1.0)


@pytest.mark.parametrize(
    ("loss", "other"),
    [
        (MIWAE(num_groups=1, samples_per_group=6), IWAE(num_samples=6)),
        (MIWAE(num_groups=6, samples_per_group=1), elbo_of_samples()),
        (PIWAE(num_groups=1, samples_per_group=6), IWAE(num_samples=6)),
        (CIWAE(num_samples=6, elbo_share=0.0), IWAE(num_samples=6)),
        (Renyi(num_samples=6, alpha=0.0), IWAE(num_samples=6)),
        (Renyi(num_samples=6, alpha=1.0), elbo_of_samples()),
    ],
    ids=lambda loss: type(loss).__name__,
)
def test_settings_that_make_one_loss_another(model, loss, other):
    one, two = step(model, loss, examples(4)), step(model, other, examples(4))
    assert_same((one[0].loss, *one[1:]), (two[0].loss, *two[1:]))


def test_the_elbo_of_samples_has_the_mean_of_the_elbo(model):
    x = examples(1).expand(4000, *SHAPE)
    exact, *_ = step(
        model, ELBO(beta=1.0, schedule=Constant(), free_bits=0.0, free_bits_per="dimension", num_samples=6), x
    )
    sampled, *_ = step(model, elbo_of_samples(), x)
    assert sampled.loss.item() == pytest.approx(exact.loss.item(), abs=0.03)
    assert elbo_of_samples().elbo_share == 1


def test_renyi_tends_to_the_elbo(model):
    near = step(model, Renyi(num_samples=6, alpha=0.999), examples(4))
    limit = step(model, elbo_of_samples(), examples(4))
    torch.testing.assert_close(near[0].loss, limit[0].loss, rtol=0, atol=5e-3)
    torch.testing.assert_close(near[1], limit[1], rtol=1e-2, atol=1e-2)


def test_renyi_refuses_an_alpha_that_only_rounds():
    with pytest.raises(ValueError, match="too near to 1"):
        Renyi(num_samples=5, alpha=1.0001)
