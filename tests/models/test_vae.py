"""The model puts its parts together: shapes, independence of examples, sampling."""

import pytest
import torch

from analysis.linear import SHAPE, linear_vae
from vae_exp.build import build_model
from vae_exp.errors import UserError
from vae_exp.types import DataSpec


@pytest.mark.parametrize("num_samples", [1, 4])
def test_shapes_of_the_output(num_samples):
    model = linear_vae(3)
    out = model({"x": torch.rand(5, *SHAPE).double()}, num_samples)
    (latent,) = out.latents
    assert latent.z.shape == (num_samples, 5, 3)
    assert (latent.q.batch_shape, latent.q.event_shape) == ((5,), (3,))
    assert (latent.p.batch_shape, latent.p.event_shape) == ((), (3,))
    assert (out.p_x.batch_shape, out.p_x.event_shape) == ((num_samples, 5), SHAPE)


def test_each_latent_is_decoded_by_itself():
    model, z = linear_vae(3), torch.randn(4, 5, 3).double()
    whole = model.decode(z).mean
    for k in range(4):
        for b in range(5):
            torch.testing.assert_close(whole[k, b], model.decode(z[k, b][None]).mean[0])


def test_latents_are_those_of_the_example_they_stand_with():
    model = linear_vae(3)
    x = torch.rand(5, *SHAPE).double()
    with torch.no_grad():
        model.encoder.layers[-1].bias[3:] = -30.0  # a posterior that is all but a point
        (latent,) = model({"x": x}, 4).latents
        mean = x.flatten(1) @ model.encoder.layers[-1].weight[:3].T + model.encoder.layers[-1].bias[:3]
    torch.testing.assert_close(latent.z, mean.expand(4, 5, 3), atol=1e-2, rtol=0)


def test_samples_of_an_example_differ_and_have_the_posteriors_moments():
    model = linear_vae(3)
    (latent,) = model({"x": torch.rand(2, *SHAPE).double()}, 20_000).latents
    torch.testing.assert_close(latent.z.mean(0), latent.q.mean, atol=0.05, rtol=0)
    torch.testing.assert_close(latent.z.std(0), latent.q.stddev, rtol=0.05, atol=0)


def test_every_parameter_gets_a_gradient():
    model = linear_vae(3, learn_scale=True)
    x = torch.rand(5, *SHAPE).double()
    out = model({"x": x})
    (out.p_x.log_prob(x).sum() + out.latents[0].q.log_prob(out.latents[0].z).sum()).backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in model.parameters())


def test_latents_are_drawn_from_the_prior_at_the_temperature():
    model = linear_vae(3)
    for temperature in (0.0, 0.5, 1.0):
        z = model.sample_latents(20_000, temperature)
        assert z.shape == (20_000, 3)
        assert z.std().item() == pytest.approx(temperature, rel=0.02)
        assert z.mean().abs() < 0.02


def test_samples_are_pictures_decoded_from_the_prior():
    model = linear_vae(3)
    assert model.sample(7).mean.shape == (7, *SHAPE)
    layer = model.decoder.layers[-1]
    mode = model.sample(2, temperature=0.0).mean.flatten(1)
    torch.testing.assert_close(mode, layer.bias.detach().expand(2, -1), check_dtype=False)


def test_a_likelihood_that_does_not_fit_the_data_is_refused_for_the_user(settings):
    chosen = settings("model/likelihood=discretized_logistic")
    assert build_model(chosen, DataSpec((1, 8, 8), "levels", 10)).suffix == ""
    with pytest.raises(UserError, match="values between them"):
        build_model(chosen, DataSpec((1, 8, 8), "unit_interval", 10))


def test_a_picture_too_small_for_its_network_is_refused_for_the_user(tmp_path):
    from vae_exp.config.check import check
    from vae_exp.config.compose import compose

    chosen = check(compose("train", ["model=conv", "data=digits", f"run_dir={tmp_path}"]))
    with pytest.raises(UserError, match="use at most 1, one for each size"):
        build_model(chosen, DataSpec((1, 2, 2), "binary", 10))


@pytest.fixture
def conditional(settings):
    def make(*overrides):
        return build_model(settings("model.context=label", *overrides), DataSpec((1, 8, 8), "binary", 100, 10)).eval()

    return make


@pytest.mark.parametrize("embedding", [0, 3])
@pytest.mark.parametrize("model", ["mlp", "conv"])
def test_a_context_reaches_encoder_and_decoder(conditional, model, embedding):
    vae = conditional(f"model={model}", f"model.label_embedding={embedding}", *CONV.get(model, ()))
    x, y = torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 2, 3])
    assert not torch.equal(vae.encode(x, y).mean, vae.encode(x, y + 1).mean)
    z = torch.randn(2, 4, 3)
    p = vae.decode(z, y)
    assert p.batch_shape == (2, 4)
    assert not torch.equal(p.mean, vae.decode(z, y + 1).mean)
    torch.testing.assert_close(p.mean[1], vae.decode(z[1], y).mean)
    assert vae({"x": x, "y": y}, 2).p_x.batch_shape == (2, 4)
    assert vae.sample(12).mean.shape == (12, 1, 8, 8)


CONV = {
    "conv": ("~model.encoder.hidden", "~model.decoder.hidden", "+model.encoder.hidden=8", "+model.decoder.hidden=8")
}


def test_a_conditional_model_asks_for_labels(conditional):
    vae = conditional()
    for y in (None, torch.tensor([-1]), torch.tensor([10])):
        with pytest.raises(UserError, match=r"model\.context=label"):
            vae.encode(torch.rand(1, 1, 8, 8), y)


def test_a_context_needs_labelled_data(settings):
    with pytest.raises(UserError, match="labels"):
        build_model(settings("model.context=label"), DataSpec((1, 8, 8), "binary", 100, 0))
