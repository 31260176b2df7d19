"""Whether all variants vary alike between seeds, on which pooled intervals rest; planning of seeds.

Runs that vary more than the others have pooled intervals that are too narrow, and the other way
round. A variant's own differences do not borrow from others, but they are few.
"""

from collections.abc import Iterable, Sequence
from statistics import mean
from typing import NamedTuple

from scipy import stats

from augfpn.study.evidence import Evidence
from augfpn.study.ledger import claims
from augfpn.study.running import grid
from augfpn.study.running.grid import baseline_of
from augfpn.study.tables import VariantRow, runs_table, variant_label
from augfpn.study.uncertainty import intervals, planning, pooling
from augfpn.study.uncertainty.cells import effect_text, page_table, percent
from augfpn.study.uncertainty.intervals import FEWEST_SEEDS, Interval, deviation_of
from augfpn.study.uncertainty.verdict_words import PROBABLE


def spreads_table(of: Evidence, part: str = "table2") -> str:
    """Effects on AP with their pooled interval and with that of their own differences alone.

    The standard deviation is that of a variant's differences to its baseline between seeds.
    """
    lines = []
    for variant in grid.part(part).variants:
        base = baseline_of(variant)
        apart = [] if variant == base else list(of.apart(variant, base).values())
        if apart:
            alone = intervals.single(apart)["AP"]
            pooled = of.effects(variant, base)["AP"]
            spread = percent(deviation_of(alone))
            lines.append([
                *(variant_label(variant), str(alone.seeds), spread),
                *(effect_text(alone), effect_text(pooled)),
            ])  # fmt: skip
    header = ["", "seeds", "standard deviation", "own differences", "all runs together"]
    return page_table(header, lines)


def chance_of_alike(of: Evidence, base: str = "fpn") -> float:
    """The p-value of Bartlett's test that the AP of all variants with one baseline varies alike."""
    return pooling.all_alike(of.observations(base, "AP"))


class SeedBySeed(NamedTuple):
    """A variant minus its baseline, looked at seed by seed."""

    above: int  # seeds in which the variant has more AP
    seeds: int
    chance: float  # of so unequal a number of signs if both were alike: the exact sign test's p
    left_out: dict[int, Interval]  # by seed: the others' interval, by their own differences


def seed_by_seed(of: Evidence, variant: str) -> SeedBySeed:
    """The sign test of a variant's differences in AP, and their intervals without each seed."""
    apart = of.apart(variant, baseline_of(variant))
    above = sum(each.observed["AP"] > 0 for each in apart.values())
    left_out = {
        seed: intervals.single([each for other, each in apart.items() if other != seed])["AP"]
        for seed in apart
    }
    return SeedBySeed(above, len(apart), stats.binomtest(above, len(apart)).pvalue, left_out)


def left_out_table(of: Evidence, variants: Sequence[str]) -> str:
    """Of some variants, the sign test, and what their effect is without one of the seeds."""
    lines = []
    for variant in variants:
        found = seed_by_seed(of, variant)
        means = [each.mean for each in found.left_out.values()]
        open_ = [n for n, each in found.left_out.items() if intervals.verdict(each) == "undecided"]
        ends = " to ".join(percent(end, sign=True) for end in (min(means), max(means)))
        contains = f"{len(open_)} of {found.seeds}"
        signs = f"{found.above} of {found.seeds}"
        lines.append([variant_label(variant), signs, f"{found.chance:.3f}", ends, contains])
    header = ["", "seeds above FPN", "sign test, p", "mean without one seed"]
    return page_table([*header, "intervals without one seed that contain zero"], lines)


def own_effect(of: Evidence, variant: str, base: str, number: str = "AP") -> Interval | None:
    """An effect with the variance of its own differences between seeds alone."""
    return of.combination([variant], [base], number, pooled=False)


def wider_effect(
    of: Evidence, variant: str, base: str = "fpn", number: str = "AP"
) -> Interval | None:
    """An effect with the wider of its two intervals: of all runs together, of own differences.

    It is the one that headlines have. Where it contains zero and that of all runs together does
    not, the book says *probably*.
    """
    return intervals.wider(
        of.effects(variant, base).get(number), own_effect(of, variant, base, number)
    )


def wider_text(of: Evidence, variant: str, base: str = "fpn", number: str = "AP") -> str:
    """An effect with its wider interval: "+1.1 [−0.02, +2.2]"; a dash without records."""
    return effect_text(wider_effect(of, variant, base, number))


def by_both_intervals(of: Evidence, rows: Iterable[claims.Judgement]) -> list[claims.Judgement]:
    """The same verdicts, with the wider interval of each effect on AP.

    Before a verdict that a claim's own differences leave open stands "probably"; see
    `augfpn.study.uncertainty.verdict_words`.
    """
    return [by_both(row, of) if row.claim.kind == "effects" else row for row in rows]


def by_both(row: claims.Judgement, of: Evidence) -> claims.Judgement:
    """A claim about AP, judged by the shared spread, looked at by its own differences, too."""
    alone = [
        of.combination(test.plus, test.minus, number, pooled=False)
        for test in row.claim.tests
        for number in test.numbers
    ]
    lines = tuple(
        line._replace(wide=intervals.wider(line.found, x))
        for line, x in zip(row.lines, alone, strict=True)
    )
    open_ = row.verdict in PROBABLE and is_open_alone(row, alone)
    return row._replace(lines=lines, verdict=PROBABLE[row.verdict] if open_ else row.verdict)


def is_open_alone(row: claims.Judgement, alone: Sequence[Interval | None]) -> bool:
    """Whether a claim has another verdict if own differences, ``alone``, estimate the variance.

    A claim with a limit is open if one of its effects is.
    """
    pairs = [*zip(row.lines, alone, strict=True)]
    if row.verdict in intervals.SETTLED:
        return claims.of_lines([line._replace(found=x) for line, x in pairs]) != row.verdict
    return any(
        intervals.is_probable(line.found, x, line.small, (line.printed or 0) / 100, line.margin)
        for line, x in pairs
    )


class SeedPlan(NamedTuple):
    """How many seeds would show the paper's effect of a variant, by two standard deviations.

    All are fractions. Seeds are ``None`` where the test images are too few for any number of them.
    """

    label: str
    variant: str
    printed: float
    of_pictures: float  # the standard error over pictures
    own: float | None  # the standard deviation of its own differences; ``None`` without runs
    own_seeds: int | None
    together: float  # that of all rows with the same baseline
    seeds: int | None


def plans(rows: Sequence[VariantRow]) -> list[SeedPlan]:
    """A plan for each row of a table of the paper whose effect has enough seeds."""
    known = [
        each
        for each in rows
        if each.printed_effect and each.effect and each.effect["AP"].seeds >= FEWEST_SEEDS
    ]
    runs, found = runs_table(rows), []
    for each in known:
        base, effect, printed = baseline_of(each.variant), each.effect["AP"], each.printed_effect
        alike = [one.effect["AP"] for one in known if baseline_of(one.variant) == base]
        together = mean(deviation_of(of) ** 2 for of in alike) ** 0.5
        asked = (printed or 0.0) / 100, effect.of_pictures
        own, own_seeds = None, None
        if len(runs):
            own = float(runs[runs["variant"] == each.variant]["minus FPN"].std()) / 100
            own_seeds = planning.seeds_needed(own, *asked)
        seeds = planning.seeds_needed(together, *asked, variants=len(alike) + 1)
        found.append(SeedPlan(each.label, each.variant, *asked, own, own_seeds, together, seeds))
    return found


def planning_table(rows: Sequence[VariantRow], seconds: dict[str, float]) -> str:
    """How many seeds would show the paper's effects; empty if no effect has enough seeds.

    Each cell has two numbers: by the standard deviation of a row's own differences, if it has runs,
    then by that of all rows with the same baseline. ``seconds`` is the time of a variant's run.
    """
    lines = []
    for each in plans(rows):
        pair = seconds[each.variant] + seconds[baseline_of(each.variant)]
        both = [(each.own, each.own_seeds), (each.together, each.seeds)]
        cells = [plan_cells(*one, pair) for one in both if one[0] is not None]
        joined = ["; ".join(each) for each in zip(*cells, strict=True)]
        lines.append([each.label, percent(each.printed, sign=True), *joined])
    header = ["", "paper's effect", "deviation between seeds", "seeds", "hours"]
    return page_table(header, lines) if lines else ""


def plan_cells(deviation: float, needed: int | None, seconds: float) -> tuple[str, str, str]:
    """A standard deviation, the seeds that it takes, and their hours: "0.5", "5", "0.6".

    A pair of runs trains for so many ``seconds``.
    """
    if needed is None:
        return percent(deviation), "more images", "–"
    return percent(deviation), str(needed), f"{needed * seconds / 3600:.1f}"
