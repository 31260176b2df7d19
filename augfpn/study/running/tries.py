"""The tries of each budget's pilot, and what they chose. Nothing here needs torch.

They are made on pictures that no table is made of. Where FPN and AugFPN are tuned against each
other, they get equally many.
"""

import json
from functools import cache
from itertools import product
from typing import Any, NamedTuple

from augfpn import records
from augfpn.config import AUGFPN
from augfpn.errors import UserError
from augfpn.settings.budgets import BUDGETS

PILOTS = "pilots"  # folder beside records that holds what the tries gave
TRIED_ON = {"transfer": ("aquarium", "bccd"), "laptop": ("scenes",)}
Words = dict[str, Any]


class Try(NamedTuple):
    """What a try of budget transfer sets: all of it, so that no default of the budget changes it.

    This pilot chooses the budget's own settings, which FPN and AugFPN share.
    """

    lr: float = 1e-3
    norm: str = "frozen_statistics"
    frozen: int = 5
    short_side: int = 320
    batch: int = 4
    steps: int = 300

    @property
    def variants(self) -> tuple[str, ...]:
        """Both, to choose the rate; FPN alone, to choose what makes a run cost more."""
        plain = self._replace(lr=Try().lr) == Try()
        return ("fpn", "augfpn") if plain else ("fpn",)

    @property
    def sets(self) -> tuple[str, ...]:
        """Where it is made: larger images only where FPN's AP is far below what detectors have."""
        return TRIED_ON["transfer"] if self.short_side == Try().short_side else ("aquarium",)

    @property
    def words(self) -> Words:
        """The parameters."""
        common = {name: getattr(self, name) for name in ("lr", "short_side", "batch", "steps")}
        return common | {"settings": (f"model.norm={self.norm}", f"model.frozen={self.frozen}")}


class Tuning(NamedTuple):
    """What a try sets to tune FPN or AugFPN; the rest is the budget's.

    FPN has a `canonical_size`, which AugFPN does not use; AugFPN has a lambda.
    """

    lr: float
    canonical_size: float | None = None
    lam: float | None = None

    @property
    def variants(self) -> tuple[str, ...]:
        """The one that it is for."""
        return ("fpn",) if self.lam is None else ("augfpn",)

    @property
    def sets(self) -> tuple[str, ...]:
        """Where it is made."""
        return TRIED_ON["laptop"]

    @property
    def is_plain(self) -> bool:
        """Whether it sets what the budget and the paper have."""
        plain = (BUDGETS["laptop"].train.lr, round(RULE, 2), AUGFPN.lam)
        return (self.lr, self.canonical_size or plain[1], self.lam or plain[2]) == plain

    @property
    def words(self) -> Words:
        """The parameters."""
        if self.lam is not None:
            return {"lr": self.lr, "lam": self.lam}
        return {"lr": self.lr, "settings": (f"model.canonical_size={self.canonical_size:g}",)}


RATES = (5e-4, 1e-3, 2e-3)
RULE = BUDGETS["laptop"].model.canonical_size  # 1 to 2 times as large: up to one level finer
PILOT_TRIES: dict[str, tuple[Try | Tuning, ...]] = {
    "transfer": (
        Try(),
        Try(lr=2e-3),
        Try(frozen=3, steps=175),  # costs as much as the first
        Try(steps=900),  # costs three times as much
        Try(steps=1500),  # five times
        Try(steps=900, short_side=480),  # 2.25 times the pixels of each of them
    ),
    "laptop": (
        *(Tuning(lr, canonical_size=round(by * RULE, 2)) for lr, by in product(RATES, (1, 1.5, 2))),
        *(Tuning(lr, lam=lam) for lr, lam in product(RATES, (0.1, 0.25, 0.5))),
    ),
}
# Settings of all tries that tune: 500 pictures, and the same numbers at the start.
OF_TUNING = ("data.test_scenes=500", "train.fpn_start=true")


@cache
def tuned_words(budget: str) -> dict[str, Words]:
    """The parameters of the best tries by variant, from the committed pilots.

    The best try has the highest AP. Empty if the budget's pilot tunes nothing or is not complete.
    """
    ap = results_of_tuning(budget)
    if not ap:
        return {}
    best = {}
    for variant in ("fpn", "augfpn"):
        own = [each for each in ap if each.variants == (variant,)]
        best[variant] = max(own, key=ap.__getitem__).words
    return best


def results_of_tuning(budget: str) -> dict[Tuning, float]:
    """AP of all tries that tune FPN or AugFPN, in their order, from the committed pilots.

    Empty if the budget's pilot tunes nothing or is not complete.
    """
    tries = [each for each in PILOT_TRIES.get(budget, ()) if isinstance(each, Tuning)]
    rows = committed_rows(budget)
    ap = {each: row["AP"] for each in tries for row in rows if is_of(row, each)}
    return ap if len(ap) == len(tries) else {}


def committed_rows(budget: str) -> list[dict[str, Any]]:
    """What the committed pilots of a budget gave: settings and numbers of each run."""
    files = (folder / PILOTS / f"{budget}.json" for folder in records.COMMITTED)
    return [row for file in files if file.is_file() for row in json.loads(file.read_text())]


def expect_chosen(budget: str) -> dict[str, Words]:
    """As `tuned_words`. Raises ``UserError`` if nothing is chosen."""
    if not tuned_words(budget):
        raise UserError(
            f"no tuned settings are known at the {budget} budget: `augfpn study pilot --budget "
            f"laptop` finds laptop's, which count once they lie in experiments/records/{PILOTS}."
        )
    return tuned_words(budget)


def is_of(row: dict[str, Any], tried: Tuning) -> bool:
    """Whether a row of a pilot's file is of a try."""
    return all(row.get(name) == value for name, value in tried._asdict().items())
