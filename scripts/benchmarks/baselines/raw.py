"""The ceilings: a bare loop over images in memory, eager or compiled whole, and the matrix products alone.

The networks are the product's own, so that nothing but the loop differs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from networks import IMAGES, decoder, encoder
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value
from turns import every_turn

from vae_exp.cli.memory import keep_freed

BATCH, LR, BETAS, EPS = 128, 1e-3, (0.9, 0.999), 1e-8


class Raw(nn.Module):
    """The negative ELBO of a batch, in nats per example."""

    def __init__(self, net: str) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder(net), decoder(net)

    def forward(self, x: Tensor) -> Tensor:
        mu, log_var = self.encoder(x).float().chunk(2, dim=1)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * log_var)
        distortion = F.binary_cross_entropy_with_logits(self.decoder(z).float(), x, reduction="sum")
        rate = 0.5 * (mu.square() + log_var.exp() - 1 - log_var).sum()
        return (distortion + rate) / len(x)


def eager_step(model: Raw) -> Callable[[Tensor], object]:
    """Forward, backward and a fused Adam."""
    optimizer = torch.optim.Adam(model.parameters(), lr=LR, betas=BETAS, eps=EPS, fused=True)

    def step(x: Tensor) -> None:
        optimizer.zero_grad()
        model(x).backward()
        optimizer.step()

    return step


def compiled_step(model: Raw) -> Callable[[Tensor], object]:
    """The same as one graph, Adam being written as tensor updates."""
    weights = {name: weight.detach() for name, weight in model.named_parameters()}
    averages = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    squares = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    count = torch.zeros(())

    def step(x: Tensor) -> Tensor:
        grads, loss = grad_and_value(lambda w: functional_call(model, w, (x,)))(weights)
        count.add_(1)
        rate, root = LR / (1 - BETAS[0] ** count), (1 - BETAS[1] ** count).sqrt()
        for name, grad in grads.items():
            averages[name].lerp_(grad, 1 - BETAS[0])
            squares[name].mul_(BETAS[1]).addcmul_(grad, grad, value=1 - BETAS[1])
            weights[name].sub_(rate * averages[name] / (squares[name].sqrt() / root + EPS))
        return loss

    return torch.no_grad()(torch.compile(step, fullgraph=True, dynamic=False))


def products_alone(model: Raw) -> Callable[[Tensor], object]:
    """The matrix products of the linear layers: outputs, gradients of the weights, and of all inputs but the first."""
    layers = [
        layer for part in (model.encoder, model.decoder) for layer in part.modules() if isinstance(layer, nn.Linear)
    ]
    dtype = torch.bfloat16 if torch.is_autocast_enabled("cpu") else torch.float32
    weights = [layer.weight.detach().to(dtype) for layer in layers]
    inputs = [torch.randn(BATCH, weight.shape[1], dtype=dtype) for weight in weights]
    outputs = [torch.randn(BATCH, weight.shape[0], dtype=dtype) for weight in weights]

    def step(x: Tensor) -> None:
        for number, (weight, into, out) in enumerate(zip(weights, inputs, outputs, strict=True)):
            torch.mm(into, weight.T)
            torch.mm(out.T, into)
            if number:
                torch.mm(out, weight)

    return torch.no_grad()(step)


STEPS = {"eager": eager_step, "compiled": compiled_step, "products": products_alone}


def main() -> None:
    """Train; a turn is so many steps."""
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=STEPS)
    parser.add_argument("net", choices=IMAGES)
    parser.add_argument("file", help="a .npz file with x, uint8 [N, C, H, W]")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--bf16", action="store_true")
    given = parser.parse_args()
    keep_freed()  # a ceiling is not to wait for pages that are cleared
    torch.manual_seed(0)
    data = torch.from_numpy(np.load(given.file)["x"])
    order, place = torch.randperm(len(data)), 0
    half = torch.autocast("cpu", torch.bfloat16, enabled=given.bf16)
    with half:
        step = STEPS[given.way](Raw(given.net).to(memory_format=torch.channels_last))

    def work() -> int:
        nonlocal order, place
        for _ in range(given.steps):
            if place + BATCH > len(data):
                order, place = torch.randperm(len(data)), 0
            x = data.index_select(0, order[place : place + BATCH]).float().div_(255)
            place += BATCH
            with half:  # anew for each step, since it keeps the weights as bfloat16 numbers for as long as it lasts
                step(x)
        return given.steps * BATCH

    every_turn(work)


if __name__ == "__main__":
    main()
