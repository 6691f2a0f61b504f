"""A network asked about the same inputs under several contexts."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_exp.nets.chain import Chain


def under_contexts(net: nn.Module, x: Tensor, c: Tensor) -> Tensor:
    """Outputs for each input under each of its contexts.

    Where the first layer is a linear one, W [x, c] = W_x x + W_c c, and W_x x is computed once for all contexts: the
    larger part of the work where inputs are large and contexts are classes.

    Args:
        net: (x [N, *in_shape], c [N, context_dim]) -> [N, *out_shape].
        x: Inputs, [N, *in_shape].
        c: S contexts of each, [S, N, context_dim].

    Returns:
        [S, N, *out_shape].
    """
    contexts = len(c)
    if isinstance(net, Chain) and isinstance(first := net.layers[0], nn.Linear):
        of_x, of_c = first.weight.split((first.in_features - c.shape[-1], c.shape[-1]), dim=1)
        hidden = F.linear(x.flatten(1), of_x, first.bias) + F.linear(c.to(of_c.dtype), of_c)
        rows: Tensor = net.layers[1:](hidden.flatten(0, 1))
        return rows.reshape(contexts, len(x), *net.out_shape)
    repeated = x.expand(contexts, *x.shape).flatten(0, 1)
    return torch.unflatten(net(repeated, c.flatten(0, 1)), 0, (contexts, len(x)))
