"""The loss against sums written by hand."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import Independent, Normal, TransformedDistribution

from vae_exp.losses.elbo import ELBO
from vae_exp.schedules import Constant, Linear, Progress
from vae_exp.types import Context, Latent, VAEOutput

K, B, D, PIXELS = 4, 6, 3, 10
MU = torch.randn(B, D, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
SIGMA = 0.2 + torch.rand(B, D, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
NOISE = torch.randn(K, B, D, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
X = torch.rand(B, 1, 2, 5, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
CONTEXT = Context(1000, nn.Identity())


def elbo(**settings):
    return ELBO(
        **{"beta": 1.0, "schedule": Constant(), "free_bits": 0.0, "free_bits_per": "dimension", "num_samples": K}
        | settings
    )


def output(mu=MU, sigma=SIGMA, noise=NOISE, groups=1, pixels=1):
    prior = Independent(Normal(torch.zeros(D).double(), torch.ones(D).double()), 1)
    z = mu + sigma * noise
    latents = tuple(Latent(Independent(Normal(mu, sigma), 1), prior, z) for _ in range(groups))
    mean = z.mean(-1)[..., None, None, None].expand(*z.shape[:2], 1, 2, 5 * pixels)
    return VAEOutput(latents, Independent(Normal(mean, torch.full_like(mean, 0.3)), 3))


def distortion_by_hand(x=X):
    mean = (MU + SIGMA * NOISE).mean(-1)[..., None, None, None]
    log_p = -0.5 * ((x - mean) / 0.3) ** 2 - math.log(0.3) - 0.5 * math.log(2 * math.pi)
    return -log_p.sum((-1, -2, -3))


def kl_by_hand(mu=MU, sigma=SIGMA):
    return 0.5 * (mu**2 + sigma**2 - 1 - 2 * torch.log(sigma))


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0, 4.0])
def test_loss_is_distortion_plus_weighted_rate(beta):
    result = elbo(beta=beta)(output(), {"x": X}, CONTEXT)
    by_hand = distortion_by_hand().mean() + beta * kl_by_hand().sum(1).mean()
    torch.testing.assert_close(result.loss, by_hand)


def test_terms_are_unweighted_and_per_example():
    for loss in (elbo(), elbo(beta=7.0), elbo(free_bits=2.0)):
        terms = loss(output(), {"x": X}, CONTEXT).terms
        torch.testing.assert_close(terms["distortion"], distortion_by_hand())
        torch.testing.assert_close(terms["rate"], kl_by_hand().sum(1))
        torch.testing.assert_close(terms["nelbo"], distortion_by_hand() + kl_by_hand().sum(1))


def test_beta_one_is_the_negative_elbo():
    result = elbo()(output(), {"x": X}, CONTEXT)
    torch.testing.assert_close(result.loss, result.terms["nelbo"].mean())


def test_negative_elbo_is_not_below_the_negative_log_likelihood():
    # p(x|z) = N(z, s^2) in one dimension has p(x) = N(0, 1 + s^2); any q gives a bound
    x, s = torch.linspace(-2, 2, 9).double(), 0.5
    q_mu, q_sigma = 0.3 * x, 0.8
    z = q_mu + q_sigma * torch.randn(50_000, 9).double()
    p_x = Independent(Normal(z[..., None, None, None], s), 3)
    q = Independent(Normal(q_mu[:, None], q_sigma), 1)
    p = Independent(Normal(torch.zeros(1).double(), 1.0), 1)
    loss = elbo()(VAEOutput((Latent(q, p, z[..., None]),), p_x), {"x": x[:, None, None, None]}, CONTEXT).loss
    nll = 0.5 * (x**2 / (1 + s**2) + math.log(2 * math.pi * (1 + s**2))).mean()
    gap = (0.5 * math.log(s**2 / (1 + s**2)) - math.log(q_sigma) - 0.5) + 0.5 * (1 + 1 / s**2) * (
        q_sigma**2 + (q_mu - x / (1 + s**2)) ** 2
    ).mean()  # KL from q to the exact posterior N(x / (1 + s^2), s^2 / (1 + s^2))
    assert gap > 0
    assert loss.item() == pytest.approx((nll + gap).item(), rel=5e-3)


def test_target_is_scored_in_place_of_x():
    target = 1 - X
    result = elbo()(output(), {"x": X, "target": target}, CONTEXT)
    torch.testing.assert_close(result.terms["distortion"], distortion_by_hand(target))


@pytest.mark.parametrize("free_bits", [0.3, 5.0])
def test_free_bits_of_a_group_are_those_of_all_its_dimensions_together(free_bits):
    sigmas = (SIGMA, SIGMA.expand(K, B, D), torch.ones_like(SIGMA))
    outs = [output(mu=MU * scale, sigma=sigma) for scale, sigma in zip((1.0, 0.1, 0.0), sigmas, strict=True)]
    out = outs[0]._replace(latents=tuple(out.latents[0] for out in outs))
    result = elbo(beta=2.0, free_bits=free_bits, free_bits_per="group")(out, {"x": X}, CONTEXT)
    rates = [kl_by_hand(MU * scale, sigma).sum(-1).mean() for scale, sigma in zip((1.0, 0.1, 0.0), sigmas, strict=True)]
    assert rates[2] < free_bits < rates[0] or free_bits > 1
    charged = sum(max(free_bits, float(rate)) for rate in rates)
    torch.testing.assert_close(result.loss, distortion_by_hand().mean() + 2.0 * charged)


@pytest.mark.parametrize("free_bits", [0.01, 0.3, 5.0])
def test_free_bits_charge_each_dimension_no_less_than_they_allow(free_bits):
    result = elbo(beta=2.0, free_bits=free_bits)(output(), {"x": X}, CONTEXT)
    charged = sum(max(free_bits, nats) for nats in kl_by_hand().mean(0).tolist())
    assert result.loss.item() == pytest.approx(distortion_by_hand().mean().item() + 2 * charged, rel=1e-12)


def test_free_bits_are_charged_in_every_group():
    loss = elbo(free_bits=0.3)(output(groups=2), {"x": X}, CONTEXT).loss
    charged = kl_by_hand().mean(0).clamp_min(0.3).sum()
    torch.testing.assert_close(loss, distortion_by_hand().mean() + 2 * charged)


def test_a_dimension_below_its_free_bits_gets_no_gradient():
    mu = torch.tensor([[0.1, 2.0, 0.0], [-0.1, 2.0, 0.1]]).double().requires_grad_()
    sigma = torch.tensor([[1.0, 0.5, 0.9], [0.9, 0.5, 1.0]]).double().requires_grad_()
    out = output(mu, sigma, NOISE[:, :2])
    fixed = VAEOutput(out.latents, Independent(Normal(torch.zeros(K, 2, 1, 2, 5).double(), 1.0), 3))
    elbo(free_bits=0.5)(fixed, {"x": X[:2]}, CONTEXT).loss.backward()
    assert (mu.grad[:, [0, 2]] == 0).all()
    assert (sigma.grad[:, [0, 2]] == 0).all()
    torch.testing.assert_close(mu.grad[:, 1], mu[:, 1].detach() / 2)
    torch.testing.assert_close(sigma.grad[:, 1], (sigma - 1 / sigma)[:, 1].detach() / 2)


def test_free_bits_need_a_rate_that_divides():
    assert "factorised" in elbo(free_bits=0.5).needs
    assert "factorised" not in elbo().needs


def test_a_rate_without_closed_form_is_its_estimate():
    q, p, z = output().latents[0]
    whole = VAEOutput((Latent(q, TransformedDistribution(p, []), z),), output().p_x)
    result = elbo(beta=3.0)(whole, {"x": X}, CONTEXT)
    ratio = (-0.5 * NOISE**2 - torch.log(SIGMA) + 0.5 * z**2).sum(-1)
    torch.testing.assert_close(result.loss, distortion_by_hand().mean() + 3 * ratio.mean())


def test_repeating_the_batch_leaves_the_loss():
    twice = output(MU.repeat(2, 1), SIGMA.repeat(2, 1), NOISE.repeat(1, 2, 1))
    for loss in (elbo(beta=2.0), elbo(beta=2.0, free_bits=0.3)):
        once = loss(output(), {"x": X}, CONTEXT).loss
        torch.testing.assert_close(loss(twice, {"x": X.repeat(2, 1, 1, 1)}, CONTEXT).loss, once)


def test_repeating_the_samples_leaves_the_loss():
    twice = output(noise=NOISE.repeat(2, 1, 1))
    torch.testing.assert_close(elbo()(twice, {"x": X}, CONTEXT).loss, elbo()(output(), {"x": X}, CONTEXT).loss)


def test_twice_the_pixels_are_twice_the_distortion_at_the_same_rate():
    once = elbo()(output(), {"x": X}, CONTEXT).terms
    twice = elbo()(output(pixels=2), {"x": X.repeat(1, 1, 1, 2)}, CONTEXT).terms
    torch.testing.assert_close(twice["distortion"], 2 * once["distortion"])
    torch.testing.assert_close(twice["rate"], once["rate"])


def test_twice_the_latents_are_twice_the_rate():
    once = elbo()(output(), {"x": X}, CONTEXT).terms
    twice = elbo()(output(groups=2), {"x": X}, CONTEXT).terms
    torch.testing.assert_close(twice["rate"], 2 * once["rate"])
    torch.testing.assert_close(twice["distortion"], once["distortion"])


def test_schedule_multiplies_beta():
    loss = elbo(beta=4.0, schedule=Linear(start=0.0, end=1.0, duration=10, unit="steps"))
    for step, beta in [(0, 0.0), (5, 2.0), (10, 4.0), (50, 4.0)]:
        loss.schedule.advance(Progress(step, 0.0, 100))
        assert loss.weights()["beta"].item() == beta
        by_hand = distortion_by_hand().mean() + beta * kl_by_hand().sum(1).mean()
        torch.testing.assert_close(loss(output(), {"x": X}, CONTEXT).loss, by_hand)


def test_it_owns_no_parameters():
    assert elbo().param_groups() == []
    assert not list(elbo().parameters())
