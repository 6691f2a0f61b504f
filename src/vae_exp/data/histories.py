"""What users have, as far as it is known, as rows over the items of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from vae_exp.data.interactions import Interactions
from vae_exp.data.sparse_rows import SparseRows


def of_splits(splits: Iterable[SparseRows]) -> SparseRows:
    """All that splits of one data set know of each user, held out or not; in the order of the users' names."""
    from scipy.sparse import coo_array, csr_array

    known = [(split.row_names, m) for split in splits for m in (split.x, split.target) if m is not None]
    item_names = next(iter(splits)).item_names
    names, row = np.unique(np.concatenate([np.asarray(own, dtype=object) for own, _ in known]), return_inverse=True)
    starts = np.cumsum([0, *(len(own) for own, _ in known)])
    parts = [coo_array(matrix) for _, matrix in known]
    rows = np.concatenate([row[start + part.row] for start, part in zip(starts, parts, strict=False)])
    columns = np.concatenate([part.col for part in parts])
    x = csr_array((np.ones(len(rows), np.float32), (rows, columns)), shape=(len(names), len(item_names)))
    x.data[:] = 1  # what two splits know counts once
    return SparseRows(x, None, names.tolist(), item_names)


def of_interactions(log: Interactions, item_names: tuple[str, ...]) -> tuple[SparseRows, Sequence[str]]:
    """The rows of users who have some of these items, and the names of the items that are none of them."""
    from scipy.sparse import csr_array

    number = {name: place for place, name in enumerate(item_names)}
    place = np.array([number.get(name, -1) for name in log.item_names])
    foreign = log.item_names[np.unique(log.item[place[log.item] < 0])].tolist()
    log = log.where(place[log.item] >= 0)
    users, row = np.unique(log.user, return_inverse=True)
    shape = (len(users), len(item_names))
    x = csr_array((np.ones(len(row), np.float32), (row, place[log.item])), shape=shape)
    x.sum_duplicates()
    x.data[:] = 1
    return SparseRows(x, None, log.user_names[users].tolist(), item_names), foreign
