"""Every experiment composes, names its source, and trains; there is no list to edit."""

import re

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
import yaml

from vae_exp.build import build_data, build_model, build_module, build_trainer
from vae_exp.config.check import check
from vae_exp.config.combinations import runs_of
from vae_exp.config.compose import compose
from vae_exp.config.paths import conf_dir
from vae_exp.errors import UserError

FOLDER = conf_dir() / "experiment"
FILES = sorted(FOLDER.rglob("*.yaml"))
NAMES = [file.stem for file in FILES if file.parent == FOLDER]
SIDES = (32, 28)  # on one of which the networks of an experiment are defined


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_says_what_it_is_and_where_it_comes_from(file):
    package, what, source, *_ = file.read_text().splitlines()
    assert package == "# @package _global_"
    assert what.startswith("# ")
    assert what.endswith(".")
    assert source.startswith("# ")
    assert re.search(r"\b(19|20)\d\d\b", source), "a source has a year"
    assert yaml.safe_load(file.read_text())["defaults"]


def runs(name, *overrides):
    """Overrides of each run of an experiment: several where it is a sweep."""
    return runs_of("train", [f"experiment={name}", *overrides], multirun=False).overrides


@pytest.mark.parametrize("name", NAMES)
def test_it_composes_and_is_valid_as_it_is(name):
    for overrides in runs(name):
        check(compose("train", overrides))


@pytest.fixture
def pictures(tmp_path):
    paths = [tmp_path / f"pictures{side}.npz" for side in SIDES]
    for side, path in zip(SIDES, paths, strict=True):
        x = np.random.default_rng(0).integers(0, 256, (200, side, side), dtype=np.uint8)
        np.savez(path, x=x, y=np.arange(200) % 10)
    return paths


USERS_AND_ITEMS = ["data=synthetic_interactions", "data.num_users=100", "data.num_items=40"]


def small_data(name, pictures):
    """Small data of the kind that an experiment has; pictures in several sizes, of which one fits its networks."""
    own = compose("train", runs(name)[0]).data.dataset
    return [USERS_AND_ITEMS] if "interactions" in own else [["data=npz", f"data.path={path}"] for path in pictures]


def built(overrides, candidates):
    """Settings, data and model of an experiment on the first data for which its networks are defined."""
    for candidate in candidates:
        settings = check(compose("train", [*overrides, *candidate]))
        pl.seed_everything(0, verbose=False)
        data = build_data(settings)
        try:
            return settings, data, build_model(settings, data.spec)
        except UserError as error:
            refusal = error
    raise refusal


@pytest.mark.parametrize("name", NAMES)
def test_it_trains_and_is_evaluated(tmp_path, pictures, name):
    small = (
        *small_data(name, pictures)[0], "data.eval_batch_size=10", "trainer.max_steps=2", "trainer.max_epochs=-1",
        "trainer.accelerator=cpu", "trainer.devices=1", "trainer.limit_val_batches=1", "trainer.limit_test_batches=1",
        "evaluation.num_importance_samples=3", "logger=none", "callbacks.pictures=null", f"run_dir={tmp_path}",
    )  # fmt: skip
    for overrides in runs(name, *small):
        settings, data, model = built(overrides, small_data(name, pictures))
        module = build_module(settings, model)
        before = {key: weight.clone() for key, weight in module.model.named_parameters()}
        trainer = build_trainer(settings)
        trainer.fit(module, datamodule=data)
        assert trainer.global_step == 2
        after = dict(module.model.named_parameters())
        assert all(torch.isfinite(weight).all() for weight in after.values())
        assert any(not torch.equal(weight, before[key]) for key, weight in after.items())
        (figures,) = trainer.test(module, datamodule=data, verbose=False)
        assert any(key.startswith("test/distortion") for key in figures)


# What a default or a typing error could change without a sound


def chosen(name):
    (overrides,) = runs(name)
    return check(compose("train", overrides))


def test_burdas_learning_rate_is_that_of_the_paper():
    from vae_exp.build import _part
    from vae_exp.schedules import Progress

    settings = chosen("burda_vae")
    schedule, epoch = _part(settings, "lr_schedule"), 0
    for i in range(8):
        for first_or_last in (epoch, epoch + 3**i - 1):
            rate = settings["optimizer"]["lr"] * schedule.at(Progress(0, first_or_last, 1))
            assert rate == pytest.approx(1e-3 * 10 ** (-i / 7), rel=1e-9)
        epoch += 3**i
    assert epoch == settings["trainer"]["max_epochs"] == 3280
    assert settings["data"]["batch_size"] * settings["optimizer"]["eps"] == pytest.approx(1e-4)


def weights(model):
    return [tuple(p.shape) for p in model.parameters() if p.ndim == 2]


@pytest.mark.parametrize("name", ["burda_vae", "burda_iwae"])
def test_burdas_network(name):
    from vae_exp.types import DataSpec

    model = build_model(chosen(name), DataSpec((1, 28, 28), "binary", 59600))
    assert weights(model.encoder) == [(200, 784), (200, 200), (100, 200)]
    assert weights(model.decoder) == [(200, 50), (200, 200), (784, 200)]


@pytest.mark.parametrize("name", ["tomczak_vae", "tomczak_vamp"])
def test_tomczaks_network(name):
    from vae_exp.types import DataSpec

    model = build_model(chosen(name), DataSpec((1, 28, 28), "binary", 50000))
    assert weights(model.encoder) == [(300, 784), (300, 784), (300, 300), (300, 300), (80, 300)]
    assert weights(model.decoder) == [(300, 40), (300, 40), (300, 300), (300, 300), (784, 300)]


def test_the_comparison_is_of_three_methods_with_the_same_networks():
    settings = [check(compose("train", overrides)) for overrides in runs("ae_vs_vae")]
    assert len(settings) == 3
    assert len({run["loss"]["_target_"] for run in settings}) == 3
    for part in ("encoder", "decoder", "likelihood", "latent_dim"):
        assert all(run["model"][part] == settings[0]["model"][part] for run in settings)
