"""Weights at the beginning, as papers have them."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import nn

Init = Literal["torch", "glorot", "he"]


@torch.no_grad()
def initialise(net: nn.Module, init: Init) -> None:
    """Draw the weights of all linear layers and convolutions anew, and set their biases to zero.

    With channels C and k the pixels of a kernel (1 for a linear layer), a weight is drawn
    glorot: uniformly in +-sqrt(6 / (k C_in + k C_out)), k being that of the kernel whatever the stride, as everywhere;
    he: from a normal of variance 2 / n, where n inputs make one output: k C_in, and that over the square of the stride
    for a transposed convolution, which sees no more of them.
    torch leaves torch's own: uniform in +-1 / sqrt(k C_in), for biases too.

    Args:
        net: The network; its normalisations keep their weights of one.
        init: Which.

    Source: Glorot & Bengio, 2010, "Understanding the difficulty of training deep feedforward neural networks", eq. 16;
        He et al., 2015, "Delving deep into rectifiers", eq. 10, arXiv:1502.01852
    """
    if init == "torch":
        return
    for layer in net.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
            if init == "glorot":
                nn.init.xavier_uniform_(layer.weight)
            else:
                layer.weight.normal_(0, math.sqrt(2 / _inputs(layer)))
            if layer.bias is not None:
                layer.bias.zero_()


def _inputs(layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d) -> float:
    """How many inputs make one output, away from the borders."""
    if isinstance(layer, nn.Linear):
        return layer.in_features
    stride = math.prod(layer.stride) if isinstance(layer, nn.ConvTranspose2d) else 1
    return layer.in_channels * math.prod(layer.kernel_size) / stride
