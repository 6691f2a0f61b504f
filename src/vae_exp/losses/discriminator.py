"""A network that tells two kinds of samples apart, trained in the same backward pass as the model."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call


class Discriminator(nn.Module):
    """The logit of "the first kind", whose optimum is log(first density / second density).

    Two losses share a backward pass and no gradient: `judge` holds the weights fixed, so that the model learns from
    it and the discriminator does not; `loss` holds the inputs fixed, so that it is the other way round.

    Args:
        net: Samples [N, *in_shape] -> [N, 1].
        lr: Learning rate, on which the run's lr_schedule acts as on the model's.
    """

    def __init__(self, net: nn.Module, *, lr: float) -> None:
        super().__init__()
        self.net, self.lr = net, lr

    def judge(self, samples: Tensor) -> Tensor:
        """Logits of samples [N, *in_shape] with a gradient to the samples alone, [N]."""
        return with_fixed_weights(self.net, samples).squeeze(1)

    def found_out(self, samples: Tensor) -> Tensor:
        """How far samples [N, *in_shape] are from passing for the first kind, with a gradient to them alone; [], nats.

        -E log D(samples), the generator's loss that does not saturate where D is sure.
        """
        return F.softplus(-self.judge(samples)).mean()

    def loss(self, first: Tensor, second: Tensor) -> Tensor:
        """Mean cross-entropy of both kinds, [N, *in_shape] each, with a gradient to the weights alone; [], nats.

        -1/2 E log D(first) - 1/2 E log(1 - D(second)); log 2 where it cannot tell them apart.
        """
        logits = self.net(torch.cat((first, second)).detach()).squeeze(1)
        return 0.5 * (F.softplus(-logits[: len(first)]).mean() + F.softplus(logits[len(first) :]).mean())

    def param_group(self) -> dict[str, Any]:
        """Its optimizer group."""
        return {"params": list(self.parameters()), "lr": self.lr}


def with_fixed_weights(net: nn.Module, x: Tensor) -> Tensor:
    """net(x) with a gradient to x and none to the network's parameters."""
    fixed = {name: weight.detach() for name, weight in net.named_parameters()}
    out: Tensor = functional_call(net, fixed, (x,))
    return out
