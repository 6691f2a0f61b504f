"""Interactions with a known structure, drawn here."""

from __future__ import annotations

import numpy as np

from vae_exp.data.interactions import Interactions
from vae_exp.types import Count, Seed

SHARES = (0.6, 0.3, 0.1)
"""Probabilities of a user's first, second and third taste."""

FOREIGN = 0.005
"""Weight of an item in a taste that it is not of."""

DECAY = 0.7
"""Popularity falls with the rank of an item to this power."""


def synthetic_interactions(
    *, num_users: Count, num_items: Count, num_tastes: Count, interactions_per_user: Count, seed: Seed
) -> Interactions:
    """Draw items for users who have three tastes each, some items being popular in all tastes alike.

    An item belongs to one taste and has a popularity rank^-0.7. In a taste it is drawn in proportion to its popularity,
    times 0.005 where it belongs to another one; a user's next item is of the first, second or third taste with
    probability 0.6, 0.3 and 0.1. What a user draws twice counts once. Times are in the order of drawing.

    Args:
        num_users: Users.
        num_items: Items.
        num_tastes: Tastes.
        interactions_per_user: Draws of a user in the mean; their number is geometric.
        seed: Of all that is drawn.
    """
    chance = np.random.default_rng(seed)
    popularity = (1 + chance.permutation(num_items)) ** -DECAY
    belongs = chance.integers(num_tastes, size=num_items)
    weights = popularity * np.where(belongs == np.arange(num_tastes)[:, None], 1.0, FOREIGN)
    ends = np.cumsum(weights / weights.sum(1, keepdims=True), axis=1)
    tastes = chance.integers(num_tastes, size=(num_users, len(SHARES)))
    user = np.repeat(np.arange(num_users), chance.geometric(1 / interactions_per_user, num_users))
    taste = tastes[user, chance.choice(len(SHARES), size=len(user), p=SHARES)]
    # All tastes' distribution functions one above the other: one search finds the item in its own.
    place = np.searchsorted((np.arange(num_tastes)[:, None] + ends).ravel(), taste + chance.random(len(user)))
    item = np.minimum(place - taste * num_items, num_items - 1)
    names = (
        np.array([f"{kind}{i}" for i in range(size)], object) for kind, size in (("u", num_users), ("i", num_items))
    )
    return Interactions(user, item, None, chance.permutation(len(user)), *names)
