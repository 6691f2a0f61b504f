"""Of metrics, callbacks and loggers a run can have several, or one; of callbacks and loggers, as built, also none."""

from __future__ import annotations

import pytest

from vae_exp.build import build_trainer
from vae_exp.cli.preflight import check_lists
from vae_exp.errors import UserError
from vae_exp.training.callbacks.checkpoint import LastAndBest
from vae_exp.training.callbacks.progress import RunProgress


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        (["callbacks=checkpoint"], [LastAndBest]),
        (["callbacks=[checkpoint]"], [LastAndBest]),
        (["callbacks=[]", "+callbacks@callbacks.progress=progress"], [RunProgress]),
        (["callbacks=[]"], []),
    ],
)
def test_callbacks_are_those_that_were_chosen(settings, words, kinds):
    chosen = [c for c in build_trainer(settings(*words)).callbacks if type(c).__module__.startswith("vae_exp.")]
    assert [type(c) for c in chosen] == kinds


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("logger=[]", []),
        ("logger=csv", ["CSVLogger"]),
        ("logger=[tensorboard,csv]", ["TensorBoardLogger", "CSVLogger"]),
    ],
)
def test_loggers_are_those_that_were_chosen(settings, word, names):
    assert [type(logger).__name__ for logger in build_trainer(settings(word)).loggers] == names


@pytest.mark.parametrize("name", ["metrics", "callbacks", "logger"])
def test_what_is_no_part_is_a_sentence(settings, name):
    with pytest.raises(UserError, match=rf"{name}\.mine has no _target_"):
        check_lists(settings(f"+{name}.mine.bar=1"))
