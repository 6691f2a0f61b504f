"""Images from a model, batch after batch."""

from functools import partial

import pytest
import torch

from vae_exp.analysis import generate
from vae_exp.build import build_model
from vae_exp.types import DataSpec


@pytest.mark.parametrize("label", [None, 2])
def test_the_classes_come_in_turn_whatever_the_batches(settings, monkeypatch, label):
    model = build_model(settings("model.context=label"), DataSpec((1, 8, 8), "binary", 100, 3)).eval()
    seen = []
    decode = model.decode
    monkeypatch.setattr(model, "decode", lambda z, y: seen.extend(y.tolist()) or decode(z, y))
    rows = partial(generate.sample, label=label, temperature=1.0, pixels="mean")
    made = torch.cat(list(rows(model, generate.Source(lambda n: {}), 10, 4)))
    assert made.shape == (10, 1, 1, 8, 8)
    assert seen == [number % 3 if label is None else label for number in range(10)]
