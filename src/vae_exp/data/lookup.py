"""Examples by their factors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from vae_exp.data.drawn import Drawn
from vae_exp.data.factors import Factors, to_index
from vae_exp.data.splits import Split, rows
from vae_exp.data.table import Table
from vae_exp.errors import UserError
from vae_exp.types import Batch


def factors_of(split: Split) -> Factors | None:
    """The factors of a split's examples, where they are known."""
    return split.factors if isinstance(split, Table | Drawn) else None


def of_factors(splits: Sequence[Split], wanted: Tensor) -> Batch:
    """One example of each tuple of factors, as the loaders serve them.

    It is drawn where the data set can do that; else it is the first that the splits have.

    Args:
        splits: Splits of one data set, those first that are to be searched first.
        wanted: [n, F] int64.

    Raises:
        UserError: The factors are not known, or no example has these.
    """
    known = [(split, factors) for split in splits if (factors := factors_of(split)) is not None]
    if not known:
        raise UserError("data: the factors of this data set are not known; use one with factors, such as data=sprites")
    first = known[0][1]
    _check(wanted, first)
    if first.draw is not None:
        drawn = first._replace(values=wanted)
        return cast(Batch, {"factors": wanted} | ({} if drawn.y is None else {"y": drawn.y}))
    index, missing = to_index(wanted, first.sizes), torch.ones(len(wanted), dtype=torch.bool)
    found: list[tuple[Tensor, Batch]] = []
    for split, factors in known:
        have, at = torch.sort(to_index(factors.values, first.sizes), stable=True)
        place = torch.searchsorted(have, index).clamp_max(len(have) - 1)
        hit = missing & (have[place] == index)
        found.append((hit.nonzero()[:, 0], rows(split, at[place[hit]])))
        missing &= ~hit
    if missing.any():
        raise UserError(f"data: no example has the factors {_named(wanted[missing][0], first)}")
    order = torch.argsort(torch.cat([places for places, _ in found]))
    return cast(Batch, {key: torch.cat([part[key] for _, part in found])[order] for key in found[0][1]})  # type: ignore[literal-required]


def _check(wanted: Tensor, factors: Factors) -> None:
    sizes = torch.tensor(factors.sizes)
    if wanted.ndim != 2 or wanted.shape[1] != len(sizes) or wanted.dtype != torch.int64:
        raise UserError(
            f"data: factors were asked for as {wanted.dtype} {list(wanted.shape)}; they must be int64 [n, {len(sizes)}]"
        )
    wrong = ((wanted < 0) | (wanted >= sizes)).any(1)
    if wrong.any():
        raise UserError(
            f"data: there are no factors {_named(wanted[wrong][0], factors)}; sizes are {list(factors.sizes)}"
        )


def _named(values: Tensor, factors: Factors) -> str:
    return ", ".join(f"{name}={value}" for name, value in zip(factors.names, values.tolist(), strict=True))
