"""Whether a posterior and a prior go together, found by trying."""

from __future__ import annotations

import torch
from torch.distributions import Distribution

from vae_exp.distributions.kl import kl, log_ratio
from vae_exp.errors import UserError, reason_of
from vae_exp.types import Latent

DRAWS = 3


def refuse_misfit(q: Distribution, p: Distribution) -> None:
    """Compute the rate once in closed form, where there is one, and once from samples, with the random state kept.

    Args:
        q: Posterior of some examples in evaluation mode, batch_shape [B], with a density.
        p: Prior, batch_shape [] or [B].

    Raises:
        UserError: A rate cannot be computed, or is not one number for each example and sample.
    """
    with torch.random.fork_rng(devices=[]):  # a model is built on the CPU
        try:
            z = q.rsample(torch.Size([DRAWS]))
            sampled, rate = log_ratio((Latent(q, p, z),)), kl(q, p, z)
        except UserError:
            raise
        except (RuntimeError, ValueError, TypeError, NotImplementedError, AttributeError) as error:
            raise UserError(f"{_pair(q, p)}: {reason_of(error)}") from error
    right = torch.Size([DRAWS, *q.batch_shape])
    if sampled.shape != right or rate.shape not in (right, q.batch_shape):
        raise UserError(f"{_pair(q, p)}: their densities have the shapes {list(sampled.shape)} and {list(rate.shape)}")


def _pair(q: Distribution, p: Distribution) -> str:
    kinds = f"{type(q).__name__} and a {type(p).__name__}"
    return f"model/posterior and model/prior do not go together, as a rate cannot be had of a {kinds}"
