"""Numbers as people read them."""

import pytest

from vae_exp.report.numbers import duration, short, ticks, with_error


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (147.91, 1.6447, "147.9 ± 1.6"),
        (0.051234, 0.00069, "0.05123 ± 0.00069"),
        (1234.5, 250.0, "1234 ± 250"),
        (5.0, 0.0, "5.00 ± 0.00"),
        (5.0, float("nan"), "5.00 ± nan"),
        (32.0, None, "32"),
    ],
)
def test_a_figure_has_two_digits_of_its_error(value, error, text):
    assert with_error(value, error) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (59.9, "59.9 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_a_duration(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (-3, 12, [0, 5, 10]), (130, 217, [140, 160, 180, 200]), (1, 1, [])],
)
def test_ticks_are_round(low, high, found):
    assert ticks(low, high, 5) == pytest.approx(found)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.05, "0.05"), (1200.0, "1200"), (25_000, "25k"), (1.5e6, "1.5M"), (1e-5, "1e-05"), (-3e9, "-3G")],
)
def test_a_number_of_an_axis_is_short(value, text):
    assert short(value) == text
