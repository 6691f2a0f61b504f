"""Means of the training terms, and the state of the generators."""

import io
import random

import numpy as np
import pytest
import torch

from vae_exp.training import rng
from vae_exp.training.meter import Meter
from vae_exp.training.objective import Means


def test_meter_is_the_mean_over_steps_of_the_means_of_terms():
    meter, a, b = Meter(), torch.rand(3, 5), torch.rand(7)
    meter.add(Means.of({"loss": torch.tensor(2.0), "rate": a}), 5)
    meter.add(Means.of({"loss": torch.tensor(4.0), "rate": b}), 7)
    means = meter.read()
    assert means["loss"] == 3.0
    assert means["rate"] == pytest.approx((a.mean() + b.mean()).item() / 2)
    assert means["images_per_second"] > 0


def test_meter_is_empty_after_it_was_read():
    meter = Meter()
    assert meter.read() == {}
    meter.add(Means.of({"loss": torch.tensor(2.0)}), 5)
    meter.read()
    assert meter.read() == {}
    meter.add(Means.of({"loss": torch.tensor(8.0)}), 5)
    assert meter.read()["loss"] == 8.0


def test_meter_keeps_no_graph_and_leaves_the_terms_alone():
    meter, loss = Meter(), torch.tensor(2.0, requires_grad=True)
    for _ in range(3):
        meter.add(Means.of({"loss": loss}), 1)
    assert loss.item() == 2.0
    assert meter.read()["loss"] == 2.0


def test_meter_reads_half_precision_terms_in_single():
    meter = Meter()
    for _ in range(1000):
        meter.add(Means.of({"loss": torch.tensor(100.1, dtype=torch.bfloat16)}), 1)
    assert meter.read()["loss"] == pytest.approx(torch.tensor(100.1, dtype=torch.bfloat16).item(), rel=1e-4)


def draw():
    return (
        torch.rand(5).tolist(),
        torch.randn(3).tolist(),
        np.random.rand(4).tolist(),
        np.random.normal(size=3).tolist(),  # an odd number: half of a pair stays behind in the state
        [random.random(), random.gauss(0, 1)],
    )


def test_generators_go_on_where_they_were():
    draw()
    state = rng.get_state()
    first = draw()
    assert draw() != first
    rng.set_state(state)
    assert draw() == first


def test_state_survives_a_file_without_code():
    draw()
    buffer = io.BytesIO()
    torch.save({"rng": rng.gather_states()}, buffer)
    first = draw()
    buffer.seek(0)
    (state,) = torch.load(buffer, weights_only=True)["rng"]
    rng.set_state(state)
    assert draw() == first


def test_isolated_draws_are_those_of_the_seed_and_leave_the_others():
    state = rng.get_state()
    undisturbed = draw()
    rng.set_state(state)
    with rng.isolated(7):
        inside = draw()
    assert draw() == undisturbed
    with rng.isolated(7):
        assert draw()[:2] == inside[:2]


def test_isolated_puts_the_state_back_after_an_error():
    def fail():
        with rng.isolated(7):
            torch.rand(3)
            raise KeyError

    state = rng.get_state()
    undisturbed = draw()
    rng.set_state(state)
    with pytest.raises(KeyError):
        fail()
    assert draw() == undisturbed


def test_meter_leaves_out_the_time_of_a_pause(monkeypatch):
    clock = iter([0.0, 2.0, 12.0, 15.0, 15.0])  # made, paused, gone on, read
    monkeypatch.setattr("vae_exp.training.meter.time.perf_counter", lambda: next(clock))
    meter = Meter()
    meter.add(Means.of({"loss": torch.tensor(1.0)}), 100)
    meter.pause()
    meter.go_on()
    assert meter.read()["images_per_second"] == 100 / 5
