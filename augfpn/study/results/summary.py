"""The first page of a report, in the form of the reproducibility challenges.

Scope, method, results, what was easy, what was hard; decided effects and claims come first.
"""

from collections.abc import Iterator, Mapping, Sequence

from augfpn.study import spreads
from augfpn.study.evidence import TITLE_ENDS, Evidence, of_phase
from augfpn.study.ledger import claims, freeze
from augfpn.study.ledger.claims import Judgement
from augfpn.study.results import findings, verdicts
from augfpn.study.running.grid import baseline_of, variants
from augfpn.study.uncertainty.cells import page_table, percent
from augfpn.study.uncertainty.verdict_words import VERDICTS

DECIDED = tuple(each for each in VERDICTS if each not in ("undecided", "not run", "withdrawn"))
METHOD = """\
**Method.** A claim is a comparison of variants, trained with the same seeds and tested on the same
pictures; small pictures cannot confirm COCO's numbers. Brackets contain an effect's 95 % interval,
for other seeds and other test pictures; *intervals* below says how it is made."""
ABOUT_DECIDED = """\
What the intervals of these records decide, effect by effect. Bold: decided also at this effect's
share of the level, if the level is divided among all effects (Bonferroni)."""
ABOUT_INTERVALS = """\
**Intervals.** The interval of an effect has two parts. That of the pictures is a bootstrap. That of
the seeds is Student's, with a residual variance from all variants and seeds of a detector together
(a model of variants and seeds; a seed on another processor is another seed). The table has this
standard deviation for one run, its degrees of freedom, the p-value of Bartlett's test that all
variants vary alike, and the standard deviation of a seed's effect between processors, which widens
effects across processors. In simulations the intervals contain the truth in 95 % of studies, give
or take two points, if all variants vary alike; in some 91 % for a variant that varies one and a
half times as much as the others, and in some 86 % for one that varies twice as much."""
WHAT_WAS_EASY = """\
**What was easy.** The components, from the paper's Figures 2 and 3; parameters and computation,
which can be counted; runs that are repeated to the last digit on one processor."""
WHAT_WAS_HARD = """\
**What was hard.** Effects of a few tenths of a point, which are smaller than the variation between
seeds; code of the authors that cannot run several of its configurations; claims of reasons, for
which the paper shows no measurement; COCO with the paper's backbones, which needs GPUs."""


def summary(budget: str, plain: Mapping[str, Evidence], every: Mapping[str, Evidence]) -> list[str]:
    """The page's paragraphs; ``plain`` is the evidence without a dial turned up, by title."""
    if not plain:
        return []
    rows = {title: spreads.by_both_intervals(of, claims.ledger(of)) for title, of in plain.items()}
    counts = [
        [title, *(str(sum(r.verdict == v for r in here)) for v in VERDICTS)]
        for title, here in rows.items()
    ]
    text = [f"## In one page, {budget} budget", scope(), about_freeze(plain), METHOD]
    text += decided_effects(every)
    text += [page_table(["claims by verdict", *VERDICTS], counts)]
    for title, here in rows.items():
        text += [f"**Claims, {title}.** {runs_sentence(plain[title])}", *claims_by_verdict(here)]
    return [*text, WHAT_WAS_EASY, WHAT_WAS_HARD, ABOUT_INTERVALS, pool_table(plain)]


def about_freeze(plain: Mapping[str, Evidence]) -> str:
    """What was fixed when, and which of the runs that confirm another commit made."""
    runs = {r.id: r for of in plain.values() for r in of.found.by_key.values()}
    others = freeze.made_elsewhere(runs.values())
    said = f" Made by another commit: {', '.join(others)}." if others else ""
    return freeze.freeze_text() + said


def decided_effects(every: Mapping[str, Evidence]) -> Iterator[str]:
    """The effects that are decided, for the pilot's seeds and then for those that confirm."""
    for end in TITLE_ENDS:
        here = of_phase(every, end)
        answers = findings.answers(here)
        if findings.intervals_in(answers):
            yield f"**Results, seeds {', '.join(map(str, seeds_of(here)))}.** {ABOUT_DECIDED}"
            tables = (findings.decided_table(answers, measured) for measured in (False, True))
            yield from filter(None, tables)
            yield findings.undecided_text(answers)


def seeds_of(every: Mapping[str, Evidence]) -> list[int]:
    """The seeds of all records that have the evidence's budget, in order."""
    runs = [(of, record) for of in every.values() for record in of.found.by_key.values()]
    return sorted({r.experiment.seed for of, r in runs if r.experiment.budget == of.budget})


def scope() -> str:
    """How many claims there are, and where they are from."""
    every = claims.claims()
    counted = ", ".join(
        f"{sum(each.source == source for each in every)} {words}"
        for source, words in verdicts.SOURCES.items()
    )
    return f"**Scope.** {len(every)} claims of the paper: {counted}."


def claims_by_verdict(rows: Sequence[Judgement]) -> Iterator[str]:
    """Decided claims with their evidence, then the others in a line for each verdict."""
    decided = [row for row in rows if row.verdict in DECIDED]
    decided.sort(key=lambda row: DECIDED.index(row.verdict))
    lines = [
        (r.claim.id, r.claim.statement, r.verdict, verdicts.effects_text(r) or r.note)
        for r in decided
    ]
    if lines:
        yield page_table(["", "decided", "verdict", "effects, and the paper's"], lines)
    for verdict in VERDICTS:
        names = [row.claim.id for row in rows if row.verdict == verdict]
        if verdict not in DECIDED and names:
            yield f"{verdict.capitalize()}: {', '.join(names)}."


def runs_sentence(of: Evidence) -> str:
    """How many runs there are, of how many variants and seeds, and how long they took."""
    runs = {r.id: r for name in variants() for r in of.recorded(name).values()}.values()
    there = sum(bool(of.recorded(name)) for name in variants())
    seeds = sorted({each.experiment.seed for each in runs})
    hours = sum(each.result["seconds"] for each in runs) / 3600
    return (
        f"{len(runs)} runs of {there} variants, seeds {', '.join(map(str, seeds))}, "
        f"{hours:.1f} hours."
    )


def pool_table(every: Mapping[str, Evidence]) -> str:
    """The residual variance of AP on each set of pictures, for each detector."""
    lines = []
    for title, of in every.items():
        for base in dict.fromkeys(map(baseline_of, variants())):
            found = of.pool(base, "AP")
            if found is not None:
                between = "–" if not found.processors_freedom else percent(found.of_processors**0.5)
                p = spreads.chance_of_alike(of, base)
                alike = "–" if p != p else f"{p:.2f}"
                spread = percent(found.variance**0.5)
                lines.append([title, base, spread, str(found.freedom), alike, between])
    header = ["", "compared with", "standard deviation", "degrees of freedom", "all alike? p"]
    return page_table([*header, "between processors"], lines)
