"""Sprites, drawn from their factors: squares, ellipses and hearts with soft edges."""

from __future__ import annotations

import colorsys
import math
from typing import NamedTuple

import torch
from torch import Tensor

from vae_exp.types import Count

NAMES = ("shape", "scale", "orientation", "x", "y")
SIZES = (3, 6, 40, 32, 32)

SCALES = torch.linspace(0.5, 1, 6, dtype=torch.float64)
ANGLES = torch.linspace(0, 2 * math.pi, 40, dtype=torch.float64)
"""Counterclockwise from upright, radians. As in dSprites the first and the last look the same."""
POSITIONS = torch.linspace(0, 1, 32, dtype=torch.float64)
"""From the left for x, from the top for y."""

REACH = 0.24
"""Radius of the circle around a sprite of scale 1, as a fraction of the picture's side. Centres keep 1/4 off every
edge, so that no sprite is cut."""

PIXELS_AT_ONCE = 2**17
"""On a CPU: what is worked on, a few arrays of 0.5 MB, then stays in its cache. Without, it takes twice the time."""


class Pose(NamedTuple):
    """Where n sprites are, in pixels."""

    radius: Tensor  # [n, 1, 1]
    cos: Tensor  # of the angle, [n, 1, 1]
    sin: Tensor
    right: Tensor  # how far the pixels' centres are to the right of the sprite's, [n, 1, size]
    up: Tensor  # how far above, [n, size, 1]


def render(factors: Tensor, *, size: Count, num_colors: Count) -> Tensor:
    """Draw sprites on black, on the device of `factors`.

    A pixel's level is the part of it that the sprite covers, from the distance to the sprite's edge: exact for
    straight edges along the pixels, and to a few hundredths for others. The values that factors number are those of
    dSprites.

    Args:
        factors: [N, 5] int64, in the order of NAMES; with colours [N, 6], the colour's number before them.
        size: Height and width of a picture, pixels.
        num_colors: 1 for white on one channel; more for as many hues, at equal distances from red on, on three.

    Returns:
        [N, C, size, size] uint8.

    Source: Matthey et al., 2017, "dSprites: disentanglement testing sprites dataset"
    """
    pose, paint = _pose(factors, size), _paint(factors, num_colors)
    drawn = torch.empty((len(factors), paint.shape[1], size, size), dtype=torch.uint8, device=factors.device)
    at_once = max(1, PIXELS_AT_ONCE // size**2) if factors.device.type == "cpu" else max(1, len(factors))
    for shape, cover in enumerate((_square, _ellipse, _heart)):
        for rows in (factors[:, -5] == shape).nonzero()[:, 0].split(at_once):
            covered = cover(Pose(*(column[rows] for column in pose)))
            levels = (covered[:, None] * paint[rows]).add_(0.5)  # to make integers of them is to cut off
            drawn.index_copy_(0, rows, levels.to(torch.uint8))
    return drawn


def _pose(factors: Tensor, size: int) -> Pose:
    # Tables, made where there is float64: the same to the last bit for any batch.
    centres = torch.arange(size, dtype=torch.float64) + 0.5
    distances = centres - size * (0.25 + 0.5 * POSITIONS[:, None])
    tables = (REACH * size * SCALES, torch.cos(ANGLES), torch.sin(ANGLES), distances, -distances)
    radius, cos, sin, right, up = (table.float().to(factors.device) for table in tables)
    _, scale, angle, x, y = factors[:, -5:].unbind(1)
    return Pose(_column(radius[scale]), _column(cos[angle]), _column(sin[angle]), right[x][:, None], up[y][:, :, None])


def _paint(factors: Tensor, num_colors: int) -> Tensor:
    """Level of each channel where the sprite is, [N, C, 1, 1]."""
    if num_colors == 1:
        return torch.full((len(factors), 1, 1, 1), 255.0, device=factors.device)
    hues = [colorsys.hsv_to_rgb(number / num_colors, 1.0, 1.0) for number in range(num_colors)]
    return 255 * torch.tensor(hues, device=factors.device)[factors[:, 0]][:, :, None, None]


def _frame(pose: Pose) -> tuple[Tensor, Tensor]:
    """The pixels' centres in the coordinates of each sprite, across and along it: twice [n, size, size]."""
    return pose.cos * pose.right + pose.sin * pose.up, pose.cos * pose.up - pose.sin * pose.right


def _cover(distance: Tensor) -> Tensor:
    """What an edge leaves of a pixel, in place: 1 from half a pixel inside of it, 0 from half a pixel outside."""
    return distance.neg_().add_(0.5).clamp_(0, 1)


def _square(pose: Pose) -> Tensor:
    half = pose.radius / math.sqrt(2)
    u, v = _frame(pose)
    return _cover(u.abs_().sub_(half)).mul_(_cover(v.abs_().sub_(half)))


def _ellipse(pose: Pose) -> Tensor:
    """Twice as wide as high. The distance is f / |grad f| of f(u, v) = (u / a)^2 + (v / b)^2 - 1."""
    a, b = pose.radius, pose.radius / 2
    u, v = _frame(pose)
    u, v = u.div_(a).square_(), v.div_(b).square_()
    f = (u + v).sub_(1)
    slope = u.div_(a * a).add_(v.div_(b * b)).sqrt_().mul_(2)
    return _cover(f.div_(slope))


def _heart(pose: Pose) -> Tensor:
    """A square on its tip, of half side a, and on each of its upper sides a circle of radius a."""
    above = 2 * (math.sqrt(2) - 1) / (3 * math.sqrt(2) - 2)  # centre of the whole over the square's, in a
    a = pose.radius / (math.sqrt(2) + above)
    cos, sin = (pose.cos - pose.sin) / math.sqrt(2), (pose.sin + pose.cos) / math.sqrt(2)  # along the square's sides
    u, v = _frame(pose._replace(cos=cos, sin=sin))
    shift = a * (above / math.sqrt(2))
    low, high = torch.minimum(u, v).add_(shift), torch.maximum(u, v).add_(shift)  # one half mirrored on the other
    in_square = torch.maximum(high, -low)
    in_circle = low.square_().add_(high.sub_(a).square_()).sqrt_()
    return _cover(torch.minimum(in_square, in_circle).sub_(a))


def _column(numbers: Tensor) -> Tensor:
    return numbers[:, None, None]
