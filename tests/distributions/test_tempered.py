"""A temperature multiplies the spread of a prior."""

import pytest
import torch
from torch.distributions import Gumbel, Independent, Normal

from vae_exp.distributions.tempered import tempered
from vae_exp.errors import UserError


def prior():
    return Independent(Normal(torch.tensor([1.0, -2.0]).double(), torch.tensor([0.5, 3.0]).double()), 1)


@pytest.mark.parametrize("temperature", [0.25, 1.0, 2.0])
def test_spread_is_multiplied_and_location_kept(temperature):
    p = tempered(prior(), temperature)
    torch.testing.assert_close(p.stddev, temperature * prior().stddev)
    torch.testing.assert_close(p.mean, prior().mean)
    assert p.event_shape == prior().event_shape


def test_zero_is_the_mode():
    torch.testing.assert_close(tempered(prior(), 0.0).sample((3,)), prior().mode.expand(3, 2))


def test_one_leaves_any_distribution_as_it_is():
    p = Gumbel(torch.zeros(2), torch.ones(2))
    assert tempered(p, 1.0) is p


def test_a_distribution_without_a_rule_is_refused_in_one_sentence():
    for p in (Gumbel(torch.zeros(2), torch.ones(2)), Independent(Gumbel(torch.zeros(2), torch.ones(2)), 1)):
        with pytest.raises(UserError, match=r"temperature=0\.5 has no meaning for a Gumbel;"):
            tempered(p, 0.5)
