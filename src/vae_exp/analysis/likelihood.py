"""The likelihood of data under a model."""

from __future__ import annotations

import logging
import math

import torch
from torch import Tensor, nn

from vae_exp.compiling import compiled, reason_of
from vae_exp.distributions.bernoulli import log_prob_in_one_graph
from vae_exp.distributions.kl import log_ratio, log_weights
from vae_exp.types import Batch, VAEOutput, in_parts

log = logging.getLogger(__name__)

WORTH_COMPILING = 1_000_000
"""Latents to decode, from which on a graph saves more than the half a minute that it may take to make."""


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
    weigh = _Weigh(model, (examples_at_once, samples_at_once), len(batch["x"]) * num_samples)
    parts = []
    for part in in_parts(batch, examples_at_once):
        running = torch.full((len(part["x"]),), -math.inf, device=part["x"].device)
        for done in range(0, num_samples, samples_at_once):
            running = torch.logaddexp(running, weigh(part, min(samples_at_once, num_samples - done)))
        parts.append(math.log(num_samples) - running)
    return torch.cat(parts)


class _Weigh:
    """Importance weights of a chunk, from a compiled graph where there is much to do.

    Args:
        model: The model.
        chunk: Examples and samples of a whole chunk; smaller ones, at the ends, are not worth a graph of their own.
        rows: Latents to decode in all.
    """

    def __init__(self, model: nn.Module, chunk: tuple[int, int], rows: int) -> None:
        self._model, self._chunk = model, chunk
        self._graph = compiled(_log_sum_in_one_graph) if rows >= WORTH_COMPILING else None

    def __call__(self, part: Batch, num_samples: int) -> Tensor:
        """The log of the sum of the weights of each example, [B]."""
        if self._graph is not None and self._chunk == (len(part["x"]), num_samples):
            try:
                return self._graph(self._model, part, num_samples)
            except Exception as error:  # whatever a compiler may raise, of which torch has many
                log.info("the likelihood is not compiled: %s", reason_of(error))
                self._graph = None
        return _log_sum(self._model, part, num_samples)


def _log_sum(model: nn.Module, part: Batch, num_samples: int) -> Tensor:
    out: VAEOutput = model(part, num_samples)
    return torch.logsumexp(log_weights(out, part.get("target", part["x"])), dim=0)


def _log_sum_in_one_graph(model: nn.Module, part: Batch, num_samples: int) -> Tensor:
    out: VAEOutput = model(part, num_samples)
    nats = log_prob_in_one_graph(out.p_x, part.get("target", part["x"]))
    return torch.logsumexp(nats - log_ratio(out.latents), dim=0)
