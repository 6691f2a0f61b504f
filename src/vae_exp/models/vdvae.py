"""A very deep VAE: convolutional latent groups at several resolutions, added to one stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Distribution

from vae_exp.heads.base import Likelihood
from vae_exp.heads.posteriors.diag_normal import DiagNormal
from vae_exp.models.hierarchy import Hierarchy, Rung
from vae_exp.nets.bottleneck import Added, bottleneck, scaled_down
from vae_exp.nets.conv import halvings
from vae_exp.nets.layers import Activation
from vae_exp.types import Count, CountOrZero, DataSpec

Size = tuple[int, int]


class Widths(NamedTuple):
    """Of all residual blocks: channels of the stream and inside a block, their number in a row, their activation."""

    stream: int
    inside: int
    depth: int
    activation: Activation

    def block(self, before: int, after: int, size: Size) -> nn.Sequential:
        """A block between any numbers of channels."""
        return bottleneck(before, self.inside, after, min(size), self.activation)

    def residual(self, size: Size) -> Added:
        """A residual block, scaled down by the number of them in a row."""
        return Added(scaled_down(self.block(self.stream, self.stream, size), self.depth))


class VDVAE(Hierarchy):
    """Latent pictures that are added, from the coarsest to the finest, to a stream h which ends as the parameters of x.

    For each group, with features e of the example at its resolution:
        p(z | h) and g = prior(h);  q(z | h, e) = posterior(h, e);  h <- h + g + W z;  h <- h + f(h)

    The last layers of the priors begin at zero, so that all p(z | h) begin at N(0, 1); those of f and W are divided by
    the square root of the number of groups. The stream is enlarged by repeating pixels; resolutions finer than any
    group or block are left to the first and the last convolution.

    Args:
        spec: What an example looks like.
        latent_dim: Channels of each latent picture.
        groups: Latent groups at each resolution, from the full picture down; each next is half of it.
        blocks: Residual blocks upward at each resolution.
        width: Channels of the stream, upward and downward.
        bottleneck: Channels inside a block.
        activation: Activation, by its name in torch.nn.
        min_log_var: Lower bound of all log-variances.
        max_log_var: Upper bound of them.
        likelihood: (event_shape) -> head for p(x|z).

    Raises:
        ValueError: the picture is too small, there is no group at the last resolution, or groups and blocks differ in
            length.

    Source: Child, 2021, "Very deep VAEs generalize autoregressive models and can outperform them on images", sec. 3,
        arXiv:2011.10650
    """

    def __init__(
        self,
        *,
        spec: DataSpec,
        latent_dim: Count,
        groups: Sequence[CountOrZero],
        blocks: Sequence[CountOrZero],
        width: Count,
        bottleneck: Count,
        activation: Activation,
        min_log_var: float,
        max_log_var: float,
        likelihood: Callable[..., Likelihood],
    ) -> None:
        super().__init__(spec=spec, likelihood=likelihood)
        if len(groups) != len(blocks) or not groups or groups[-1] == 0:
            raise ValueError(
                f"groups={list(groups)} and blocks={list(blocks)} should have one entry for each resolution, "
                "and the last of groups at least one latent group"
            )
        sizes = halvings(spec.x_shape, len(groups), first_is_full=True)
        upward = Widths(width, bottleneck, max(1, sum(blocks)), activation)
        self.finest = next(level for level in range(len(groups)) if groups[level] or blocks[level])
        kernel, stride, padding = _window(self.finest)
        self.into = nn.Conv2d(spec.x_shape[0], width, kernel, stride, padding)
        self.features = nn.ModuleList(
            nn.Sequential(*(upward.residual(size) for _ in range(count)))
            for size, count in zip(sizes[self.finest :], blocks[self.finest :], strict=True)
        )
        downward = Widths(width, bottleneck, sum(groups), activation)
        self.levels = [level for level in reversed(range(len(groups))) for _ in range(groups[level])]
        heads = {level: (latent_dim, *sizes[level]) for level in self.levels}
        self.rungs = nn.ModuleList(  # type: ignore[assignment]
            VDVAERung(DiagNormal(event_shape=heads[level], min_log_var=min_log_var, max_log_var=max_log_var), downward)
            for level in self.levels
        )
        self.start = nn.Parameter(torch.zeros(width, *sizes[-1]))
        dropped = tuple(side % 2**self.finest for side in sizes[0])
        last = nn.ConvTranspose2d(
            width, self.likelihood.params_shape[0], kernel, stride, padding, output_padding=dropped
        )
        self.out_size = sizes[self.finest]
        self.out = nn.Sequential(downward.residual(self.out_size), last)

    def bottom_up(self, x: Tensor) -> list[Tensor]:
        found, features = [], self.into(x)
        for index, blocks in enumerate(self.features):
            features = blocks(F.avg_pool2d(features, 2) if index else features)
            found.append(features)
        return [found[level - self.finest] for level in self.levels]

    def top(self, n: int) -> Tensor:
        return self.start.expand(n, *self.start.shape)

    def decoder(self, above: Tensor) -> Tensor:
        params: Tensor = self.out(enlarged(above, self.out_size))
        return params


class VDVAERung(Rung):
    """A latent picture and what it adds to the stream.

    Args:
        head: Parameters -> Gaussian.
        widths: Of its blocks.
    """

    def __init__(self, head: DiagNormal, widths: Widths) -> None:
        super().__init__(head)
        channels, *size = head.event_shape
        self.size: Size = (size[0], size[1])
        stream, params = widths.stream, head.params_shape[0]
        self.posterior = widths.block(2 * stream, params, self.size)
        self.prior = widths.block(stream, params + stream, self.size)
        last = self.prior[-1]
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.from_latent = scaled_down(nn.Sequential(nn.Conv2d(channels, stream, 1)), widths.depth)
        self.after = widths.residual(self.size)

    def forward(
        self, above: Tensor, seen: Tensor | None, leading: torch.Size
    ) -> tuple[Distribution | None, Distribution, Tensor]:
        above = enlarged(above, self.size)
        found: Tensor = self.prior(above)
        params, more = found.tensor_split([self.head.params_shape[0]], dim=1)
        p = self.gaussian(params, leading)
        q = None if seen is None else self.gaussian(self.posterior(torch.cat((above, seen), dim=1)), leading)
        return q, p, above + more

    def below(self, above: Tensor, z: Tensor) -> Tensor:
        out: Tensor = self.after(above + self.from_latent(z))
        return out


def enlarged(stream: Tensor, size: Sequence[int]) -> Tensor:
    """[N, C, h, w] -> [N, C, *size], each pixel repeated."""
    return stream if stream.shape[-2:] == torch.Size(size) else F.interpolate(stream, size=tuple(size), mode="nearest")


def _window(halvings: int) -> tuple[int, int, int]:
    """Kernel, stride and padding of a convolution that halves a picture so often, odd sizes rounded down."""
    stride = 2**halvings
    return (2 * stride, stride, stride // 2) if halvings else (3, 1, 1)
