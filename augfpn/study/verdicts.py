"""The ledger of the paper's claims as a Markdown table: each verdict with its evidence."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from augfpn.study import claims
from augfpn.study.cells import (
    effect_text,
    interval_text,
    objects_text,
    page_table,
    percent,
    ratio_text,
)
from augfpn.study.intervals import LEVEL
from augfpn.study.side_by_side import images_called

MOST_EFFECTS, SHOWN_EFFECTS = 4, 2  # of a claim: with more than four, only two are shown
PLURAL = {"holds": "hold", "does not hold": "do not hold"}
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


def ledger_beside(by_set: Mapping[str, Sequence[claims.Judgement]]) -> str:
    """The ledger of several sets of images: their verdicts side by side, their effects in turn.

    How many claims have each verdict, then a table for each group of claims.
    """
    names = {pictures: images_called(pictures) for pictures in by_set}
    counts = [
        [names[pictures], *(str(sum(each.verdict == v for each in rows)) for v in claims.VERDICTS)]
        for pictures, rows in by_set.items()
    ]
    lines: dict[str, list[tuple[str, ...]]] = {}  # by group
    for together in zip(*by_set.values(), strict=True):
        claim = together[0].claim
        found = dict(zip(names.values(), map(effects_text, together), strict=True))
        said = [f"{name.capitalize()}: {text}" for name, text in found.items() if text]
        lines.setdefault(claim.group, []).append(
            (
                claim.id,
                claim.statement,
                f"{claim.where} ({claim.source})",
                *(each.verdict for each in together),
                " ".join([*said, together[0].note]).strip(),
            )
        )
    header = ("", "claim", "in the paper", *names.values(), "effects, and the paper's")
    groups = [page_table(header, each) for each in lines.values()]
    return "\n\n".join([page_table(["claims by verdict", *claims.VERDICTS], counts), *groups])


def counts_table(rows: Sequence[claims.Judgement]) -> str:
    """How many claims of each source have each verdict."""
    counted = Counter((each.claim.source, each.verdict) for each in rows)
    of_source = Counter(each.claim.source for each in rows)
    lines = [
        [text, *(str(counted[source, v]) for v in claims.VERDICTS), str(of_source[source])]
        for source, text in SOURCES.items()
    ]
    every = Counter(each.verdict for each in rows)
    lines.append(["all", *(str(every[v]) for v in claims.VERDICTS), str(len(rows))])
    return page_table(["claims", *claims.VERDICTS, "all"], lines)


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
        shown = sorted(shown, key=lambda line: line.found.mean - line.margin)[:SHOWN_EFFECTS]
    if there:
        text.append("; ".join(map(line_text, shown)) + ".")
    return " ".join(text)


def deciding(there: Sequence[claims.Line]) -> tuple[str, list[claims.Line]]:
    """Of a claim's comparisons, those that its verdict follows from, and what they are.

    They are those that fail, or else those that keep the claim from holding, or else all.
    """
    share = 1 - (1 - LEVEL) / len(there)  # as in `augfpn.study.claims.of_lines`
    failing = [line for line in there if line.said(share) == "does not hold"]
    open_ = [line for line in there if line.said() != "holds"]
    if failing:
        return " that fail" if len(failing) > 1 else " that fails", failing
    return (" not shown to hold", open_) if open_ else ("", list(there))


def counts_text(verdicts: Iterable[str]) -> str:
    """How often each verdict occurs: "5 hold, 1 undecided"."""
    counted = Counter(verdicts)
    return ", ".join(count_text(counted[v], v) for v in claims.VERDICTS if v in counted)


def count_text(n: int, verdict: str) -> str:
    """A number of verdicts: "1 holds", "2 hold", "3 undecided"."""
    return f"{n} {verdict if n == 1 else PLURAL.get(verdict, verdict)}"


def line_text(of: claims.Line) -> str:
    """One effect of a claim beside the paper's; a ratio of times is not in percent."""
    if of.unit == "ratio":
        return f"{of.label}: {ratio_text(of.found)} ({of.printed:.2f})"
    paper_says = "" if of.printed is None else f" ({percent(of.printed / 100, sign=True)})"
    text = interval_text(of.found) if of.unit == "number" else effect_text(of.found)
    return f"{of.label}{objects_text(of.objects)}: {text}{paper_says}"
