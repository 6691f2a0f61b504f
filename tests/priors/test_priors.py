"""Learned and heavy-tailed priors over real vectors."""

import io
import math

import pytest
import torch
from tests.posteriors.laws import integral, moments_match_density, within
from torch import nn
from torch.distributions import Independent, Laplace, Normal
from torch.func import jacrev

from vae_exp.distributions.flowed import back, through
from vae_exp.distributions.tempered import tempered
from vae_exp.errors import UserError
from vae_exp.heads.posteriors.diag_normal import DiagNormal
from vae_exp.heads.posteriors.full_normal import FullNormal
from vae_exp.priors.flow import FlowPrior
from vae_exp.priors.laplace import LaplacePrior
from vae_exp.priors.mixture import Mixture
from vae_exp.priors.vamp import VampPrior

X_SHAPE = (1, 2, 3)


class Encoder(nn.Module):
    """Examples -> posterior, and how often it was asked."""

    def __init__(self, dim, head=DiagNormal):
        super().__init__()
        self.head = head(event_shape=(dim,), min_log_var=-14.0, max_log_var=14.0)
        self.layer = nn.Linear(math.prod(X_SHAPE), *self.head.params_shape).double()
        self.asked = []

    def forward(self, x):
        self.asked.append(x)
        return self.head(self.layer(x.flatten(1)))


def vamp(dim, count=4, start="random", mean=0.5, std=0.3):
    return VampPrior(
        event_shape=(dim,), x_shape=X_SHAPE, num_components=count, start=start, random_mean=mean, random_std=std
    ).double()


def flow(dim, kind):
    return FlowPrior(event_shape=(dim,), x_shape=X_SHAPE, kind=kind, transforms=2, hidden=[8]).double()


def mixture(dim):
    prior = Mixture(event_shape=(dim,), x_shape=X_SHAPE, num_components=3, spread=2.0).double()
    with torch.no_grad():
        prior.logits.copy_(torch.tensor([0.0, 1.0, -1.0]))
        prior.log_scale.normal_(std=0.3)
    return prior


PRIORS = {
    "mixture": mixture,
    "vamp": vamp,
    "laplace": lambda dim: LaplacePrior(event_shape=(dim,), x_shape=X_SHAPE, scale=0.8).double(),
    "affine": lambda dim: flow(dim, "affine"),
    "spline": lambda dim: flow(dim, "spline"),
}
every_prior = pytest.mark.parametrize("name", PRIORS)


@every_prior
@pytest.mark.parametrize("dim", [1, 2])
def test_density_integrates_to_one_and_is_that_of_the_samples(name, dim):
    p = PRIORS[name](dim)(Encoder(dim))
    assert (p.batch_shape, p.event_shape) == ((), (dim,))
    how = {"span": 12.0, "points": 200_001 if dim == 1 else 401}  # fine where a spline has peaks
    assert integral(p, dim, **how) == pytest.approx(1, abs=5e-3)
    assert moments_match_density(p, dim, **how)


@every_prior
def test_density_has_the_shape_of_its_latents(name):
    p = PRIORS[name](3)(Encoder(3))
    z = torch.randn(2, 5, 3, dtype=torch.float64)
    assert p.log_prob(z).shape == (2, 5)
    torch.testing.assert_close(p.log_prob(z)[1, 4], p.log_prob(z[1, 4]))


@every_prior
def test_a_saved_prior_is_the_same_after_loading(name):
    prior, other, encoder, z = PRIORS[name](3), PRIORS[name](3), Encoder(3), torch.randn(5, 3, dtype=torch.float64)
    buffer = io.BytesIO()
    torch.save(prior.state_dict(), buffer)
    buffer.seek(0)
    other.load_state_dict(torch.load(buffer, weights_only=True))
    torch.testing.assert_close(other(encoder).log_prob(z), prior(encoder).log_prob(z))


# Mixture


def test_mixture_density_is_written_by_hand():
    prior, z = mixture(3), torch.randn(7, 3, dtype=torch.float64)
    total = 0
    for k, weight in enumerate(prior.logits.softmax(0)):
        total = total + weight * Normal(prior.loc[k], prior.log_scale[k].exp()).log_prob(z).sum(-1).exp()
    torch.testing.assert_close(prior(None).log_prob(z), total.log())


# VampPrior


@pytest.mark.parametrize("head", [DiagNormal, FullNormal])
def test_vamp_is_the_explicit_mixture_of_posteriors(head):
    prior, encoder, z = vamp(3), Encoder(3, head), torch.randn(2, 7, 3, dtype=torch.float64)
    p = prior(encoder)
    assert len(encoder.asked) == 1, "one pass of the encoder for all components"
    each = [encoder(u[None]).log_prob(z) for u in prior.pseudo_inputs]
    torch.testing.assert_close(p.log_prob(z), torch.logsumexp(torch.stack(each), 0) - math.log(4))


def test_pseudo_inputs_start_at_different_examples():
    prior, x = vamp(2, start="data"), torch.rand(9, *X_SHAPE).double()
    prior.start_from_data(x)
    rows = [next(n for n, example in enumerate(x) if example.equal(u)) for u in prior.pseudo_inputs]
    assert len(set(rows)) == 4
    with pytest.raises(UserError, match=r"num_components=4 is more than the 3 training examples"):
        prior.start_from_data(x[:3])


def test_random_pseudo_inputs_do_not_look_at_the_data():
    prior = vamp(2)
    before = prior.pseudo_inputs.clone()
    prior.start_from_data(torch.rand(9, *X_SHAPE).double())
    torch.testing.assert_close(prior.pseudo_inputs, before)


def test_pseudo_inputs_stay_in_the_unit_interval_and_come_back_from_its_ends():
    prior = vamp(2, mean=0.0, std=0.0)  # all black, where a hard tanh has no gradient
    target = torch.tensor([[0.0, 0.5, 1.0], [-1.0, 2.0, 0.25]]).double()
    optimizer = torch.optim.SGD(prior.parameters(), lr=0.1)
    for _ in range(200):
        encoder = Encoder(2)
        prior(encoder)
        seen = encoder.asked
        assert (seen[0] >= 0).all()
        assert (seen[0] <= 1).all()
        optimizer.zero_grad()
        (seen[0] - target).square().sum().backward()
        optimizer.step()
    torch.testing.assert_close(seen[0][0, 0], target.clamp(0, 1), atol=1e-6, rtol=0)
    assert prior.pseudo_inputs.abs().max() < 1.5, "a step outside is not followed by others"


# Flow


@pytest.mark.parametrize("kind", ["affine", "spline"])
def test_flow_density_is_that_of_its_map_by_autograd(kind):
    p = flow(3, kind)(None)
    z = torch.randn(6, 3, dtype=torch.float64)
    log_det = torch.stack([jacrev(lambda t: through(p.steps, t)[0])(row).slogdet().logabsdet for row in z])
    straight, _ = through(p.steps, z)
    torch.testing.assert_close(p.log_prob(z), Normal(0.0, 1.0).log_prob(straight).sum(-1) + log_det)
    torch.testing.assert_close(back(p.steps, straight), z)


# Temperature


@pytest.mark.parametrize("name", ["mixture", "vamp", "laplace"])
def test_temperature_multiplies_the_spread_about_the_components_means(name):
    p, t = PRIORS[name](2)(Encoder(2)), 0.5
    parts = getattr(p, "component_distribution", p)
    weights = p.mixture_distribution.probs if name != "laplace" else torch.ones(1, dtype=torch.float64)
    means, variances = parts.mean.reshape(-1, 2), parts.variance.reshape(-1, 2)
    mean = (weights[:, None] * means).sum(0)
    variance = (weights[:, None] * (t**2 * variances + means**2)).sum(0) - mean**2
    z = tempered(p, t).sample((100_000,))
    assert within(z, mean)
    assert within((z - mean) ** 2, variance)
    still = tempered(p, 0.0).sample((50,))
    assert torch.cdist(still, means).min(1).values.max() < 1e-12


@pytest.mark.parametrize("kind", ["affine", "spline"])
def test_a_flow_has_no_temperature(kind):
    with pytest.raises(UserError, match=r"temperature=0\.5 has no meaning for a Straightened;"):
        tempered(flow(2, kind)(None), 0.5)


def test_laplace_prior_has_the_scale_it_was_given():
    p = PRIORS["laplace"](3)(None)
    same = Independent(Laplace(torch.zeros(3).double(), torch.full((3,), 0.8).double()), 1)
    z = torch.randn(5, 3, dtype=torch.float64)
    torch.testing.assert_close(p.log_prob(z), same.log_prob(z), rtol=1e-6, atol=1e-6)
