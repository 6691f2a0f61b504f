"""Models of several latent groups: exact where all is linear, and the same laws for every kind."""

import pytest
import torch
from torch.distributions import Independent, Normal

from vae_exp.analysis.likelihood import importance_nll
from vae_exp.distributions.kl import log_ratio, rate
from vae_exp.distributions.merged import merged
from vae_exp.errors import UserError

from .hierarchies import SHAPE, ladder, linear_ladder, marginal, moved, solved_ladder, vdvae

KINDS = {"ladder": ladder, "vdvae": vdvae}
every_kind = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)


def examples(model, n):
    return marginal(model).sample((n,)).reshape(n, *SHAPE)


def pictures(n=4):
    return {"x": torch.rand(n, 1, 8, 8).double().round()}


@pytest.mark.parametrize(("num_samples", "rows"), [(1, 4000), (7, 4000), (7, 3)])
def test_the_likelihood_is_exact_with_the_exact_posterior(num_samples, rows):
    model = solved_ladder()
    x = examples(model, 5)
    nll = importance_nll(model, {"x": x}, num_samples=num_samples, rows=rows)
    torch.testing.assert_close(nll, -marginal(model).log_prob(x.flatten(1)), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("num_samples", [1, 4])
def test_with_a_wrong_posterior_the_likelihood_itself_is_unbiased(num_samples):
    model = solved_ladder(off=0.4)
    x, repeats = examples(model, 3), 20_000
    nll = importance_nll(model, {"x": x.repeat(repeats, 1, 1, 1)}, num_samples=num_samples, rows=100_000)
    ratio = (-nll.reshape(repeats, 3) - marginal(model).log_prob(x.flatten(1))).exp()
    error = ratio.std(0) / repeats**0.5
    assert (ratio.std(0) > 0.1).all()
    assert ((ratio.mean(0) - 1).abs() <= 4.5 * error).all()
    assert (nll.reshape(repeats, 3).mean(0) > -marginal(model).log_prob(x.flatten(1))).all()


def test_draws_of_the_prior_have_the_laws_moments():
    model = linear_ladder()
    x = model.sample(40_000).sample().flatten(1)
    law = marginal(model)
    torch.testing.assert_close(x.mean(0), law.mean, atol=0.03, rtol=0)
    torch.testing.assert_close(x.T.cov(), law.covariance_matrix, atol=0.05, rtol=0)


def test_the_temperature_multiplies_the_spread_of_every_group():
    model, t = linear_ladder(), 0.5
    (to_data,), (prior,) = model.to_data.layers, model.rungs[1].prior.layers
    a = prior.weight[:2].detach()
    covariance = to_data.weight.detach() @ (t**2 * (a @ a.T + 0.25 * torch.eye(2).double())) @ to_data.weight.detach().T
    torch.testing.assert_close(
        model.sample(40_000, temperature=t).mean.flatten(1).T.cov(), covariance, atol=0.03, rtol=0
    )
    modes = model.sample(3, temperature=0.0).mean
    torch.testing.assert_close(modes[0].flatten(), marginal(model).mean)
    torch.testing.assert_close(modes, modes[:1].expand_as(modes))


def test_merged_is_the_normalised_product():
    a, b = (Independent(Normal(torch.randn(5, 3).double(), torch.rand(5, 3).double() + 0.1), 1) for _ in range(2))
    product = merged(a, b)
    z = torch.randn(7, 5, 3).double()
    excess = a.log_prob(z) + b.log_prob(z) - product.log_prob(z)  # a constant of z
    torch.testing.assert_close(excess, excess[:1].expand_as(excess))


@every_kind
@pytest.mark.parametrize("num_samples", [1, 3])
def test_shapes_of_the_output(make, num_samples):
    model = make()
    out = model(pictures(), num_samples)
    assert len(out.latents) == 3
    for index, (q, p, z) in enumerate(out.latents):
        assert q.batch_shape == p.batch_shape == ((4,) if index == 0 else (num_samples, 4))
        assert z.shape == (num_samples, 4, *q.event_shape)
    assert (out.p_x.batch_shape, out.p_x.event_shape) == ((num_samples, 4), (1, 8, 8))
    assert log_ratio(out.latents).shape == (num_samples, 4)
    assert model.reconstruct(pictures()).batch_shape == (4,)
    assert model.latents(pictures()).shape == (4, sum(latent.z[0, 0].numel() for latent in out.latents))
    assert model.sample(5).batch_shape == (5,)


@every_kind
def test_samples_and_examples_do_not_mix(make):
    model = moved(make(log_var=(-60.0, -59.0)))  # every posterior is all but its centre
    batch = pictures()
    alone = torch.cat([model.reconstruct({"x": x[None]}).mean for x in batch["x"]])
    assert (alone[0] - alone[1]).abs().max() > 1e-4
    torch.testing.assert_close(model.reconstruct(batch).mean, alone)
    torch.testing.assert_close(model(batch, 3).p_x.mean, alone.expand(3, *alone.shape), atol=1e-8, rtol=0)


@every_kind
def test_rate_matches_monte_carlo(make):
    model, batch = moved(make()), pictures(2)
    with torch.no_grad():
        out = model(batch, 1000)
    exact, sampled = rate(out).mean(0), log_ratio(out.latents)
    assert (exact > 0.05).all()
    assert ((sampled.mean(0) - exact).abs() <= 4.5 * sampled.std(0) / 1000**0.5).all()


@every_kind
def test_every_parameter_gets_a_gradient(make):
    model, batch = moved(make()), pictures()
    out = model(batch)
    (rate(out) - out.p_x.log_prob(batch["x"])).mean().backward()
    assert all(weight.grad.abs().max() > 0 for weight in model.parameters())


@every_kind
def test_groups_that_the_example_does_not_decide_are_the_priors(make):
    model, batch = moved(make()), pictures()
    torch.testing.assert_close(model.given_top(batch, 3, 1.0).mean, model.reconstruct(batch).mean)
    none = model.given_top(batch, 0, 0.0).mean
    torch.testing.assert_close(none, model.sample(4, temperature=0.0).mean)
    some = model.given_top(batch, 1, 0.0).mean
    assert (some - none).abs().max() > 1e-6
    torch.testing.assert_close(some, model.given_top(batch, 1, 0.0).mean)


def test_one_group_is_a_vae():
    model = ladder(latent_dims=[3])
    (latent,) = model(pictures(), 2).latents
    assert latent.q.batch_shape == (4,)
    standard = Independent(Normal(torch.zeros_like(latent.z[0]), 1.0), 1)
    torch.testing.assert_close(latent.p.log_prob(latent.z), standard.log_prob(latent.z))


def test_every_prior_of_a_very_deep_vae_begins_at_the_standard_normal():
    for _, p, _ in vdvae()(pictures()).latents:
        assert (p.base_dist.mean == 0).all()
        assert (p.base_dist.stddev == 1).all()


@pytest.mark.parametrize(("groups", "sides"), [([2, 0, 1], [2, 8, 8]), ([0, 1], [4]), ([0, 0, 0, 3], [1, 1, 1])])
def test_groups_lie_at_the_resolutions_asked_for(groups, sides):
    model = vdvae(groups=groups, blocks=[0] * len(groups))
    out = model(pictures())
    assert [latent.z.shape[-1] for latent in out.latents] == sides


def test_sides_that_are_odd_come_back():
    assert vdvae((3, 9, 7), groups=[0, 1], blocks=[0, 0]).sample(2).mean.shape == (2, 3, 9, 7)
    assert vdvae((3, 9, 7), groups=[0, 0, 1], blocks=[0, 0, 0]).sample(2).mean.shape == (2, 3, 9, 7)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: vdvae(groups=[1, 0]), "at least one latent group"),
        (lambda: vdvae(groups=[1, 1]), "one entry for each resolution"),
        (lambda: vdvae((1, 4, 4), groups=[0] * 4 + [1], blocks=[0] * 5), "cannot be halved 4 times"),
        (lambda: vdvae((6,)), "needs pictures"),
        (lambda: ladder(latent_dims=[]), "one entry for each latent group"),
    ],
)
def test_what_cannot_be_built_is_said(wrong, said):
    with pytest.raises(ValueError, match=said):
        wrong()


def test_a_density_in_the_place_of_the_prior_is_refused():
    with pytest.raises(UserError, match="needs one latent group, and there are 3"):
        ladder().sample(2, draw=lambda n, y, temperature: torch.zeros(n, 9))
