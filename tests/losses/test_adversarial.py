"""The adversarial autoencoder: gradients that do not mix, and latents that come to pass for the prior."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Independent, Normal

from analysis.linear import SHAPE, linear_vae
from vae_exp.losses.adversarial import Adversarial
from vae_exp.nets.mlp import MLP
from vae_exp.types import Context, Latent, VAEOutput

B, D = 12, 3
NET = partial(MLP, hidden=[16], activation="Tanh", norm="none", init="torch")


def adversarial(dims=D, lr=5e-3):
    return Adversarial(event_shape=(dims,), adversarial_weight=5.0, discriminator=NET, discriminator_lr=lr).double()


def test_gradients_of_model_and_discriminator_are_those_of_their_own_losses():
    model, x, loss = linear_vae(D), torch.rand(B, *SHAPE).double(), adversarial()
    torch.manual_seed(5)
    result = loss(model({"x": x}), {"x": x}, Context(100, model))
    result.loss.backward()
    torch.manual_seed(5)
    out = model({"x": x})
    ((_, p, z),) = out.latents
    drawn, net = p.sample((B,)).double(), loss.discriminator.net

    encoder = -out.p_x.log_prob(x).mean() + 5.0 * F.binary_cross_entropy_with_logits(
        net(z[0]), torch.ones(B, 1).double()
    )
    torch.testing.assert_close(result.terms["distortion"].mean() + 5 * result.terms["adversarial"], encoder)
    by_hand = torch.autograd.grad(encoder, list(model.parameters()), retain_graph=True, allow_unused=True)
    for weight, gradient in zip(model.parameters(), by_hand, strict=True):
        torch.testing.assert_close(weight.grad, gradient)

    labels = torch.cat((torch.ones(B, 1), torch.zeros(B, 1))).double()
    own = F.binary_cross_entropy_with_logits(net(torch.cat((drawn, z[0]))), labels)
    torch.testing.assert_close(result.terms["discriminator"], own)
    for weight, gradient in zip(loss.parameters(), torch.autograd.grad(own, list(loss.parameters())), strict=True):
        torch.testing.assert_close(weight.grad, gradient)


def test_latents_come_to_pass_for_the_prior():
    loss, shift = adversarial(dims=1, lr=1e-2), torch.tensor([3.0]).double().requires_grad_()
    prior = Independent(Normal(torch.zeros(1).double(), 1.0), 1)
    optimizer = torch.optim.Adam([{"params": [shift], "lr": 0.01}, *loss.param_groups()], betas=(0.5, 0.9))
    fixed = Independent(Normal(torch.zeros(1, 64, 1, 1, 1).double(), 1.0), 3)
    path = []
    for _ in range(900):
        out = VAEOutput((Latent(None, prior, shift + torch.randn(1, 64, 1).double()),), fixed)
        optimizer.zero_grad()
        loss(out, {"x": torch.zeros(64, 1, 1, 1).double()}, Context(64, nn.Module())).loss.backward()
        optimizer.step()
        path.append(shift.item())
    assert sum(path[-300:]) / 300 == pytest.approx(0.0, abs=0.4)
