"""Densities fitted to latents of which the density is known."""

import io

import pytest
import torch
from tests.posteriors.laws import integral, moments_match_density, within
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from vae_exp.distributions.tempered import tempered
from vae_exp.errors import UserError
from vae_exp.samplers.flow import Flow
from vae_exp.samplers.gaussian_mixture import GaussianMixture
from vae_exp.samplers.vae import SecondVAE


def gaussian_mixture(dim, num_components=3, covariance_floor=1e-6):
    return GaussianMixture(
        event_shape=(dim,), num_components=num_components, covariance_floor=covariance_floor, max_iterations=200
    ).double()


def flow(dim, steps=250, **more):
    settings = {"kind": "spline", "transforms": 2, "hidden": [16], "batch_size": 256, "learning_rate": 0.01}
    return Flow(event_shape=(dim,), **settings | {"steps": steps, "held_out": 0.1} | more).double()


def second_vae(dim, steps=400):
    return SecondVAE(
        event_shape=(dim,), hidden=[32], activation="SiLU", min_log_scale=-6.0, min_log_var=-14.0, max_log_var=14.0,
        steps=steps, batch_size=256, learning_rate=0.01, held_out=0.1,
    ).double()  # fmt: skip


def known():
    """Three Gaussians in the plane, far from 0 and from unit scale."""
    loc = torch.tensor([[-3.0, 40.0], [0.0, 30.0], [3.0, 45.0]]).double()
    scale_tril = torch.tensor([[[1.0, 0.0], [2.0, 1.0]], [[0.5, 0.0], [0.0, 3.0]], [[1.0, 0.0], [-1.0, 0.5]]]).double()
    weights = torch.tensor([0.2, 0.5, 0.3]).double()
    return MixtureSameFamily(Categorical(weights), MultivariateNormal(loc, scale_tril=scale_tril))


@pytest.mark.parametrize(("make", "close"), [(gaussian_mixture, 0.02), (flow, 0.15)])
def test_the_log_likelihood_is_close_to_that_of_the_true_density(make, close):
    truth, density = known(), make(2)
    density.fit(truth.sample((3000,)))
    z = truth.sample((5000,))
    divergence = (truth.log_prob(z) - density().log_prob(z)).mean()
    assert -0.01 < divergence < close  # a KL, in nats
    alone = MultivariateNormal(z.mean(0), z.T.cov())  # what one Gaussian would miss
    assert (truth.log_prob(z) - alone.log_prob(z)).mean() > 3 * close
    drawn = density().sample((5000,))
    assert drawn.mean(0).sub(z.mean(0)).abs().lt(0.1 * z.std(0)).all()


def test_a_flow_integrates_to_one_and_draws_from_its_density():
    density = flow(2, steps=20)
    density.fit(torch.randn(500, 2).double() @ torch.tensor([[1.0, 2.0], [0.0, 0.5]]).double())
    how = {"span": 15.0, "points": 241}
    assert integral(density(), 2, **how) == pytest.approx(1, abs=5e-3)
    assert moments_match_density(density(), 2, **how)
    assert not any(weight.requires_grad for weight in density.parameters())


def gap(truth, density, z):
    """KL of the truth to the model, and of the model's posterior to the encoder's; nats."""
    with torch.no_grad():
        return (truth.log_prob(z) + density.nelbo(z, 4)).mean()


def test_a_second_vae_finds_what_is_gaussian():
    truth = MultivariateNormal(torch.tensor([3.0, -40.0]).double(), torch.tensor([[4.0, 3.0], [3.0, 9.0]]).double())
    density = second_vae(2, steps=300)
    density.fit(truth.sample((3000,)))
    z, drawn = truth.sample((5000,)), density().sample((5000,))
    assert -0.02 < gap(truth, density, z) < 0.1
    assert drawn.mean(0).sub(truth.mean).abs().lt(0.1 * truth.stddev).all()
    torch.testing.assert_close(drawn.T.cov(), truth.covariance_matrix, atol=1.0, rtol=0)
    assert not any(weight.requires_grad for weight in density.parameters())


def test_a_second_vae_finds_what_one_gaussian_would_miss():
    truth, density = known(), second_vae(2)
    density.fit(truth.sample((3000,)))
    z = truth.sample((5000,))
    alone = MultivariateNormal(z.mean(0), z.T.cov())
    assert 0 < gap(truth, density, z) < 0.92 * (truth.log_prob(z) - alone.log_prob(z)).mean()


def test_the_temperature_of_a_second_vae_multiplies_both_spreads():
    density = second_vae(2, steps=5)
    density.fit(known().sample((300,)))
    modes = tempered(density(), 0.0).sample((3,))
    torch.testing.assert_close(modes, modes[:1].expand(3, 2))
    wide, narrow = (tempered(density(), t).sample((20_000,)).std(0) for t in (1.0, 0.5))
    assert (narrow < 0.8 * wide).all()


def test_a_flow_keeps_the_weights_at_which_held_out_latents_are_likeliest():
    z, fresh = torch.randn(60, 2).double(), torch.randn(2000, 2).double()
    nats = {}
    for held_out in (0.0, 0.5):
        density = flow(2, steps=150, hidden=[64], batch_size=30, held_out=held_out)
        density.fit(z)
        nats[held_out] = -density().log_prob(fresh).mean()
    assert nats[0.5] < nats[0.0]  # without, the points are learned by heart


def test_one_gaussian_is_the_mean_and_covariance():
    z = torch.randn(200, 3).double() @ torch.randn(3, 3).double() + 5
    density = gaussian_mixture(3, num_components=1, covariance_floor=1e-12)
    density.fit(z)
    torch.testing.assert_close(density.loc[0], z.mean(0))
    torch.testing.assert_close(density.scale_tril[0] @ density.scale_tril[0].T, z.T.cov(correction=0))


def test_a_temperature_multiplies_the_spread_of_a_mixture_and_a_flow_has_none():
    density = gaussian_mixture(2)
    density.fit(known().sample((2000,)))
    drawn = tempered(density(), 0.0).sample((50,))
    assert ((drawn[:, None] - density.loc).abs().sum(-1) < 1e-9).any(1).all()
    assert within(tempered(density(), 1.0).sample((20_000,)), density().mean)
    with pytest.raises(UserError, match="use temperature=1"):
        tempered(flow(2)(), 0.5)


@pytest.mark.parametrize("make", [gaussian_mixture, lambda dim: flow(dim, steps=5)])
def test_a_saved_density_is_the_same_after_loading(make):
    density, other, z = make(2), make(2), known().sample((300,))
    density.fit(z)
    buffer = io.BytesIO()
    torch.save(density.state_dict(), buffer)
    buffer.seek(0)
    other.load_state_dict(torch.load(buffer, weights_only=True))
    torch.testing.assert_close(other().log_prob(z), density().log_prob(z))


def test_a_saved_second_vae_is_the_same_after_loading():
    density, other = second_vae(2, steps=5), second_vae(2)
    density.fit(known().sample((300,)))
    other.load_state_dict(density.state_dict())
    draws = []
    for one in (density, other):
        torch.manual_seed(3)
        draws.append(one().sample((20,)))
    torch.testing.assert_close(*draws)


def test_latents_that_cannot_be_fitted_are_refused():
    with pytest.raises(ValueError, match=r"num_components=3 is more than the 2 examples"):
        gaussian_mixture(2).fit(torch.randn(2, 2))
    for make in (flow, second_vae):
        with pytest.raises(ValueError, match="two examples or more"):
            make(2).fit(torch.randn(1, 2))


def test_a_fit_that_diverges_at_once_is_refused():
    with pytest.raises(ValueError, match=r"no step gave a finite likelihood; learning_rate=1e\+300"):
        flow(2, steps=5, kind="affine", learning_rate=1e300).fit(torch.randn(100, 2).double())


def test_latents_that_are_all_alike_give_a_density():
    for make in (flow, second_vae):
        density = make(2, steps=2)
        density.fit(torch.ones(20, 2).double())
        assert density().sample((5,)).isfinite().all()
