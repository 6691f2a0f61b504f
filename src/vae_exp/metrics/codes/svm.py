"""Linear support vector machines on one number each, all classes at once."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

ITERATIONS = 100
HALVINGS = 30


class Lines(NamedTuple):
    """For each of K classes the line w x + b that tells it from the others, [K] each."""

    w: Tensor
    b: Tensor

    def classes(self, x: Tensor) -> Tensor:
        """The class whose line is highest at each of x [N]."""
        return (x[:, None] * self.w + self.b).argmax(1)


def fit_lines(x: Tensor, y: Tensor, *, c: float) -> Lines:
    """One class against the others, with the balanced weights n / (K n_k) of scikit-learn's LinearSVC.

    min 1/2 (w^2 + b^2) + c sum_i s_i max(0, 1 - t_i (w x_i + b))^2, t_i = 1 in the class and -1 outside of it, for
    each class. s_i is the class's weight inside of it; outside it is 1, or where x has two classes the other's.

    A line has two parameters, so that Newton's method costs nothing but sums over the points inside the margin.

    Args:
        x: [N] float64.
        y: Classes [N], 0, 1, ...
        c: Weight of the errors.

    Source: Keerthi & DeCoste, 2005, "A modified finite Newton method for fast solution of large scale linear SVMs"
    """
    inside = torch.nn.functional.one_hot(y).T.double()  # [K, N]
    count = inside.sum(1, keepdim=True)
    present = (count > 0)[:, 0]
    balanced = len(x) / (present.sum() * count.clamp_min(1))
    outside = torch.ones_like(balanced)
    if present.sum() == 2:
        outside[present] = balanced[present].flip(0)
    weight, sign = 2 * c * torch.where(inside > 0, balanced, outside), 2 * inside - 1
    basis = torch.stack((x, torch.ones_like(x)), 1)  # [N, 2]
    squares = torch.stack((x * x, x, x, torch.ones_like(x)), 1)
    line = torch.zeros(len(count), 2, dtype=x.dtype)
    value = _objective(line, basis, weight, sign)
    for _ in range(ITERATIONS):
        active = weight * (sign * (line @ basis.T) < 1)
        hessian = torch.eye(2, dtype=x.dtype) + (active @ squares).reshape(-1, 2, 2)
        target = torch.linalg.solve(hessian, (active * sign) @ basis)
        line, after = _step(line, target, value, basis, weight, sign)
        if bool((value - after <= 1e-12 * value).all()):
            break
        value = after
    w, b = line.unbind(1)
    return Lines(w, torch.where(count[:, 0] > 0, b, -torch.inf))  # a class without examples is never chosen


def _objective(line: Tensor, basis: Tensor, weight: Tensor, sign: Tensor) -> Tensor:
    loss = (1 - sign * (line @ basis.T)).clamp_min(0).square()
    return 0.5 * line.square().sum(1) + 0.5 * (weight * loss).sum(1)


def _step(
    line: Tensor, target: Tensor, value: Tensor, basis: Tensor, weight: Tensor, sign: Tensor
) -> tuple[Tensor, Tensor]:
    """Go toward the target, half as far until it is no worse, each class by itself."""
    size = torch.ones(len(line), 1, dtype=line.dtype)
    for _ in range(HALVINGS):
        moved = line + size * (target - line)
        after = _objective(moved, basis, weight, sign)
        worse = after > value
        if not worse.any():
            break
        size = torch.where(worse[:, None], size / 2, size)
    return torch.where(worse[:, None], line, moved), torch.minimum(after, value)
