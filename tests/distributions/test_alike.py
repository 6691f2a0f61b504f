"""Samples from the same noise: each fair by itself, and moved by the same noise."""

import torch
from torch.distributions import Independent, Normal

from vae_exp.distributions.alike import rsample_alike
from vae_exp.distributions.one_hots import OneHots


def test_each_sample_is_fair_and_all_have_the_same_noise():
    loc = torch.tensor([[0.0, 1.0], [5.0, -2.0]]).double()[:, None].expand(2, 50_000, 2)
    scale = torch.tensor([[1.0, 0.1], [2.0, 3.0]]).double()[:, None].expand(2, 50_000, 2)
    z = rsample_alike(Independent(Normal(loc, scale), 1))
    torch.testing.assert_close(z.mean(1), loc[:, 0], atol=0.05, rtol=0)
    torch.testing.assert_close(z.std(1), scale[:, 0], rtol=0.02, atol=0)
    noise = (z - loc) / scale
    torch.testing.assert_close(noise[0], noise[1])


def test_gradients_are_those_of_the_reparameterisation():
    loc, scale = torch.randn(3, 4, 2).double().requires_grad_(), torch.rand(3, 4, 2).double().add(0.1).requires_grad_()
    z = rsample_alike(Independent(Normal(loc, scale), 1))
    z.sum().backward()
    torch.testing.assert_close(loc.grad, torch.ones_like(loc))
    torch.testing.assert_close(scale.grad, ((z - loc) / scale).detach())


def test_other_distributions_are_sampled_as_they_are():
    assert rsample_alike(OneHots(torch.zeros(3, 4, 1, 5), temperature=None)).shape == (3, 4, 5)
