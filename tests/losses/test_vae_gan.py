"""VAE-GAN: each network gets the gradient of its own terms."""

import math
from functools import partial

import pytest
import torch
import torch.nn.functional as F

from analysis.linear import SHAPE, linear_vae
from vae_exp.losses.vae_gan import VAEGAN
from vae_exp.nets.mlp import MLP
from vae_exp.types import Context

B, D, WEIGHT, PIXELS = 6, 3, 5.0, 0.5
SIGMA = 0.1  # of the pixels of linear_vae
NET = partial(MLP, hidden=[8], activation="Tanh", norm="none", init="torch")


@pytest.fixture
def stepped():
    """Model, loss, its result after one backward pass, and the same terms by hand from the same noise."""
    model, x = linear_vae(D), torch.rand(B, *SHAPE).double()
    loss = VAEGAN(
        x_shape=SHAPE,
        distortion_weight=PIXELS,
        adversarial_weight=WEIGHT,
        features=NET,
        num_features=4,
        discriminator_lr=0.25,
    ).double()
    torch.manual_seed(5)
    result = loss(model({"x": x}), {"x": x}, Context(100, model))
    result.loss.backward()
    torch.manual_seed(5)
    out = model({"x": x})
    ((q, p, z),) = out.latents
    rate = 0.5 * (q.mean**2 + q.variance - 1 - q.variance.log()).sum(-1).mean()
    f, net = loss.discriminator.net[0], loss.discriminator.net
    similarity = 0.5 * (f(x) - f(out.p_x.mean[0])).square().sum(1).mean()
    constant = 0.5 * math.log(2 * math.pi * SIGMA**2) * x[0].numel()
    distortion = ((x - out.p_x.mean[0]) / SIGMA).square().sum((1, 2, 3)).mean() / 2 + constant
    pictures = torch.cat((model.decode(z[0].detach()).mean, model.decode(p.sample((B,)).double()).mean))
    passing = F.binary_cross_entropy_with_logits(net(pictures), torch.ones(2 * B, 1).double())
    real = F.binary_cross_entropy_with_logits(net(x), torch.ones(B, 1).double())
    made = F.binary_cross_entropy_with_logits(net(pictures.detach()), torch.zeros(2 * B, 1).double())
    return model, loss, result, similarity + PIXELS * distortion + rate, WEIGHT * passing, 0.5 * (real + made)


def agree(parameters, objective):
    parameters = [p for p in parameters if p.requires_grad]
    by_hand = torch.autograd.grad(objective, parameters, retain_graph=True, allow_unused=True)
    for weight, gradient in zip(parameters, by_hand, strict=True):
        if gradient is not None:
            torch.testing.assert_close(weight.grad, gradient)
        else:
            assert weight.grad is None or not weight.grad.any()
    assert any(gradient is not None and gradient.any() for gradient in by_hand)


def test_loss_is_the_sum_of_its_terms(stepped):
    _, _, result, bound, passing, own = stepped
    torch.testing.assert_close(result.loss, bound + passing + own)


def test_the_encoder_sees_features_pixels_and_rate_alone(stepped):
    model, _, _, bound, _, _ = stepped
    agree(model.encoder.parameters(), bound)


def test_the_decoder_sees_features_pixels_and_how_its_pictures_pass(stepped):
    model, _, _, bound, passing, _ = stepped
    agree(model.decoder.parameters(), bound + passing)


def test_the_discriminator_sees_its_own_loss_alone(stepped):
    _, loss, _, _, _, own = stepped
    agree(loss.parameters(), own)
    (group,) = loss.param_groups()
    assert group["lr"] == 0.25
    assert len(group["params"]) == len(list(loss.parameters()))
