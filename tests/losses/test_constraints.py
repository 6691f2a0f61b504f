"""Losses that hold the rate at a capacity, or the distortion at a tolerance."""

import io
import math

import pytest
import torch

from analysis.linear import SHAPE, marginal, solved_vae
from vae_exp.losses.capacity import Capacity
from vae_exp.losses.geco import GECO
from vae_exp.schedules import Constant, Linear, Progress
from vae_exp.types import Context


def capacity(**settings):
    return Capacity(**{"gamma": 10.0, "capacity": 2.0, "schedule": Constant()} | settings)


def geco(**settings):
    given = {"tolerance": -1.0, "momentum": 0.9, "speed": 0.01, "min_lambda": 1e-3, "max_lambda": 1e3}
    return GECO(**given | settings).double()


def drawn(model, n=200):
    return marginal(model).sample((n,)).reshape(n, *SHAPE)


def evaluated(model, loss, x, seed=0):
    torch.manual_seed(seed)
    batch = {"x": x}
    return loss(model(batch), batch, Context(100, model))


def trained(model, loss, x, steps, lr):
    """Means of the terms over the last tenth of the steps."""
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    kept = []
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = lr * (1 - step / steps)
        result = loss(model({"x": x}), {"x": x}, Context(100, model))
        optimizer.zero_grad()
        result.loss.backward()
        optimizer.step()
        kept.append({name: term.detach().mean() for name, term in result.terms.items()})
    last = kept[-steps // 10 :]
    return {name: torch.stack([terms[name] for terms in last]).mean().item() for name in last[0]}


# Capacity


def test_capacity_is_charged_of_the_mean_rate():
    model = solved_vae(off=0.5)
    x = drawn(model, 8)
    for target in (0.0, 2.0, 50.0):
        result = evaluated(model, capacity(capacity=target), x)
        q = model.encode(x).base_dist
        nats = 0.5 * (q.loc**2 + q.variance - 1 - q.variance.log()).sum(-1)
        torch.testing.assert_close(result.terms["rate"], nats)
        by_hand = result.terms["distortion"].mean() + 10 * abs(nats.mean() - target)
        torch.testing.assert_close(result.loss, by_hand)


def test_schedule_multiplies_the_capacity():
    loss = capacity(capacity=20.0, schedule=Linear(start=0.0, end=1.0, duration=10, unit="steps"))
    for step, target in [(0, 0.0), (5, 10.0), (30, 20.0)]:
        loss.schedule.advance(Progress(step, 0.0, 100))
        assert loss.weights()["capacity"].item() == target


@pytest.mark.parametrize("target", [0.5, 4.0])
def test_the_rate_reaches_the_capacity(target):
    model = solved_vae()  # of which the rate starts between
    x = drawn(model)
    before = evaluated(model, capacity(), x).terms["rate"].mean()
    assert 1.0 < before < 3.5
    terms = trained(model, capacity(capacity=target, gamma=100.0), x, steps=400, lr=0.02)
    assert terms["rate"] == pytest.approx(target, abs=0.1)


# GECO


def test_geco_updates_by_its_algorithm():
    model, x = solved_vae(off=0.5), None
    x = drawn(model, 16)
    loss, average, multiplier = geco(), None, 1.0
    for seed in range(5):
        result = evaluated(model, loss, x, seed)
        constraint = result.terms["distortion"].mean().item() + 1.0
        average = constraint if average is None else 0.9 * average + 0.1 * constraint
        assert result.terms["constraint"].item() == pytest.approx(constraint, rel=1e-9)
        # weights are held in single precision
        assert result.loss.item() == pytest.approx(result.terms["rate"].mean().item() + multiplier * average, rel=1e-7)
        multiplier *= math.exp(0.01 * average)
        assert loss.weights()["lambda"].item() == pytest.approx(multiplier, rel=1e-7)


def test_geco_has_the_gradient_of_the_batch_and_starts_as_the_elbo():
    model = solved_vae(off=0.5)
    x, loss = drawn(model, 16), geco()
    for seed in range(3):
        multiplier = loss.weights()["lambda"].item()
        assert (multiplier == 1) == (seed == 0)
        result = evaluated(model, loss, x, seed)
        by_hand = result.terms["rate"].mean() + multiplier * result.terms["distortion"].mean()
        for got, wanted in zip(*(torch.autograd.grad(v, list(model.parameters()), retain_graph=True)
                                 for v in (result.loss, by_hand)), strict=True):  # fmt: skip
            torch.testing.assert_close(got, wanted)


def test_geco_reaches_its_tolerance_with_a_rate_that_it_lowers():
    model = solved_vae()
    x = drawn(model)
    start = evaluated(model, geco(), x).terms
    tolerance = start["distortion"].mean().item() + 1.0  # worse than now, so that some rate can be saved
    loss = geco(tolerance=tolerance, speed=0.02)
    terms = trained(model, loss, x, steps=1000, lr=0.02)
    assert terms["constraint"] == pytest.approx(0.0, abs=0.15)
    assert terms["rate"] < start["rate"].mean().item() - 0.3
    assert 0.01 < loss.weights()["lambda"].item() < 1


@pytest.mark.parametrize(("tolerance", "limit"), [(-1e4, 1e3), (1e4, 1e-3)])
def test_lambda_stays_in_its_bounds(tolerance, limit):
    model, loss = solved_vae(), geco(tolerance=tolerance)
    x = drawn(model, 4)
    for _ in range(3):
        evaluated(model, loss, x)
    assert loss.weights()["lambda"].item() == pytest.approx(limit)


def test_geco_is_saved_whole():
    model, loss = solved_vae(), geco()
    x = drawn(model, 4)
    evaluated(model, loss, x)
    buffer = io.BytesIO()
    torch.save(loss.state_dict(), buffer)
    buffer.seek(0)
    other = geco()
    other.load_state_dict(torch.load(buffer, weights_only=True))
    for seed in range(3):
        one, two = evaluated(model, loss, x, seed).loss, evaluated(model, other, x, seed).loss
        torch.testing.assert_close(one, two, rtol=0, atol=0)
    assert not torch.equal(one, evaluated(model, geco(), x, 2).loss)


def test_evaluation_and_a_batch_that_overflows_leave_lambda():
    model, loss = solved_vae(), geco()
    x = drawn(model, 4)
    evaluated(model, loss, x)
    before = {name: value.clone() for name, value in loss.state_dict().items()}
    broken = model({"x": x})
    infinite = {"x": x, "target": torch.full_like(x, 1e200)}
    loss(broken, infinite, Context(100, model))
    evaluated(model, loss.eval(), x)
    assert all(torch.equal(value, before[name]) for name, value in loss.state_dict().items())


def test_bounds_must_enclose_one():
    with pytest.raises(ValueError, match="both sides of 1"):
        geco(min_lambda=2.0)
