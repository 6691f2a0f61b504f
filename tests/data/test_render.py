"""Sprites as pictures, against the same shapes counted point by point."""

import math

import numpy as np
import pytest
import torch

from vae_exp.data.factors import to_factors
from vae_exp.data.render import SIZES, render

SIZE = 48
POINTS = 16  # a side, in each pixel


def some_factors(n=40, **fixed):
    total = math.prod(SIZES)
    factors = to_factors(torch.randint(total, (n,), generator=torch.Generator().manual_seed(1)), SIZES)
    for column, value in fixed.items():
        factors[:, ["shape", "scale", "orientation", "x", "y"].index(column)] = value
    return factors


def inside(shape, radius, p):
    """Whether points, complex numbers with upright as the imaginary axis, are in a shape of a circle of this radius."""
    if shape == "square":
        half = radius / math.sqrt(2)
        return (abs(p.real) <= half) & (abs(p.imag) <= half)
    if shape == "ellipse":
        return (p.real / radius) ** 2 + (2 * p.imag / radius) ** 2 <= 1
    # In units of a circle's radius: a square on its tip at -sqrt(2) i, circles about the middles of its upper sides.
    raised = (2 * math.sqrt(2) - 2) / (3 * math.sqrt(2) - 2)
    p = p / radius * (math.sqrt(2) + raised) + 1j * raised
    lobes = [abs(p - (side + 1j) / math.sqrt(2)) <= 1 for side in (-1, 1)]
    return (abs(p.real) + abs(p.imag) <= math.sqrt(2)) | lobes[0] | lobes[1]


def counted(factors, size=SIZE):
    shape, scale, orientation, x, y = factors.tolist()
    at = (np.arange(size * POINTS) + 0.5) / POINTS
    centre = size * (0.25 + 0.5 * x / 31), size * (0.25 + 0.5 * y / 31)
    p = (at[None, :] - centre[0]) - 1j * (at[:, None] - centre[1])
    upright = p * np.exp(-1j * 2 * math.pi * orientation / 39)
    found = inside(("square", "ellipse", "heart")[shape], 0.24 * size * (0.5 + 0.1 * scale), upright)
    return found.reshape(size, POINTS, size, POINTS).mean((1, 3))


@pytest.mark.parametrize("shape", range(3))
def test_levels_are_the_part_of_each_pixel_that_is_covered(shape):
    factors = some_factors(12, shape=shape)
    drawn = render(factors, size=SIZE, num_colors=1)[:, 0].numpy() / 255
    expected = np.stack([counted(row) for row in factors])
    assert abs(drawn - expected).max() < 0.25  # at a corner
    assert abs(drawn - expected)[abs(expected - 0.5) < 0.5].mean() < 0.04  # on edges
    assert np.allclose(drawn.sum((1, 2)), expected.sum((1, 2)), rtol=0.02)


def test_a_square_along_the_pixels_has_its_area_to_the_last_level():
    factors = some_factors(shape=0, orientation=0)
    sums = render(factors, size=SIZE, num_colors=1).double().sum((1, 2, 3)) / 255
    areas = 2 * (0.24 * SIZE * (0.5 + 0.1 * factors[:, 1].double())) ** 2
    assert (sums - areas).abs().max() < 4 * SIZE * 0.5 / 255  # each pixel of the edge is rounded to a level


@pytest.mark.parametrize("size", [16, 64, 101])
def test_no_sprite_is_cut_by_the_edge_of_its_picture(size):
    corners = torch.tensor([[s, 5, o, x, y] for s in range(3) for o in range(40) for x in (0, 31) for y in (0, 31)])
    middle = corners.clone()
    middle[:, 3:] = 15
    drawn, whole = (render(factors, size=size, num_colors=1) for factors in (corners, middle))
    assert drawn.shape == (len(corners), 1, size, size)
    areas, expected = (pictures.double().sum((1, 2, 3)) / 255 for pictures in (drawn, whole))
    torch.testing.assert_close(areas, expected, rtol=0.02 if size > 50 else 0.05, atol=0)


def centre(picture):
    """Middle of the light of a picture, (x, y) in pixels."""
    light, numbers = picture.double() / picture.sum(), torch.arange(len(picture))
    return float((light.sum(0) * numbers).sum()), float((light.sum(1) * numbers).sum())


def test_x_goes_right_and_y_goes_down():
    (low,) = render(torch.tensor([[1, 5, 0, 0, 31]]), size=64, num_colors=1)
    assert centre(low[0]) == pytest.approx((15.5, 47.5), abs=0.05)


def test_a_heart_stands_on_its_tip_and_a_turn_is_whole():
    turns = torch.tensor([[2, 5, 0, 15, 15], [2, 5, 39, 15, 15], [2, 5, 10, 15, 15]])
    upright, turned, lying = render(turns, size=64, num_colors=1)[:, 0].int()
    widths = (upright > 127).sum(1)
    widths = widths[widths > 0]
    assert widths[-1] <= 3 < 10 < widths[0]  # the tip is below
    assert (upright - turned).abs().max() <= 1
    assert (upright - lying).abs().max() == 255


def test_what_is_drawn_does_not_depend_on_the_batch():
    factors = some_factors(100)
    together = render(factors, size=33, num_colors=1)
    alone = torch.cat([render(row[None], size=33, num_colors=1) for row in factors])
    assert torch.equal(together, alone)
    assert render(factors[:0], size=33, num_colors=1).shape == (0, 1, 33, 33)


def test_colours_are_hues_of_the_same_picture():
    factors = some_factors(30)
    white = render(factors, size=20, num_colors=1)
    colors = torch.arange(30) % 3
    drawn = render(torch.cat((colors[:, None], factors), 1), size=20, num_colors=3)
    assert drawn.shape == (30, 3, 20, 20)
    for channel in range(3):  # red, green, blue
        assert torch.equal(drawn[:, channel], white[:, 0] * (colors == channel)[:, None, None])
