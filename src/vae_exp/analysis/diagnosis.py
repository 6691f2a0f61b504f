"""What is wrong with a run, in sentences: read from its figures and settings alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from typing_extensions import TypeIs

from vae_exp.nested import at

DEAD = 0.01
"""Nats below which a latent dimension carries nothing."""

SMALL_RATE = 0.5
"""Nats below which a whole latent says less than one bit about an example."""

OVERFITTED = 0.02
"""Share of the test nelbo by which it may exceed that of training."""

UNFINISHED = 0.02
"""How far a schedule may be from its last value."""

ERRORS = 3.0
"""Standard errors beyond which a gap is no accident."""

Figures = Mapping[str, float | Sequence[float] | None]


class Verdict(NamedTuple):
    """Whether the posterior has collapsed onto the prior, and what says so.

    Args:
        collapsed: All of it, some latent dimensions, or none.
        sentence: The same for a reader.
        evidence: The figures that it rests on, by name.
    """

    collapsed: str  # "yes", "partly", "no" or "unknown"
    sentence: str
    evidence: dict[str, float]


def posterior_collapse(figures: Figures) -> Verdict:
    """Judge collapse by the rate, the active units and the KL of each dimension, of the test or else the validation.

    The whole posterior has collapsed where the rate is below half a nat, or no unit is active; partly, where some
    dimensions have a KL below 0.01 nats. Units that the model does not need are collapsed as well: partly is no fault.

    Source: Lucas et al., 2019, "Don't blame the ELBO! A linear VAE perspective on posterior collapse",
        arXiv:1911.02469, of the name; the bounds are this project's
    """
    rate, active = _number(figures, "rate"), _number(figures, "active_units")
    nats = _vector(figures, "kl_per_dim")
    evidence = {name: value for name, value in (("rate", rate), ("active_units", active)) if value is not None}
    if nats:
        evidence |= {"dimensions": float(len(nats)), "dead_dimensions": float(sum(value < DEAD for value in nats))}
    if not evidence:
        return Verdict("unknown", "Nothing says whether the posterior has collapsed: there is no rate.", {})
    dead = int(evidence.get("dead_dimensions", 0))
    if (rate is not None and rate < SMALL_RATE) or active == 0 or (nats and dead == len(nats)):
        told = "" if rate is None else f": the rate is {rate:.2g} nats"
        return Verdict("yes", f"The posterior has collapsed onto the prior, z tells nothing of x{told}.", evidence)
    if dead:
        sentence = f"{dead} of {len(nats)} latent dimensions carry less than {DEAD} nats; the others hold the rate."
        return Verdict("partly", sentence, evidence)
    return Verdict("no", "The posterior has not collapsed: the latents carry the rate.", evidence)


def diagnose(figures: Figures, settings: Mapping[str, Any], schedules: Mapping[str, tuple[float, float]]) -> list[str]:
    """Warnings worth having of a finished run, a sentence each; none where nothing is wrong.

    Collapse; a test nelbo above that of training; a likelihood that is not normalised on this data; a schedule that had
    not ended; a bound far above the likelihood; figures that are no numbers. What has no figures is left out.

    Args:
        figures: As in metrics.json (`test/rate`, `test/kl_per_dim`, ...). Further ones are used where they are given:
            `train/nelbo`, the last mean of training.
        settings: The run's configuration, checked or as saved.
        schedules: The factor that each schedule of the loss ended with and the one that it goes to, by its key.
    """
    return [
        *_collapse(figures, settings),
        *_overfitting(figures),
        *_not_normalised(figures),
        *_unfinished_schedules(schedules),
        *_loose_bound(figures),
        *_no_numbers(figures),
    ]


def _collapse(figures: Figures, settings: Mapping[str, Any]) -> Iterator[str]:
    verdict = posterior_collapse(figures)
    beta = at(settings, "loss", "beta")
    if verdict.collapsed == "yes":
        anneal = "loss/schedule=linear" if at(settings, "loss", "schedule") else "loss=elbo loss/schedule=linear"
        cure = f"a lower loss.beta than {beta:g}" if isinstance(beta, int | float) and beta > 1 else anneal
        free_bits = "" if at(settings, "loss", "free_bits") is not None else "loss=elbo "
        yield f"{verdict.sentence} Try {cure}, {free_bits}loss.free_bits=0.1, or a weaker decoder."
    elif verdict.collapsed == "partly" and 2 * verdict.evidence["dead_dimensions"] > verdict.evidence["dimensions"]:
        yield f"{verdict.sentence} Fewer latent dimensions would do as well."


def _overfitting(figures: Figures) -> Iterator[str]:
    for name in ("nelbo", "nelbo_bce"):
        train, test = figures.get(f"train/{name}"), figures.get(f"test/{name}")
        if not (_is_number(train) and _is_number(test)):
            continue
        gap, error = test - train, figures.get(f"test/{name}/se")
        floor = ERRORS * error if _is_number(error) else 0.0
        if gap > max(OVERFITTED * abs(test), floor):
            yield (
                f"The model overfits: its nelbo is {test:.1f} nats on the test set and {train:.1f} in training, a gap "
                f"of {gap:.1f}; use more data, a smaller network, or callbacks.early_stopping.patience."
            )


def _not_normalised(figures: Figures) -> Iterator[str]:
    if any(name.partition("/")[2] in ("nelbo_bce", "distortion_bce") for name in figures):
        yield (
            "The likelihood is not normalised on this data: the binary cross-entropy of grey pixels is no log-"
            "likelihood, and its figures (.._bce) compare with no other model's; use data.binarize=dynamic or another "
            "model/likelihood, such as continuous_bernoulli."
        )


def _unfinished_schedules(schedules: Mapping[str, tuple[float, float]]) -> Iterator[str]:
    for name, (last, rest) in schedules.items():
        if abs(last - rest) > UNFINISHED * max(abs(rest), 1.0):
            yield (
                f"The schedule {name} had not ended when the run did: it was at {last:.3g} and goes to {rest:.3g}; "
                "the loss never had its final weights."
            )


def _loose_bound(figures: Figures) -> Iterator[str]:
    nelbo, nll = _number(figures, "nelbo"), _number(figures, "nll")
    rate = _number(figures, "rate")
    if nelbo is not None and nll is not None and rate is not None and nelbo - nll > max(0.25 * rate, 1.0):
        yield (
            f"The encoder is loose: the nelbo is {nelbo - nll:.1f} nats above the nll, of a rate of {rate:.1f}; a "
            "richer model/posterior, such as iaf, or loss=iwae would close part of it."
        )


def _no_numbers(figures: Figures) -> Iterator[str]:
    odd = sorted(n for n, v in figures.items() if not n.endswith("/se") and not isinstance(v, Sequence))
    odd = [name for name in odd if not _is_number(figures[name])]
    if odd:
        yield f"No finite number: {', '.join(odd)}."


def _is_number(value: Any) -> TypeIs[float]:
    return isinstance(value, int | float) and math.isfinite(value)


def _number(figures: Figures, name: str) -> float | None:
    for key in (f"test/{name}", f"val/{name}"):
        value = figures.get(key)
        if _is_number(value):
            return float(value)
    return None


def _vector(figures: Figures, name: str) -> list[float]:
    for key in (f"test/{name}", f"val/{name}"):
        value = figures.get(key)
        if isinstance(value, Sequence):
            return [float(number) for number in value if _is_number(number)]
    return []
