"""Every view of conf/view on every posterior and prior that there is: a picture of the right kind, or None."""

import io

import pytest
import torch
import yaml
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from vae_exp.analysis.encode import encoded
from vae_exp.analysis.views.base import Subject
from vae_exp.build import build_data, build_model
from vae_exp.config.check import check
from vae_exp.config.compose import compose
from vae_exp.config.instantiate import instantiate
from vae_exp.config.paths import conf_dir

from .making import examples_of, subject

CONF = conf_dir()
FILES = {file.stem: file for file in sorted((CONF / "view").glob("*.yaml"))}
VIEWS = [name for name, file in FILES.items() if "_target_" in yaml.safe_load(file.read_text())]
SMALL = {"num": 12, "num_examples": 12, "num_training": 20, "num_samples": 3, "steps": 4, "num_latents": 3, "side": 3}
NEVER_NONE = {"reconstructions", "samples", "nearest_training", "worst_and_best"}


def stems(kind):
    return [file.stem for file in sorted((CONF / "model" / kind).glob("*.yaml"))]


def fitting(kind, name):
    """Overrides of a part together with what it needs beside it."""
    spaces = {
        "von_mises_fisher": ["model/prior=uniform_sphere"],
        "uniform_sphere": ["model/posterior=von_mises_fisher"],
        "gumbel_softmax": ["model/prior=uniform_categorical"],
        "uniform_categorical": ["model/posterior=gumbel_softmax"],
        "vq": ["model/prior=uniform_codes"],
        "fsq": ["model/prior=autoregressive"],
        "uniform_codes": ["model/posterior=fsq"],
        "autoregressive": ["model/posterior=vq"],
    }
    return [f"model/{kind}={name}", *spaces.get(name, []), "model.latent_dim=8"]


MODELS = {
    **{f"{kind}={name}": fitting(kind, name) for kind in ("posterior", "prior") for name in stems(kind)},
    "label": ["model.context=label", "model.latent_dim=2"],
    "one latent": ["model.latent_dim=1"],
    "grey": ["data.binarize=none", "model.latent_dim=2"],
}


@pytest.fixture(scope="module")
def small_views():
    settings = check(compose("train", ["view=all"]))["view"]
    for node in settings.values():
        node |= {key: value for key, value in SMALL.items() if key in node}
    return instantiate(settings, [], "view")


@pytest.fixture(scope="module")
def digits():
    return build_data(check(compose("train", ["data=digits", "data.binarize=threshold"])))


@pytest.mark.parametrize("overrides", MODELS.values(), ids=MODELS)
def test_it_draws_every_kind_of_model(settings, small_views, digits, overrides):
    chosen = settings(*overrides, "model.encoder.hidden=[8]", "model.decoder.hidden=[8]")
    model = build_model(chosen, digits.spec).eval()
    latent_dim = model.posterior.event_shape[0]
    looked_at = Subject(model, digits.examples, torch.rand(latent_dim), "test", None)
    for name, view in small_views.items():
        if name == "latent_tsne" and latent_dim == 8:
            continue  # it takes most of the time, and sees no more of a model than latent_pca does
        picture = view(looked_at)
        if picture is None:
            assert name not in NEVER_NONE
        elif isinstance(picture, Tensor):
            assert picture.ndim == (4 if name.startswith("animated") else 3)
            assert not picture.requires_grad
            assert 0 <= float(picture.min()) <= float(picture.max()) <= 1
        else:
            assert isinstance(picture, Figure)


def test_every_view_is_in_the_set_of_all():
    assert set(compose("train", ["view=all"])["view"]) == set(VIEWS)
    assert set(compose("train", [])["view"]) < set(VIEWS)
    assert compose("train", ["view=none"])["view"] == {}


@pytest.mark.parametrize("name", VIEWS)
def test_its_file_says_what_it_shows_and_its_function_names_the_source(name):
    _, first, second, *_ = FILES[name].read_text().splitlines()
    assert first.startswith("# ")
    assert first.endswith(".")
    (function,) = instantiate(check(compose("train", [f"view={name}"]))["view"]).values()
    assert function.func.__module__ == f"vae_exp.analysis.views.{name}"
    if second.startswith("# "):
        assert "Source:" in function.func.__doc__


def test_nothing_is_drawn_where_nothing_applies(small_views, tmp_path):
    bare = subject(num=12, folder=tmp_path)  # no KL, no labels, no factors, no record of training
    drawn = {name for name, view in small_views.items() if view(bare) is not None}
    missing = {"kl_per_dim", "kl_over_training", "mutual_information", "factor_traversals", "reconstructions_by_group"}
    assert drawn == set(VIEWS) - missing


def test_files_have_the_content_that_their_ending_says(small_views):
    for name, view in small_views.items():
        picture = view(subject(num=12))
        if picture is None:
            continue
        file = encoded(picture)
        with Image.open(io.BytesIO(file.data)) as image:
            assert image.size == (file.width, file.height)
            assert f".{image.format.lower()}" == file.suffix == (".gif" if name.startswith("animated") else ".png")
            if file.suffix == ".gif":
                assert image.n_frames == len(picture)
                assert image.info["loop"] == 0
        assert min(file.width, file.height) > 40


def test_colour_and_missing_labels(small_views):
    from analysis.linear import linear_vae

    model = linear_vae(2, shape=(3, 4, 5))
    unlabelled = subject(model, num=12, y=torch.full((12,), -1))
    for view in small_views.values():
        picture = view(unlabelled)
        if picture is not None:
            encoded(picture)
    assert small_views["mutual_information"](unlabelled) is None


def test_one_example_is_enough(small_views):
    alone = Subject(subject().model, examples_of(torch.rand(1, 1, 2, 3).double()), torch.ones(2), "test", None)
    for view in small_views.values():
        picture = view(alone)
        if picture is not None:
            encoded(picture)
