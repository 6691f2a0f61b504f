"""Codes beside the ground-truth factors that they stand for, as every disentanglement score takes them in."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vae_exp.errors import UserError

FEWEST = 100
"""Points below which a score says nothing."""


class CodeTable(NamedTuple):
    """Points with their codes and factors, on the CPU.

    Args:
        codes: [N, D] float64.
        factors: [N, F] int64, each column with at least two values, 0, 1, ... of which none is skipped.
    """

    codes: Tensor
    factors: Tensor


def tabulate(codes: Tensor, factors: Tensor) -> CodeTable:
    """Check codes [N, D] and factors [N, F]; a factor with one value says nothing, and is left out.

    Raises:
        UserError: There are too few points, no factor varies, or a code is not finite.
    """
    codes = checked_codes(codes)
    if factors.ndim != 2 or len(factors) != len(codes):
        raise UserError(f"factors of shape {list(factors.shape)}: should be [N, F], with N={len(codes)} as the codes")
    labels = [column.unique(return_inverse=True)[1] for column in factors.detach().cpu().unbind(1)]
    varying = [column for column in labels if column.any()]
    if not varying:
        raise UserError("no ground-truth factor has two values among the points; evaluate more of them")
    return CodeTable(codes, torch.stack(varying, 1))


def checked_codes(codes: Tensor) -> Tensor:
    """Codes [N, D] in float64 on the CPU.

    Raises:
        UserError: They are too few, or not finite.
    """
    if codes.ndim != 2 or len(codes) < FEWEST:
        raise UserError(
            f"codes of shape {list(codes.shape)}: scores of codes need [N, D] with at least {FEWEST} points N;"
            " evaluate more (trainer.limit_test_batches, data.test_fraction or data.num_test)"
        )
    codes = codes.detach().cpu().double()
    if not codes.isfinite().all():
        raise UserError("some codes are not finite; the model has diverged")
    return codes


def in_canonical_order(codes: Tensor, factors: Tensor) -> tuple[Tensor, Tensor]:
    """Sort points by their factors, then their codes.

    Points that came in any order, from any number of processes, are then drawn alike by the same seed.
    """
    codes, factors = codes.cpu(), factors.cpu()
    keys = torch.cat((factors.double(), codes.double()), dim=1).numpy()
    order = torch.from_numpy(np.lexsort(keys.T[::-1]))
    return codes[order], factors[order]


def chosen(size: int, num_points: int, seed: int) -> Tensor:
    """Positions of `num_points` of `size` points, or of all where there are fewer."""
    return torch.randperm(size, generator=generator(seed))[:num_points]


def halves(table: CodeTable, *, num_train: int, num_test: int, seed: int) -> tuple[CodeTable, CodeTable]:
    """Cut disjoint points to learn from and to score on; where there are too few, all are used, in that proportion.

    Raises:
        UserError: A factor has one value in either.
    """
    size = len(table.codes)
    if size < num_train + num_test:
        num_train = size * num_train // (num_train + num_test)
        num_test = size - num_train
    order = torch.randperm(size, generator=generator(seed))
    parts = order[:num_train], order[num_train : num_train + num_test]
    train, test = (CodeTable(table.codes[part], table.factors[part]) for part in parts)
    for half in (train, test):
        if len(half.codes) == 0 or bool((half.factors == half.factors[0]).all(0).any()):
            raise UserError(
                f"{size} points, {num_train} to learn from and {num_test} to score on, are too few: in one of these"
                " parts a factor has a single value; evaluate more points (data.test_fraction or data.num_test)"
            )
    return train, test


def generator(seed: int) -> torch.Generator:
    """Randomness of one score, apart from all other."""
    return torch.Generator().manual_seed(seed)
