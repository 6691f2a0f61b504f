"""Of metrics, views, callbacks and loggers a run can have several, as built also none."""

from __future__ import annotations

import pytest

from vae_exp.build import build_trainer
from vae_exp.cli.preflight import check_lists
from vae_exp.config.check import check
from vae_exp.config.compose import compose
from vae_exp.errors import UserError
from vae_exp.training.callbacks.checkpoint import LastAndBest
from vae_exp.training.callbacks.progress import RunProgress


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        (["callbacks=checkpoint"], {LastAndBest}),
        (["callbacks=[checkpoint]"], {LastAndBest}),
        (["callbacks=[checkpoint,progress]"], {LastAndBest, RunProgress}),
        (["callbacks=[checkpoint,progress]", "callbacks.checkpoint=null"], {RunProgress}),
        (["callbacks=[]"], set()),
    ],
)
def test_callbacks_are_those_that_were_chosen(settings, words, kinds):
    chosen = [c for c in build_trainer(settings(*words)).callbacks if type(c).__module__.startswith("vae_exp.")]
    assert {type(c) for c in chosen} == kinds


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


OTHERS = {"logger": "tensorboard"}


@pytest.mark.parametrize("name", ["metrics", "view", "callbacks", "logger"])
def test_a_file_without_its_first_line_is_a_sentence(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "mine.yaml").write_text("_target_: vae_exp.metrics.elbo.Elbo\nstages: [val]\n")
    with pytest.raises(UserError, match=rf"# @package {name}\.NAME"):
        check(compose("train", [f"{name}=[mine]", f"run_dir={tmp_path}"], [tmp_path]))
    with pytest.raises(UserError, match=rf"# @package {name}\.NAME"):  # whatever else is wrong with the mixture
        check(compose("train", [f"{name}=[{OTHERS.get(name, 'default')},mine]"], [tmp_path]))


@pytest.mark.parametrize("name", ["metrics", "view", "callbacks", "logger"])
def test_what_is_no_part_is_a_sentence(settings, name):
    with pytest.raises(UserError, match=rf"{name}\.mine has no _target_"):
        check_lists(settings(f"+{name}.mine.bar=1"))
