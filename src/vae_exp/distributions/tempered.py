"""Sampling with a temperature."""

from __future__ import annotations

from functools import singledispatch

from torch.distributions import Distribution, Independent, Laplace, MixtureSameFamily, MultivariateNormal, Normal

from vae_exp.errors import UserError


@singledispatch
def tempered(p: Distribution, temperature: float) -> Distribution:
    """The distribution with its spread multiplied by the temperature; 1 leaves it as it is, 0 is its mode.

    Of a mixture the spreads of the components are multiplied: 0 leaves their locations, with their weights.

    Raises:
        UserError: the temperature is not 1 and there is no rule for this distribution.
    """
    if temperature == 1.0:
        return p
    raise UserError(f"temperature={temperature} has no meaning for a {type(p).__name__}; use temperature=1")


@tempered.register(Normal)
def _(p: Normal, temperature: float) -> Distribution:
    return Normal(p.loc, p.scale * temperature, validate_args=False)  # a scale of 0 is the mode


@tempered.register(Laplace)
def _(p: Laplace, temperature: float) -> Distribution:
    return Laplace(p.loc, p.scale * temperature, validate_args=False)


@tempered.register(MultivariateNormal)
def _(p: MultivariateNormal, temperature: float) -> Distribution:
    return MultivariateNormal(p.loc, scale_tril=p.scale_tril * temperature, validate_args=False)


@tempered.register(Independent)
def _(p: Independent[Distribution], temperature: float) -> Distribution:
    return Independent(tempered(p.base_dist, temperature), p.reinterpreted_batch_ndims, validate_args=False)


@tempered.register(MixtureSameFamily)
def _(p: MixtureSameFamily, temperature: float) -> Distribution:
    components = tempered(p.component_distribution, temperature)
    return MixtureSameFamily(p.mixture_distribution, components, validate_args=False)
