"""Numbers that change over a run: annealed weights of a loss, learning rates.

A schedule is a module with one 0-d buffer, `value`, which the training loop fills once a step. A loss reads the tensor,
so that a compiled step sees a tensor whose value changes and never a new constant, and is not compiled again.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from vae_exp.types import Count, CountOrZero, Fraction, NonNegative, Positive

Unit = Literal["steps", "epochs"]

FOREVER = 10**12
"""Steps, or epochs, that no run takes."""


class Progress(NamedTuple):
    """How far a run is."""

    step: int  # optimizer steps taken so far
    epoch: float  # passes over the training set so far, with the fraction of the present one
    total_steps: float  # optimizer steps the run will take at most, inf if unknown

    def in_unit(self, unit: Unit) -> float:
        """The time passed, in steps or in epochs."""
        return float(self.step) if unit == "steps" else self.epoch


class Schedule(nn.Module, ABC):
    """A factor that depends on a run's progress; the number it multiplies stands beside it in the config."""

    value: Tensor

    def __init__(self) -> None:
        super().__init__()
        # Not persistent: it follows from the step, which the checkpoint knows.
        self.register_buffer("value", torch.ones(()), persistent=False)

    @abstractmethod
    def at(self, progress: Progress) -> float:
        """The factor at this point of the run, dimensionless."""

    def advance(self, progress: Progress) -> None:
        """Fill `value` for the coming step."""
        self.value.fill_(self.at(progress))

    def rest(self, total_steps: float) -> float:
        """The factor that it comes to in the end, however long the run goes on."""
        return self.at(Progress(FOREVER, float(FOREVER), total_steps))


class Constant(Schedule):
    """factor = 1."""

    def at(self, progress: Progress) -> float:
        return 1.0


class Linear(Schedule):
    """Rise or fall along a line, then stay: factor = start + (end - start) * min(1, t / duration).

    Args:
        start: Factor at the beginning, dimensionless.
        end: Factor from `duration` on, dimensionless.
        duration: Length of the ramp, in `unit`.
        unit: What time is counted in.

    Source: Bowman et al., 2016, "Generating sentences from a continuous space", sec. 3.1, arXiv:1511.06349
    """

    def __init__(self, *, start: NonNegative, end: NonNegative, duration: Positive, unit: Unit) -> None:
        super().__init__()
        self.start, self.end, self.duration, self.unit = start, end, duration, unit

    def at(self, progress: Progress) -> float:
        done = min(1.0, progress.in_unit(self.unit) / self.duration)
        return self.start + (self.end - self.start) * done


class Sigmoid(Schedule):
    """Rise along a logistic curve: factor = sigmoid((t - midpoint) / width).

    Args:
        midpoint: Time at which the factor is 1/2, in `unit`.
        width: Time constant of the rise, in `unit`; from 0.12 to 0.88 takes four of them.
        unit: What time is counted in.

    Source: Bowman et al., 2016, "Generating sentences from a continuous space", fig. 2, arXiv:1511.06349
    """

    def __init__(self, *, midpoint: NonNegative, width: Positive, unit: Unit) -> None:
        super().__init__()
        self.midpoint, self.width, self.unit = midpoint, width, unit

    def at(self, progress: Progress) -> float:
        return 0.5 * (1.0 + math.tanh(0.5 * (progress.in_unit(self.unit) - self.midpoint) / self.width))


class Cyclical(Schedule):
    """Rise from 0 to 1 in the first part of every period, stay at 1 for the rest, and begin again.

    factor = min(1, tau / ramp) with tau = (t mod period) / period; after the last period it stays at 1.

    Args:
        period: Length of one cycle, in `unit`.
        ramp: Share of the period in which the factor rises, in (0, 1).
        num_cycles: Number of cycles.
        unit: What time is counted in.

    Source: Fu et al., 2019, "Cyclical annealing schedule", eq. 6-7, arXiv:1903.10145
    """

    def __init__(self, *, period: Positive, ramp: Fraction, num_cycles: Count, unit: Unit) -> None:
        super().__init__()
        if ramp == 0:
            raise ValueError("ramp=0: should be greater than 0")
        self.period, self.ramp, self.num_cycles, self.unit = period, ramp, num_cycles, unit

    def at(self, progress: Progress) -> float:
        cycle, tau = divmod(progress.in_unit(self.unit) / self.period, 1.0)
        return 1.0 if cycle >= self.num_cycles else min(1.0, tau / self.ramp)


class Cosine(Schedule):
    """Warm up along a line, then fall along half a cosine to `final` at the end of the run.

    factor = (t + 1) / (warmup + 1) for t < warmup, else final + (1 - final) * (1 + cos(pi * u)) / 2 with
    u = (t - warmup) / (T - warmup), t the step and T the steps of the run.

    Args:
        warmup: Steps of the warm-up.
        final: Factor that is reached at the end of the run, in [0, 1).

    Source: Loshchilov & Hutter, 2017, "SGDR", eq. 5, arXiv:1608.03983
    """

    def __init__(self, *, warmup: CountOrZero, final: Fraction) -> None:
        super().__init__()
        self.warmup, self.final = warmup, final

    def at(self, progress: Progress) -> float:
        if progress.step < self.warmup:
            return (progress.step + 1) / (self.warmup + 1)  # the first step already moves
        u = min(1.0, (progress.step - self.warmup) / max(1.0, progress.total_steps - self.warmup))
        return self.final + (1.0 - self.final) * 0.5 * (1.0 + math.cos(math.pi * u))


class MultiStep(Schedule):
    """Multiply by `gamma` at every milestone: factor = gamma ** (number of milestones passed).

    Args:
        milestones: Times of the drops, in `unit`.
        gamma: Factor of each drop, dimensionless.
        unit: What time is counted in.
    """

    def __init__(self, *, milestones: Sequence[NonNegative], gamma: Positive, unit: Unit) -> None:
        super().__init__()
        self.milestones, self.gamma, self.unit = tuple(milestones), gamma, unit

    def at(self, progress: Progress) -> float:
        now = progress.in_unit(self.unit)
        return float(self.gamma ** sum(now >= milestone for milestone in self.milestones))
