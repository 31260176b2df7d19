"""Two lists of AP from anyone's runs, in any framework: their difference with its interval.

Only the numbers are known here, not the detections. So the interval covers other seeds, and not
other test images; `augfpn.study.beside` covers both, from records.
"""

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from augfpn.errors import UserError, first_line
from augfpn.study.uncertainty import intervals, planning
from augfpn.study.uncertainty.cells import effect_text, percent
from augfpn.study.uncertainty.intervals import FEWEST_SEEDS, SMALL_EFFECT, Interval
from augfpn.study.uncertainty.planning import ONE_POINT, TWO_POINTS
from augfpn.study.uncertainty.verdict_words import SIGNS
from augfpn.support.text import printable

LEAST_DEVIATION = 1e-9  # a standard deviation below it is rounding: AP has fewer digits
MEANINGS = {
    "holds": "the interval excludes zero.",
    "does not hold": "the interval excludes zero.",
    "within 1 AP of zero": "the interval contains zero, and both one-sided limits lie within 1 AP.",
    "undecided": "the interval contains zero.",
}


class APLists(NamedTuple):
    """AP of runs without and with a part, as fractions; item i of both is a pair if ``paired``."""

    names: tuple[str, str]
    without: list[float]
    with_part: list[float]
    paired: bool


class APDifference(NamedTuple):
    """The mean of one list minus that of the other, its interval, and what a gain would take."""

    interval: Interval
    deviation: float  # of the difference of two runs
    needed: tuple[int | None, int | None]  # pairs, or runs of each, for 1 and 2 AP; None: too many


# --- what was given -------------------------------------------------------------------------------


def ap_lists(names: Sequence[str], columns: Sequence[Sequence[str]], paired: bool) -> APLists:
    """Two checked lists from what was typed; AP from 0 to 100 becomes a fraction.

    Raises ``UserError`` for what is no AP, for lists too short, and for two lengths of pairs.
    """
    lists = [[typed_ap(word) for word in column] for column in columns]
    first, second = (f"{name}: {len(each)}" for name, each in zip(names, lists, strict=True))
    if paired and len(lists[0]) != len(lists[1]):
        raise UserError(
            f"the lists have different lengths ({first}, {second}), so they are no pairs: give one "
            "number of each for every seed, or --unpaired."
        )
    if min(map(len, lists)) < 2:
        what = "pairs" if paired else "numbers in each list"
        raise UserError(f"too few ({first}, {second}): an interval needs two {what} or more.")
    every = [x for each in lists for x in each]
    low, high = [x for x in every if 0 < x <= 1], [x for x in every if x > 1]
    if low and high:
        raise UserError(
            f"{low[0]:g} and {high[0]:g} are both there: give all AP from 0 to 1, or all from 0 to "
            "100."
        )
    without, with_part = ([x / (100 if high else 1) for x in each] for each in lists)
    return APLists((names[0], names[1]), without, with_part, paired)


def typed_ap(word: str) -> float:
    """A number from 0 to 100. Raises ``UserError`` for anything else."""
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 100:
        raise UserError(
            f"{printable(word)!r} is no AP: give numbers from 0 to 100 as 31.2, apart by spaces."
        )
    return value


def table_of(file: Path, paired: bool) -> tuple[list[str], list[list[str]]]:
    """The names and the cells of a CSV file's two columns; column "without" comes first.

    Raises ``UserError`` if the file cannot be read or has other than two columns.
    """
    try:
        rows = list(csv.reader(file.read_text("utf-8-sig").splitlines()))
    except (OSError, ValueError, csv.Error) as error:
        why = getattr(error, "strerror", None) or first_line(error)
        raise UserError(f"{file} cannot be read as a CSV file: {why}.") from None
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    wrong = next((row for row in rows if len(row) != 2), None) if rows else ()
    if wrong is not None:
        raise UserError(
            f"{file} has a line of {len(wrong)} columns: give a header of two names, as "
            "without,with, and two numbers in each line, with commas between them."
        )
    names, *body = [[cell.strip() for cell in row] for row in rows]
    if all(name.replace(".", "", 1).isdigit() for name in names):
        raise UserError(f"{file} has no header: let its first line be two names, as without,with.")
    if [name.lower() for name in names] == ["with", "without"]:
        names, body = names[::-1], [row[::-1] for row in body]
    columns = [[row[side] for row in body if paired or row[side]] for side in (0, 1)]
    return names, columns


# --- what follows ---------------------------------------------------------------------------------


def ap_difference(of: APLists) -> APDifference:
    """The difference with its interval: Student's for pairs, Welch's otherwise.

    Raises ``UserError`` if the numbers do not vary, because then nothing says how sure they are.
    Source: Welch, Biometrika, 1947.
    """
    if of.paired:
        apart = np.subtract(of.with_part, of.without)
        deviation = float(np.std(apart, ddof=1))
        found = intervals.mean_interval(apart.tolist())
    else:
        sizes = np.array([len(of.without), len(of.with_part)])
        variances = np.array([np.var(each, ddof=1) for each in (of.without, of.with_part)])
        errors, deviation = variances / sizes, math.sqrt(variances.sum())
        centre, shortest = float(np.mean(of.with_part) - np.mean(of.without)), int(sizes.min())
        freedom = float(errors.sum() ** 2 / (errors**2 / (sizes - 1)).sum()) if deviation else 1.0
        error = math.sqrt(errors.sum())
        found = intervals.around(centre, shortest, error, math.nan, freedom=freedom)
    if deviation < LEAST_DEVIATION:
        what = "all differences are equal" if of.paired else "all numbers of a list are equal"
        raise UserError(f"{what}, so nothing says how much they vary: give AP with more digits.")
    # Both lists estimate the deviation of unpaired runs, as three variants would that of pairs.
    one, two = (
        planning.seeds_needed(deviation, gain, variants=2 if of.paired else 3)
        for gain in (ONE_POINT, TWO_POINTS)
    )
    return APDifference(found, deviation, (at_least_three(one), at_least_three(two)))


def at_least_three(needed: int | None) -> int | None:
    """A number of runs with which there is a verdict; ``None`` stays."""
    return needed and max(needed, FEWEST_SEEDS)


def ap_lists_text(of: APLists, found: APDifference) -> str:
    """Both means, the difference with its interval, the verdict, and how many runs show a gain."""
    names = [f"{printable(name)}:" for name in of.names]
    width, what = max(map(len, names)), "pairs" if of.paired else "runs of each"
    lines = [
        f"{name:<{width}} {len(each)} runs, mean {percent(float(np.mean(each)))} AP"
        for name, each in zip(names, (of.without, of.with_part), strict=True)
    ]
    mean, limits = effect_text(found.interval).rstrip(" *").split(" ", 1)
    from_what = f"{len(of.without)} pairs" if of.paired else "unpaired runs"
    lines += [
        f"{' minus '.join(map(printable, of.names[::-1]))}: {mean} AP, 95 % interval {limits}",
        f"from {from_what}; standard deviation of a difference: {100 * found.deviation:.2f} AP",
        f"verdict: {verdict_of_lists(found.interval, what)}",
        planning.shown_by(*found.needed, what),
        "The interval covers other seeds, and not other test images.",
    ]
    return "\n".join(lines)


def verdict_of_lists(of: Interval, what: str) -> str:
    """The book's word for what an interval shows, and why."""
    said = intervals.verdict(of, small=SMALL_EFFECT)
    why = MEANINGS[said]
    if of.seeds < FEWEST_SEEDS:
        why = f"fewer than {FEWEST_SEEDS} {what} say too little about others."
    return f"{SIGNS.get(said, said)}: {why}"


def ap_values(of: APLists, found: APDifference) -> dict[str, Any]:
    """The same as plain values for JSON; AP is a fraction, as in all JSON of the program."""
    return {
        "names": of.names,
        "runs": (len(of.without), len(of.with_part)),
        "paired": of.paired,
        "means": (float(np.mean(of.without)), float(np.mean(of.with_part))),
        "difference": dict(zip(("mean", "low", "high"), found.interval[:3], strict=True)),
        "deviation": found.deviation,
        "verdict": intervals.verdict(found.interval, small=SMALL_EFFECT),
        "needed_for_1_AP": found.needed[0],
        "needed_for_2_AP": found.needed[1],
    }
