"""FactorVAE: two losses in one backward pass that share no gradient, and a total correlation that is one."""

import math
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Independent, Normal

from analysis.linear import SHAPE, linear_vae
from vae_exp.losses.discriminator import Discriminator
from vae_exp.losses.factor_vae import FactorVAE, permuted
from vae_exp.nets.mlp import MLP
from vae_exp.types import Context, Latent, VAEOutput

B, D = 12, 3
NET = partial(MLP, hidden=[8, 8], activation="Tanh", norm="none", init="torch")


def factor_vae(gamma=5.0, net=NET, lr=3e-3, dims=D):
    return FactorVAE(event_shape=(dims,), gamma=gamma, discriminator=net, discriminator_lr=lr).double()


def step(loss, model, x):
    """Gradients of one backward pass of the whole, from fixed noise."""
    torch.manual_seed(5)
    result = loss(model({"x": x}), {"x": x}, Context(100, model))
    loss.zero_grad()
    model.zero_grad()
    result.loss.backward()
    return result, [p.grad.clone() for p in model.parameters()], [p.grad.clone() for p in loss.parameters()]


def setting():
    torch.manual_seed(0)
    return linear_vae(D), torch.rand(B, *SHAPE).double()


def test_the_models_gradient_is_that_of_its_own_terms():
    (model, x), loss = setting(), factor_vae()
    _, found, _ = step(loss, model, x)
    torch.manual_seed(5)
    out = model({"x": x})
    ((q, _, z),) = out.latents
    rate = 0.5 * (q.mean**2 + q.variance - 1 - q.variance.log()).sum(-1).mean()
    objective = -out.p_x.log_prob(x).mean() + rate + 5.0 * loss.discriminator.net(z[0]).mean()
    for by_hand, gradient in zip(torch.autograd.grad(objective, list(model.parameters())), found, strict=True):
        torch.testing.assert_close(gradient, by_hand)


@pytest.mark.parametrize("gamma", [0.0, 5.0, 1000.0])
def test_the_discriminators_gradient_is_that_of_its_own_loss_whatever_the_weight(gamma):
    (model, x), loss = setting(), factor_vae(gamma)
    with torch.no_grad():
        for weight, other in zip(loss.parameters(), factor_vae().parameters(), strict=True):
            weight.copy_(other)
    _, _, found = step(loss, model, x)
    torch.manual_seed(5)
    with torch.no_grad():
        z = model({"x": x}).latents[0].z[0]
        others = permuted(z)
    logits = loss.discriminator.net(torch.cat((z, others)))[:, 0]
    labels = torch.cat((torch.ones(B), torch.zeros(B))).double()
    objective = F.binary_cross_entropy_with_logits(logits, labels)
    for by_hand, gradient in zip(torch.autograd.grad(objective, list(loss.parameters())), found, strict=True):
        torch.testing.assert_close(gradient, by_hand)


def test_loss_is_the_sum_of_its_weighted_terms():
    (model, x), loss = setting(), factor_vae()
    result, _, _ = step(loss, model, x)
    t = result.terms
    by_hand = t["nelbo"].mean() + 5 * t["total_correlation"] + t["discriminator"]
    torch.testing.assert_close(result.loss, by_hand)


def test_each_dimension_is_permuted_over_the_batch_by_itself():
    z = torch.randn(200, 4)
    moved = permuted(z)
    torch.testing.assert_close(moved.sort(0).values, z.sort(0).values, rtol=0, atol=0)
    place = (moved[:, None] == z[None]).float().argmax(1)  # [200, 4]: the row that each entry came from
    for a in range(4):
        assert (place[:, a] == torch.arange(200)).float().mean() < 0.1
        for b in range(a):
            assert (place[:, a] == place[:, b]).float().mean() < 0.1


def test_an_undecided_discriminator_costs_log_two():
    net = nn.Linear(D, 1)
    nn.init.zeros_(net.weight)
    nn.init.zeros_(net.bias)
    found = Discriminator(net, lr=1e-3).loss(torch.randn(7, D), torch.randn(4, D))
    assert found.item() == pytest.approx(math.log(2))


@pytest.mark.parametrize("rho", [0.0, 0.8])
def test_trained_discriminator_finds_the_total_correlation_of_a_gaussian(rho):
    loss = factor_vae(net=partial(MLP, hidden=[32, 32], activation="Tanh", norm="none", init="torch"), lr=5e-3, dims=2)
    cholesky = torch.linalg.cholesky(torch.tensor([[1.0, rho], [rho, 1.0]]).double())

    def terms(size):
        z = torch.randn(1, size, 2).double() @ cholesky.T
        unit = Independent(Normal(torch.zeros(size, 2).double(), 1.0), 1)
        out = VAEOutput((Latent(unit, unit, z),), Independent(Normal(z[..., None, None].double(), 1.0), 3))
        return loss(out, {"x": torch.zeros(size, 2, 1, 1).double()}, Context(100, nn.Module()))

    (group,) = loss.param_groups()
    optimizer = torch.optim.Adam([group])
    for _ in range(500):
        optimizer.zero_grad()
        terms(256).loss.backward()
        optimizer.step()
    with torch.no_grad():
        found = terms(20_000).terms["total_correlation"].item()
    assert found == pytest.approx(-0.5 * math.log(1 - rho**2), abs=0.06)


def test_its_network_has_a_group_and_a_learning_rate_of_its_own():
    loss = factor_vae(lr=0.25)
    (group,) = loss.param_groups()
    assert group["lr"] == 0.25
    assert {id(p) for p in group["params"]} == {id(p) for p in loss.parameters()}
