"""The AP numbers of a record on many draws of its test pictures: a bootstrap."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from augfpn.study.uncertainty.scoring import Matches, average_precision

Floats = NDArray[np.float64]
DRAWS = 400  # only their standard deviation is used, which 400 draws estimate to 4 %


class Draws(NamedTuple):
    """The AP numbers of one record: as observed, and on draws of its test pictures, (B,) each."""

    observed: dict[str, float]
    drawn: dict[str, Floats]


def weights(pictures: int, draws: int = DRAWS, seed: int = 0) -> Floats:
    """Bootstrap draws: how often each picture is in each draw, (draws, pictures)."""
    rng = np.random.Generator(np.random.PCG64(seed))
    return rng.multinomial(pictures, np.full(pictures, 1 / pictures), draws).astype(float)


def draws_of_ap(of: Matches, draws: int = DRAWS, seed: int = 0) -> Draws:
    """AP as observed and on draws of pictures. Equally many pictures always get the same draws."""
    observed = average_precision(of, np.ones((1, of.pictures)))
    on_draws = average_precision(of, weights(of.pictures, draws, seed))
    return Draws({name: float(values[0]) for name, values in observed.items()}, on_draws)


def with_mean(of: Draws, name: str, parts: Sequence[str]) -> Draws:
    """The same numbers and one more, the mean of some of them."""
    observed = float(np.mean([of.observed[part] for part in parts]))
    on_draws = np.mean([of.drawn[part] for part in parts], axis=0)
    return Draws(of.observed | {name: observed}, of.drawn | {name: on_draws})


def joined(of: Draws, other: Draws, prefix: str) -> Draws:
    """The numbers of both; the names of those of ``other`` get a prefix."""
    observed = {prefix + name: x for name, x in other.observed.items()}
    on_draws = {prefix + name: x for name, x in other.drawn.items()}
    return Draws(of.observed | observed, of.drawn | on_draws)
