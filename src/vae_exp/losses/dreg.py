"""The importance-weighted bound with the doubly reparameterised gradient."""

from __future__ import annotations

import torch
from torch import Tensor

from vae_exp.losses.stl import STL
from vae_exp.types import VAEOutput


class DReG(STL):
    """The bound of `iwae`, with an encoder's gradient of the same mean and of less variance.

    gradient of the encoder = -sum_k (w_k / sum_j w_j)^2 d log w_k / dz_k * dz_k / dphi
    gradient of decoder and prior = -sum_k (w_k / sum_j w_j) d log w_k / dtheta, that of the bound

    The signal-to-noise ratio of the encoder's gradient, which with `iwae` falls with K, rises with it.

    Args:
        num_samples: Importance samples K of each example.

    Raises:
        UserError: The posterior's parameters cannot be held fixed, as those of a flow.

    Source: Tucker et al., 2019, "Doubly reparameterized gradient estimators for Monte Carlo objectives",
        arXiv:1810.04152
    """

    def log_weights(self, out: VAEOutput, distortion: Tensor) -> Tensor:
        log_w = super().log_weights(out, distortion)
        share = torch.softmax(log_w.detach(), dim=0)  # [K, B]
        (latent,) = out.latents  # of latents in a chain the shares would multiply
        z = latent.z
        # The bound's own gradient carries the first factor w_k / sum_j w_j. The second belongs to the encoder alone,
        # which the loss reaches only by way of z.
        if z.requires_grad:
            z.register_hook(lambda grad: grad * share.reshape(*share.shape, *[1] * (grad.ndim - share.ndim)))
        return log_w
