"""The importance-weighted bound."""

from __future__ import annotations

from torch import Tensor

from vae_exp.losses.multi_sample import MultiSample, log_mean_exp
from vae_exp.types import Count


class IWAE(MultiSample):
    """The negative importance-weighted bound, between the negative ELBO (K = 1) and -log p(x) (K without end).

    loss = -log (1/K) sum_k w_k,  w_k = p(x|z_k) p(z_k) / q(z_k|x),  z_k ~ q(z|x)

    Args:
        num_samples: Importance samples K of each example.

    Source: Burda et al., 2016, "Importance weighted autoencoders", eq. 8, arXiv:1509.00519
    """

    def __init__(self, *, num_samples: Count) -> None:
        super().__init__()
        self.num_samples = num_samples

    def bound(self, log_w: Tensor) -> Tensor:
        return -log_mean_exp(log_w)
