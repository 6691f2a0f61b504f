"""What a table must be."""

import pytest
import torch

from vae_exp.data.table import Table
from vae_exp.errors import UserError

X = torch.zeros(3, 1, 2, 2)
Y = torch.tensor([0, 1, -1])


@pytest.mark.parametrize("x", [X, X.to(torch.uint8), torch.ones(3, 4, 7, 5)])
@pytest.mark.parametrize("y", [None, Y])
def test_good_tables_pass(x, y):
    Table(x, y).check("train")


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (Table(torch.zeros(3, 2, 2), None), "shape"),
        (Table(torch.zeros(0, 1, 2, 2), None), "at least 1"),
        (Table(X.double(), None), "float64"),
        (Table(X + 1.5, None), r"lies in \[1.5, 1.5\]"),
        (Table(X - 0.1, None), "lies in"),
        (Table(X + float("nan"), None), "finite"),
        (Table(X + float("inf"), None), "finite"),
        (Table(X, Y[:2]), r"shape \[2\].*\[3\]"),
        (Table(X, Y.to(torch.int32)), "int32"),
        (Table(X, Y - 1), "label -2"),
    ],
)
def test_bad_tables_are_one_sentence(table, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        table.check("train")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("train: ")


@pytest.mark.parametrize(("x", "y"), [(X.numpy(), None), ([[1.0]], None), (X, Y.numpy())])
def test_what_is_no_tensor_is_one_sentence(x, y):
    with pytest.raises(UserError, match=r"data: [xy] of a Table: (ndarray|list) does not derive from torch.Tensor"):
        Table(x, y)
