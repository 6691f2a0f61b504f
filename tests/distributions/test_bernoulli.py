"""Few logarithms give the log-probability that many give."""

import pytest
import torch
import torch.nn.functional as F
from torch.distributions import Bernoulli, Independent, Normal

from vae_exp.distributions.bernoulli import Bits, log_prob_in_one_graph, log_prob_of_bits


@pytest.mark.parametrize("way", [log_prob_in_one_graph, Bits.log_prob])
@pytest.mark.parametrize("event", [(1,), (5,), (127,), (1, 28, 28), (3, 10, 10)])
@pytest.mark.parametrize("spread", [0.0, 1.0, 300.0])
@pytest.mark.parametrize("grey", [False, True])
def test_a_product_has_the_logarithm_of_its_factors(way, event, spread, grey):
    logits = spread * torch.randn(4, 3, *event)
    x = torch.rand(3, *event) if grey else torch.rand(3, *event).round()
    p = Bits(Bernoulli(logits=logits, validate_args=False), len(event), validate_args=False)
    exact = Independent(Bernoulli(logits=logits.double(), validate_args=False), len(event), validate_args=False)
    found = way(p, x)
    assert found.shape == (4, 3)
    torch.testing.assert_close(found.double(), exact.log_prob(x.double()), rtol=2e-6, atol=2e-5)


def test_other_distributions_are_asked_themselves():
    p = Independent(Normal(torch.zeros(4, 3, 2), torch.ones(4, 3, 2)), 1)
    x = torch.randn(3, 2)
    assert torch.equal(log_prob_in_one_graph(p, x), p.log_prob(x))


LOGITS = [-1000.0, -30.0, -1.0, -1e-3, 0.0, 1e-3, 1.0, 30.0, 1000.0]


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_a_bit_has_the_log_probability_and_gradient_of_torch(value):
    logits = torch.tensor(LOGITS, dtype=torch.float64, requires_grad=True)
    wanted = -F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, value), reduction="none")
    found = log_prob_of_bits(logits, value)
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-14)
    of_found, of_wanted = (torch.autograd.grad(y.sum(), logits)[0] for y in (found, wanted))
    torch.testing.assert_close(of_found, of_wanted, rtol=1e-12, atol=1e-15)


def test_a_bit_can_be_derived_twice_by_its_logit_and_its_value():
    logits = torch.tensor([-2.0, 0.0, 1.5], dtype=torch.float64, requires_grad=True)
    value = torch.tensor([[0.1], [0.9]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(log_prob_of_bits, (logits, value))
    assert torch.autograd.gradgradcheck(log_prob_of_bits, (logits, value))
