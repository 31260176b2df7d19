"""The ledger: the paper's claims, each with a test fixed before the runs, and its verdict.

``claims.json`` holds them. A test compares two sums of variants' numbers, on the same seeds and
pictures: the first minus the second should be above a margin. A claim with several comparisons
holds if each of them holds. Among many comparisons one fails by chance, so a claim with m of them
fails only if one fails by its interval at 100 % - 5 % / m (Bonferroni). What neither holds nor
fails may have a limit: see `augfpn.study.uncertainty.intervals.verdict`.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Annotated, Literal, NamedTuple, Protocol

from pydantic import Field, FiniteFloat, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from augfpn import config
from augfpn.diagnostics.numbers import MEASURED
from augfpn.errors import UserError, did_you_mean
from augfpn.settings import paper
from augfpn.study.ledger.exact import CHECKS
from augfpn.study.ledger.printed_effects import printed
from augfpn.study.running import grid
from augfpn.study.uncertainty.intervals import (
    FEWEST_OBJECTS,
    LEVEL,
    SMALL_EFFECT,
    Interval,
    at_level,
    shared_level,
    terms_of,
    verdict,
)
from augfpn.study.uncertainty.verdict_words import ClaimVerdict

FILE = "claims.json"
OF_PARTS = ("components", "supervision", "augmentation", "selection")
CLAIM_GROUPS = ("headline", *OF_PARTS, "defects", "run time")
Text = Annotated[str, Field(min_length=1)]
Kind = Literal["effects", "exact", "measured", "runtime", "untested"]
Source = Literal["said", "table", "derived"]  # in the paper's text, in a table or figure, by us
NEEDS = {  # kind of a claim: the field that it is tested by
    "effects": "tests",
    "measured": "tests",
    "exact": "check",
    "runtime": "runs",
    "untested": "note",
}
AP_NUMBERS = (*paper.AP_NAMES, *(f"mask {name}" for name in paper.AP_NAMES))
WITHHELD = "; its test cannot answer here"
WITHIN = 0.1  # how far a measured ratio of times may be from the paper's, to agree with it


@dataclass(frozen=True, config=config.FROZEN)
class Comparison:
    """(sum of ``plus``) - (sum of ``minus``) > ``margin``, for each of some numbers.

    Variants are those of the study's grid, numbers AP numbers or what `augfpn.diagnostics`
    measures; "APm minus APs" is a difference. ``margin`` is a fraction: 0.01 is a point of AP.
    """

    plus: Annotated[tuple[str, ...], Field(min_length=1)]
    minus: tuple[str, ...]
    numbers: Annotated[tuple[str, ...], Field(min_length=1)] = ("AP",)
    margin: FiniteFloat = 0.0


@dataclass(frozen=True, config=config.FROZEN)
class Claim:
    """What the paper says, where, and how it is tested."""

    id: Text
    group: Text  # one of CLAIM_GROUPS, or one of your own
    statement: Text
    where: Text
    kind: Kind
    tests: tuple[Comparison, ...] = ()
    check: str | None = None  # of an exact claim: one of CHECKS
    runs: Literal["training", "testing"] | None = None  # of a claim about run time: what is timed
    note: str = ""
    source: Source = "derived"
    withdrawn: str = ""  # why the claim is not judged any more
    added: str = ""  # the date, of a claim that was added after `augfpn.study.ledger.freeze`
    withheld_at: tuple[str, ...] = ()  # budgets at which its test cannot answer, as the note says


class Basis(Protocol):
    """What verdicts are based on: the records of one picture set at one budget."""

    pictures: str
    budget: str

    def combination(
        self, plus: Sequence[str], minus: Sequence[str], number: str
    ) -> Interval | None: ...
    def measured(
        self, plus: Sequence[str], minus: Sequence[str], number: str
    ) -> Interval | None: ...

    def times_as_long(self, use: Literal["training", "testing"]) -> Interval | None: ...

    def fewest_objects(self, number: str) -> int | None: ...


class Line(NamedTuple):
    """One effect of a claim: its variants and number, what was found, what the paper prints."""

    label: str
    found: Interval | None
    printed: float | None  # in points of AP, or a ratio
    margin: float  # that the effect should be above
    unit: Literal["difference", "number", "ratio"] = "difference"
    small: float | None = None  # below which an effect is called small; ``None`` if it is not AP
    objects: int | None = None  # in the test pictures, of the size that the number is about
    wide: Interval | None = None  # what is printed, if not ``found``: the wider of two intervals

    def said(self, level: float = LEVEL) -> ClaimVerdict:
        """The verdict on this effect alone, by its interval at a level."""
        if self.found is None:
            return "not run"
        if self.objects is not None and self.objects < FEWEST_OBJECTS:
            return "undecided"
        papers = None if self.printed is None else self.printed / 100
        return verdict(at_level(self.found, level), self.margin, self.small, papers)


class Judgement(NamedTuple):
    """A claim with its verdict on one picture set at one budget."""

    claim: Claim
    verdict: ClaimVerdict
    lines: tuple[Line, ...]
    note: str
    rider: str = ""  # behind the verdict


@cache
def claims() -> tuple[Claim, ...]:
    """All claims, in the order of the paper. Raises ``UserError`` for an incomplete claim."""
    return read_claims(ledger_file())


def ledger_file() -> str:
    """The text of the claims' file."""
    return resources.files("augfpn.study.ledger").joinpath(FILE).read_text("utf-8")


def claimed_variants() -> list[str]:
    """All variants that a claim is about."""
    every = (name for each in claims() for test in each.tests for name in (*test.plus, *test.minus))
    return list(dict.fromkeys(every))


# --- verdicts -------------------------------------------------------------------------------------


def ledger(basis: Basis) -> list[Judgement]:
    """Every claim with its verdict."""
    return [judged(claim, basis) for claim in claims()]


def judged(claim: Claim, basis: Basis) -> Judgement:
    """A claim with its verdict; `of_lines` decides on several comparisons."""
    if claim.withdrawn:
        return Judgement(claim, "withdrawn", (), claim.withdrawn)
    if claim.kind == "exact":
        holds, detail = CHECKS[claim.check or ""]()
        return Judgement(claim, "holds" if holds else "does not hold", (), detail)
    if claim.kind == "untested":
        return Judgement(claim, "not run", (), claim.note)
    if claim.runs is not None:
        return of_runtime(claim, claim.runs, basis)
    look = basis.measured if claim.kind == "measured" else basis.combination
    lines = []
    for test in claim.tests:
        for number in test.numbers:
            of = look(test.plus, test.minus, number)
            papers = None if claim.kind == "measured" else printed(test, number)
            line = Line(test_label(test, number), of, papers, test.margin)
            if not test.minus:
                line = line._replace(unit="number")
            if claim.kind == "effects" and line.found is not None:
                line = line._replace(small=SMALL_EFFECT, objects=basis.fewest_objects(number))
            lines.append(line)
    found = of_lines(lines)
    if found != "not run" and basis.budget in claim.withheld_at:
        return Judgement(claim, "undecided", tuple(lines), claim.note, WITHHELD)
    return Judgement(claim, found, tuple(lines), claim.note)


def of_lines(lines: Sequence[Line]) -> ClaimVerdict:
    """The verdict on several comparisons.

    "Not run" if none was run. "Does not hold" if one comparison fails at its Bonferroni-widened
    interval. "Holds" if each was run and holds. If all others have a limit, the weakest limit is
    the verdict, and "undecided" otherwise.
    """
    run = [line for line in lines if line.found is not None]
    if not run:
        return "not run"
    share = shared_level(len(run))
    if any(line.said(share) == "does not hold" for line in run):
        return "does not hold"
    said = {line.said() for line in lines}
    for weakest in ("holds", "within 1 AP of zero", "below the paper's gain"):
        said.discard(weakest)
        if not said:
            return weakest
    return "undecided"


def of_runtime(claim: Claim, use: Literal["training", "testing"], basis: Basis) -> Judgement:
    """Whether AugFPN's time divided by FPN's is the paper's ratio, to within a tenth.

    The times are those on a GPU at the paper's budget, as in the paper.
    """
    found, printed = basis.times_as_long(use), paper.printed_time_ratios()[use]
    if found is None:
        return Judgement(claim, "not run", (), claim.note)
    line = Line(f"augfpn / fpn, {use}", found, printed, 0.0, "ratio")
    apart = found.low > printed + WITHIN or found.high < printed - WITHIN
    inside = found.low >= printed - WITHIN and found.high <= printed + WITHIN
    said: ClaimVerdict = "holds" if inside else "does not hold" if apart else "undecided"
    return Judgement(claim, said, (line,), claim.note)


def test_label(test: Comparison, number: str) -> str:
    """A test in a few words: "cs − fpn, AP"."""
    return f"{' − '.join([' + '.join(test.plus), *test.minus])}, {number}"


# --- incomplete claims ----------------------------------------------------------------------------


def read_claims(text: str) -> tuple[Claim, ...]:
    """Claims from JSON. Raises ``UserError`` that names the claim and the place in it."""
    try:
        found = TypeAdapter(tuple[Claim, ...]).validate_json(text)
    except ValidationError as error:
        raise UserError(invalid_text(error, text)) from None
    ids = [claim.id for claim in found]
    for number, claim in enumerate(found):
        if claim.id in ids[:number]:
            raise UserError(f"{FILE}, claim {claim.id}: another claim has this id already.")
        for place, wrong in mistakes(claim):
            raise UserError(f"{FILE}, claim {claim.id}, {place}: {wrong}")
    return found


def invalid_text(error: ValidationError, text: str) -> str:
    """The first error in the types of some claims, in one sentence."""
    first = error.errors()[0]
    if not first["loc"]:
        return f"{FILE}: {first['msg']}."
    number, *place = first["loc"]
    claim = json.loads(text)[number]
    name = claim.get("id", number) if isinstance(claim, dict) else number
    given = "" if first["type"] == "missing" else f" {first['input']!r}:"
    where = ", ".join([f"{FILE}, claim {name}", *([place_text(*place)] if place else [])])
    return f"{where}:{given} {first['msg']}."


def place_text(*place: str | int) -> str:
    """A place in a claim: "tests[0].plus[1]"."""
    words = (f"[{each}]" if isinstance(each, int) else f".{each}" for each in place)
    return "".join(words).removeprefix(".")


def mistakes(claim: Claim) -> Iterator[tuple[str, str]]:
    """Names in a claim that do not exist, and fields that it lacks: a place and a sentence each."""
    needed = NEEDS[claim.kind]
    if not getattr(claim, needed):
        yield needed, f"a claim of kind {claim.kind!r} needs it."
    if claim.group not in CLAIM_GROUPS and did_you_mean(claim.group, CLAIM_GROUPS):
        known = unknown(claim.group, CLAIM_GROUPS)
        yield "group", f"{known} A group of your own needs another name."
    if claim.check is not None and claim.check not in CHECKS:
        known = unknown(claim.check, CHECKS)
        yield "check", f"there is no check {known} Add it to CHECKS in study/ledger/exact.py."
    numbers = MEASURED if claim.kind == "measured" else AP_NUMBERS
    for i, test in enumerate(claim.tests):
        for field in ("plus", "minus"):
            for j, name in enumerate(getattr(test, field)):
                if name not in grid.variants():
                    place = place_text("tests", i, field, j)
                    what = f"no part of the study runs {unknown(name, grid.variants())}"
                    yield place, f"{what} Add it to a part in study/running/grid.py."
        for j, number in enumerate(test.numbers):
            for _, name in terms_of(number):
                if name not in numbers:
                    what = f"a claim of kind {claim.kind!r} has no number"
                    yield place_text("tests", i, "numbers", j), f"{what} {unknown(name, numbers)}"


def unknown(name: str, known: Collection[str]) -> str:
    """A name that does not exist, with the one that was probably meant."""
    meant = did_you_mean(name, known)
    return f"{name!r}: {meant}" if meant else f"{name!r}."
