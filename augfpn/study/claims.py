"""The ledger: the paper's 61 claims as data, each with a test fixed beforehand, and its verdict.

``claims.json`` holds them. A test is a sum of variants' numbers less another, on the same seeds and
pictures, that should be above a margin. A claim of several comparisons holds if all do. That one of
many fails by chance is likelier the more there are, so each must fail at a share of the level
(Bonferroni): of m, with an interval at 100 % - 5 % / m.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Literal, NamedTuple, Protocol, get_args

from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from augfpn import config
from augfpn.config import AUGFPN, FPN
from augfpn.detectors import cost
from augfpn.settings import paper, recipes
from augfpn.study.intervals import LEVEL, Interval, at_level, terms_of, verdict

Kind = Literal["effects", "exact", "measured", "runtime", "untested"]
Verdict = Literal["holds", "does not hold", "undecided", "not run"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
WITHIN = 0.1  # of the paper's ratio of times, in which a measured one agrees
PER_RATIO = 2048 * 256 + 256 + 256 * 256 + 9 * 256 + 1  # C5's convolution; the fusion's two


@dataclass(frozen=True, config=config.FROZEN)
class Comparison:
    """(sum of ``plus``) - (sum of ``minus``) > ``margin``, for each of some numbers.

    Variants are named as in `augfpn.study.grid`, or by a whole recipe. "APm less APs" is a difference.
    ``margin`` is a fraction: 0.01 is a point of AP.
    """

    plus: tuple[str, ...]
    minus: tuple[str, ...]
    numbers: tuple[str, ...] = ("AP",)
    margin: float = 0.0


@dataclass(frozen=True, config=config.FROZEN)
class Claim:
    """What the paper says, where, and how it is tested."""

    id: str
    group: str
    statement: str
    where: str
    kind: Kind
    tests: tuple[Comparison, ...] = ()
    check: str | None = None  # of an exact claim: one of CHECKS
    runs: Literal["training", "testing"] | None = None  # of run time: what is timed
    note: str = ""


class Evidence(Protocol):
    """What the verdicts rest on: records of one set of pictures at one budget."""

    pictures: str
    budget: str

    def combination(
        self, plus: Sequence[str], minus: Sequence[str], number: str
    ) -> Interval | None: ...

    def measured(
        self, plus: Sequence[str], minus: Sequence[str], number: str
    ) -> Interval | None: ...

    def times_as_long(self, use: str) -> Interval | None: ...


class Line(NamedTuple):
    """One effect of a claim: its variants, what came out, what the paper prints (points)."""

    label: str
    found: Interval | None
    printed: float | None
    margin: float  # that the effect should be above
    unit: Literal["difference", "number", "ratio"] = "difference"

    def said(self, level: float = LEVEL) -> Verdict:
        """Its own verdict, by the interval at a level."""
        if self.found is None:
            return "not run"
        return verdict(at_level(self.found, level), self.margin)


class Row(NamedTuple):
    """A claim with its verdict on one set of pictures at one budget."""

    claim: Claim
    verdict: Verdict
    lines: tuple[Line, ...]
    note: str


@cache
def claims() -> tuple[Claim, ...]:
    """All 61, in the order of the paper."""
    text = resources.files("augfpn.study").joinpath("claims.json").read_text("utf-8")
    return TypeAdapter(tuple[Claim, ...]).validate_json(text)


def variants() -> list[str]:
    """All variants that a claim is about."""
    every = (name for each in claims() for test in each.tests for name in (*test.plus, *test.minus))
    return list(dict.fromkeys(every))


def ledger(evidence: Evidence) -> list[Row]:
    """Every claim with its verdict."""
    return [judged(claim, evidence) for claim in claims()]


def judged(claim: Claim, evidence: Evidence) -> Row:
    """A claim's verdict; see `of_lines`."""
    if claim.kind == "exact":
        holds, detail = CHECKS[claim.check or ""]()
        return Row(claim, "holds" if holds else "does not hold", (), detail)
    if claim.kind == "untested":
        return Row(claim, "not run", (), claim.note)
    if claim.runs is not None:
        return of_runtime(claim, claim.runs, evidence)
    look = evidence.measured if claim.kind == "measured" else evidence.combination
    lines = []
    for test in claim.tests:
        for number in test.numbers:
            found = look(test.plus, test.minus, number)
            said = None if claim.kind == "measured" else printed(test, number)
            unit = "difference" if test.minus else "number"
            lines.append(Line(label_of(test, number), found, said, test.margin, unit))
    return Row(claim, of_lines(lines), tuple(lines), claim.note)


def of_lines(lines: Sequence[Line]) -> Verdict:
    """The verdict on all of some comparisons.

    It holds if each does, and does not hold if one does not by an interval that is
    the wider the more were run. "Not run" only where none was; else undecided.
    """
    run = [line for line in lines if line.found is not None]
    if not run:
        return "not run"
    share = 1 - (1 - LEVEL) / len(run)
    if any(line.said(share) == "does not hold" for line in run):
        return "does not hold"
    return "holds" if all(line.said() == "holds" for line in lines) else "undecided"


def of_runtime(claim: Claim, use: str, evidence: Evidence) -> Row:
    """Whether AugFPN takes as many times as long as FPN as the paper says, give or take a tenth.

    By timings on a GPU at the paper's budget, as the paper's were.
    """
    found, printed = evidence.times_as_long(use), paper.times_as_long()[use]
    if found is None:
        return Row(claim, "not run", (), claim.note)
    line = Line(f"augfpn / fpn, {use}", found, printed, 0.0, "ratio")
    apart = found.low > printed + WITHIN or found.high < printed - WITHIN
    inside = found.low >= printed - WITHIN and found.high <= printed + WITHIN
    said: Verdict = "holds" if inside else "does not hold" if apart else "undecided"
    return Row(claim, said, (line,), claim.note)


def label_of(test: Comparison, number: str) -> str:
    """A test in a few words: "cs − fpn, AP"."""
    return f"{' − '.join([' + '.join(test.plus), *test.minus])}, {number}"


# --- what the paper prints ------------------------------------------------------------------------


def printed(test: Comparison, number: str) -> float | None:
    """The same combination of the paper's numbers, in points of AP; ``None`` if one is missing."""
    rows = [(rows_of(name), sign) for name, sign in signed(test.plus, test.minus)]
    shared = set.intersection(*({r.table for r in found} for found, _ in rows))
    if not shared:
        return None
    table = max(shared)  # an ablation rather than Table 1
    numbers = [(next(r.row for r in found if r.table == table), sign) for found, sign in rows]
    terms = terms_of(number)
    return sum(sign * also * value(row, name) for also, name in terms for row, sign in numbers)


def signed(plus: Sequence[str], minus: Sequence[str]) -> list[tuple[str, int]]:
    """Variants with the sign that they have in a sum."""
    return [(name, 1) for name in plus] + [(name, -1) for name in minus]


def value(row: dict, number: str) -> float:
    """A number of a row of the paper: "AP", "mask APs"."""
    name = number.removeprefix("mask ")
    return row["mask"][name] if name != number else row[name]


def rows_of(variant: str) -> tuple[paper.Result, ...]:
    """The paper's rows of a variant, or of a whole recipe."""
    detector, _, name = variant.rpartition(":")
    names = variant, f"{detector or 'faster_rcnn'}_r50_{name}_1x"
    found = [recipes.recipes()[each] for each in names if each in recipes.recipes()]
    return found[0].rows if found else ()


# --- claims that need no run ----------------------------------------------------------------------


def supervision_is_free() -> tuple[bool, str]:
    """Whether Consistent Supervision is gone in testing."""
    supervised, plain = (cost.in_testing(cost.cost(replace(FPN, lam=lam))) for lam in (0.25, 0.0))
    parameters, macs = (a - b for a, b in zip(supervised, plain, strict=True))
    return supervised == plain, f"{parameters} parameters and {macs} multiply-accumulates more"


def a_ratio_costs_a_convolution() -> tuple[bool, str]:
    """Whether each ratio adds as many parameters as the first formula says."""
    counts = [
        cost.in_testing(cost.cost(replace(FPN, ratios=(0.1, 0.2, 0.3, 0.4)[:n])))[0]
        for n in (1, 2, 3, 4)
    ]
    steps = {b - a for a, b in pairwise(counts)}
    return steps == {PER_RATIO}, f"{min(steps):,} parameters a ratio"


def fusion_is_small() -> tuple[bool, str]:
    """Whether Soft RoI Selection adds less than a hundredth of PANet's parameters."""
    plain, soft, panet = (
        cost.in_testing(cost.cost(replace(FPN, roi_selection=name)))[0]
        for name in ("hard", AUGFPN.roi_selection, "panet")
    )
    text = f"{soft - plain:,} parameters more than FPN; PANet's {panet - plain:,}"
    return 100 * (soft - plain) < panet - plain, text


CHECKS: dict[str, Callable[[], tuple[bool, str]]] = {
    check.__name__: check
    for check in (supervision_is_free, a_ratio_costs_a_convolution, fusion_is_small)
}
