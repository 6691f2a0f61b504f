"""The scores through what `vae-exp evaluate` runs, of a model whose posterior's mean is the picture."""

import time

import pytest
import pytorch_lightning as pl
import torch
from torch import nn

from vae_exp.build import build_model, build_module, build_trainer
from vae_exp.cli.figures import figures_of
from vae_exp.errors import UserError
from vae_exp.types import DataSpec

from .tables import DSPRITES, factors_of, noise_like, rotated, standardised

FIGURES = {
    "beta_vae_score", "factor_vae_score", "mig", "sap", "dci_disentanglement", "dci_completeness",
    "dci_informativeness", "modularity", "explicitness", "irs", "gaussian_total_correlation", "gaussian_wasserstein",
    "code_mutual_information", "nelbo", "nelbo/se", "rate", "rate/se", "distortion", "distortion/se",
}  # fmt: skip
FEWER = tuple(
    f"metrics.{name}.{key}"
    for name, key in {
        "beta_vae_score": "num_train=1000",
        "factor_vae_score": "num_train=1000",
        "dci": "num_rounds=2",
        "sap": "num_train=2000",
        "modularity_explicitness": "num_test=1000",
    }.items()
)


class Copy(nn.Module):
    """The mean of q(z|x) is x; its log-variance is -3."""

    def forward(self, x):
        return torch.cat((x.flatten(1), torch.full_like(x.flatten(1), -3.0)), 1)


class Batches(tuple):
    """A loader; of a list Lightning thinks that each entry is one."""

    __slots__ = ()


class Served(pl.LightningDataModule):
    """Pictures that are codes, with their factors."""

    def __init__(self, codes, factors):
        super().__init__()
        low, high = codes.amin(), codes.amax()
        self.pictures = ((codes - low) / (high - low)).float()[:, None, None]
        self.factors = factors

    def test_dataloader(self):
        parts = (part.split(1000) for part in (self.pictures, self.factors))
        return Batches({"x": x, "factors": factors} for x, factors in zip(*parts, strict=True))


class WithoutFactors(Served):
    def test_dataloader(self):
        return Batches({"x": x} for x in self.pictures.split(100))

    train_dataloader = val_dataloader = test_dataloader


def stub(settings, num_codes, *overrides):
    """A model whose codes are the pixels, with all that an evaluation has."""
    chosen = settings(
        "metrics=disentanglement",
        "callbacks=evaluation",
        "~callbacks.pictures",
        "~callbacks.progress",
        f"model.latent_dim={num_codes}",
        *overrides,
    )
    model = build_model(chosen, DataSpec((1, 1, num_codes), "unit_interval", 1000))
    model.encoder = Copy()
    return build_module(chosen, model), build_trainer(chosen)


def evaluated(settings, codes, factors, *overrides):
    """What is put into metrics.json, with the stage left out."""
    module, trainer = stub(settings, codes.shape[1], *overrides)
    torch.distributions.Distribution.set_default_validate_args(False)
    trainer.test(module, datamodule=Served(codes, factors), verbose=False)
    return {name.removeprefix("test/"): value for name, value in figures_of(trainer, module).items()}


def unsuffixed(figures):
    return {name.replace("_bce", "") for name in figures}


def test_a_model_that_copies_the_factors(settings):
    factors = factors_of(DSPRITES)
    figures = evaluated(settings, factors.double() / torch.tensor(DSPRITES), factors, *FEWER)
    assert unsuffixed(figures) == FIGURES
    assert figures["mig"] == pytest.approx(0.896, abs=0.002)
    assert figures["modularity"] == pytest.approx(1.0, abs=5e-4)
    for name in ("beta_vae_score", "factor_vae_score", "dci_disentanglement", "dci_completeness", "irs"):
        assert figures[name] > 0.9, name


def test_a_model_that_knows_nothing(settings):
    factors = factors_of(DSPRITES)
    figures = evaluated(settings, noise_like(factors, 10), factors, *FEWER)
    assert figures["mig"] == pytest.approx(0.0004, abs=0.0004)
    assert figures["modularity"] == pytest.approx(0.65, abs=0.05)
    assert figures["beta_vae_score"] == pytest.approx(0.2, abs=0.03)
    assert figures["factor_vae_score"] == pytest.approx(0.2, abs=0.03)
    assert figures["explicitness"] == pytest.approx(0.5, abs=0.02)
    assert max(figures[f"dci_{name}"] for name in ("disentanglement", "completeness")) < 0.05
    assert figures["sap"] < 0.02


@pytest.mark.slow
def test_all_scores_of_ten_thousand_points_take_less_than_two_minutes(settings):
    factors = factors_of(DSPRITES)
    codes = rotated(torch.cat((standardised(factors), noise_like(factors, 5)), 1))
    begin = time.process_time()  # of one core; other processes do not count
    figures = evaluated(settings, codes, factors)
    assert time.process_time() - begin < 120
    assert figures["mig"] < 0.1
    assert figures["dci_disentanglement"] < 0.3


def test_an_evaluation_on_data_without_factors_is_refused(settings):
    module, trainer = stub(settings, 3)
    torch.distributions.Distribution.set_default_validate_args(False)
    with pytest.raises(UserError, match=r"needs ground-truth factors.*data=sprites"):
        trainer.test(module, datamodule=WithoutFactors(torch.rand(200, 3), None), verbose=False)


def test_a_training_on_data_without_factors_is_refused_before_its_first_step(settings):
    module, trainer = stub(settings, 3, "trainer.max_epochs=1")
    with pytest.raises(UserError, match="needs ground-truth factors"):
        trainer.fit(module, datamodule=WithoutFactors(torch.rand(200, 3), None))
    assert trainer.global_step == 0
