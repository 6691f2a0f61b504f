"""Gradients of bounds of several samples, against sums written by hand and against each other's expectations."""

import warnings

import pytest
import torch
from torch.distributions import Distribution, Independent, Normal

from analysis.linear import solved_vae
from losses.making import assert_same, examples, losses, step, weights_by_hand
from vae_exp.losses.dreg import DReG
from vae_exp.losses.iwae import IWAE
from vae_exp.losses.miwae import MIWAE
from vae_exp.losses.piwae import PIWAE
from vae_exp.losses.stl import STL
from vae_exp.types import Context, Latent, VAEOutput


@pytest.fixture(scope="module")
def model():
    """A linear VAE whose q is off the exact posterior by half a standard deviation."""
    return solved_vae(off=0.5)


def test_iwae_weighs_each_sample_by_its_share(model):
    _, encoder, decoder = step(model, IWAE(num_samples=6), examples(4))
    torch.manual_seed(0)
    model.zero_grad()
    out = model({"x": examples(4)}, 6)
    ((q, p, z),) = out.latents
    w = weights_by_hand(model, examples(4), 6).detach()
    log_w = out.p_x.log_prob(examples(4)) + p.log_prob(z) - q.log_prob(z)
    (-(w / w.sum(0)) * log_w).sum(0).mean().backward()
    by_hand = [torch.cat([p.grad.flatten() for p in part.parameters()]) for part in (model.encoder, model.decoder)]
    assert_same((encoder, decoder), by_hand)


def test_dreg_and_stl_leave_the_decoder_the_gradient_of_the_bound(model):
    _, encoder, decoder = step(model, IWAE(num_samples=6), examples(4))
    for loss in (STL(num_samples=6), DReG(num_samples=6)):
        _, other_encoder, other_decoder = step(model, loss, examples(4))
        assert_same([decoder], [other_decoder])
        assert not torch.allclose(encoder, other_encoder)


def test_piwae_trains_the_encoder_by_miwae_and_the_decoder_by_iwae(model):
    _, encoder, decoder = step(model, PIWAE(num_groups=2, samples_per_group=3), examples(4))
    _, miwae_encoder, miwae_decoder = step(model, MIWAE(num_groups=2, samples_per_group=3), examples(4))
    _, iwae_encoder, iwae_decoder = step(model, IWAE(num_samples=6), examples(4))
    assert_same((encoder, decoder), (miwae_encoder, iwae_decoder))
    assert not torch.allclose(miwae_decoder, iwae_decoder)
    assert not torch.allclose(miwae_encoder, iwae_encoder)


def encoder_gradients(loss_class, k, repetitions=100_000):
    """Gradients of mean and scale of q for many draws at one x, [repetitions, 2], of p(x|z) = N(z, 1/4)."""
    mu = torch.full((repetitions, 1), 0.2, dtype=torch.float64, requires_grad=True)
    sigma = torch.full((repetitions, 1), 0.7, dtype=torch.float64, requires_grad=True)
    z = mu + sigma * torch.randn(k, repetitions, 1, dtype=torch.float64)
    prior = Independent(Normal(torch.zeros(1).double(), torch.ones(1).double()), 1)
    out = VAEOutput((Latent(Independent(Normal(mu, sigma), 1), prior, z),), Independent(Normal(z, 0.5), 1))
    x = torch.full((repetitions, 1), 0.9, dtype=torch.float64)
    loss_class(num_samples=k)(out, {"x": x}, Context(100, torch.nn.Identity())).loss.backward()
    return repetitions * torch.cat((mu.grad, sigma.grad), 1)


def apart(one, other):
    """Difference of the means, in standard errors."""
    error = (one.var(0) / len(one) + other.var(0) / len(other)).sqrt()
    return ((one.mean(0) - other.mean(0)) / error).abs()


@pytest.mark.parametrize("k", [1, 5])
def test_dreg_has_the_mean_of_iwae_with_less_variance(k):
    plain, doubly = encoder_gradients(IWAE, k), encoder_gradients(DReG, k)
    assert (apart(plain, doubly) < 4).all()
    assert (plain.mean(0).abs() > 20 * (plain.var(0) / len(plain)).sqrt()).any(), "the test would see nothing"
    assert (doubly.var(0) < 0.8 * plain.var(0)).all()


def test_stl_has_the_mean_of_the_elbo_with_one_sample_and_is_biased_above():
    mu, sigma = 0.2, 0.7
    exact = torch.tensor([4 * (mu - 0.9) + mu, 4 * sigma + sigma - 1 / sigma])
    single = encoder_gradients(STL, 1)
    assert ((single.mean(0) - exact).abs() < 4 * (single.var(0) / len(single)).sqrt()).all()
    assert (apart(encoder_gradients(STL, 5), encoder_gradients(IWAE, 5)) > 8).any()


@pytest.mark.parametrize("loss", [STL(num_samples=1), STL(num_samples=6), DReG(num_samples=6)])
def test_at_the_exact_posterior_the_encoder_rests(loss):
    exact = solved_vae(off=0.0)
    _, encoder, _ = step(exact, loss, examples(4))
    assert encoder.abs().max() < 1e-9
    _, encoder, _ = step(exact, IWAE(num_samples=loss.num_samples), examples(4))
    assert encoder.abs().max() > 1e-2


def test_the_best_sample_has_the_most_weight():
    # of two samples the one that explains x gets all of the gradient
    z = torch.tensor([[[0.0]], [[3.0]]], dtype=torch.float64, requires_grad=True)
    normal = Independent(Normal(torch.zeros(1, 1).double(), torch.ones(1, 1).double()), 1)
    x = torch.zeros(1, 1).double()
    out = VAEOutput((Latent(normal, normal, z),), Independent(Normal(z + 0.1, 0.1), 1))
    IWAE(num_samples=2)(out, {"x": x}, Context(100, torch.nn.Identity())).loss.backward()
    assert z.grad[0].abs() > 1
    assert z.grad[1].abs() < 1e-9


def test_dreg_evaluates_without_gradients(model):
    with torch.no_grad():
        out = model({"x": examples(2)}, 3)
        assert torch.isfinite(DReG(num_samples=3)(out, {"x": examples(2)}, Context(100, model)).loss)


@pytest.mark.parametrize("loss", losses(), ids=lambda loss: type(loss).__name__)
def test_weights_of_thousands_of_nats_leave_gradients_finite(model, loss):
    far = 60 * examples(3)
    result, encoder, decoder = step(model, loss, far)
    assert result.loss > 1000
    assert torch.isfinite(encoder).all()
    assert torch.isfinite(decoder).all()


@pytest.mark.parametrize("loss", losses(), ids=lambda loss: type(loss).__name__)
def test_a_compiled_step_has_the_same_gradients(model, loss):
    Distribution.set_default_validate_args(False)  # which branches on values
    torch._dynamo.reset()
    x = examples(4)
    plain, encoder, decoder = step(model, loss, x)
    try:
        torch.manual_seed(0)
        model.zero_grad()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # dynamo's own
            compiled = torch.compile(
                lambda x: loss(model({"x": x}, loss.num_samples), {"x": x}, Context(100, model)).loss,
                fullgraph=True,
                backend="aot_eager",
            )(x)
            compiled.backward()
    finally:
        Distribution.set_default_validate_args(True)
    got = [torch.cat([p.grad.flatten() for p in part.parameters()]) for part in (model.encoder, model.decoder)]
    assert_same((compiled, *got), (plain.loss, encoder, decoder))
