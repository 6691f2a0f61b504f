"""Few logarithms give the log-probability that many give."""

import pytest
import torch
from torch.distributions import Bernoulli, Independent, Normal

from vae_exp.distributions.bernoulli import Bits, log_prob_in_one_graph


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
