"""What is done to a batch on its device."""

import torch

from vae_exp.data.prepare import dynamic, flip_at_random, static, threshold, to_unit_interval

LEVELS = torch.arange(256, dtype=torch.uint8)[:, None, None, None]


def test_levels_are_divided_by_255_exactly():
    assert torch.equal(to_unit_interval(LEVELS).double(), (LEVELS.double() / 255).float().double())


def test_floats_stay_as_they_are():
    x = torch.rand(3, 1, 2, 2)
    assert to_unit_interval(x) is x


def test_threshold_is_at_one_half():
    assert threshold(torch.tensor([0.0, 0.5, 0.51, 1.0])).tolist() == [0, 0, 1, 1]


def test_dynamic_draws_are_binary_with_the_right_mean_and_differ():
    torch.manual_seed(0)
    x = to_unit_interval(LEVELS).expand(256, 1, 50, 50)
    drawn, again = dynamic(x), dynamic(x)
    assert set(drawn.unique().tolist()) == {0, 1}
    assert not torch.equal(drawn, again)
    # 2,500 draws a level: five standard deviations of the mean are 0.05 at most
    assert torch.all((drawn.mean((1, 2, 3)) - x[:, 0, 0, 0]).abs() < 0.05)
    assert drawn[0].max() == 0
    assert drawn[255].min() == 1


def test_static_draws_are_stored_levels_with_the_right_mean_and_the_same_for_a_seed():
    x = LEVELS.repeat(40, 1, 4, 4)  # longer than a chunk
    drawn = static(x, seed=1)
    assert drawn.dtype == torch.uint8
    assert set(drawn.unique().tolist()) == {0, 255}
    assert torch.equal(drawn, static(x, seed=1))
    assert not torch.equal(drawn, static(x, seed=2))
    assert abs(drawn.double().mean() - x.double().mean()) < 2
    assert torch.equal(static(to_unit_interval(x), seed=1), drawn)


def test_flipping_mirrors_about_half_of_the_pictures():
    torch.manual_seed(0)
    x = torch.randint(0, 256, (1000, 3, 2, 5), dtype=torch.uint8)
    flipped = flip_at_random(x)
    mirrored = (flipped == x.flip(-1)).all(-1).all(-1).all(-1)
    assert torch.equal(flipped[~mirrored], x[~mirrored])
    assert 400 < mirrored.sum() < 600
