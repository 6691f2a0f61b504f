"""The covariance of the aggregated posterior held at that of the prior."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor
from torch.distributions import Distribution

from vae_exp.distributions.gathering import gathered
from vae_exp.losses.base import Loss, elbo_terms, weight
from vae_exp.types import Batch, Context, LossOutput, NonNegative, VAEOutput


class DIPVAE(Loss):
    """Distortion plus rate plus the squared distance of a covariance C of the latents to the identity.

    loss = E_q[-log p(x|z)] + KL(q(z|x) || p(z)) + lambda_od * sum_{i != j} C_ij^2 + lambda_d * sum_i (C_ii - 1)^2

    C is taken over the batch, with several processes over that of all of them, and divided by its size as in the
    paper's expectations. The two last terms are no nats; they are of the unit of a latent to the fourth power.

    Args:
        lambda_od: Weight of the covariances.
        lambda_d: Weight of the variances.
    """

    needs = ("one_group", "density", "factorised", "real")

    def __init__(self, *, lambda_od: NonNegative, lambda_d: NonNegative) -> None:
        super().__init__()
        self.lambda_od, self.lambda_d = weight(lambda_od), weight(lambda_d)

    @abstractmethod
    def covariance(self, q: Distribution) -> Tensor:
        """C of a posterior of batch_shape [B], [D, D]."""

    def forward(self, out: VAEOutput, batch: Batch, ctx: Context) -> LossOutput:
        ((q, _, _),) = out.latents
        bound = elbo_terms(out, batch)
        c = self.covariance(q)
        variances = c.diagonal()
        off_diagonal = (c - variances.diag()).square().sum()
        diagonal = (variances - 1).square().sum()
        loss = bound["nelbo"].mean() + self.lambda_od * off_diagonal + self.lambda_d * diagonal
        return LossOutput(loss, {**bound, "off_diagonal": off_diagonal, "diagonal": diagonal})


class DIPVAEI(DIPVAE):
    """C is the covariance of the posterior means, Cov_x[mu(x)]; the rest as in `DIPVAE`.

    Source: Kumar et al., 2018, "Variational inference of disentangled latent concepts from unlabeled observations",
        eq. 6, arXiv:1711.00848
    """

    def covariance(self, q: Distribution) -> Tensor:
        mu, _ = gathered(q.mean)
        return _covariance(mu)


class DIPVAEII(DIPVAE):
    """C is the covariance of the aggregated posterior, E_x[Cov[z|x]] + Cov_x[mu(x)]; the rest as in `DIPVAE`.

    Source: Kumar et al., 2018, "Variational inference of disentangled latent concepts from unlabeled observations",
        eq. 7, arXiv:1711.00848
    """

    def covariance(self, q: Distribution) -> Tensor:
        moments, _ = gathered(torch.stack((q.mean, q.variance), dim=1))
        mu, variance = moments.unbind(1)
        return _covariance(mu) + variance.mean(0).diag()


def _covariance(rows: Tensor) -> Tensor:
    """[M, D] -> [D, D], divided by M."""
    centred = rows - rows.mean(0)
    with torch.autocast(rows.device.type, enabled=False):  # bfloat16 has two digits, and 1.003 is not 1
        return centred.mT @ centred / len(rows)
