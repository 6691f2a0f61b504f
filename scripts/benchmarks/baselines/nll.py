"""Importance-sampled likelihoods of some images: the product's way, a plain loop, and the matrix products alone."""

from __future__ import annotations

import resource
import sys
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Distribution
from turns import Turns

from vae_exp.analysis.likelihood import importance_nll
from vae_exp.build import build_model
from vae_exp.config.check import check
from vae_exp.config.compose import compose
from vae_exp.types import Batch, DataSpec

ROWS = 4000


def main(way: str, file: str, images: int, samples: int) -> None:
    """A turn is so many images."""
    Distribution.set_default_validate_args(False)
    torch.manual_seed(0)
    settings = check(compose("train", ["experiment=benchmark_mlp", "run_dir=."]))
    model = build_model(settings, DataSpec((1, 28, 28), "levels", 60_000)).eval()
    x, turns, place = torch.from_numpy(np.load(file)["x"]), Turns(), 0
    while True:
        turns.wait()
        batch = x[place : place + images].float().div_(255)
        place = (place + images) % (len(x) - images)
        began = time.perf_counter()
        with torch.no_grad():
            WAYS[way](model, {"x": batch}, samples)
        seconds, peak = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        turns.report(seconds=seconds, examples=images, peak_gib=peak)


def product(model: Any, batch: Batch, samples: int) -> Tensor:
    """As `vae-exp evaluate` does it."""
    return importance_nll(model, batch, num_samples=samples, rows=ROWS)


def loop(model: Any, batch: Batch, samples: int) -> Tensor:
    """A loop over samples, as in many a repository."""
    weights = []
    for _ in range(samples):
        out = model(batch, 1)
        ((q, p, z),) = out.latents
        weights.append(out.p_x.log_prob(batch["x"]) + p.log_prob(z) - q.log_prob(z))
    return torch.logsumexp(torch.cat(weights), dim=0)


def products(model: Any, batch: Batch, samples: int) -> None:
    """The matrix products of the decoder alone, in chunks of the same size."""
    weights = [layer.weight.T for layer in model.decoder.modules() if isinstance(layer, nn.Linear)]
    inputs = [torch.randn(ROWS, weight.shape[0]) for weight in weights]
    for _ in range(len(batch["x"]) * samples // ROWS):
        for into, weight in zip(inputs, weights, strict=True):
            torch.mm(into, weight)


WAYS = {"product": product, "loop": loop, "products": products}

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
