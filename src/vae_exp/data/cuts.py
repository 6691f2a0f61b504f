"""Cutting validation and test examples from the training examples where a data set brings none."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import torch
from annotated_types import Interval
from torch import Tensor

from vae_exp.data.splits import Split, SplitName, Splits
from vae_exp.errors import UserError

Share = Annotated[float, Interval(gt=0, lt=1)]


class Part(NamedTuple):
    """Some examples of a split: those at `indices`, [n] int64. The split itself is shared, not copied."""

    source: Split
    indices: Tensor

    @property
    def y(self) -> Tensor | None:
        """Classes of these examples, [n] int64, or None."""
        return None if self.source.y is None else self.source.y[self.indices]


def cut(splits: Splits, *, val_fraction: Share, test_fraction: Share, split_seed: int) -> dict[SplitName, Part]:
    """Complete a data set to train, val and test; no example is in two of them.

    Args:
        splits: What the data set brings; "val" and "test" may be missing.
        val_fraction: What becomes "val" where it is missing, as a fraction of all examples brought as "train".
        test_fraction: The same for "test".
        split_seed: Seed of the choice.

    Raises:
        UserError: No training examples would be left.
    """
    source = splits["train"]
    size = len(source)
    parts: dict[SplitName, Part] = {name: Part(split, torch.arange(len(split))) for name, split in splits.items()}
    generator = torch.Generator().manual_seed(split_seed)
    rest = torch.randperm(size, generator=generator)
    fractions: dict[SplitName, float] = {"test": test_fraction, "val": val_fraction}
    for name, fraction in fractions.items():
        if name not in splits:
            count = max(1, round(fraction * size))
            if count >= len(rest):
                raise UserError(
                    f"data.{name}_fraction={fraction} would take {count} of the {len(rest)} training examples "
                    "that are there; give a smaller fraction or more data"
                )
            held_out, rest = stratified(rest, source.y, count)
            # Shuffled, so that the first few are a fair sample; "train" is in random order already.
            parts[name] = Part(source, held_out[torch.randperm(count, generator=generator)])
    parts["train"] = Part(source, rest if len(rest) < size else torch.arange(size))
    return parts


def stratified(indices: Tensor, y: Tensor | None, count: int) -> tuple[Tensor, Tensor]:
    """Take `count` of the (shuffled) indices, of every class its share to within one example.

    The indices are sorted by class, and every (n / count)-th is taken: the total is exact, and so is each class's
    part, rounded up or down.

    Returns:
        Those taken, sorted by class, and those left, in their order.
    """
    n = len(indices)
    by_class = torch.arange(n) if y is None else torch.argsort(y[indices], stable=True)
    taken = by_class[(torch.arange(count) * n + n // 2) // count]
    left = torch.ones(n, dtype=torch.bool)
    left[taken] = False
    return indices[taken], indices[left]
