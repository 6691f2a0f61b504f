"""Densities beside a run: of its training examples, kept, and drawn again."""

import errno
import tempfile

import pytest
import torch
from sklearn.linear_model import LogisticRegression

from vae_exp.build import build_data, build_model
from vae_exp.config.check import check
from vae_exp.config.compose import compose
from vae_exp.distributions.center import center
from vae_exp.errors import UserError
from vae_exp.fitted import fitted_draw
from vae_exp.run import Run
from vae_exp.samplers.by_class import ByClass
from vae_exp.samplers.gaussian_mixture import GaussianMixture

SMALL_FLOW = ("sampler.steps=20", "sampler.hidden=[8]", "sampler.transforms=1")


def node(tmp_path, name, *more):
    """The sampler's part of the command's configuration."""
    return check(compose("sample", [f"run={tmp_path}", f"sampler={name}", *more]))["sampler"]


@pytest.fixture
def finished(settings, tmp_path):
    """A run that need not have been trained."""

    def make(*overrides):
        chosen = settings(*overrides)
        folder = tmp_path / "run"
        for name in (".hydra/config.yaml", "checkpoints/best.ckpt"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(b"weights")
        data = build_data(chosen)
        return Run(folder, chosen, build_model(chosen, data.spec).eval()), lambda: data

    return make


def unavailable():
    raise AssertionError("the data are not to be asked for")


def pictures(run, draw, n=8, y=None):
    torch.manual_seed(1)
    return run.sample(n, y, draw=draw).mean


@pytest.mark.parametrize(("name", "small"), [("gaussian_mixture", ()), ("flow", SMALL_FLOW)])
def test_a_density_is_fitted_once_and_drawn_alike(finished, tmp_path, name, small):
    run, data = finished("model/posterior=delta", "loss=ae")
    sampler = node(tmp_path, name, *small)
    first = pictures(run, fitted_draw(run, sampler, name, data))
    assert [file.name for file in (run.folder / "samplers").iterdir()] == [f"{name}.pt"]
    torch.manual_seed(99)
    again = pictures(run, fitted_draw(run, sampler, name, unavailable))
    torch.testing.assert_close(again, first, rtol=0, atol=0)
    torch.load(run.folder / "samplers" / f"{name}.pt", weights_only=True)
    (run.folder / "samplers" / f"{name}.pt").unlink()
    torch.manual_seed(7)  # the fit has a seed of its own
    torch.testing.assert_close(pictures(run, fitted_draw(run, sampler, name, data)), first, rtol=0, atol=0)


def test_a_changed_setting_checkpoint_or_broken_file_fits_again(finished, tmp_path):
    run, data = finished()
    asked = []

    def counted():
        asked.append(1)
        return data()

    few, more = node(tmp_path, "gaussian_mixture", "sampler.num_components=2"), node(tmp_path, "gaussian_mixture")
    file = run.folder / "samplers" / "gm.pt"
    fitted_draw(run, few, "gm", counted)
    fitted_draw(run, few, "gm", counted)
    assert len(asked) == 1
    fitted_draw(run, more, "gm", counted)
    assert len(asked) == 2
    (run.folder / "checkpoints" / "best.ckpt").write_bytes(b"other weights")
    fitted_draw(run, more, "gm", counted)
    assert len(asked) == 3
    file.write_bytes(file.read_bytes()[:100])
    fitted_draw(run, more, "gm", counted)
    assert len(asked) == 4
    fitted_draw(run, more, "gm", unavailable)


@pytest.mark.parametrize("error", [PermissionError(errno.EACCES, "no"), OSError(errno.ENOSPC, "full")])
def test_a_folder_that_cannot_be_written_to_is_said(finished, tmp_path, caplog, monkeypatch, error):
    def fails(**_):
        raise error

    run, data = finished()
    monkeypatch.setattr(tempfile, "mkstemp", fails)
    draw = fitted_draw(run, node(tmp_path, "gaussian_mixture"), "gm", data)
    assert draw(3, None, 1.0).shape == (3, 3)
    assert "will be fitted anew" in caplog.text


def trained(run, data, steps=400):
    """The run's autoencoder, quickly trained."""
    x = data().examples("train", 2000)["x"]
    optimizer = torch.optim.Adam(run.model.train().parameters(), lr=3e-3)
    for _ in range(steps):
        batch = {"x": x[torch.randint(len(x), (128,))]}
        loss = -run.model(batch).p_x.log_prob(batch["x"]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    run.model.eval()


def test_samples_of_an_autoencoder_are_digits_of_all_classes(finished, tmp_path):
    run, data = finished("model/posterior=delta", "loss=ae", "model.latent_dim=8", "model.encoder.hidden=[64]")
    trained(run, data)
    shown = data().examples("train", 2000)
    judge = LogisticRegression(max_iter=300).fit(shown["x"].flatten(1).numpy(), shown["y"].numpy())
    again = run.decode(center(run.encode(shown["x"]))).mean.flatten(1)  # what a perfect density would give
    off = {}
    for name, draw in (("prior", None), ("fitted", fitted_draw(run, node(tmp_path, "gaussian_mixture"), "gm", data))):
        drawn = pictures(run, draw, 1000).flatten(1)
        off[name] = (drawn.T.cov() - again.T.cov()).norm()
        share = torch.from_numpy(judge.predict(drawn.numpy())).bincount(minlength=10) / 1000
        if draw is not None:
            assert share.min() > 0.03
            assert share.max() < 0.25
    assert off["fitted"] < 0.7 * off["prior"]


def test_a_conditional_model_has_a_density_for_each_class(finished, tmp_path):
    run, data = finished("model.context=label")
    draw = fitted_draw(run, node(tmp_path, "gaussian_mixture", "sampler.num_components=2"), "gm", data)
    assert run.sample(20, draw=draw).mean.shape == (20, 1, 8, 8)
    density = ByClass(run.model, lambda event_shape: GaussianMixture(
        event_shape=event_shape, num_components=1, covariance_floor=1e-6, max_iterations=10), 1.0)  # fmt: skip
    y = torch.arange(10).repeat(50)
    density.fit(y[:, None] + 0.01 * torch.randn(500, 3), y)
    asked = torch.tensor([7, 0, 3, 7, 9, 0])
    torch.testing.assert_close(density.draw(6, asked), asked[:, None].expand(6, 3).float(), atol=0.1, rtol=0)
    with pytest.raises(UserError, match="cannot be fitted to class 4"):
        density.fit(torch.randn(500, 3), y.where(y != 4, 3))
    with pytest.raises(UserError, match="not finite"):
        density.fit(torch.full((500, 3), torch.inf), y)


def test_latents_that_are_no_real_vectors_are_refused(finished, tmp_path):
    run, _ = finished("model/posterior=von_mises_fisher", "model/prior=uniform_sphere")
    with pytest.raises(UserError, match=r"lie on the space 'sphere'; use sampler=prior"):
        fitted_draw(run, node(tmp_path, "gaussian_mixture"), "gm", unavailable)


def test_a_temperature_without_a_meaning_is_refused_before_fitting(finished, tmp_path):
    run, _ = finished()
    with pytest.raises(UserError, match="use temperature=1"):
        fitted_draw(run, node(tmp_path, "flow"), "flow", unavailable, 0.5)
