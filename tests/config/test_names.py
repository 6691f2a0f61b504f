import re

import pytest
from omegaconf import OmegaConf

from vae_exp.config.names import run_name, sweep_name


def composed(*overrides, fixed=(), axes=("model.latent_dim", "loss.beta", "seed"), **values):
    """What Hydra composes, as far as names need it."""
    config = {
        "model": {"latent_dim": 16, "encoder": {"hidden": [8], "act": "ReLU"}, "decoder": {"hidden": [8]}},
        "loss": {"beta": 1.0},
        "optimizer": {"lr": 0.001},
        "seed": 0,
        "sweep": {"axes": list(axes)},
    }
    hydra = {
        "overrides": {"task": list(overrides)},
        "runtime": {"choices": {"data": "mnist"}},
        "job": {"config": {"override_dirname": {"exclude_keys": list(fixed)}}},
    }
    root = OmegaConf.create({**config, "hydra": hydra})
    for key, value in values.items():
        OmegaConf.update(root, key, value)
    return root


def run(*overrides, **more):
    return run_name(_root_=composed(*overrides, **more))


def sweep(*overrides, **more):
    return sweep_name(_root_=composed(*overrides, **more))


def test_a_run_is_called_by_what_varies():
    assert run("optimizer.lr=0.1", **{"optimizer.lr": 0.1}) == "latent_dim-16--beta-1--seed-0--lr-0.1"


def test_the_order_and_the_writing_of_values_do_not_matter():
    values = {"optimizer.lr": 0.1, "seed": 3}
    assert run("seed=3", "optimizer.lr=0.10", **values) == run("optimizer.lr=1e-1", "seed=3", **values)
    assert run("loss.beta=1.0") == run("loss.beta=1", **{"loss.beta": 1}) == run()


def test_axes_are_named_whether_they_are_given_or_not_and_call_no_sweep():
    assert run("seed=0") == run("seed=0", fixed=["seed"]) == run()
    assert sweep("seed=0", fixed=["seed"]) == sweep("seed=0") == sweep()


def test_fixed_keys_call_the_sweep_and_not_the_run():
    assert "lr" not in run("optimizer.lr=0.1", fixed=["optimizer.lr"])
    name = sweep("optimizer.lr=0.1", "data=mnist", fixed=["optimizer.lr", "data"], **{"optimizer.lr": 0.1})
    assert re.fullmatch(r"data-mnist--lr-0\.1\.[0-9a-f]{6}", name)
    again = sweep("data=mnist", "optimizer.lr=0.10", fixed=["data", "optimizer.lr"], **{"optimizer.lr": 0.1})
    assert again == name
    assert sweep("data=mnist", fixed=["data"]) != name


def test_where_a_sweep_is_done_does_not_call_it():
    for key in ("trainer.devices", "data.root", "cluster"):
        assert sweep(f"{key}=2", "data=mnist", fixed=[key, "data"]) == sweep("data=mnist", fixed=["data"])


def test_values_that_vary_do_not_call_the_sweep():
    assert sweep("optimizer.lr=0.1,0.2") == sweep("optimizer.lr=0.3", **{"optimizer.lr": 0.3}) == sweep()


@pytest.mark.parametrize("key", ["cluster=joblib", "sweep.on_conflict=rerun", "resume=auto", "data.root=/x"])
def test_where_and_how_a_sweep_is_done_calls_nothing(key):
    fixed = [key.partition("=")[0]]
    assert sweep(key, fixed=fixed) == sweep()
    assert run(key) == run()


def test_keys_are_as_long_as_they_must_be():
    values = {"model.encoder.hidden": [4], "model.decoder.hidden": [5]}
    name = run("model.encoder.hidden=[4]", "model.decoder.hidden=[5]", axes=(), **values)
    assert name.startswith("decoder.hidden-5.")
    assert "--encoder.hidden-4." in name


@pytest.mark.parametrize(
    "text", ["ReLU", "a/b", "x y", "a" * 200, "ü", "a,b=c", "CON:", "..", "a--b", "-", "~$HOME`x`"]
)
def test_names_are_safe_and_tell_values_apart(text):
    name = run('+model.encoder.act="x"', axes=(), **{"model.encoder.act": text})
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*[a-z0-9]", name)
    assert len(name) < 128
    others = {run('+model.encoder.act="x"', axes=(), **{"model.encoder.act": t}) for t in (text + "x", text + " ")}
    assert name not in others


def test_values_that_differ_in_case_have_different_names_where_case_does_not_count():
    names = {run("model.encoder.act=x", axes=(), **{"model.encoder.act": text}).lower() for text in ("ReLU", "relu")}
    assert len(names) == 2


def test_many_keys_make_a_name_that_file_systems_take():
    values = {f"loss.a_rather_long_name_{i}": i for i in range(40)}
    root = composed(*(f"+{key}={value}" for key, value in values.items()))
    for key, value in values.items():
        OmegaConf.update(root, key, value, force_add=True)
    name = run_name(_root_=root)
    assert len(name) <= 120
    OmegaConf.update(root, "loss.a_rather_long_name_39", 77)
    assert run_name(_root_=root) != name


def test_keys_of_other_shapes():
    assert run("+metrics/mse@metrics.mse=mse", axes=()).startswith("mse-mse")
    assert run("~optimizer.lr", axes=()) == "lr-deleted"
    assert run("loss.beta=null", **{"loss.beta": None}).startswith("latent_dim-16--seed-0--beta-null")
