"""metrics.json, which any reader of JSON can read."""

import json
import math

import torch

from vae_exp.cli.figures import merge_figures, vectors_of


def test_what_is_no_number_is_null(tmp_path):
    merge_figures(tmp_path, {"test/nll": math.inf, "test/kl_per_dim": [1.0, math.nan]})
    merge_figures(tmp_path, {"test/rate": 2.0})

    def refuse(constant):
        raise AssertionError(constant)

    read = json.loads((tmp_path / "metrics.json").read_text(), parse_constant=refuse)
    assert read == {"test/kl_per_dim": [1.0, None], "test/nll": None, "test/rate": 2.0}
    (vector,) = vectors_of(tmp_path).values()
    torch.testing.assert_close(vector, torch.tensor([1.0, math.nan]), equal_nan=True)
