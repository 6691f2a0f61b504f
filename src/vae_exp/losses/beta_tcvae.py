"""The rate in three parts, each with a weight of its own."""

from __future__ import annotations

from vae_exp.distributions.aggregate import Estimate, log_aggregate
from vae_exp.losses.base import Loss, elbo_terms, weight
from vae_exp.types import Batch, Context, Count, LossOutput, NonNegative, VAEOutput


class BetaTCVAE(Loss):
    """Distortion plus mutual information, total correlation and dimension-wise KL, each weighted.

    loss = E_q[-log p(x|z)] + alpha * MI + beta * TC + gamma * DWKL, with expectations over examples and samples of
        MI   = log q(z|x) - log q(z)
        TC   = log q(z) - sum_j log q(z_j)
        DWKL = sum_j log q(z_j) - log p(z)

    Their sum is log q(z|x) - log p(z), the one-sample estimate of the rate: all weights 1 make the loss the negative
    ELBO. The total correlation is never negative; its estimate, a logarithm of a mean over a batch that is small beside
    the data set, can be.

    Args:
        alpha: Weight of the mutual information of example and latent, dimensionless.
        beta: Weight of the total correlation, dimensionless.
        gamma: Weight of the dimension-wise KL, dimensionless.
        estimate: How a batch stands for the data set in q(z) and q(z_j).
        num_samples: Latents drawn for each example.

    Source: Chen et al., 2018, "Isolating sources of disentanglement in VAEs", eq. 2 and 4, arXiv:1802.04942
    """

    needs = ("one_group", "density", "factorised", "real")

    def __init__(
        self, *, alpha: NonNegative, beta: NonNegative, gamma: NonNegative, estimate: Estimate, num_samples: Count
    ) -> None:
        super().__init__()
        self.alpha, self.beta, self.gamma = weight(alpha), weight(beta), weight(gamma)
        self.estimate, self.num_samples = estimate, num_samples

    def forward(self, out: VAEOutput, batch: Batch, ctx: Context) -> LossOutput:
        ((q, p, z),) = out.latents
        log_q_z, log_q_zj = log_aggregate(q, z, self.estimate, ctx.dataset_size)
        independent = log_q_zj.sum(-1)
        information = q.log_prob(z) - log_q_z
        correlation = log_q_z - independent
        dimensions = independent - p.log_prob(z)
        charged = self.alpha * information + self.beta * correlation + self.gamma * dimensions
        bound = elbo_terms(out, batch)
        terms = {
            **bound,
            "mutual_information": information,
            "total_correlation": correlation,
            "dimension_wise_kl": dimensions,
        }
        return LossOutput((bound["distortion"] + charged).mean(), terms)
