"""Divergences between the distributions of a latent group, and the importance weights of a whole model."""

from __future__ import annotations

from functools import reduce
from operator import add

from torch import Tensor
from torch.distributions import Distribution, Independent, kl_divergence

from vae_exp.distributions.detached import detached_if_possible
from vae_exp.types import Batch, Latent, VAEOutput


def kl_per_dim(q: Distribution, p: Distribution) -> Tensor | None:
    """KL(q || p) of each latent dimension in closed form, or None where q or p does not factorise over dimensions.

    Args:
        q: Posterior, batch_shape [B], or [K, B] below other groups.
        p: Prior, batch_shape [] or that of q.

    Returns:
        [B, *latent] or [K, B, *latent], nats; summed over its latent axes it is KL(q || p).
    """
    if not (isinstance(q, Independent) and isinstance(p, Independent)):
        return None
    try:
        return kl_divergence(q.base_dist, p.base_dist)
    except NotImplementedError:
        return None


def mean_kl_per_dim(latent: Latent) -> Tensor | None:
    """The mean of `kl_per_dim` over examples, and over samples where it depends on them; [*latent], nats."""
    nats = kl_per_dim(latent.q, latent.p)
    return None if nats is None else nats.flatten(0, len(latent.q.batch_shape) - 1).mean(0)


def kl(q: Distribution, p: Distribution, z: Tensor) -> Tensor:
    """KL(q || p): in closed form where there is one, else the one-sample estimate log q(z) - log p(z).

    The estimate's gradient goes through z alone where the parameters of q can be held fixed in log q(z): the rest of it
    has mean zero, and what is left vanishes, sample by sample, where q and p are equal. With a learned prior, the
    closed form of which is missing, that is worth nats.

    Args:
        q: Posterior, batch_shape [B], or [K, B] below other groups.
        p: Prior, batch_shape [] or that of q.
        z: Samples of q, [K, B, *latent].

    Returns:
        The batch_shape of q in closed form, [K, B] as an estimate; nats.

    Source: Roeder et al., 2017, "Sticking the landing", arXiv:1703.09194
    """
    try:
        return kl_divergence(q, p)
    except NotImplementedError:
        return detached_if_possible(q).log_prob(z) - p.log_prob(z)


def log_ratio(latents: tuple[Latent, ...]) -> Tensor:
    """Estimate log q(z|x) - log p(z) of the rate, summed over the latent groups, for each sample.

    Returns:
        [K, B], nats.
    """
    return reduce(add, (q.log_prob(z) - p.log_prob(z) for q, p, z in latents))


def log_weights(out: VAEOutput, x: Tensor) -> Tensor:
    """Log importance weights log p(x|z) + log p(z) - log q(z|x); the mean of their exponentials estimates p(x).

    Returns:
        [K, B], nats.

    Source: Burda et al., 2016, "Importance weighted autoencoders", eq. 8, arXiv:1509.00519
    """
    weights: Tensor = out.p_x.log_prob(x) - log_ratio(out.latents)
    return weights


def rate(out: VAEOutput) -> Tensor:
    """KL(q(z|x) || p(z)), summed over the latent groups; [B] or [K, B], nats."""
    return reduce(add, (kl(*latent) for latent in out.latents))


def distortion(out: VAEOutput, batch: Batch) -> Tensor:
    """-log p(x|z) of what is to be scored, the batch's target where it has one; [K, B], nats."""
    nats: Tensor = -out.p_x.log_prob(batch.get("target", batch["x"]))
    return nats
