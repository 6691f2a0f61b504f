"""Distributions whose parameters are held fixed."""

import pytest
import torch
from torch.distributions import (
    AffineTransform,
    Categorical,
    Gamma,
    Independent,
    Laplace,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
    TransformedDistribution,
)

from vae_exp.distributions.detached import detachable, detached
from vae_exp.errors import UserError

LOC = torch.randn(4, 3, generator=torch.Generator().manual_seed(1)).double().requires_grad_()
SCALE = (0.5 + torch.rand(4, 3, generator=torch.Generator().manual_seed(2)).double()).requires_grad_()
MADE = {
    "independent": lambda: Independent(Normal(LOC, SCALE), 1),
    "laplace": lambda: Independent(Laplace(LOC, SCALE), 1),
    "gamma": lambda: Independent(Gamma(SCALE, SCALE), 1),
    "full": lambda: MultivariateNormal(LOC, covariance_matrix=torch.diag_embed(SCALE)),
    "mixture": lambda: MixtureSameFamily(Categorical(logits=LOC[0]), Independent(Normal(LOC[:3], SCALE[:3]), 1)),
}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_same_density_and_a_gradient_by_way_of_the_value_alone(make):
    q = make()
    z = q.sample().requires_grad_()
    fixed = detached(q)
    torch.testing.assert_close(fixed.log_prob(z), q.log_prob(z), rtol=0, atol=0)
    (wanted,) = torch.autograd.grad(q.log_prob(z).sum(), z, retain_graph=True)
    (got,) = torch.autograd.grad(fixed.log_prob(z).sum(), z)
    torch.testing.assert_close(got, wanted)
    assert fixed.log_prob(z.detach()).requires_grad is False
    assert q.log_prob(z.detach()).requires_grad
    assert fixed.event_shape == q.event_shape
    assert fixed.batch_shape == q.batch_shape


def test_what_holds_more_than_tensors_is_refused():
    q = TransformedDistribution(Independent(Normal(LOC, SCALE), 1), [AffineTransform(LOC, SCALE)])
    with pytest.raises(UserError, match="TransformedDistribution"):
        detached(q)
    assert not detachable(q)
    assert detachable(q.base_dist)
