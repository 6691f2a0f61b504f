"""The parts of the rate, against closed forms of Gaussian models and sums by hand."""

import math

import pytest
import torch
from torch.distributions import Independent, Laplace, MultivariateNormal, Normal, TransformedDistribution

from analysis.linear import linear_vae
from vae_exp.distributions.kl import kl_per_dim
from vae_exp.metrics import information
from vae_exp.metrics.information import Information, aggregate, decomposition


def normals(mu, sigma):
    return Independent(Normal(mu, sigma), 1)


def standard(dim):
    return normals(torch.zeros(dim).double(), torch.ones(dim).double())


@pytest.mark.parametrize("kind", [Normal, Laplace])
@pytest.mark.parametrize("at_once", [1, 40, 2**21])
def test_the_aggregate_is_the_mean_of_the_posteriors(monkeypatch, kind, at_once):
    monkeypatch.setattr(information, "AT_ONCE", at_once)
    mu, sigma, z = torch.randn(7, 3).double(), torch.rand(7, 3).double() + 0.1, torch.randn(5, 3).double()
    joint, marginals = aggregate(Independent(kind(mu, sigma), 1), z)
    for m in range(5):
        each = [[kind(mu[n, j], sigma[n, j]).log_prob(z[m, j]).exp().item() for j in range(3)] for n in range(7)]
        assert joint[m].item() == pytest.approx(math.log(sum(map(math.prod, each)) / 7), rel=1e-9)
        for j in range(3):
            assert marginals[m, j].item() == pytest.approx(math.log(sum(row[j] for row in each) / 7), rel=1e-9)


def test_parts_sum_to_the_rate_example_by_example():
    q, p = normals(torch.randn(50, 4).double(), torch.rand(50, 4).double() + 0.1), standard(4)
    z = q.sample()
    parts = decomposition(q, p, z)
    rate = q.log_prob(z) - p.log_prob(z)
    torch.testing.assert_close(parts["mutual_information"] + parts["marginal_kl"], rate, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(parts["total_correlation"] + parts["dimension_wise_kl"], parts["marginal_kl"])
    torch.testing.assert_close(parts["marginal_kl_per_dim"].sum(1), parts["dimension_wise_kl"])


def test_parts_are_those_of_a_linear_gaussian_model():
    # mu ~ N(0, C), q(z|x) = N(mu, s^2): q(z) = N(0, C + s^2)
    n, s = 4000, torch.tensor([0.5, 0.8, 0.6]).double()
    root = torch.tensor([[1.0, 0, 0], [0.8, 0.6, 0], [0, 0, 0.3]]).double()
    mu = torch.randn(n, 3).double() @ root.T
    covariance = root @ root.T + s.square().diag()
    q, p = normals(mu, s.expand(n, 3)), standard(3)
    found = {name: values.mean(0) for name, values in decomposition(q, p, q.sample()).items()}
    variance = covariance.diagonal()
    log_det = torch.logdet(covariance)
    expected = {
        "mutual_information": 0.5 * (log_det - s.square().log().sum()),
        "total_correlation": 0.5 * (variance.log().sum() - log_det),
        "marginal_kl": 0.5 * (variance.sum() - 3 - log_det),
        "dimension_wise_kl": 0.5 * (variance - 1 - variance.log()).sum(),
    }
    for name, value in expected.items():
        assert found[name].item() == pytest.approx(value.item(), abs=0.05), name
    torch.testing.assert_close(found["marginal_kl_per_dim"], 0.5 * (variance - 1 - variance.log()), rtol=0, atol=0.05)
    rate = kl_per_dim(q, p).sum(1).mean()
    assert (found["mutual_information"] + found["marginal_kl"]).item() == pytest.approx(rate.item(), abs=0.06)


def test_posteriors_far_apart_tell_which_of_n_it_was():
    q = normals(torch.arange(20).double()[:, None] * 100, torch.ones(20, 1).double())
    parts = decomposition(q, standard(1), q.sample())
    torch.testing.assert_close(parts["mutual_information"], torch.full((20,), math.log(20)).double())


def test_a_collapsed_posterior_tells_nothing():
    q = normals(torch.zeros(20, 3).double(), torch.ones(20, 3).double())
    for name, values in decomposition(q, standard(3), q.sample()).items():
        torch.testing.assert_close(values, torch.zeros_like(values), msg=name)


def test_float32_is_as_good_as_float64():
    mu, sigma = torch.randn(300, 16) * 3, torch.rand(300, 16) * 0.1 + 1e-3
    q = normals(mu, sigma)
    z = q.sample()
    single = decomposition(q, normals(torch.zeros(16), torch.ones(16)), z)
    double = decomposition(normals(mu.double(), sigma.double()), standard(16), z.double())
    for name in single:
        torch.testing.assert_close(single[name].mean(0), double[name].mean(0), rtol=1e-5, atol=1e-4, msg=name)


def test_what_does_not_factorise_has_the_joint_parts_only():
    mu, sigma = torch.randn(30, 2).double(), torch.rand(30, 2).double() + 0.1
    full, diagonal = MultivariateNormal(mu, scale_tril=torch.diag_embed(sigma)), normals(mu, sigma)
    z = diagonal.sample()
    joint, whole = decomposition(full, standard(2), z), decomposition(diagonal, standard(2), z)
    assert set(joint) == {"mutual_information", "marginal_kl"}
    for name in joint:
        torch.testing.assert_close(joint[name], whole[name])
    hidden = TransformedDistribution(standard(2), [])
    assert set(decomposition(diagonal, hidden, z)) == {"mutual_information", "marginal_kl", "total_correlation"}


def test_the_metric_takes_the_first_examples_of_the_stage():
    model, asked = linear_vae(3), []

    def examples(split, n):
        asked.append((split, n))
        return {"x": torch.rand(25, 1, 2, 3).double()}

    metric = Information(stages=["test"], num_examples=25)
    with torch.no_grad():
        metric.begin("test", model, examples)
    metric.update({}, None, model)
    figures = metric.compute()
    assert asked == [("test", 25)]
    assert figures["marginal_kl_per_dim"].shape == (3,)
    assert figures["mutual_information"] + figures["marginal_kl"] > 0
    assert {"mutual_information/se", "total_correlation/se"} <= set(figures)
