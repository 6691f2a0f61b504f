"""The decoder's output begins at the data."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vae_exp.heads.base import Likelihood


class MeanOffset(nn.Module):
    """Added to a decoder's output, so that a decoder that gives 0 describes the mean of the training examples.

    With biases of zero this is the output bias at the logit of the data's mean of Burda et al.; the offset itself is
    not learned, the decoder's own bias is. It is saved with the weights.

    Args:
        likelihood: What the output is given to; it knows the parameters of a mean.

    Raises:
        ValueError: the likelihood does not know them.

    Source: Burda et al., 2016, "Importance weighted autoencoders", their code, arXiv:1509.00519
    """

    offset: Tensor

    def __init__(self, likelihood: Likelihood) -> None:
        super().__init__()
        self._params_of_mean = likelihood.params_of_mean  # the method, lest its weights be saved twice
        self.register_buffer("offset", torch.zeros(likelihood.params_shape))
        likelihood.params_of_mean(torch.full(likelihood.event_shape, 0.5))  # refused before training, not in it

    @torch.no_grad()
    def start_from_data(self, x: Tensor) -> None:
        """Take in examples, [N, *x_shape] in [0, 1]."""
        self.offset.copy_(self._params_of_mean(x.mean(0)))

    def forward(self, params: Tensor) -> Tensor:
        """[N, *params_shape] -> the same shape."""
        return params + self.offset
