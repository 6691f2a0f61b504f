"""A density fitted to the latents makes up for a prior that is not where they are."""

from functools import partial

import pytest
import torch

from analysis.linear import SHAPE, marginal, solved_vae
from vae_exp.build import build_model
from vae_exp.config.check import check
from vae_exp.config.compose import compose
from vae_exp.metrics.features import OfTheData
from vae_exp.metrics.sample_quality import SampleQuality
from vae_exp.metrics.sharpness import Sharpness
from vae_exp.metrics.two_stage import TwoStage
from vae_exp.samplers.gaussian_mixture import GaussianMixture
from vae_exp.types import DataSpec


@pytest.fixture
def quality(tmp_path):
    features = OfTheData(
        num_examples=500, num_features=4, width=4, epochs=1, batch_size=20, lr=0.01, seed=0, folder=str(tmp_path)
    )
    return SampleQuality(stages=["test"], num_images=500, neighbours=3, features=features, rows=300)


def two_stage(quality):
    sharpness = Sharpness(stages=["test"], num_images=10, rows=10)
    return TwoStage(
        stages=["test"],
        sampler=partial(GaussianMixture, num_components=1, covariance_floor=1e-6, max_iterations=50),
        num_fitted=500,
        rows=300,
        sample_quality=quality,
        sharpness=sharpness,
    )


def test_samples_are_of_the_latents_that_the_decoder_knows(quality):
    model = solved_vae().eval()
    x = marginal(model).sample((1000,)).reshape(1000, *SHAPE)
    with torch.no_grad():  # the same autoencoder with latents elsewhere, of which the prior knows nothing
        encoder, decoder = model.encoder.layers[-1], model.decoder.layers[-1]
        encoder.bias[:2] += 4.0
        decoder.bias -= decoder.weight.sum(1) * 4.0

    def examples(split, n):
        return {"x": (x[:500] if split == "train" else x[500:])[:n]}

    plain = quality.figures("test", model, examples)
    second = two_stage(quality).figures("test", model, examples)
    assert {f"two_stage_{name}" for name in plain} < set(second)
    assert second["two_stage_pca_frechet"] < 0.05 * plain["pca_frechet"]
    assert second["two_stage_pca_coverage"] > 0.3 > plain["pca_coverage"]
    assert "two_stage_sharpness_samples" in second


@pytest.mark.parametrize(
    "chosen", [("model/posterior=von_mises_fisher", "model/prior=uniform_sphere"), ("model=ladder",)]
)
def test_a_model_without_one_group_of_real_latents_has_no_such_figures(quality, chosen):
    model = build_model(check(compose("train", [*chosen, "run_dir=none"])), DataSpec((1, 8, 8), "binary", 100))
    assert two_stage(quality).figures("test", model, lambda split, n: {"x": torch.rand(n, 1, 8, 8)}) == {}


def test_a_class_without_training_examples_is_no_reason_to_lose_the_other_figures(quality, settings, caplog):
    model = build_model(settings("model.context=label"), DataSpec((1, 8, 8), "binary", 100, 3)).eval()

    def examples(split, n):
        return {"x": torch.rand(40, 1, 8, 8), "y": torch.arange(40) % 2}

    assert two_stage(quality).figures("test", model, examples) == {}
    assert "metrics.two_stage: no figures: sampler: cannot be fitted to class 2" in caplog.text
