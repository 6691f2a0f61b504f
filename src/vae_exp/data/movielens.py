"""The ratings of MovieLens, downloaded once, below `root`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vae_exp.data.download import present_or_downloaded
from vae_exp.data.interactions import Interactions, of_table

URL = "https://files.grouplens.org/datasets/movielens"
COLUMNS = ("user", "item", "rating", "time")


def movielens_100k(*, root: str) -> Interactions:
    """Read 100,000 ratings (1 to 5) of 1,682 films by 943 users.

    Args:
        root: Folder that holds `ml-100k/u.data`.

    Raises:
        UserError: The file is missing and cannot be downloaded, or it is damaged.
    """
    return _movielens("ml-100k", "u.data", "\t", 0, "0e33842e24a9c977be4e0107933c0723", root)


def movielens_1m(*, root: str) -> Interactions:
    """Read 1,000,209 ratings (1 to 5) of 3,706 films by 6,040 users.

    Args:
        root: Folder that holds `ml-1m/ratings.dat`.

    Raises:
        UserError: The file is missing and cannot be downloaded, or it is damaged.
    """
    return _movielens("ml-1m", "ratings.dat", "::", 0, "c4d9eecfca2ab87c1945afe126590906", root)


def movielens_20m(*, root: str) -> Interactions:
    """Read 20,000,263 ratings (0.5 to 5) of 26,744 films by 138,493 users.

    Args:
        root: Folder that holds `ml-20m/ratings.csv`.

    Raises:
        UserError: The file is missing and cannot be downloaded, or it is damaged.
    """
    return _movielens("ml-20m", "ratings.csv", ",", 1, "cd245b17a1ae2cc31bb14903e1204af3", root)


def _movielens(folder: str, file: str, separator: str, header: int, md5: str, root: str) -> Interactions:
    where = Path(root).expanduser()
    name = folder.replace("ml-", "movielens_")

    def read(download: bool) -> Any:
        if download:
            from torchvision.datasets.utils import download_and_extract_archive

            download_and_extract_archive(f"{URL}/{folder}.zip", str(where), md5=md5, remove_finished=True)
        return _table(where / folder / file, separator, header)

    table = present_or_downloaded(read, name=name, root=root, layout=f"{folder}/{file}")
    return of_table(table, where=f"data={name}")


def _table(path: Path, separator: str, header: int) -> Any:
    from pandas import read_csv

    kinds: Any = {"user": np.int32, "item": np.int32, "rating": np.float32, "time": np.int64}
    if len(separator) == 1:
        return read_csv(path, sep=separator, names=COLUMNS, skiprows=header, dtype=kinds)
    # Of separators of two letters pandas' fast reader knows nothing: it sees an empty column between each two.
    columns = [0, 2, 4, 6]
    return read_csv(path, sep=separator[0], names=COLUMNS, usecols=columns, skiprows=header, dtype=kinds)
