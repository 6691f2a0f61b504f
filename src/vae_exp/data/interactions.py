"""Which user took which item, read from a file of one's own."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_exp.errors import UserError, reason_of

if TYPE_CHECKING:
    from pandas import DataFrame

IDS = ("user", "item")
COLUMNS = (*IDS, "rating", "time")
ROWS_AT_ONCE = 2**20


class Interactions(NamedTuple):
    """M interactions of users with items, in any order; a pair may come more than once.

    Args:
        user: Number of the user of each, [M] int.
        item: Number of the item, [M] int.
        rating: [M] float64, or None.
        time: In any unit, [M], or None.
        user_names: The users' own names, by number.
        item_names: The items'.
    """

    user: NDArray[Any]
    item: NDArray[Any]
    rating: NDArray[Any] | None
    time: NDArray[Any] | None
    user_names: NDArray[Any]
    item_names: NDArray[Any]

    def where(self, kept: NDArray[Any]) -> Interactions:
        """Some of them: a mask [M], or their places; the users and the items keep their numbers."""
        columns = (self.user, self.item, self.rating, self.time)
        user, item, rating, time = (None if column is None else column[kept] for column in columns)
        assert user is not None
        assert item is not None
        return Interactions(user, item, rating, time, self.user_names, self.item_names)


def read_interactions(*, path: str) -> Interactions:
    """Read the columns user, item and, where they are there, rating and time of a .csv, .tsv or .parquet file.

    Users and items are names, of any kind: `007` and `7` are two. A time is a number or a date.

    Args:
        path: The file; its first line names the columns.

    Raises:
        UserError: The file is missing or cannot be read, or a column is missing or holds something else.
    """
    return interactions_in(path, key="data.path")


def interactions_in(path: str, *, key: str) -> Interactions:
    """The same, of a file that the user gives as `key`."""
    file = Path(path).expanduser()
    if not file.is_file():
        raise UserError(f"{key}={path} is not a file; give a .csv or .parquet file with the columns user and item")
    try:
        table = _parquet(file) if file.suffix == ".parquet" else _csv(file, where=f"{key}={path}")
    except UserError:
        raise
    except Exception as error:  # readers of damaged files raise nearly anything
        reason = reason_of(error)
        raise UserError(f"{key}={path} cannot be read ({reason}); give a .csv, .tsv or .parquet file") from error
    return of_table(table, where=f"{key}={path}")


def of_table(table: DataFrame, *, where: str) -> Interactions:
    """Number the users and items of a table with the columns user, item and optional rating and time.

    Args:
        table: The table.
        where: What the user calls it, the beginning of the sentence of an error.

    Raises:
        UserError: A column is missing or holds something else, or there are no rows.
    """
    _need_ids(table.columns, where)
    for name in IDS:
        if table[name].isna().any():
            raise UserError(f"{where}: the {name} of row {int(table[name].isna().argmax()) + 1} is missing")
    if table.empty:
        raise UserError(f"{where} has no rows; give at least one interaction")
    user, item = (table[name].astype("category").cat for name in IDS)
    rating = _numbers(table, "rating", where) if "rating" in table else None
    time = _times(table, where) if "time" in table else None
    names = (np.array([str(name) for name in column.categories], dtype=object) for column in (user, item))
    return Interactions(user.codes.to_numpy(), item.codes.to_numpy(), rating, time, *names)


def _need_ids(columns: Iterable[object], where: str) -> None:
    found = [str(column) for column in columns]
    for name in IDS:
        if name not in found:
            raise UserError(f"{where} has no column {name}, only {found}; name two of them user and item")


def _csv(file: Path, *, where: str) -> DataFrame:
    from pandas import DataFrame, concat, read_csv
    from pandas.api.types import union_categoricals

    separator = "\t" if file.suffix == ".tsv" else ","
    with file.open(newline="", encoding="utf-8-sig", errors="replace") as lines:
        rows = csv.reader(lines, delimiter=separator)
        header, first = next(rows, []), next(rows, [])
    _need_ids(header, where)
    if any(first[len(header) :]):  # to pandas the first fields would be an index
        raise UserError(
            f"{where}: the first row has {len(first)} fields, and the first line names {len(header)}; name them all"
        )
    # In parts, whose names are strings as they stand in the file until each is held once.
    parts = [
        part.astype({name: "category" for name in IDS if name in part})
        for part in read_csv(
            file,
            sep=separator,
            index_col=False,
            dtype=dict.fromkeys(IDS, str),
            usecols=COLUMNS.__contains__,
            keep_default_na=False,
            na_values=[""],
            chunksize=ROWS_AT_ONCE,
        )
    ]
    joined = {}
    for name in parts[0]:
        columns = [part[name] for part in parts]
        joined[name] = union_categoricals(columns) if name in IDS else concat(columns, ignore_index=True)
    return DataFrame(joined)


def _parquet(file: Path) -> DataFrame:
    from pandas import read_parquet

    try:
        return read_parquet(file)
    except ImportError as error:
        raise UserError("a .parquet file needs the package pyarrow: pip install 'vae_exp[parquet]'") from error


def _numbers(table: DataFrame, name: str, where: str) -> NDArray[Any]:
    from pandas import to_numeric

    try:
        numbers: NDArray[Any] = to_numeric(table[name]).to_numpy(dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise UserError(f"{where}: the column {name} holds more than numbers ({error})") from error
    if not np.isfinite(numbers).all():
        raise UserError(f"{where}: the {name} of row {int(np.argmin(np.isfinite(numbers))) + 1} is missing")
    return numbers


def _times(table: DataFrame, where: str) -> NDArray[Any]:
    from pandas import to_datetime
    from pandas.api.types import is_numeric_dtype

    if is_numeric_dtype(table["time"]):
        return _numbers(table, "time", where)
    try:
        dates = to_datetime(table["time"], utc=True)
    except (ValueError, TypeError) as error:
        raise UserError(f"{where}: the column time holds neither numbers nor dates ({error})") from error
    if dates.isna().any():
        raise UserError(f"{where}: the time of row {int(dates.isna().argmax()) + 1} is missing")
    ticks: NDArray[Any] = dates.astype("int64").to_numpy()
    return ticks
