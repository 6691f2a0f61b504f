"""Sampling with a temperature."""

from __future__ import annotations

from functools import singledispatch

from torch.distributions import Distribution, Independent, Normal

from vae_exp.errors import UserError


@singledispatch
def tempered(p: Distribution, temperature: float) -> Distribution:
    """The distribution with its spread multiplied by the temperature; 1 leaves it as it is, 0 is its mode.

    Raises:
        UserError: the temperature is not 1 and there is no rule for this distribution.
    """
    if temperature == 1.0:
        return p
    raise UserError(f"temperature={temperature} has no meaning for a {type(p).__name__} prior; use temperature=1")


@tempered.register(Normal)
def _(p: Normal, temperature: float) -> Distribution:
    return Normal(p.loc, p.scale * temperature, validate_args=False)  # a scale of 0 is the mode


@tempered.register(Independent)
def _(p: Independent[Distribution], temperature: float) -> Distribution:
    return Independent(tempered(p.base_dist, temperature), p.reinterpreted_batch_ndims, validate_args=False)
