"""Figures over a set, against direct computation on the whole set, however it is cut into batches."""

import math

import numpy as np
import pytest
import scipy.stats
import torch
from torch.distributions import Independent, Normal, TransformedDistribution

from analysis.linear import PIXELS, SHAPE, linear_vae, marginal, solved_vae
from vae_exp.distributions.one_hots import OneHots
from vae_exp.heads.likelihoods.bernoulli import BernoulliLikelihood
from vae_exp.heads.likelihoods.discretized_logistic import DiscretizedLogisticLikelihood
from vae_exp.metrics.base import standard_error
from vae_exp.metrics.elbo import Elbo
from vae_exp.metrics.latents import ActiveUnits, KLPerDimension, covariance_of_parts, moments_of
from vae_exp.metrics.mse import MeanSquaredError
from vae_exp.metrics.nll import ImportanceSampledNLL
from vae_exp.types import Latent, VAEOutput

N, K, D = 37, 3, 4
BOTH = ["val", "test"]
CUTS = [[37], [10, 10, 10, 7], [1] * 37, [36, 1], [2, 35]]
by_cut = pytest.mark.parametrize("cut", CUTS, ids=str)


class Whole:
    """A whole set, what a model makes of it, and its pieces."""

    def __init__(self):
        self.model = linear_vae(D)
        self.x = torch.rand(N, *SHAPE, dtype=torch.float64)
        with torch.no_grad():
            q = self.model.encode(self.x)
        self.mu, self.sigma = q.mean, q.stddev
        self.z = self.mu + self.sigma * torch.randn(K, N, D, dtype=torch.float64)

    def output(self, part=slice(None), hide_prior=False):
        q = Independent(Normal(self.mu[part], self.sigma[part]), 1)
        p = self.model.prior(self.model.encode)
        p = TransformedDistribution(p, []) if hide_prior else p
        return VAEOutput((Latent(q, p, self.z[:, part]),), self.model.decode(self.z[:, part]))

    def score(self, metric, cut, **kwargs):
        for part in torch.arange(N).split(cut):
            metric.update({"x": self.x[part]}, self.output(part, **kwargs), self.model)
        return {name: value.tolist() for name, value in metric.compute().items()}

    def distortion(self):
        layer = self.model.decoder.layers[-1]
        mean = (self.z @ layer.weight.T + layer.bias).detach().numpy()
        return -scipy.stats.norm.logpdf(self.x.flatten(1).numpy(), mean, np.float64(np.float32(0.1))).sum(-1).mean(0)

    def kl(self):
        return (0.5 * (self.mu**2 + self.sigma**2 - 1) - torch.log(self.sigma)).numpy()


@by_cut
def test_elbo_and_its_parts_are_means_over_the_set(cut):
    whole = Whole()
    figures = whole.score(Elbo(stages=BOTH), cut)
    distortion, rate = whole.distortion(), whole.kl().sum(1)
    for name, scores in {"distortion": distortion, "rate": rate, "nelbo": distortion + rate}.items():
        assert figures[name] == pytest.approx(scores.mean(), rel=1e-6)
        assert figures[f"{name}/se"] == pytest.approx(scores.std(ddof=1) / N**0.5, rel=1e-5)
    assert set(figures) == {f"{name}{se}" for name in ("nelbo", "rate", "distortion") for se in ("", "/se")}


@by_cut
def test_elbo_averages_a_rate_that_is_estimated(cut):
    whole = Whole()
    noise = ((whole.z - whole.mu) / whole.sigma).numpy()
    ratio = (0.5 * whole.z.numpy() ** 2 - 0.5 * noise**2 - np.log(whole.sigma.numpy())).sum(-1).mean(0)
    assert whole.score(Elbo(stages=BOTH), cut, hide_prior=True)["rate"] == pytest.approx(ratio.mean(), rel=1e-6)


def test_elbo_scores_the_target():
    whole, metric = Whole(), Elbo(stages=BOTH)
    metric.update({"x": torch.zeros_like(whole.x), "target": whole.x}, whole.output(), whole.model)
    assert metric.compute()["distortion"].item() == pytest.approx(whole.distortion().mean(), rel=1e-6)


@by_cut
def test_mse_is_that_of_the_mean_reconstruction(cut):
    whole = Whole()
    layer = whole.model.decoder.layers[-1]
    by_hand = (whole.x.flatten(1) - (whole.mu @ layer.weight.T + layer.bias).detach()).square().mean(1)
    figures = whole.score(MeanSquaredError(stages=BOTH), cut)
    assert figures["mse"] == pytest.approx(by_hand.mean().item(), rel=1e-9)
    assert figures["mse/se"] == pytest.approx(by_hand.std().item() / N**0.5, rel=1e-9)


@by_cut
def test_active_units_are_those_whose_mean_varies(cut):
    whole = Whole()
    whole.mu = torch.randn(N, D).double() * torch.tensor([0.001, 0.05, 0.5, 2.0]) + torch.tensor([50.0, 3.0, 0, -2])
    variance = whole.mu.numpy().var(0, ddof=1)
    for threshold in (0.0, *(variance * 0.999), *(variance * 1.001)):
        figures = whole.score(ActiveUnits(stages=BOTH, threshold=threshold), cut)
        assert figures == {"active_units": (variance > threshold).sum()}


def test_a_posterior_that_ignores_its_input_has_no_active_units():
    whole = Whole()
    whole.mu = torch.full((N, D), 3.7).double()
    assert whole.score(ActiveUnits(stages=BOTH, threshold=1e-12), [10, 27]) == {"active_units": 0.0}


def active(*latents):
    metric = ActiveUnits(stages=BOTH, threshold=0.01)
    for _ in range(10):
        metric.update({}, VAEOutput(latents, None), None)
    return metric.compute()["active_units"]


class Drawn(Normal):
    """Has a mean that is not known."""

    mean = property(lambda self: (_ for _ in ()).throw(NotImplementedError))


def test_the_noise_of_draws_makes_no_unit_active():
    """Of 64 draws with a variance of 1 the mean has one of 1/64, above the threshold."""
    loc = torch.zeros(200, 6)
    loc[:, :2] = 0.5 * torch.randn(200, 2)  # a variance of 0.25 in two dimensions
    assert active(Latent(Independent(Drawn(loc, 1.0), 1), Independent(Normal(torch.zeros(6), 1.0), 1), None)) == 2


def test_what_is_known_from_above_makes_no_unit_active():
    above = torch.randn(1, 200, 3)  # where the prior of the group below is
    prior = Independent(Normal(above, 1.0), 1)
    told = torch.zeros(200, 3)
    told[:, 0] = torch.randn(200)
    assert active(Latent(prior, prior, None)) == 0
    assert active(Latent(Independent(Normal(above + told, 1.0), 1), prior, None)) == 1


def test_soft_codes_are_active_by_their_probabilities():
    logits = torch.zeros(200, 5, 4)
    logits[:100, :, 0], logits[100:, :, 0] = 1.0, 3.0  # the same mode
    soft = OneHots(logits, temperature=torch.tensor(0.5))
    assert active(Latent(soft, OneHots(torch.zeros(5, 4), temperature=None), None)) == 5
    nearly_even = OneHots(1e-4 * torch.randn(200, 5, 4), temperature=torch.tensor(0.5))
    assert active(Latent(nearly_even, OneHots(torch.zeros(5, 4), temperature=None), None)) == 0


@by_cut
def test_kl_per_dim_is_a_mean_over_the_set_and_sums_to_the_rate(cut):
    whole = Whole()
    nats = whole.score(KLPerDimension(stages=BOTH), cut)["kl_per_dim"]
    assert nats == pytest.approx(whole.kl().mean(0).tolist(), rel=1e-6)
    assert sum(nats) == pytest.approx(whole.score(Elbo(stages=BOTH), cut)["rate"], rel=1e-6)


def test_kl_per_dim_is_left_out_where_it_does_not_divide():
    assert Whole().score(KLPerDimension(stages=BOTH), [37], hide_prior=True) == {}


@by_cut
def test_nll_is_exact_where_the_posterior_is(cut):
    whole = Whole()
    whole.model = solved_vae(latent_dim=D)
    by_hand = -marginal(whole.model).log_prob(whole.x.flatten(1)).numpy()
    figures = whole.score(ImportanceSampledNLL(stages=BOTH, num_samples=3, rows=20), cut)
    assert figures["nll"] == pytest.approx(by_hand.mean(), rel=1e-5)
    assert figures["nll/se"] == pytest.approx(by_hand.std(ddof=1) / N**0.5, rel=1e-3)
    assert "bits_per_dim" not in figures  # a density has none


def test_bits_per_dim_are_nats_over_dimensions_and_log_two():
    whole = Whole()
    whole.model.likelihood = BernoulliLikelihood(event_shape=SHAPE)
    whole.x = whole.x.round()
    figures = whole.score(ImportanceSampledNLL(stages=BOTH, num_samples=3, rows=20), [20, 17])
    assert figures["bits_per_dim"] == pytest.approx(figures["nll"] / (PIXELS * math.log(2)))
    assert figures["bits_per_dim/se"] == pytest.approx(figures["nll/se"] / (PIXELS * math.log(2)))


def test_uniform_bytes_cost_eight_bits_per_dim():
    # a logistic as wide as this is flat over [0, 1], but for the mass beyond its ends: take levels inside only
    whole = Whole()
    head = DiscretizedLogisticLikelihood(event_shape=SHAPE, levels=256, min_log_scale=-7.0, max_log_scale=3.0)
    whole.model.likelihood = head
    whole.model.decoder = torch.nn.Sequential(torch.nn.Linear(D, 2 * PIXELS), torch.nn.Unflatten(1, head.params_shape))
    whole.model.double()
    for weight in whole.model.decoder.parameters():
        torch.nn.init.zeros_(weight)
    whole.x = torch.full_like(whole.x, 128 / 255)  # the mode: density 1 / (4 s), s = e^-2
    for weight in whole.model.encoder.parameters():
        torch.nn.init.zeros_(weight)  # q is the prior, so that nll is the distortion
    figures = whole.score(ImportanceSampledNLL(stages=BOTH, num_samples=2, rows=20), [37])
    assert figures["bits_per_dim"] == pytest.approx(-math.log2(math.exp(2) / 4 / 255), abs=1e-3)


def test_cross_entropy_on_grey_has_no_bits_per_dim():
    whole = Whole()
    whole.model.likelihood, whole.model.suffix = BernoulliLikelihood(event_shape=SHAPE), "_bce"
    assert set(whole.score(ImportanceSampledNLL(stages=BOTH, num_samples=3, rows=20), [37])) == {"nll", "nll/se"}


@pytest.mark.parametrize(
    "make",
    [Elbo, MeanSquaredError, KLPerDimension, lambda stages: ActiveUnits(stages=stages, threshold=0.01)],
)
def test_reset_forgets_everything(make):
    whole, metric = Whole(), make(stages=BOTH)
    once = whole.score(metric, [37])
    metric.reset()
    assert whole.score(metric, [37]) == once


def test_standard_error_is_that_of_scipy():
    values = torch.randn(50, dtype=torch.float64) * 3 + 1
    assert standard_error(values).item() == pytest.approx(scipy.stats.sem(values.numpy()))


def test_standard_error_of_one_value_is_unknown():
    assert math.isnan(standard_error(torch.tensor([2.0])))


@pytest.mark.parametrize("cut", [[50], [1] * 50, [49, 1], [3, 40, 7]], ids=str)
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_covariance_of_parts_is_that_of_numpy(cut, offset):
    a = torch.randn(50, 3, dtype=torch.float64) * torch.tensor([1e-3, 1.0, 5.0]).double() + offset
    b = a + torch.randn_like(a) - offset / 2
    parts = torch.stack([moments_of(*pair) for pair in zip(a.split(cut), b.split(cut), strict=True)])
    by_numpy = [np.cov(a[:, j].numpy(), b[:, j].numpy())[0, 1] for j in range(3)]
    np.testing.assert_allclose(covariance_of_parts(parts).numpy(), by_numpy, rtol=1e-9 if offset == 0 else 1e-3)
