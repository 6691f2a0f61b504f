"""New examples are of the class of the old ones."""

import pytest
import torch

from vae_exp.analysis import augment
from vae_exp.build import build_model
from vae_exp.errors import UserError
from vae_exp.types import DataSpec

HOWS = [augment.reconstruct, augment.interpolate, augment.sample]
Y = torch.tensor([0, 1, 1, 0, 2, 1])


@pytest.fixture
def model(settings):
    return build_model(settings("model.context=label"), DataSpec((1, 8, 8), "binary", 100, 3)).eval()


@pytest.mark.parametrize("how", HOWS)
def test_one_new_picture_for_each_example(model, how):
    batch = {"x": torch.rand(6, 1, 8, 8).round(), "y": Y}
    first, second = how(model, batch), how(model, batch)
    assert first.shape == (6, 1, 8, 8)
    assert ((first >= 0) & (first <= 1)).all()
    assert not torch.equal(first, second)


@pytest.mark.parametrize("kind", ["m2", "m1_m2"])
def test_a_reconstruction_is_of_the_class_that_the_example_has(settings, monkeypatch, kind):
    words = (f"model={kind}", "model.classifier.hidden=[4]")
    model = build_model(settings(*words), DataSpec((1, 8, 8), "binary", 100, 3)).eval()
    seen = []
    encode = model.parts.encode
    monkeypatch.setattr(model.parts, "encode", lambda v, y: seen.append(y) or encode(v, y))
    made = augment.reconstruct(model, {"x": torch.rand(6, 1, 8, 8).round(), "y": Y})
    assert made.shape == (6, 1, 8, 8)
    assert torch.equal(seen[0].reshape(6, 3).argmax(-1), Y)


def test_interpolations_lie_between_examples_of_one_class(model, monkeypatch):
    z = torch.randn(6, 3)
    seen = {}
    monkeypatch.setattr(model, "latents", lambda batch: z)
    monkeypatch.setattr(model, "decode", lambda point, y: seen.update(z=point, y=y) or augment_of(point))
    augment.interpolate(model, {"x": torch.rand(6, 1, 8, 8), "y": Y})
    assert torch.equal(seen["y"], Y)
    for i in range(6):
        shares = [(z[j], share(seen["z"][i], z[i], z[j])) for j in range(6) if Y[j] == Y[i]]
        between = [torch.allclose(seen["z"][i], torch.lerp(z[i], mate, w)) and 0 <= w <= 1 for mate, w in shares]
        assert any(between)


def test_the_other_example_is_another_one_where_there_is_one(model, monkeypatch):
    z, seen = torch.randn(6, 3), []
    monkeypatch.setattr(model, "latents", lambda batch: z)
    monkeypatch.setattr(model, "decode", lambda point, y: seen.append(point) or augment_of(point))
    for _ in range(20):
        augment.interpolate(model, {"x": torch.rand(6, 1, 8, 8), "y": Y})
    moved = torch.stack([(point - z).norm(dim=1) > 0 for point in seen])
    alone = torch.tensor([(label == Y).sum() == 1 for label in Y])
    assert moved[:, ~alone].all()
    assert not moved[:, alone].any()


def test_interpolations_stay_on_the_sphere(settings, monkeypatch):
    words = ("model/posterior=von_mises_fisher", "model/prior=uniform_sphere")
    model = build_model(settings(*words), DataSpec((1, 8, 8), "binary", 100, 3)).eval()
    seen = []
    monkeypatch.setattr(model, "decode", lambda point, y: seen.append(point) or augment_of(point))
    augment.interpolate(model, {"x": torch.rand(6, 1, 8, 8), "y": Y})
    torch.testing.assert_close(seen[0].norm(dim=1), torch.ones(6))


def augment_of(z):
    return torch.distributions.Bernoulli(probs=torch.sigmoid(z))


def share(point, a, b):
    gap = (b - a).square().sum()
    return 0.0 if gap == 0 else float(((point - a) * (b - a)).sum() / gap)


def test_what_a_model_cannot_do_is_refused(settings):
    batch = {"x": torch.rand(6, 1, 8, 8).round(), "y": Y}
    plain = build_model(settings(), DataSpec((1, 8, 8), "binary", 100, 3))
    with pytest.raises(UserError, match="how=sample"):
        augment.sample(plain, batch)
    m2 = build_model(settings("model=m2", "model.classifier.hidden=[4]"), DataSpec((1, 8, 8), "binary", 100, 3))
    with pytest.raises(UserError, match="how=interpolate"):
        augment.interpolate(m2, batch)
