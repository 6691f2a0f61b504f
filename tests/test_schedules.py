"""Schedules at the points where their value is known, and under compilation."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch._dynamo.testing import CompileCounter

from vae_exp.schedules import Constant, Cosine, Cyclical, Linear, MultiStep, Progress, Sigmoid


def step(n, total=1000.0):
    return Progress(n, n / 100, total)


def epoch(t):
    return Progress(round(t * 100), t, 1000)


EVERY = [
    Constant(),
    Linear(start=0.0, end=1.0, duration=7, unit="steps"),
    Sigmoid(midpoint=5, width=2, unit="steps"),
    Cyclical(period=5, ramp=0.5, num_cycles=2, unit="steps"),
    Cosine(warmup=3, final=0.1),
    MultiStep(milestones=[2, 5], gamma=0.5, unit="steps"),
]
by_name = pytest.mark.parametrize("schedule", EVERY, ids=lambda schedule: type(schedule).__name__)


def test_constant_is_one():
    assert {Constant().at(step(n)) for n in (0, 1, 10**9)} == {1.0}


@pytest.mark.parametrize(("schedule", "rest"), list(zip(EVERY, (1.0, 1.0, 1.0, 1.0, 0.1, 0.25), strict=True)))
def test_where_each_comes_to_rest(schedule, rest):
    assert schedule.rest(1000.0) == pytest.approx(rest)
    assert schedule.at(step(1000)) == pytest.approx(rest)


@pytest.mark.parametrize(("start", "end"), [(0.0, 1.0), (1.0, 0.1), (0.5, 0.5), (0.3, 7.0)])
def test_linear_has_its_ends_and_its_middle(start, end):
    line = Linear(start=start, end=end, duration=10, unit="steps")
    assert line.at(step(0)) == start
    assert line.at(step(5)) == pytest.approx((start + end) / 2)
    assert line.at(step(10)) == line.at(step(10**6)) == pytest.approx(end, rel=1e-15)


@given(st.floats(0, 10), st.floats(0, 10), st.floats(1e-3, 1e3))
def test_linear_rises_or_falls_without_turning_and_arrives(start, end, duration):
    line = Linear(start=start, end=end, duration=duration, unit="epochs")
    values = [line.at(epoch(duration * k / 16)) for k in range(33)]
    signed = [(b - a) * (1 if end >= start else -1) for a, b in pairwise(values)]
    assert min(signed) >= -1e-12
    assert values[16:] == pytest.approx([end] * 17, rel=1e-14, abs=1e-14)
    assert all(min(start, end) - 1e-12 <= v <= max(start, end) + 1e-12 for v in values)


def test_a_warm_up_to_one_reaches_exactly_one():
    line = Linear(start=0.0, end=1.0, duration=7, unit="steps")
    for n in range(30):
        line.advance(step(n))
        assert (line.value.item() == 1.0) == (n >= 7)


def test_sigmoid_has_its_middle_its_width_and_its_limits():
    curve = Sigmoid(midpoint=100, width=20, unit="steps")
    assert curve.at(step(100)) == 0.5
    assert curve.at(step(140)) == pytest.approx(1 / (1 + math.exp(-2)))
    assert curve.at(step(60)) == pytest.approx(1 - curve.at(step(140)))
    assert curve.at(step(10**9)) == 1.0
    assert 0 < curve.at(step(0)) < 0.01
    assert Sigmoid(midpoint=1e6, width=1e-3, unit="steps").at(step(0)) == 0.0  # no overflow


def test_cyclical_ramps_rests_and_repeats():
    cycles = Cyclical(period=8, ramp=0.5, num_cycles=3, unit="steps")
    one = [0.0, 0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 1.0]
    assert [cycles.at(step(n)) for n in range(32)] == one * 3 + [1.0] * 8


def test_cyclical_refuses_a_ramp_of_no_length():
    with pytest.raises(ValueError, match="ramp=0"):
        Cyclical(period=8, ramp=0.0, num_cycles=3, unit="steps")


def test_cosine_warms_up_then_falls_to_its_final_value():
    curve = Cosine(warmup=10, final=0.1)
    warm = [curve.at(step(n, total=110)) for n in range(11)]
    assert warm == sorted(warm)
    assert warm[0] > 0
    assert warm[10] == 1.0
    assert warm[9] < 1
    assert [b - a for a, b in pairwise(warm)] == pytest.approx([1 / 11] * 10)  # a line
    assert curve.at(step(60, total=110)) == pytest.approx((1 + 0.1) / 2)
    assert curve.at(step(35, total=110)) == pytest.approx(0.1 + 0.9 * (1 + math.sqrt(0.5)) / 2)
    assert curve.at(step(110, total=110)) == curve.at(step(200, total=110)) == pytest.approx(0.1)


def test_cosine_without_warm_up_begins_at_one():
    assert Cosine(warmup=0, final=0.0).at(step(0)) == 1.0


def test_cosine_of_a_run_without_an_end_stays_at_one():
    assert Cosine(warmup=2, final=0.1).at(step(10**6, total=math.inf)) == 1.0


@pytest.mark.parametrize("warmup", [5, 50])
def test_cosine_of_a_run_no_longer_than_its_warm_up_is_finite(warmup):
    assert all(0 < Cosine(warmup=warmup, final=0.1).at(step(n, total=5)) <= 1 for n in range(8))


def test_multistep_drops_at_each_milestone():
    steps = MultiStep(milestones=[3, 6], gamma=0.1, unit="steps")
    assert [steps.at(step(n)) for n in range(8)] == pytest.approx([1] * 3 + [0.1] * 3 + [0.01] * 2)


@pytest.mark.parametrize(
    "make",
    [
        lambda unit: Linear(start=0.2, end=0.9, duration=7, unit=unit),
        lambda unit: Sigmoid(midpoint=5, width=2, unit=unit),
        lambda unit: Cyclical(period=5, ramp=0.5, num_cycles=2, unit=unit),
        lambda unit: MultiStep(milestones=[2, 5], gamma=0.5, unit=unit),
    ],
)
def test_time_is_counted_in_the_unit(make):
    for t in (0, 1, 2, 4, 5, 6, 9, 12):
        assert make("steps").at(Progress(t, 77.0, 100)) == make("epochs").at(Progress(99, float(t), 100))


def test_epochs_count_fractions():
    line = Linear(start=0.0, end=1.0, duration=2, unit="epochs")
    assert line.at(Progress(7, 0.5, 100)) == 0.25


@by_name
def test_advance_fills_the_same_tensor(schedule):
    buffer = schedule.value
    for n in (0, 1, 3, 6, 11):
        schedule.advance(step(n, total=12))
        assert schedule.value is buffer
        assert buffer.item() == pytest.approx(schedule.at(step(n, total=12)), rel=1e-6)


@by_name
def test_nothing_of_it_is_saved_since_it_follows_from_the_step(schedule):
    assert not schedule.state_dict()
    assert not list(schedule.parameters())


@by_name
def test_a_compiled_function_reads_the_new_value_and_is_not_compiled_again(schedule):
    torch._dynamo.reset()
    counter = CompileCounter()
    compiled = torch.compile(lambda x: schedule.value * x, backend=counter, fullgraph=True)
    with torch._dynamo.config.patch(error_on_recompile=True):
        for n in range(8):
            schedule.advance(step(n, total=12))
            assert compiled(torch.tensor(2.0)).item() == pytest.approx(2 * schedule.at(step(n, total=12)), rel=1e-6)
    assert counter.frame_count == 1
