"""The KL of a Gaussian with any covariance from one with independent dimensions, which torch lacks."""

from __future__ import annotations

from torch import Tensor
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal
from torch.distributions.kl import register_kl


@register_kl(MultivariateNormal, Independent)  # type: ignore[untyped-decorator]
def _kl_full_normal_diag_normal(q: MultivariateNormal, p: Independent[Distribution]) -> Tensor:
    """sum_i [ log(s_i / L_ii) + (sum_j L_ij^2 + (mu_i - m_i)^2) / (2 s_i^2) - 1/2 ], covariance L L'; nats."""
    base = p.base_dist
    if not isinstance(base, Normal) or p.reinterpreted_batch_ndims != 1:
        raise NotImplementedError  # which is what `kl` takes for "there is no closed form"
    diagonal = q.scale_tril.diagonal(dim1=-2, dim2=-1)
    second_moment = q.scale_tril.square().sum(-1) + (q.loc - base.loc).square()
    return (base.scale.log() - diagonal.log() + 0.5 * (second_moment / base.scale.square() - 1)).sum(-1)
