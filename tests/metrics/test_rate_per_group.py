"""The rate of each latent group."""

import torch
from tests.models.hierarchies import ladder, moved

from analysis.linear import SHAPE, linear_vae
from vae_exp.distributions.kl import rate
from vae_exp.metrics.latents import KLPerDimension
from vae_exp.metrics.rate_per_group import RatePerGroup


def test_it_sums_to_the_rate_and_is_the_sum_of_its_dimensions():
    model = moved(ladder())
    by_group, by_dim, rates = RatePerGroup(stages=["test"]), KLPerDimension(stages=["test"]), []
    for size in (5, 2):
        batch = {"x": torch.rand(size, 1, 8, 8).double()}
        out = model(batch, 3)
        rates.append(rate(out).mean(0))
        for metric in (by_group, by_dim):
            metric.update(batch, out, model)
    found = by_group.compute()["rate_per_group"]
    assert found.shape == (3,)
    torch.testing.assert_close(found.sum(), torch.cat(rates).mean())
    parts = by_dim.compute()["kl_per_dim"].split([2, 3, 4])  # from the top group downward
    torch.testing.assert_close(found, torch.stack([part.sum() for part in parts]))


def test_one_group_has_none_beside_its_rate():
    metric, model, batch = RatePerGroup(stages=["test"]), linear_vae(2), {"x": torch.rand(3, *SHAPE).double()}
    metric.update(batch, model(batch), model)
    assert metric.compute() == {}
