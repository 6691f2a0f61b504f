"""Which keys the objective depends on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from vae_exp.report.sweep.runs import Run
from vae_exp.report.sweep.values import Value, order
from vae_exp.report.sweep.variation import Variation

FEWEST, MOST, FOLDS, SHUFFLES, TREES = 20, 1000, 5, 5, 100
WORST = 0.3
"""The share of the variance that must be foreseen in runs that were held out, for the rest to mean anything."""


class Importance(NamedTuple):
    """What each key has to do with a figure.

    Args:
        figure: Its name.
        runs: Runs that it was found from.
        foreseen: Share of the variance that a forest foresees in runs that it has not seen.
        shares: Labels of keys with their shares of the variance, the highest first.
        refusal: Why there are none; "" where there are.
    """

    figure: str
    runs: int
    foreseen: float
    shares: list[tuple[str, float]]
    refusal: str


def importance_of(runs: Sequence[Run], varies: Variation, figure: str) -> Importance:
    """Estimate the share of a figure's variance that each key takes part in, alone or together with others.

    S_j = E[(f(x) - f(x'))^2] / (2 Var y), x' being x with the j-th key of another run: the total index of Sobol, with a
    random forest for f, and on runs that were held out. Shares of keys that act together add up to more than 1.

    Source: Breiman, 2001, "Random forests", section 10, for the shuffling; Saltelli et al., 2010, "Variance based
    sensitivity analysis of model output", table 2(f), for the index.

    Args:
        runs: All runs; those that are done, and have a finite figure, count.
        varies: What varies.
        figure: The figure's name.
    """
    known = [number for number, run in enumerate(runs) if run.figures.get(figure) is not None]
    known = [number for number in known if None not in varies.values[number]]
    keys = [k for k, _ in enumerate(varies.keys) if len({varies.values[number][k] for number in known}) > 1]
    if len(known) < FEWEST or not keys:
        few = f"needs at least {FEWEST} finished runs, and {len(known)} have {figure}" if keys or not known else ""
        return Importance(figure, len(known), 0.0, [], few or "nothing varies between the finished runs")
    import numpy as np

    rng = np.random.default_rng(0)
    if len(known) > MOST:
        known = sorted(rng.choice(known, MOST, replace=False).tolist())
    x = np.array([_codes([varies.values[number][k] for number in known]) for k in keys]).T
    y = np.array([runs[number].figures[figure] for number in known], dtype=float)
    foreseen, shares = _forest(x, y)
    if foreseen < WORST:
        refusal = (
            f"a random forest foresees {max(foreseen, 0):.0%} of the variance of {figure} in runs that it has not seen"
        )
        return Importance(figure, len(known), foreseen, [], f"{refusal}: too little to say what it depends on")
    labels = [varies.labels[varies.keys[k]] for k in keys]
    ranked = sorted(zip(labels, shares, strict=True), key=lambda pair: -pair[1])
    return Importance(figure, len(known), foreseen, ranked, "")


def _forest(x: Any, y: Any) -> tuple[float, list[float]]:
    import numpy as np
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance
    from sklearn.model_selection import KFold

    variance = float(np.var(y))
    if variance == 0:
        return 0.0, [0.0] * x.shape[1]
    squares, rises = [], []
    for seen, held_out in KFold(FOLDS, shuffle=True, random_state=0).split(x):
        forest = RandomForestRegressor(TREES, random_state=0).fit(x[seen], y[seen])
        squares.append(np.square(forest.predict(x[held_out]) - y[held_out]))
        shuffled = permutation_importance(
            forest, x[held_out], y[held_out], scoring="neg_mean_squared_error", n_repeats=SHUFFLES, random_state=0
        )
        rises.append(shuffled.importances_mean)
    shares = np.maximum(np.mean(rises, axis=0) / (2 * variance), 0)
    return 1 - float(np.concatenate(squares).mean()) / variance, shares.tolist()


def _codes(values: Sequence[Value]) -> list[int]:
    """Values as numbers of their order, which is all that a forest sees of them."""
    places = {value: place for place, value in enumerate(sorted(set(values), key=order))}
    return [places[value] for value in values]
