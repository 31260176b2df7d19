"""What the paper prints for a comparison of variants."""

from collections.abc import Sequence
from typing import Protocol

from augfpn.settings import paper, recipes
from augfpn.study.uncertainty.intervals import signed, terms_of


class Compared(Protocol):
    """A comparison: the sum over some variants minus that over others."""

    @property
    def plus(self) -> Sequence[str]: ...

    @property
    def minus(self) -> Sequence[str]: ...


def printed(test: Compared, number: str) -> float | None:
    """The test's difference in the paper's numbers, in points of AP; ``None`` if one is missing.

    All rows are from one table, preferably an ablation (Tables 2 to 5) and not Table 1.
    """
    rows = [(paper_rows(name), sign) for name, sign in signed(test.plus, test.minus)]
    shared = set.intersection(*({r.table for r in found} for found, _ in rows))
    if not shared:
        return None
    table = max(shared)
    numbers = [(next(r.row for r in found if r.table == table), sign) for found, sign in rows]
    terms = terms_of(number)
    return sum(sign * also * value(row, name) for also, name in terms for row, sign in numbers)


def value(row: dict, number: str) -> float:
    """A number in a row of the paper: "AP", "mask APs"."""
    name = number.removeprefix("mask ")
    return row["mask"][name] if name != number else row[name]


def paper_rows(variant: str) -> tuple[paper.Result, ...]:
    """The paper's rows of a variant, or of a whole recipe."""
    detector, _, name = variant.rpartition(":")
    names = variant, f"{detector or 'faster_rcnn'}_r50_{name}_1x"
    found = [recipes.recipes()[each] for each in names if each in recipes.recipes()]
    return found[0].rows if found else ()
