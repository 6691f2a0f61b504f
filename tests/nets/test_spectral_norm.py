"""Layers with a spectral norm of one, for what is compiled."""

from __future__ import annotations

import warnings
from functools import partial

import torch
from torch._dynamo.utils import counters

from vae_exp.nets.mlp import MLP
from vae_exp.nets.spectral_norm import SpectralNormalised


def test_networks_that_are_made_alike_share_a_graph():
    net = partial(MLP, hidden=[8], activation="ReLU", norm="none", init="torch")
    counters.clear()
    for _ in range(2):
        made = SpectralNormalised((3,), (4,), net=net, num_power_iterations=1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # dynamo's own
            torch.compile(lambda net, x: net(x), fullgraph=True, backend="eager")(made, torch.rand(2, 3))
    assert counters["stats"]["unique_graphs"] == 1
