"""A mixture of the ELBO and the importance-weighted bound."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Interval
from torch import Tensor

from vae_exp.losses.base import weight
from vae_exp.losses.multi_sample import MultiSample, log_mean_exp
from vae_exp.types import Count


class CIWAE(MultiSample):
    """A convex combination of the negative ELBO and the negative importance-weighted bound of the same samples.

    loss = -elbo_share (1/K) sum_k log w_k - (1 - elbo_share) log (1/K) sum_k w_k

    Args:
        num_samples: Importance samples K of each example.
        elbo_share: The paper's beta: 1 is the ELBO, 0 is `iwae`.

    Source: Rainforth et al., 2018, "Tighter variational bounds are not necessarily better", arXiv:1802.04537
    """

    def __init__(self, *, num_samples: Count, elbo_share: Annotated[float, Interval(ge=0, le=1)]) -> None:
        super().__init__()
        self.num_samples, self.elbo_share = num_samples, weight(elbo_share)

    def bound(self, log_w: Tensor) -> Tensor:
        return -self.elbo_share * log_w.mean(0) - (1 - self.elbo_share) * log_mean_exp(log_w)
