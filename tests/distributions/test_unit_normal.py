"""The divergence to N(0, 1) is that of the general form, and of samples."""

import torch
from torch.distributions import Independent, Normal, kl_divergence

from vae_exp.distributions.unit_normal import UnitNormal

MU, SIGMA = torch.tensor([-3.0, 0.0, 0.5, 2.0]), torch.tensor([0.01, 1.0, 0.7, 4.0])
UNIT = UnitNormal(torch.zeros(4), torch.ones(4))


def test_it_is_that_of_any_two_normal_distributions():
    q, general = Normal(MU, SIGMA), Normal(torch.zeros(4), torch.ones(4))
    torch.testing.assert_close(kl_divergence(q, UNIT), kl_divergence(q, general))
    assert kl_divergence(q, UNIT)[1] == 0
    assert torch.equal(kl_divergence(Independent(q, 1), Independent(UNIT, 1)), kl_divergence(q, UNIT).sum())


def test_its_gradient_is_its_slope_and_can_be_derived_again():
    def nats(mu: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        return kl_divergence(Normal(mu, sigma), UNIT)

    at = (MU.double().requires_grad_(), SIGMA.double().requires_grad_())
    assert torch.autograd.gradcheck(nats, at)
    assert torch.autograd.gradgradcheck(nats, at)


def test_it_is_the_mean_of_log_ratios():
    q = Normal(MU, SIGMA)
    z = q.sample(torch.Size([200_000]))
    ratios = q.log_prob(z) - UNIT.log_prob(z)
    error = ratios.std(0) / len(z) ** 0.5
    assert ((ratios.mean(0) - kl_divergence(q, UNIT)).abs() <= 4.5 * error + 1e-6).all()


def test_it_stays_what_it_is_when_it_is_expanded():
    assert type(UNIT.expand(torch.Size([3, 4]))) is UnitNormal
