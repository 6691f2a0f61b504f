"""Gradients through the choice of a code, which has none of its own."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def straight_through(v: Tensor, chosen: Tensor) -> Tensor:
    """The chosen vectors, with the gradient handed to v as it is: d/dv = 1.

    Args:
        v: Encoded vectors, [..., D].
        chosen: The vectors of their codes, [..., D].

    Source: Bengio et al., 2013, "Estimating or propagating gradients through stochastic neurons", arXiv:1308.3432
    """
    return _with_gradient_of(v, chosen)


def rotation(v: Tensor, chosen: Tensor) -> Tensor:
    """The chosen vectors e, with the gradient of the rotation and scaling that take v to them: d/dv = |e| / |v| R.

    R = 1 - 2 r r' + 2 e^ v^', with v^ = v / |v|, e^ = e / |e| and r = (v^ + e^) / |v^ + e^|, is held fixed. The angle
    between the encoder's gradient and v is then that between the decoder's gradient and the code.

    Args:
        v: Encoded vectors, [..., D].
        chosen: The vectors of their codes, [..., D].

    Source: Fifty et al., 2024, "Restructuring vector quantization with the rotation trick", sec. 4.2, arXiv:2410.06424
    """
    fixed, chosen = v.detach(), chosen.detach()
    least = torch.finfo(v.dtype).eps
    from_, to = F.normalize(fixed, dim=-1, eps=least), F.normalize(chosen, dim=-1, eps=least)
    middle = F.normalize(from_ + to, dim=-1, eps=least)
    scale = chosen.norm(dim=-1, keepdim=True) / fixed.norm(dim=-1, keepdim=True).clamp_min(least)
    rotated = v - 2 * (v * middle).sum(-1, keepdim=True) * middle + 2 * (v * from_).sum(-1, keepdim=True) * to
    return _with_gradient_of(scale * rotated, chosen)


def _with_gradient_of(moved: Tensor, value: Tensor) -> Tensor:
    """A value, exactly, with the gradient of something else."""
    return value.detach() + (moved - moved.detach())
