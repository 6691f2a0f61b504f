"""Priors over codes: order, probabilities, samples, temperature."""

import math

import pytest
import torch

from vae_exp.distributions.code_vectors import CodeVectors
from vae_exp.distributions.kl import kl
from vae_exp.distributions.tempered import tempered
from vae_exp.priors.autoregressive import AutoregressivePrior
from vae_exp.priors.uniform_codes import UniformCodes

from .making import autoregressive, every_code, fsq, vq

EVERY = every_code(3, 3)


def test_a_code_never_changes_the_logits_of_itself_or_of_those_before_it():
    network, codes = autoregressive(positions=6, categories=5).network, torch.randint(0, 5, (4, 6))
    before = network(codes)
    for j in range(6):
        changed = codes.clone()
        changed[:, j] = (changed[:, j] + 1) % 5
        after = network(changed)
        assert after[:, : j + 1].equal(before[:, : j + 1])
        assert (after[:, j + 1 :] != before[:, j + 1 :]).any(-1).all(), "and always those after it"


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_probabilities_of_all_codes_sum_to_one_and_are_those_of_the_samples(temperature):
    p = tempered(autoregressive()(None), temperature)
    with torch.no_grad():
        mass = p.log_prob(EVERY).exp()
    assert float(mass.sum()) == pytest.approx(1, abs=1e-12)
    assert mass.max() > 2 * mass.min()
    drawn = p.sample((100, 200)).reshape(-1, 3)
    seen = (drawn[:, None] == EVERY).all(-1).double().mean(0)
    error = (mass * (1 - mass) / len(drawn)).sqrt()
    assert ((seen - mass).abs() < 4.5 * error + 2 / len(drawn)).all()  # rare ones may not occur
    assert p.log_prob(drawn.reshape(100, 200, 3)).shape == (100, 200)


def test_log_probability_is_the_product_of_its_conditionals():
    prior = autoregressive()
    by_hand = torch.zeros(len(EVERY)).double()
    for i in range(3):
        padded = torch.cat((EVERY[:, :i], torch.zeros(len(EVERY), 3 - i, dtype=torch.long)), dim=1)
        by_hand += prior.network(padded)[:, i].log_softmax(-1)[torch.arange(len(EVERY)), EVERY[:, i]]
    torch.testing.assert_close(prior(None).log_prob(EVERY), by_hand)


def test_at_temperature_zero_each_code_is_the_likeliest():
    prior = autoregressive()
    drawn = tempered(prior(None), 0.0).sample((5,))
    assert (drawn == prior.network(drawn).argmax(-1)).all()


@pytest.mark.parametrize("head", [vq(), fsq()])
def test_rate_is_that_of_the_codes_and_reaches_the_prior_alone(head):
    positions, categories = head.prior_shape
    uniform = head.latents_of(UniformCodes(event_shape=head.prior_shape, x_shape=(1,))(None))
    learned = autoregressive(positions, categories)
    params = torch.randn(7, *head.params_shape, dtype=torch.float64, requires_grad=True)
    q = head.eval()(params)
    z = q.rsample((2,))
    torch.testing.assert_close(kl(q, uniform, z), torch.full((7,), positions * math.log(categories)), check_dtype=False)
    rate = kl(q, head.latents_of(learned(None)), z)
    torch.testing.assert_close(rate, -learned(None).log_prob(q.codes))
    torch.testing.assert_close(q.log_prob(z) - head.latents_of(learned(None)).log_prob(z), rate.expand(2, 7))
    assert torch.autograd.grad(rate.sum(), params, allow_unused=True)[0] is None
    assert q.log_prob(z[0] + 1).tolist() == [-math.inf] * 7


def test_what_it_draws_are_vectors_of_codes():
    head = vq()
    p = CodeVectors(autoregressive(2, 6)(None), head)
    z = p.sample((9,))
    assert z.shape == (9, 6)
    torch.testing.assert_close(head.vectors(head.codes(z)), z)


def test_latents_that_are_no_codes_are_refused():
    for refused in (
        lambda: UniformCodes(event_shape=(4,), x_shape=(1,)),
        lambda: AutoregressivePrior(event_shape=(4,), x_shape=(1,), width=8, depth=1, heads=2),
    ):
        with pytest.raises(ValueError, match="needs a posterior of codes; use it with model/posterior=vq or fsq"):
            refused()
    with pytest.raises(ValueError, match="width=8 is no multiple of heads=3"):
        AutoregressivePrior(event_shape=(4, 2), x_shape=(1,), width=8, depth=1, heads=3)
