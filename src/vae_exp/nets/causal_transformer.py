"""A transformer in which a position sees those before it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Categorical

from vae_exp.types import Count

Past = tuple[Tensor, Tensor]
"""Keys and values of the positions before, [N, heads, positions, width / heads] each."""


class CausalTransformer(nn.Module):
    """Codes in a fixed order -> logits of each, given those before it.

    Args:
        positions: Number of codes of an example.
        categories: What each can be.
        width: Of the features of a position.
        depth: Number of blocks.
        heads: Attention heads of a block.

    Raises:
        ValueError: the width is no multiple of the heads.

    Source: Vaswani et al., 2017, "Attention is all you need", arXiv:1706.03762; normalised before each layer as in
        Radford et al., 2019, "Language models are unsupervised multitask learners", sec. 2.3
    """

    def __init__(self, positions: int, categories: int, *, width: Count, depth: Count, heads: Count) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width={width} is no multiple of heads={heads}")
        self.positions = positions
        self.code = nn.Embedding(categories, width)
        self.position = nn.Parameter(0.02 * torch.randn(positions, width))
        self.start = nn.Parameter(torch.zeros(width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, categories))
        nn.init.normal_(self.code.weight, std=0.02)

    def forward(self, codes: Tensor) -> Tensor:
        """[N, positions] int64 -> [N, positions, categories]; the logits at i depend on the codes before i alone."""
        start = self.start.expand(len(codes), 1, -1)
        h = torch.cat((start, self.code(codes[:, :-1])), dim=1) + self.position
        for block in self.blocks:
            h, _ = block(h, None)
        logits: Tensor = self.head(h)
        return logits

    @torch.no_grad()
    def draw(self, n: int, temperature: float) -> Tensor:
        """Draw codes one after the other, [n, positions] int64; what has been computed of those before is kept."""
        h, pasts, drawn = self.start.expand(n, 1, -1), [None] * len(self.blocks), []
        for position in self.position:
            h = h + position
            for i, block in enumerate(self.blocks):
                h, pasts[i] = block(h, pasts[i])
            drawn.append(Categorical(logits=self.head(h).float() / temperature).sample())  # [n, 1]
            h = self.code(drawn[-1])
        return torch.cat(drawn, dim=1)


class Block(nn.Module):
    """h + attention(h), then h + layers(h)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attended = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 3 * width))
        self.joined = nn.Linear(width, width)
        self.layers = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, h: Tensor, past: Past | None) -> tuple[Tensor, Past]:
        """All positions [N, P, width] without a past, or the next one [N, 1, width] with that of those before."""
        parts = self.attended(h).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # [3, N, heads, P, ...]
        query, key, value = parts.unbind(0)
        if past is not None:
            key, value = torch.cat((past[0], key), dim=2), torch.cat((past[1], value), dim=2)
        seen = F.scaled_dot_product_attention(query, key, value, is_causal=past is None)
        h = h + self.joined(seen.transpose(1, 2).flatten(2))
        return h + self.layers(h), (key, value)
