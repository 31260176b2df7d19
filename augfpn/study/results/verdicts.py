"""The ledger of the paper's claims as a Markdown table: each verdict with its evidence."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from augfpn.diagnostics.numbers import MEASURED
from augfpn.figures.phases import CONFIRMATION
from augfpn.study.ledger import claims
from augfpn.study.ledger.freeze import with_precedence
from augfpn.study.results.mechanisms import UNITS, unit_of
from augfpn.study.results.side_by_side import images_called
from augfpn.study.tables import variant_label
from augfpn.study.uncertainty.cells import (
    effect_text,
    interval_text,
    objects_text,
    page_table,
    percent,
    ratio_text,
)
from augfpn.study.uncertainty.intervals import shared_level, terms_of
from augfpn.study.uncertainty.verdict_words import VERDICTS, ClaimVerdict

MOST_EFFECTS, SHOWN_EFFECTS = 4, 2  # of a claim: with more than four, only two are shown
NOT_RUN: ClaimVerdict = "not run"
ByClaim = Mapping[str, claims.Judgement]  # verdicts by the claim's id
PLURAL = {"holds": "hold", "does not hold": "do not hold"}  # of single effects
SOURCES: dict[claims.Source, str] = {
    "said": "said in the paper's text",
    "table": "in a table or figure of the paper",
    "derived": "derived by us from its tables",
}


def ledger_table(rows: Sequence[claims.Judgement]) -> str:
    """How many claims have each verdict, by where the paper has them, then claim by claim."""
    exact = [each.claim.id for each in rows if each.claim.kind == "exact"]
    free = f"{', '.join(exact)} need no run and are the same for all pictures.\n\n"
    lines = [
        (
            each.claim.id,
            each.claim.statement,
            f"{each.claim.where} ({each.claim.source})",
            each.verdict,
            evidence_text(each),
        )
        for each in rows
    ]
    header = ("", "claim", "in the paper", "verdict", "effects, and the paper's")
    return f"{counts_table(rows)}\n\n{free if exact else ''}{page_table(header, lines)}"


def ledger_beside(
    pilot: Mapping[str, Sequence[claims.Judgement]], again: Mapping[str, ByClaim]
) -> str:
    """The ledger of several sets of images: their verdicts side by side, their effects in turn.

    ``again`` has the claims of each set that the seeds that confirm have judged. First how many
    claims have each verdict, then a table for each group of claims, then the claims not run.
    """
    columns: dict[str, ByClaim] = {}
    counts: dict[str, Sequence[claims.Judgement]] = {}
    for pictures, rows in pilot.items():
        name, later = images_called(pictures), again[pictures]
        counts[name] = with_precedence(rows, later)
        if later:
            counts[f"{name}, pilot alone"] = rows
            columns[name + CONFIRMATION] = later
        columns[f"{name}, pilot"] = {row.claim.id: row for row in rows}
    groups: dict[str, list[claims.Claim]] = {}
    for claim in (row.claim for row in next(iter(pilot.values()))):
        is_run = any(claims_run([claim], column) for column in columns.values())
        groups.setdefault(claim.group if is_run else NOT_RUN, []).append(claim)
    last = [groups.pop(NOT_RUN)] if NOT_RUN in groups else []
    tables = [group_table(each, columns) for each in (*groups.values(), *last)]
    return "\n\n".join([verdict_counts(counts), *tables])


def verdict_counts(of: Mapping[str, Sequence[claims.Judgement]]) -> str:
    """How many claims have each verdict that occurs, a column for each title of ``of``."""
    counted = {title: Counter(row.verdict for row in rows) for title, rows in of.items()}
    lines = [
        [word, *(str(each[word]) for each in counted.values())]
        for word in VERDICTS
        if any(each[word] for each in counted.values())
    ]
    return page_table(["claims by verdict", *counted], lines)


def claims_run(group: Iterable[claims.Claim], column: ByClaim) -> list[claims.Judgement]:
    """The verdicts of a column on some claims, without those that were not run."""
    rows = (column[claim.id] for claim in group if claim.id in column)
    return [row for row in rows if row.verdict != NOT_RUN]


def group_table(group: Sequence[claims.Claim], columns: Mapping[str, ByClaim]) -> str:
    """The verdicts on a group of claims: a column for each set and phase that has run one."""
    shown = {title: column for title, column in columns.items() if claims_run(group, column)}
    notes = {name: row.note for column in columns.values() for name, row in column.items()}
    lines = []
    for claim in group:
        rows = {title: column.get(claim.id) for title, column in shown.items()}
        lines.append(
            (
                claim.id,
                f"{claim.statement} ({claim.where}, {claim.source})",
                *("–" if row is None else row.verdict + row.rider for row in rows.values()),
                short_evidence({title: x for title, x in rows.items() if x}, notes[claim.id]),
            )
        )
    last = "effect that decides, and the paper's" if shown else "note"
    return page_table(("", "claim", *shown, last), lines)


def short_evidence(rows: Mapping[str, claims.Judgement], note: str) -> str:
    """What decides the first verdict that has effects; all effects and the note are folded."""
    found = {title: effects_text(row) for title, row in rows.items()}
    said = [f"{title.capitalize()}: {text}" for title, text in found.items() if text]
    if not said:
        return note
    first = next(row for title, row in rows.items() if found[title])
    decide = deciding([line for line in first.lines if line.found is not None])[1]
    settled = first.verdict.removeprefix("probably ")
    alike = [line for line in decide if line.said() == settled]
    text = line_text(lowest(alike or decide)[0]) + "."
    if len(said) == 1 and said[0].endswith(f": {text}"):
        return f"{text} {note}".strip()
    head, body = "all effects" + ", note" * bool(note), " ".join([*said, note]).strip()
    return f"{text} <details><summary>{head}</summary>{body}</details>"


def counts_table(rows: Sequence[claims.Judgement]) -> str:
    """How many claims of each source have each verdict."""
    counted = Counter((each.claim.source, each.verdict) for each in rows)
    of_source = Counter(each.claim.source for each in rows)
    lines = [
        [text, *(str(counted[source, v]) for v in VERDICTS), str(of_source[source])]
        for source, text in SOURCES.items()
    ]
    every = Counter(each.verdict for each in rows)
    lines.append(["all", *(str(every[v]) for v in VERDICTS), str(len(rows))])
    return page_table(["claims", *VERDICTS, "all"], lines)


def evidence_text(row: claims.Judgement) -> str:
    """The evidence for a verdict: the claim's effects, and its note."""
    return " ".join([effects_text(row), row.note]).strip()


def effects_text(row: claims.Judgement) -> str:
    """A claim's effects; of many, the lowest of those that decide its verdict."""
    there = [line for line in row.lines if line.found is not None]
    shown, text = there, []
    if 0 < len(there) < len(row.lines):
        text.append(f"{len(there)} of {len(row.lines)} comparisons are run;")
    if len(there) > MOST_EFFECTS:
        what, shown = deciding(there)
        text.append(f"{counts_text(line.said() for line in there)}; the lowest{what}:")
        shown = lowest(shown)[:SHOWN_EFFECTS]
    if there:
        text.append("; ".join(map(line_text, shown)) + ".")
    return " ".join(text)


def lowest(of: Iterable[claims.Line]) -> list[claims.Line]:
    """Effects by how far they lie above their margin, the lowest first."""
    return sorted(of, key=lambda line: line.found.mean - line.margin)


def deciding(there: Sequence[claims.Line]) -> tuple[str, list[claims.Line]]:
    """Of a claim's comparisons, those that its verdict follows from, and what they are.

    They are those that fail, or else those that keep the claim from holding, or else all.
    """
    share = shared_level(len(there))  # as in `augfpn.study.ledger.claims.of_lines`
    failing = [line for line in there if line.said(share) == "does not hold"]
    open_ = [line for line in there if line.said() != "holds"]
    if failing:
        return " that fail" if len(failing) > 1 else " that fails", failing
    return (" not shown to hold", open_) if open_ else ("", list(there))


def counts_text(verdicts: Iterable[str]) -> str:
    """How often each verdict occurs: "5 hold, 1 undecided"."""
    counted = Counter(verdicts)
    return ", ".join(count_text(counted[v], v) for v in VERDICTS if v in counted)


def count_text(n: int, verdict: str) -> str:
    """A number of verdicts: "1 holds", "2 hold", "3 undecided"."""
    return f"{n} {verdict if n == 1 else PLURAL.get(verdict, verdict)}"


def line_text(of: claims.Line) -> str:
    """One effect of a claim, with its wider interval if it has two, beside the paper's.

    A ratio of times is not in percent.
    """
    of = of._replace(label=label_in_words(of.label))
    if of.unit == "ratio":
        return f"{of.label}: {ratio_text(of.found)} ({of.printed:.2f})"
    paper_says = "" if of.printed is None else f" ({percent(of.printed / 100, sign=True)})"
    single = of.unit == "number" and " minus " not in of.label
    text = interval_text(of.found) if single else effect_text(of.wide or of.found)
    return f"{of.label}{objects_text(of.objects)}: {text}{measured_in(of)}{paper_says}"


def measured_in(of: claims.Line) -> str:
    """The unit of an effect that was measured inside detectors; nothing of an AP, in points."""
    number = of.label.partition(", ")[2]
    if terms_of(number)[0][1] not in MEASURED or of.found is None:
        return ""
    unit = unit_of(number, difference=of.unit == "difference")
    return f" ({unit})" if unit == UNITS["alike"] else f" {unit}"


def label_in_words(label: str) -> str:
    """The label of an effect with its variants as the pages call them: "CS + RFA − CS, AP"."""
    sides, comma, number = label.partition(", ")
    known = set(claims.claimed_variants())
    names = [variant_in_words(name) if name in known else name for name in sides.split(" − ")]
    return f"{' − '.join(names)}{comma}{number}"


def variant_in_words(variant: str) -> str:
    """A variant as the tables call it, and its detector without a comma: "RetinaNet AugFPN"."""
    label = variant_label(variant)
    return label.replace(", ", " ", 1) if ":" in variant else label
