"""Figures of whole sets: features, samples, representations, foreign data; and how an evaluation begins."""

import json
import logging
import math

import pytest
import torch
from torch.distributions import Independent, Normal

from analysis.linear import linear_vae, marginal, solved_vae
from vae_exp.analysis.regret import likelihood_regret
from vae_exp.build import build_data, build_model, build_module, build_trainer
from vae_exp.config.check import check
from vae_exp.config.compose import compose
from vae_exp.metrics.ais import AnnealedNLL
from vae_exp.metrics.base import OfASet
from vae_exp.metrics.features import OfTheData, principal_components
from vae_exp.metrics.fid import FID, in_colour
from vae_exp.metrics.ood import OutOfDistribution
from vae_exp.metrics.representation import Representation, linear_probe, nearest_neighbours
from vae_exp.metrics.sample_quality import SampleQuality, drawn
from vae_exp.types import DataSpec

SHAPE = (1, 8, 8)


def begun(metric, model, examples):
    with torch.no_grad():
        metric.begin("test", model, examples)
    metric.update({}, None, model)
    return {name: value.tolist() for name, value in metric.compute().items()}


def bars(n, seed=0, labels=True):
    """Pictures with a bright row, whose number is the class."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 4, (n,), generator=generator)
    x = 0.3 * torch.rand(n, *SHAPE, generator=generator)
    x[torch.arange(n), 0, 2 * y] = 1.0
    return {"x": x, "y": y} if labels else {"x": x}


def examples(labels=True):
    return lambda split, n: {k: v[:n] for k, v in bars(300, ["train", "val", "test"].index(split), labels).items()}


def features(tmp_path, **more):
    given = {"num_examples": 300, "num_features": 8, "width": 4, "epochs": 8, "batch_size": 20, "lr": 0.01, "seed": 0}
    return OfTheData(**given | {"folder": str(tmp_path / "features")} | more)


def test_the_classifier_learns_the_classes_and_is_kept(tmp_path, monkeypatch):
    space = features(tmp_path).space(examples())
    assert space.name == "classifier"
    codes, batch = space.features(bars(200, 9)["x"]), bars(200, 9)
    assert codes.shape == (200, 8)
    reader = {"inverse_penalty": 1.0}
    train = space.features(bars(300, 0)["x"]).numpy(), bars(300, 0)["y"].numpy()
    assert linear_probe(*train, codes.numpy(), batch["y"].numpy(), **reader) > 0.95
    (file,) = (tmp_path / "features").iterdir()

    def never(*args, **kwargs):
        raise AssertionError("trained again")

    monkeypatch.setattr("vae_exp.metrics.features.train", never)
    torch.testing.assert_close(features(tmp_path).space(examples()).features(batch["x"]), codes)
    with pytest.raises(AssertionError, match="trained again"):
        features(tmp_path, seed=1).space(examples())
    monkeypatch.undo()
    file.write_bytes(b"broken")
    torch.testing.assert_close(features(tmp_path).space(examples()).features(batch["x"]), codes)


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path):
    (tmp_path / "features").mkdir()
    (tmp_path / "features").chmod(0o500)
    assert features(tmp_path).space(examples()).name == "classifier"
    (tmp_path / "features").chmod(0o700)
    assert not any((tmp_path / "features").iterdir())


def test_principal_components_are_the_directions_of_most_variance():
    x = torch.randn(400, 6) @ torch.diag(torch.tensor([5.0, 3, 1, 0.1, 0.1, 0.1])) + 2
    codes = principal_components(x, 2)(x)
    values = torch.linalg.eigvalsh(torch.cov(x.T)).flip(0)[:2]
    torch.testing.assert_close(torch.cov(codes.T), values.diag(), rtol=1e-3, atol=1e-2)
    assert codes.mean(0).abs().max() < 1e-4


class Copier(torch.nn.Module):
    """Stands for a model whose samples are given."""

    def __init__(self, pictures, values="levels", discrete=True):
        super().__init__()
        self.likelihood = type("Likelihood", (), {"discrete": discrete})
        self.pictures, self.spec = pictures, type("Spec", (), {"values": values, "pictures": True})

    def sample(self, n):
        return Independent(Normal(self.pictures[:n], 0.5), 3)


@pytest.mark.parametrize("labels", [True, False])
def test_samples_like_the_data_score_well_and_noise_does_not(tmp_path, labels):
    space = "classifier" if labels else "pca"
    metric = SampleQuality(stages=["test"], num_images=300, neighbours=3, features=features(tmp_path), rows=1000)
    good = begun(metric, Copier(bars(300, 7)["x"]), examples(labels))
    bad = begun(metric, Copier(torch.rand(300, *SHAPE)), examples(labels))
    assert set(good) == {
        f"{space}_{name}" for name in ("frechet", "kernel_distance", "precision", "recall", "density", "coverage")
    }
    assert good[f"{space}_frechet"] < 0.2 * bad[f"{space}_frechet"]
    assert good[f"{space}_kernel_distance"] < bad[f"{space}_kernel_distance"]
    assert good[f"{space}_coverage"] > 0.8 > bad[f"{space}_coverage"]
    assert begun(metric, Copier(bars(300, 7)["x"]), examples(labels)) == good


def test_binary_data_are_compared_with_draws_and_others_with_means():
    pictures = torch.rand(5, *SHAPE)
    assert torch.equal(drawn(Copier(pictures), 5, 10), pictures)
    assert not torch.equal(drawn(Copier(pictures, "binary"), 5, 10), pictures)
    assert torch.equal(drawn(Copier(pictures, "binary", discrete=False), 5, 10), pictures)
    assert torch.equal(drawn(Copier(3 * pictures - 1, "binary", discrete=False), 5, 10), (3 * pictures - 1).clamp(0, 1))


@pytest.mark.parametrize("channels", [1, 3])
def test_inception_sees_the_nearest_levels_in_colour(channels):
    levels = torch.arange(256).repeat(channels, 1)[None, :, None]  # [1, C, 1, 256]
    off = (levels + 0.98 * torch.rand(levels.shape) - 0.49).clamp(0, 255) / 255
    seen = (in_colour(off) * 255).byte()  # as torchmetrics has it
    assert torch.equal(seen, levels.expand(-1, 3, -1, -1))


def test_without_inception_one_sentence_says_so(caplog, monkeypatch):
    def absent(*args, **kwargs):
        raise ModuleNotFoundError("no torch-fidelity")

    monkeypatch.setattr("torchmetrics.image.fid.FrechetInceptionDistance", absent)
    with caplog.at_level(logging.WARNING):
        assert begun(FID(stages=["test"], num_images=10, rows=10), Copier(bars(9)["x"]), examples()) == {}
    assert "vae_exp[fid]" in caplog.text


def test_fid_is_that_of_the_pictures(monkeypatch):
    seen = []

    class Distance(torch.nn.Module):
        def __init__(self, **kwargs):
            super().__init__()

        def update(self, x, real):
            seen.append((real, x.shape))

        def compute(self):
            return torch.tensor(3.0)

    monkeypatch.setattr("torchmetrics.image.fid.FrechetInceptionDistance", Distance)
    model = Copier(bars(300)["x"])
    assert begun(FID(stages=["test"], num_images=5, rows=4), model, examples()) == {"fid": 3.0}
    assert seen == [(real, (n, 3, 8, 8)) for real in (True, False) for n in (4, 1)]


def test_readers_of_codes():
    z, y = torch.randn(200, 2).double(), torch.arange(200) % 2
    z[:, 0] += 8.0 * y
    known = (z.numpy(), y.numpy())
    assert linear_probe(*known, *known, inverse_penalty=1.0) > 0.98
    assert nearest_neighbours(*known, *known, neighbours=5) > 0.98
    ring = torch.randn(200, 2).double()
    inner = (ring.norm(dim=1) < 1).long()
    known = (ring.numpy(), inner.numpy())
    assert linear_probe(*known, *known, inverse_penalty=1.0) < 0.75
    assert nearest_neighbours(*known, *known, neighbours=5) > 0.9


def representation(**more):
    given = {"num_train": 300, "num_examples": 300, "neighbours": 5, "inverse_penalty": 1.0, "rows": 70}
    return Representation(stages=["test"], **given | more)


def test_classes_are_read_from_latent_means():
    model = linear_vae(8, shape=SHAPE).float()
    figures = begun(representation(), model, examples())
    assert figures["linear_probe_accuracy"] > 0.9
    assert figures["knn_accuracy"] > 0.8


def test_unlabelled_examples_are_left_out():
    model = linear_vae(8, shape=SHAPE).float()
    assert begun(representation(), model, examples(labels=False)) == {}
    for labelled in ("train", "test"):
        assert begun(representation(), model, lambda split, n, of=labelled: examples(split == of)(split, n)) == {}

    def half(split, n):
        batch = bars(300, 0 if split == "train" else 1)
        batch["y"][::2] = -1
        return batch

    assert begun(representation(), model, half)["linear_probe_accuracy"] > 0.85


class Foreign:
    """Stands for a data module."""

    def __init__(self, x):
        self.x = x

    def setup(self):
        pass

    def examples(self, split, n):
        return {"x": self.x[:n]}


def ood(x, **more):
    given = {"num_examples": 100, "num_samples": 5, "regret_steps": 20, "regret_lr": 0.1, "regret_samples": 2}
    return OutOfDistribution(stages=["test"], against=Foreign(x), rows=1000, **given | more)


def of_model(model, n=100):
    return lambda split, count: {"x": marginal(model).sample((n,)).reshape(n, 1, 2, 3)}


def test_foreign_pictures_are_told_from_own_ones():
    model = solved_vae(off=0.3)
    far = torch.rand(100, 1, 2, 3).double() + 5
    figures = begun(ood(far), model, of_model(model))
    assert figures["ood_auroc_nll"] == figures["ood_auroc_typicality"] == 1
    assert 0 <= figures["ood_auroc_regret"] <= 1  # the gap of a linear model is the same everywhere


def test_pictures_too_likely_are_untypical():
    model = solved_vae()
    mode = marginal(model).mean.reshape(1, 1, 2, 3).repeat(100, 1, 1, 1)
    figures = begun(ood(mode, regret_steps=0), model, of_model(model))
    assert figures["ood_auroc_nll"] < 0.1
    assert figures["ood_auroc_typicality"] > 0.6
    assert "ood_auroc_regret" not in figures


def test_pictures_of_another_shape_are_told_in_a_sentence(caplog):
    model = solved_vae()
    with caplog.at_level(logging.WARNING):
        assert begun(ood(torch.rand(5, 1, 4, 4)), model, of_model(model)) == {}
    assert "[1, 4, 4] instead of [1, 2, 3]" in caplog.text


@pytest.mark.parametrize("chosen", [("model=m2", "model.classifier.hidden=[4]"), ("model.context=label",)])
def test_a_model_with_a_class_of_its_own_needs_no_labels_of_foreign_pictures(settings, caplog, chosen):
    model = build_model(settings(*chosen), DataSpec((1, 8, 8), "binary", 100, 4)).eval()
    with caplog.at_level(logging.WARNING):
        figures = begun(ood(torch.rand(20, *SHAPE)), model, examples())
    if chosen[0] == "model=m2":
        assert set(figures) == {"ood_auroc_nll", "ood_auroc_typicality"}
    else:
        assert figures == {}
        assert "model.context=label has no labels" in caplog.text


def test_foreign_data_have_settings_of_their_own():
    own = ("data=sprites", "data.size=32", "data.root=here", "metrics=ood", "run_dir=none")
    files = ("data@metrics.ood.against=npz", "metrics.ood.against.path=other.npz")
    foreign = check(compose("train", [*own, *files]))["metrics"]["ood"]["against"]
    assert foreign["dataset"]["path"] == "other.npz"
    both = check(compose("train", [*own, "data@metrics.ood.against=sprites", "metrics.ood.against.size=64"]))
    sizes = [data["dataset"]["size"] for data in (both["data"], both["metrics"]["ood"]["against"])]
    assert sizes == [32, 64]
    published = check(compose("train", [*own, "data@metrics.ood.against=cifar10"]))["metrics"]["ood"]["against"]
    assert published["dataset"]["root"] == "here"


def test_regret_is_the_gap_that_the_encoder_leaves():
    model = solved_vae(off=0.7)  # the exact posterior is within reach: the regret is KL(q || p(z|x))
    x = of_model(model, 6)("test", 6)["x"]
    regret = likelihood_regret(model, {"x": x}, steps=250, lr=0.04, num_samples=400)
    q, exact = model.encode(x), solved_vae().encode(x)
    gap = torch.distributions.kl_divergence(q, exact)
    assert gap.min() > 0.3
    torch.testing.assert_close(regret, gap.detach(), rtol=0.25, atol=0.2)
    model.posterior.forward = lambda params: torch.distributions.MultivariateNormal(torch.zeros(6, 2), torch.eye(2))
    assert likelihood_regret(model, {"x": x}, steps=1, lr=0.1, num_samples=1) is None


def test_ais_needs_real_latents_with_a_density():
    given = {"num_examples": 3, "start": "prior", "num_temperatures": 50, "num_chains": 64, "leapfrog_steps": 3}
    metric, model = AnnealedNLL(stages=["test"], rows=1000, **given), solved_vae()
    x = of_model(model, 3)("test", 3)["x"]
    figures = begun(metric, model, lambda split, n: {"x": x})
    truth = -marginal(model).log_prob(x.flatten(1)).mean().item()
    assert figures["nll_ais"] == pytest.approx(truth, abs=0.4)
    assert set(figures) == {"nll_ais", "nll_ais/se", "ais_acceptance"}
    model.posterior.space = "sphere"
    assert begun(metric, model, lambda split, n: {"x": x}) == {}


# How an evaluation begins


class Noisy(OfASet):
    """Draws, and takes a gradient."""

    def figures(self, stage, model, examples):
        x = examples(stage, 7)["x"]
        with torch.enable_grad():
            z = torch.randn(3, model.posterior.event_shape[0], requires_grad=True)
            (gradient,) = torch.autograd.grad(model.decode(z).mean.sum(), z)
        return {"size": torch.tensor(len(x)), "noise": torch.rand(()), "slope": gradient.abs().sum()}


def evaluated(settings, *metrics):
    torch.manual_seed(3)
    data = build_data(settings)
    module = build_module(settings, build_model(settings, data.spec))
    for number, metric in enumerate(metrics):
        module.metrics[f"more{number}"] = metric
    trainer = build_trainer(settings)
    (figures,) = trainer.test(module, datamodule=data, verbose=False)
    return figures


def test_what_a_metric_draws_at_the_start_changes_no_other_figure(settings):
    cfg = settings("callbacks=evaluation", "~callbacks.pictures")
    plain, more = evaluated(cfg), evaluated(cfg, Noisy(stages=["test"]))
    assert {name: more[name] for name in plain} == plain
    assert more["test/size"] == 7
    assert math.isfinite(more["test/slope"])
    assert evaluated(cfg, Noisy(stages=["test"])) == more
    assert evaluated(cfg, Noisy(stages=["val"])) == plain


@pytest.mark.slow
def test_two_processes_find_the_same_figures(tmp_path):
    from e2e.commands import TINY, own_process

    done = own_process("train", *TINY, "data.binarize=none", "hydra.run.dir=run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = []
    for words in ((), ("trainer.devices=2", "trainer.strategy=ddp")):
        asked = ("run=run", "metrics=all", "evaluation.num_temperatures=20", "data.eval_batch_size=7")
        done = own_process("evaluate", *asked, *words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        found.append(json.loads((tmp_path / "run" / "metrics.json").read_text()))
    one, two = found
    sampled = ("nelbo_bce", "distortion_bce", "nll_bce")  # whose noise is each process's own
    for name, value in one.items():
        if not name.startswith("val/") and name.split("/")[1] not in sampled:
            assert two[name] == pytest.approx(value, rel=1e-4, abs=1e-6), name
