"""Every yaml of conf/data is composed and checked; there is no list to edit."""

import inspect
import re
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import get_object, instantiate
from omegaconf import OmegaConf

from vae_exp.types import DataSpec

CONF = Path(__file__).parents[2] / "conf"
NAMES = sorted(file.stem for file in (CONF / "data").glob("*.yaml") if not file.name.startswith("_"))


def composed(name):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(overrides=[f"+data={name}", "+seed=3"])


def test_there_are_data_sets():
    assert {"mnist_5k", "mnist", "npz", "image_folder"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_begins_with_what_it_is_and_where_it_is_from(name):
    first, second, *_ = (CONF / "data" / f"{name}.yaml").read_text().splitlines()
    assert first.startswith("# ")
    assert first.endswith(".")
    assert second.startswith("# ")


@pytest.mark.parametrize("name", NAMES)
def test_every_key_is_an_argument_or_a_variable_and_no_argument_is_missing(name):
    data = composed(name).data
    raw = OmegaConf.to_container(data)
    variables = set(re.findall(r"\$\{\.+(\w+)\}", str(raw)))
    check_arguments(raw, variables)
    check_arguments(raw["dataset"], set())
    assert raw["dataset"]["_partial_"] is True


def check_arguments(node, variables):
    keys = {key for key in node if not key.startswith("_")}
    arguments = set(inspect.signature(get_object(node["_target_"])).parameters)
    assert arguments <= keys
    assert keys <= arguments | variables


@pytest.mark.parametrize("name", NAMES)
def test_values_arrive_as_what_they_are(name):
    data = composed(name).data
    assert data.binarize in ("none", "threshold", "dynamic", "static")
    assert data.seed == 3
    assert data.flip is False
    assert "${" not in data.root


def test_the_smallest_becomes_a_data_module(tmp_path):
    node = OmegaConf.to_container(composed("digits").data, resolve=True)
    data = instantiate(node | {"root": str(tmp_path)})
    data.setup()
    assert data.spec == DataSpec(x_shape=(1, 8, 8), values="binary", train_size=1437, num_classes=10)
