"""Users and items: what is read from files, and how they are cut."""

import numpy as np
import pytest
import torch

from vae_exp.data.interaction_splits import interaction_splits
from vae_exp.data.interactions import Interactions, read_interactions
from vae_exp.data.movielens import movielens_1m, movielens_20m, movielens_100k
from vae_exp.data.synthetic_interactions import synthetic_interactions
from vae_exp.errors import UserError

from .making import module

RULES = {
    "min_rating": None,
    "min_items": 2,
    "split": "user",
    "held_out": 0.25,
    "val_fraction": 0.2,
    "test_fraction": 0.3,
    "split_seed": 0,
}


def drawn():
    return synthetic_interactions(num_users=60, num_items=30, num_tastes=3, interactions_per_user=12, seed=1)


def cut(log=drawn, **changes):
    return interaction_splits(interactions=log, **(RULES | changes))


def pairs(matrix, split):
    """(user, item) of each one of a matrix, by name."""
    rows, columns = matrix.nonzero()
    return {(split.row_names[row], split.item_names[column]) for row, column in zip(rows, columns, strict=True)}


def all_pairs(log):
    return {(log.user_names[u], log.item_names[i]) for u, i in zip(log.user, log.item, strict=True)}


# Files


def written(tmp_path, text, name="log.csv"):
    (tmp_path / name).write_text(text)
    return str(tmp_path / name)


def test_names_are_kept_as_they_stand_in_the_file(tmp_path):
    log = read_interactions(path=written(tmp_path, "user,item,stars\n007,a b,5\n7,NA,1\n007,NA,2\n"))
    assert all_pairs(log) == {("007", "a b"), ("7", "NA"), ("007", "NA")}
    assert log.rating is None
    assert log.time is None


def test_times_are_numbers_or_dates(tmp_path):
    numbers = read_interactions(path=written(tmp_path, "item,user,time,rating\na,u,30,1\nb,u,4,2.5\n"))
    dates = read_interactions(path=written(tmp_path, "item\tuser\ttime\na\tu\t2020-01-30\nb\tu\t2020-01-04\n", "d.tsv"))
    assert numbers.time.tolist() == [30, 4]
    assert numbers.rating.tolist() == [1, 2.5]
    assert (np.diff(dates.time) < 0).all()


def test_parquet_is_the_same_as_csv(tmp_path):
    pytest.importorskip("pyarrow")
    import pandas as pd

    pd.DataFrame({"user": [3, 3, 5], "item": ["x", "y", "x"]}).to_parquet(tmp_path / "log.parquet")
    assert all_pairs(read_interactions(path=str(tmp_path / "log.parquet"))) == {("3", "x"), ("3", "y"), ("5", "x")}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("userId,item\n1,2\n", r"has no column user, only \['userId', 'item'\]"),
        ("user,item\n1,2,5\n3,4,5\n", "the first row has 3 fields, and the first line names 2"),
        ("user,item\n", "has no rows"),
        ("user,item\n1,2\n1,\n", "the item of row 2 is missing"),
        ("user,item,rating\n1,2,good\n", "the column rating holds more than numbers"),
        ("user,item,rating\n1,2,\n", "the rating of row 1 is missing"),
        ("user,item,time\n1,2,yesterday-ish\n", "the column time holds neither numbers nor dates"),
        ("", "has no column user"),
    ],
)
def test_what_is_wrong_with_a_file_is_a_sentence(tmp_path, text, sentence):
    with pytest.raises(UserError, match=sentence):
        read_interactions(path=written(tmp_path, text))


def test_an_empty_field_at_the_end_of_each_row_is_nothing(tmp_path):
    assert all_pairs(read_interactions(path=written(tmp_path, "user,item\n1,2,\n3,4,\n"))) == {("1", "2"), ("3", "4")}


def test_a_missing_file_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match="is not a file"):
        read_interactions(path=str(tmp_path / "none.csv"))


# By users


def test_users_are_in_one_split_and_nothing_of_theirs_is_lost():
    splits = cut()
    names = [set(split.row_names) for split in splits.values()]
    assert not names[0] & names[1] | names[0] & names[2] | names[1] & names[2]
    known, log = set(splits["train"].item_names), drawn()
    wanted = {pair for pair in all_pairs(log) if pair[1] in known}
    found = pairs(splits["train"].x, splits["train"])
    for name in ("val", "test"):
        split = splits[name]
        x, target = pairs(split.x, split), pairs(split.target, split)
        assert not x & target
        found |= x | target
    users = set.union(*names)
    assert found == {pair for pair in wanted if pair[0] in users}


def test_the_share_held_out_is_that_asked_for():
    split = cut(held_out=0.25)["test"]
    seen, held = np.asarray(split.x.sum(1)), np.asarray(split.target.sum(1))
    assert (held == np.maximum(1, np.floor(0.25 * (seen + held)))).all()


def test_the_items_are_those_of_training():
    splits = cut()
    assert all(split.item_names == splits["train"].item_names for split in splits.values())
    assert min(splits["train"].x.sum(0)) >= 1


def test_another_seed_gives_other_users():
    assert cut()["test"].row_names == cut()["test"].row_names != cut(split_seed=1)["test"].row_names


def few(**columns):
    users, items = columns.pop("user"), columns.pop("item")
    names = (np.array([f"u{n}" for n in range(9)], object), np.array([f"i{n}" for n in range(9)], object))
    given = {"rating": None, "time": None} | {key: np.array(value) for key, value in columns.items()}
    return Interactions(np.array(users), np.array(items), given["rating"], given["time"], *names)


def test_low_ratings_do_not_count_and_then_few_items_are_too_few():
    log = few(user=[0, 0, 0, 1, 1, 2, 2, 3, 3], item=[0, 1, 2, 0, 1, 0, 1, 0, 1], rating=[4, 5, 1, 4, 3, 4, 4, 5, 4])
    splits = cut(lambda: log, min_rating=4)
    assert set().union(*(split.row_names for split in splits.values())) == {"u0", "u2", "u3"}
    with pytest.raises(UserError, match="have no ratings"):
        cut(min_rating=4)


def test_a_pair_that_comes_twice_counts_once():
    log = few(user=[0, 0, 0, 1, 1, 2, 2], item=[0, 0, 1, 0, 1, 0, 1])
    splits = cut(lambda: log)
    assert splits["train"].x.data.tolist() == [1, 1]
    assert not cut_or_none(lambda: few(user=[0, 0, 1, 1], item=[0, 0, 1, 1]))


def cut_or_none(log):
    try:
        return cut(log)
    except UserError:
        return None


@pytest.mark.parametrize("changes", [{"val_fraction": 0.6, "test_fraction": 0.6}, {"min_items": 100}])
def test_nothing_left_is_a_sentence(changes):
    with pytest.raises(UserError, match="leave nothing"):
        cut(**changes)


# By time


def test_by_time_nothing_is_learned_from_what_came_later():
    events = [  # (user, item) in the order of time: six are past, two in between, two at the end
        (0, 0), (0, 1), (1, 0), (1, 2), (2, 3), (2, 1), (0, 2), (1, 3), (1, 1), (0, 4),
    ]  # fmt: skip
    users, items = zip(*events, strict=True)
    log = few(user=users, item=items, time=range(10)).where(np.random.default_rng(0).permutation(10))
    splits = cut(lambda: log, split="time", val_fraction=0.2, test_fraction=0.2)
    train, val, test = (splits[name] for name in ("train", "val", "test"))
    named = [(f"u{user}", f"i{item}") for user, item in events]
    assert pairs(train.x, train) == set(named[:6])
    assert pairs(val.x, val) == {pair for pair in named[:6] if pair[0] != "u2"}
    assert pairs(val.target, val) == set(named[6:8])
    # u0's last item is not among those of training, so that u1 alone has something to be found
    assert pairs(test.x, test) == {pair for pair in named[:8] if pair[0] == "u1"}
    assert pairs(test.target, test) == {named[8]}


def test_by_time_needs_times():
    with pytest.raises(UserError, match="have no times"):
        cut(lambda: drawn()._replace(time=None), split="time")


# As data


def test_a_batch_is_filled_when_it_is_served(tmp_path):
    data = module(tmp_path, dataset=cut, eval_batch_size=4)
    split = cut()["test"]
    assert data.spec.x_shape == (len(split.item_names),)
    assert data.spec.values == "binary"
    assert data.spec.item_names == split.item_names
    assert data.spec.item_counts == tuple(np.asarray(cut()["train"].x.sum(0)).astype(int).tolist())
    batch = next(iter(data.test_dataloader()))
    assert set(batch) == {"x", "target"}
    for key, matrix in (("x", split.x), ("target", split.target)):
        torch.testing.assert_close(batch[key], torch.from_numpy(matrix.toarray()[:4]))
    assert "target" not in data.examples("train", 2)
    for binarize in ("threshold", "dynamic", "static"):
        other = module(tmp_path, dataset=cut, eval_batch_size=4, binarize=binarize)
        torch.testing.assert_close(other.examples("test", 4)["x"], batch["x"])


def test_rows_are_not_mirrored(tmp_path):
    with pytest.raises(UserError, match=r"data\.flip=true mirrors pictures"):
        module(tmp_path, dataset=cut, flip=True)


# MovieLens

RATINGS = [(1, 10, 5, 100), (1, 20, 3, 101), (12, 10, 4, 99)]


@pytest.mark.parametrize(
    ("read", "file", "separator", "head"),
    [
        (movielens_100k, "ml-100k/u.data", "\t", ""),
        (movielens_1m, "ml-1m/ratings.dat", "::", ""),
        (movielens_20m, "ml-20m/ratings.csv", ",", "userId,movieId,rating,timestamp\n"),
    ],
)
def test_movielens_is_read_as_it_is_published(tmp_path, read, file, separator, head):
    (tmp_path / file).parent.mkdir()
    (tmp_path / file).write_text(head + "".join(separator.join(map(str, row)) + "\n" for row in RATINGS))
    log = read(root=str(tmp_path))
    found = zip(log.user_names[log.user], log.item_names[log.item], log.rating, log.time, strict=True)
    assert sorted((int(u), int(i), r, t) for u, i, r, t in found) == sorted(RATINGS)


def test_movielens_that_is_missing_is_a_sentence(tmp_path, monkeypatch):
    import torchvision.datasets.utils as utils

    def no_network(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(utils, "download_and_extract_archive", no_network)
    with pytest.raises(UserError, match=r"data=movielens_1m is not below .* \(no network\); .* ml-1m/ratings.dat"):
        movielens_1m(root=str(tmp_path))


def test_movielens_that_is_damaged_is_a_sentence(tmp_path):
    (tmp_path / "ml-100k").mkdir()
    (tmp_path / "ml-100k" / "u.data").write_text("1\tx\t5\n")
    with pytest.raises(UserError, match="are damaged"):
        movielens_100k(root=str(tmp_path))


# Drawn


def test_users_take_what_is_to_their_tastes():
    log = synthetic_interactions(num_users=400, num_items=60, num_tastes=6, interactions_per_user=30, seed=0)
    counts = np.zeros((400, 60))
    np.add.at(counts, (log.user, log.item), 1)
    assert 27 < counts.sum() / 400 < 33
    # The six tastes are six directions: they explain most of how users differ.
    spread = np.linalg.svd(np.sqrt(counts) - np.sqrt(counts).mean(0), compute_uv=False) ** 2
    assert spread[4] > 2 * spread[6]
