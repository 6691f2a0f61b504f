"""The importance-weighted bound with the gradient that sticks the landing."""

from __future__ import annotations

from torch import Tensor

from vae_exp.distributions.detached import detached
from vae_exp.distributions.kl import log_ratio
from vae_exp.losses.iwae import IWAE
from vae_exp.types import VAEOutput


class STL(IWAE):
    """The bound of `iwae`, without the score of q in the encoder's gradient.

    gradient of the encoder = -sum_k (w_k / sum_j w_j) d log w_k / dz_k * dz_k / dphi

    The parameters of q are held fixed in log q(z|x). What is left out is the score d log q(z|x) / dphi, whose mean is
    zero: with one sample the gradient is that of the ELBO in expectation, and it vanishes, sample by sample, where q is
    the exact posterior. With more samples the weights depend on z as well, the score's mean is no longer zero, and the
    gradient is biased; `dreg` is not.

    Args:
        num_samples: Importance samples K of each example.

    Raises:
        UserError: The posterior's parameters cannot be held fixed, as those of a flow.

    Source: Roeder et al., 2017, "Sticking the landing", arXiv:1703.09194; the bias: Tucker et al.,
        2019, arXiv:1810.04152
    """

    # Of several groups the parameters of a lower one depend on the samples above, and must not be held.
    needs = ("one_group", "density", "sample_density", "detachable")

    def log_weights(self, out: VAEOutput, distortion: Tensor) -> Tensor:
        return -distortion - log_ratio(tuple(latent._replace(q=detached(latent.q)) for latent in out.latents))
