"""Weights are drawn as the papers say."""

import math

import pytest
import torch
from scipy.stats import kstest
from torch import nn

from vae_exp.nets.initialise import initialise

LAYERS = [nn.Linear(60, 40), nn.Conv2d(12, 20, 4, stride=2, padding=1), nn.ConvTranspose2d(12, 20, 4, 2, 1)]
by_layer = pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)


@by_layer
def test_glorot_is_uniform_within_its_limits(layer):
    initialise(layer, "glorot")
    pixels = 1 if isinstance(layer, nn.Linear) else 16
    limit = math.sqrt(6 / (pixels * (60 + 40 if pixels == 1 else 12 + 20)))
    assert kstest(layer.weight.detach().flatten(), "uniform", (-limit, 2 * limit)).pvalue > 1e-3
    assert not layer.bias.any()


@by_layer
def test_he_is_normal_of_twice_the_reciprocal_of_the_inputs(layer):
    initialise(layer, "he")
    inputs = {nn.Linear: 60, nn.Conv2d: 12 * 16, nn.ConvTranspose2d: 12 * 4}[type(layer)]
    assert kstest(layer.weight.detach().flatten(), "norm", (0, math.sqrt(2 / inputs))).pvalue > 1e-3
    assert not layer.bias.any()


@by_layer
def test_he_keeps_the_mean_square_through_a_relu(layer):
    shape = (100, 60) if isinstance(layer, nn.Linear) else (4, 12, 8, 8)
    squares = []
    for _ in range(40):  # draws of the weights
        initialise(layer, "he")
        out = layer(torch.randn(shape).relu() * math.sqrt(2))
        inner = out if isinstance(layer, nn.Linear) else out[..., 1:-1, 1:-1]
        squares.append(inner.relu().square().mean().item())
    assert sum(squares) / 40 == pytest.approx(1, rel=0.1)


@by_layer
def test_torch_leaves_what_there_is(layer):
    before = [weight.clone() for weight in layer.parameters()]
    initialise(layer, "torch")
    assert all(torch.equal(old, new) for old, new in zip(before, layer.parameters(), strict=True))


def test_layers_without_a_bias_and_normalisations_are_left_alone():
    norm = nn.GroupNorm(2, 4)
    with torch.no_grad():
        norm.bias.fill_(3.0)
    initialise(nn.Sequential(nn.Linear(3, 4, bias=False), norm), "he")
    assert torch.equal(norm.weight, torch.ones(4))
    assert torch.equal(norm.bias, torch.full((4,), 3.0))
