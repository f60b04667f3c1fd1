"""A ranking and an opinion on its first places, mixed."""

from collections.abc import Sequence

_K = 5  # of so few ranks


def mixed(opinions: Sequence[float]) -> list[int]:
    """Places of ranked passages by their reciprocal ranks, in their own order and by opinion."""
    places = range(len(opinions))
    sums = {at: 1 / (_K + at) for at in places}
    for rank, at in enumerate(sorted(places, key=lambda at: -opinions[at])):
        sums[at] += 1 / (_K + rank)
    return sorted(places, key=lambda at: -sums[at])
