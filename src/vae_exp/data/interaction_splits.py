"""Interactions as rows of users over items, cut to train, val and test by users or by time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vae_exp.data.cuts import Share
from vae_exp.data.interactions import Interactions
from vae_exp.data.sparse_rows import SparseRows
from vae_exp.data.splits import Splits
from vae_exp.errors import UserError
from vae_exp.types import Count, Seed


def interaction_splits(
    *,
    interactions: Callable[[], Interactions],
    min_rating: float | None,
    min_items: Count,
    split: Literal["user", "time"],
    held_out: Share,
    val_fraction: Share,
    test_fraction: Share,
    split_seed: Seed,
) -> Splits:
    """Rows x of 0 and 1, [users, items], and for val and test a target: items that are to be found from x.

    The items are those of the training rows: of others nothing can be learned, and they are left out.

    split="user": the users are parted at random, so that those of val and test are new to the model (strong
    generalisation). A share of each one's items, at random, is the target and the rest x.

    split="time": the interactions are parted at two moments. The rows of train end at the first one; in val the target
    lies between the two and x before them, in test the target lies after both and x before. Users without both are
    left out of val and test. Nothing is learned from what came later, and users of val and test are known to the model.

    Args:
        interactions: Reads the interactions.
        min_rating: Interactions with a lower rating do not count; null where all do.
        min_items: Users with fewer different items are left out.
        split: How.
        held_out: Share of a user's items that is the target, at least one; split=user.
        val_fraction: Of the users, or of the interactions, what becomes val.
        test_fraction: The same for test.
        split_seed: Of what is drawn.

    Raises:
        UserError: What is asked for is not in the data, or too little is left of them.

    Source: Liang et al., 2018, "Variational autoencoders for collaborative filtering", sec. 4.1, arXiv:1802.05814; by
        time: Meng et al., 2020, "Exploring data splitting strategies for the evaluation of recommendation models"
    """
    log = interactions()
    log = log if min_rating is None else liked(log, min_rating)
    log = _frequent(_once(log), min_items)
    if split == "time":
        return _by_time(log, val_fraction, test_fraction)
    return _by_user(log, held_out, val_fraction, test_fraction, np.random.default_rng(split_seed))


def liked(log: Interactions, min_rating: float) -> Interactions:
    """Those with at least this rating.

    Raises:
        UserError: There are no ratings.
    """
    if log.rating is None:
        raise UserError(f"data.min_rating={min_rating:g}: the data have no ratings; use data.min_rating=null")
    return log.where(log.rating >= min_rating)


def _once(log: Interactions) -> Interactions:
    """Each pair of a user and an item once, when it came first."""
    pair = log.user.astype(np.int64) * len(log.item_names) + log.item
    order = np.arange(len(pair)) if log.time is None else np.argsort(log.time, kind="stable")
    _, first = np.unique(pair[order], return_index=True)
    return log.where(order[first])


def _frequent(log: Interactions, min_items: int) -> Interactions:
    return log.where(np.bincount(log.user, minlength=len(log.user_names))[log.user] >= min_items)


def _by_user(
    log: Interactions, held_out: float, val_fraction: float, test_fraction: float, chance: np.random.Generator
) -> Splits:
    users = chance.permutation(_present(log.user))
    num_val, num_test = (max(1, round(fraction * len(users))) for fraction in (val_fraction, test_fraction))
    if num_val + num_test >= len(users):
        raise UserError(
            f"data.val_fraction={val_fraction:g} and data.test_fraction={test_fraction:g} leave nothing of the "
            f"{len(users)} users who have data.min_items to train on; give smaller ones, or more data"
        )
    part = np.zeros(len(log.user_names), dtype=np.int8)
    part[users[:num_val]], part[users[num_val : num_val + num_test]] = 1, 2
    train = log.where(part[log.user] == 0)
    splits: Splits = {"train": _table(train, train, None)}
    for number, name in ((1, "val"), (2, "test")):
        own = _known(log.where(part[log.user] == number), train)
        target = _drawn(own, held_out, chance)
        splits[name] = _table(train, own.where(~target), own.where(target), name)  # type: ignore[index]
    return splits


def _by_time(log: Interactions, val_fraction: float, test_fraction: float) -> Splits:
    if log.time is None:
        raise UserError("data.split=time: the data have no times; use data.split=user")
    if val_fraction + test_fraction >= 1:
        raise UserError(
            f"data.val_fraction={val_fraction:g} and data.test_fraction={test_fraction:g} leave nothing to train on"
        )
    time = log.time
    first, second = np.quantile(time, [1 - val_fraction - test_fraction, 1 - test_fraction], method="higher")
    train = log.where(time < first)
    splits: Splits = {"train": _table(train, train, None)}
    between = log.where((time >= first) & (time < second))
    splits["val"] = _table(train, _known(train, train), _known(between, train), "val")
    before, after = _known(log.where(time < second), train), _known(log.where(time >= second), train)
    splits["test"] = _table(train, before, after, "test")
    return splits


def _known(log: Interactions, train: Interactions) -> Interactions:
    """Those with an item that is in the training rows."""
    return log.where(np.isin(log.item, _present(train.item)))


def _drawn(log: Interactions, share: float, chance: np.random.Generator) -> NDArray[Any]:
    """A share of each user's interactions, at least one and rounded down, as a mask; none of users with only one."""
    order = np.lexsort((chance.random(len(log.user)), log.user))
    _, start, count = np.unique(log.user[order], return_index=True, return_counts=True)
    place = np.arange(len(order)) - np.repeat(start, count)
    wanted = np.where(count > 1, np.maximum(1, (share * count).astype(int)), 0)
    mask = np.empty(len(order), dtype=bool)
    mask[order] = place < np.repeat(wanted, count)
    return mask


def _table(train: Interactions, seen: Interactions, target: Interactions | None, name: str = "train") -> SparseRows:
    """Rows over the items of `train`, of users who have something in `seen` and, where there is one, in `target`."""
    items, users = _present(train.item), _present(seen.user)
    if target is not None:
        users = np.intersect1d(users, _present(target.user), assume_unique=True)
    if len(users) == 0:
        raise UserError(f"data: no user is left for {name}; lower data.min_rating or data.min_items, or give more data")
    return SparseRows(
        _matrix(seen, users, items),
        None if target is None else _matrix(target, users, items),
        train.user_names[users].tolist(),
        tuple(train.item_names[items].tolist()),
    )


def _present(numbers: NDArray[Any]) -> NDArray[Any]:
    """The different ones of many small numbers, in order; much faster than np.unique."""
    return np.flatnonzero(np.bincount(numbers))


def _matrix(log: Interactions, users: NDArray[Any], items: NDArray[Any]) -> Any:
    from scipy.sparse import csr_array

    log = log.where(np.isin(log.user, users))
    row, column = np.searchsorted(users, log.user), np.searchsorted(items, log.item)
    return csr_array((np.ones(len(row), np.float32), (row, column)), shape=(len(users), len(items)))
