"""A network under several contexts gives what it gives under each."""

from functools import partial

import pytest
import torch

from vae_exp.nets.contexts import under_contexts
from vae_exp.nets.gated_mlp import GatedMLP
from vae_exp.nets.mlp import MLP

NETS = [
    partial(MLP, hidden=[5, 4], activation="Tanh", norm="none", init="torch"),
    partial(MLP, hidden=[], activation="Tanh", norm="none", init="torch"),
    partial(GatedMLP, hidden=[5], init="torch"),
]


@pytest.mark.parametrize("net", NETS)
def test_every_input_meets_every_context(net):
    made = net((1, 2, 3), (2, 2), context_dim=4).double()
    x, c = torch.randn(6, 1, 2, 3).double(), torch.randn(3, 6, 4).double()
    found = under_contexts(made, x, c)
    assert found.shape == (3, 6, 2, 2)
    for s in range(3):
        torch.testing.assert_close(found[s], made(x, c[s]))
