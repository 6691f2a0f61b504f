"""The likelihood of data under a model."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from vae_exp.distributions.kl import log_weights
from vae_exp.types import Batch


@torch.no_grad()
def importance_nll(model: nn.Module, batch: Batch, *, num_samples: int, rows: int) -> Tensor:
    """-log (1/K) sum_k p(x, z_k) / q(z_k|x) for each example, in chunks over examples and samples.

    Args:
        model: batch, number of samples -> VAEOutput.
        batch: Examples.
        num_samples: K, exactly that many.
        rows: Latents decoded at a time; bounds the memory whatever K and the batch are.

    Returns:
        [B], nats; in expectation an upper bound of -log p(x) that does not rise with K.

    Source: Burda et al., 2016, "Importance weighted autoencoders", eq. 8 and theorem 1, arXiv:1509.00519
    """
    # Many samples of few examples at a time: an example is encoded again with every chunk, which then costs little.
    samples_at_once = min(num_samples, max(1, rows // 8))
    examples_at_once = max(1, rows // samples_at_once)
    parts = []
    for start in range(0, len(batch["x"]), examples_at_once):
        part: Batch = {key: value[start : start + examples_at_once] for key, value in batch.items()}  # type: ignore
        target = part.get("target", part["x"])
        running = torch.full((len(target),), -math.inf, device=target.device)
        for done in range(0, num_samples, samples_at_once):
            out = model(part, min(samples_at_once, num_samples - done))
            running = torch.logaddexp(running, torch.logsumexp(log_weights(out, target), dim=0))
        parts.append(math.log(num_samples) - running)
    return torch.cat(parts)
