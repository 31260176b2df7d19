"""Records to the study's tables and figures, and nothing but records: the same bytes each time.

    records --matches--> AP of every draw of pictures --statistics--> effects with intervals

Tables never mix budgets. An effect is a variant's number less that of FPN with the same detector,
over the seeds that both have, on the same pictures.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt

from augfpn import paper, plots, records, statistics, study, truth
from augfpn.compare import label_of
from augfpn.errors import UserError
from augfpn.matches import matches
from augfpn.statistics import Draws, Interval

BY_SIZE = ("APs", "APm", "APl")
LEAST_SEEDS = 2  # for an interval that says something of other seeds


@dataclass(frozen=True)
class Evidence:
    """What is recorded on one set of pictures at one budget."""

    pictures: str  # one of `study.SETS`
    budget: str
    found: study.Found
    number_of_draws: int = statistics.DRAWS
    scored: dict[str, Draws] = field(default_factory=dict)  # by record's id, as it is asked for
    truths: dict[str, dict] = field(default_factory=dict)  # by the pictures' fingerprint

    def recorded(self, variant: str) -> dict[int, records.Record]:
        """The records of a variant by seed."""
        seeds = range(max(study.SEEDS.values()))
        runs = (study.Run(variant, self.pictures, self.budget, seed) for seed in seeds)
        there = {run.seed: self.found.record(run) for run in runs}
        return {seed: record for seed, record in there.items() if record is not None}

    def of(self, variant: str) -> dict[int, Draws]:
        """AP on draws of pictures by seed; the draws are the same for every record."""
        return {seed: self.score(record) for seed, record in self.recorded(variant).items()}

    def score(self, record: records.Record) -> Draws:
        """AP of a record on its pictures and on draws of them, computed once."""
        if record.id not in self.scored:
            wanted = record.fingerprints["test"]
            if wanted not in self.truths:
                self.truths[wanted] = truth.truth_of(record)
            matched = matches(self.truths[wanted], record.predictions)
            self.scored[record.id] = statistics.drawn(matched, self.number_of_draws)
        return self.scored[record.id]

    def effects(self, a: str, b: str) -> dict[str, Interval]:
        """How much better a is than b, by number; empty where no seed has both."""
        of_a, of_b = self.of(a), self.of(b)
        both = sorted(of_a.keys() & of_b.keys())
        if not both:
            return {}
        return statistics.difference([of_a[seed] for seed in both], [of_b[seed] for seed in both])


class Row(NamedTuple):
    """A variant in a table: its own numbers and its effects, with the paper's."""

    variant: str
    label: str
    own: dict[str, Interval]  # by number; empty where nothing is recorded
    effect: dict[str, Interval]  # less FPN; empty for FPN, and where no seed has both
    printed: dict | None  # the paper's row
    base: dict | None  # the paper's FPN

    @property
    def seeds(self) -> int:
        """How many runs there are."""
        return self.own["AP"].seeds if self.own else 0

    @property
    def printed_effect(self) -> float | None:
        """The paper's difference in AP, in percent."""
        if self.printed is None or self.base is None or not self.effect_asked:
            return None
        return self.printed["AP"] - self.base["AP"]

    @property
    def effect_asked(self) -> bool:
        """Whether the variant is compared with another."""
        return self.variant != base_of(self.variant)


def base_of(variant: str) -> str:
    """The variant that another is compared with: FPN with the same detector."""
    detector, colon, _ = variant.rpartition(":")
    return f"{detector}{colon}fpn"


def row(variant: str, evidence: Evidence) -> Row:
    """One line of a table."""
    own, model = list(evidence.of(variant).values()), study.model_of(variant)
    found = paper.row_of(model)
    asked = variant != base_of(variant)
    return Row(
        variant=variant,
        label=label_of(model),
        own=statistics.single(own) if own else {},
        effect=evidence.effects(variant, base_of(variant)) if asked else {},
        printed=None if found is None else found[1],
        base=paper.base_row(model),
    )


# --- numbers to text ------------------------------------------------------------------------------


def percent(x: float | None, sign: bool = False) -> str:
    """A fraction as a percentage, to a tenth."""
    if x is None or x != x:
        return "–"
    text = f"{100 * x:+.1f}" if sign else f"{100 * x:.1f}"
    return text.replace("-", "−")


def effect_text(of: Interval | None) -> str:
    """An effect with its interval: "+1.2 [−0.3, +2.7]"; one seed's interval is of pictures only."""
    if of is None or of.mean != of.mean:
        return "–"
    limits = f"[{percent(of.low, sign=True)}, {percent(of.high, sign=True)}]"
    return f"{percent(of.mean, sign=True)} {limits}" + (" *" if of.seeds < LEAST_SEEDS else "")


def table(rows: Sequence[Row]) -> str:
    """A part's table in Markdown."""
    header = ["", "seeds", "AP", "less FPN", "better?", *(f"{n} less FPN" for n in BY_SIZE)]
    header += ["paper: AP", "less FPN"]
    lines = [header, ["---"] * len(header)]
    for each in rows:
        effect = each.effect.get("AP")
        printed = each.printed_effect
        lines.append(
            [
                each.label,
                str(each.seeds) if each.seeds else "not run",
                percent(each.own["AP"].mean) if each.own else "–",
                effect_text(effect) if each.effect_asked else "",
                statistics.verdict(effect) if effect else "",
                *(effect_text(each.effect.get(n)) if each.effect_asked else "" for n in BY_SIZE),
                f"{each.printed['AP']:.1f}" if each.printed else "–",
                "" if printed is None else percent(printed / 100, sign=True),
            ]
        )
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def matrix(part: study.Part, by_set: dict[str, Evidence]) -> str:
    """Effects on AP, a column for each set of pictures; in brackets on its dial's own classes."""
    lines = [["", *by_set], ["---"] * (1 + len(by_set))]
    for variant in part.variants[1:]:
        cells = []
        for evidence in by_set.values():
            effects = evidence.effects(variant, base_of(variant))
            cells.append(effect_text(effects.get("AP")))
        lines.append([label_of(study.model_of(variant)), *cells])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def planning(rows: Sequence[Row], seconds: float) -> str:
    """How many seeds would show the paper's effects, by the spread that these runs have."""
    lines = [["", "paper's effect", "spread between seeds", "seeds", "hours"], ["---"] * 5]
    for each in rows:
        effect, printed = each.effect.get("AP"), each.printed_effect
        if effect is None or effect.seeds < LEAST_SEEDS or not printed:
            continue
        spread = effect.of_seeds * effect.seeds**0.5
        needed = statistics.seeds_needed(spread, printed / 100)
        hours = 2 * needed * seconds / 3600
        wanted = percent(printed / 100, sign=True)
        lines.append([each.label, wanted, percent(spread), str(needed), f"{hours:.1f}"])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


# --- the whole report -----------------------------------------------------------------------------

ABOUT = """\
AP in percent. An effect is the mean over seeds of the difference to FPN trained with the same seed;
in brackets where the true effect lies with a probability of 95 %, for other seeds and other test
pictures of the same kind. A star marks a single run, whose interval is for other pictures only.
*Better?* says whether the interval is above zero ("holds"), below ("does not hold") or neither.
The paper's numbers are COCO's: they stand here for the direction and size of an effect."""


def write(
    names: Sequence[str],
    budget: str,
    sets: Sequence[str] | None,
    found: study.Found,
    out: Path,
) -> Path:
    """Write the tables and figures of some parts into a folder; returns the page that holds them.

    Raises ``UserError`` where no record of the budget is there, and for a folder that has files of
    another origin.
    """
    page = out / "index.md"
    if out.exists() and any(out.iterdir()) and not page.exists():
        raise UserError(f"{out} holds other files: give a new folder, or that of an old report.")
    evidence: dict[str, Evidence] = {}
    text = [f"# The study at the {budget} budget", ABOUT]
    out.mkdir(parents=True, exist_ok=True)
    for name in names:
        part = study.part(name)
        chosen = study.sets_of(part, budget, sets)
        here = {s: evidence.setdefault(s, Evidence(s, budget, found)) for s in chosen}
        here = {s: e for s, e in here.items() if any(map(e.recorded, part.variants))}
        if here:
            text += section(name, part, here, out)
    if not evidence or len(text) == len((text[0], ABOUT)):
        raise UserError(f"there are no records of the {budget} budget: `augfpn study run` first.")
    text += [sources(evidence, found)]
    records.write_bytes(page, ("\n\n".join(text) + "\n").encode())
    return page


def section(name: str, part: study.Part, here: dict[str, Evidence], out: Path) -> list[str]:
    """A part's tables and figures, as paragraphs."""
    text = [f"## {part.title}"]
    if name == "defects":
        return [*text, matrix(part, here)]
    for pictures, evidence in here.items():
        rows = [row(variant, evidence) for variant in part.variants]
        text += [f"### On {pictures}", table(rows)]
        shown = [each for each in rows if each.effect]
        if shown:
            file = out / f"{name}-{pictures}.svg"
            save(figure_of(shown), file)
            text.append(f"![Effects on AP, {part.title}, {pictures}]({file.name})")
        times = [r.result["seconds"] for v in part.variants for r in evidence.recorded(v).values()]
        plan = planning(rows, sum(times) / len(times))
        if plan.count("\n") > 1:
            text += [
                "Seeds that would show an effect of the paper's size in four of five tries:",
                plan,
            ]
    return text


def figure_of(rows: Sequence[Row]) -> plt.Figure:
    """Effects with intervals beside the paper's."""
    return plots.effects(
        [
            (each.label, *(100 * x for x in each.effect["AP"][:3]), each.printed_effect)
            for each in rows
        ]
    )


def save(figure: plt.Figure, file: Path) -> None:
    """Write a figure, the same bytes for the same figure."""
    partial = file.with_name(file.name + ".partial")
    with plt.rc_context(plots.STYLE):
        figure.savefig(partial, format="svg", metadata={"Date": None})
    partial.replace(file)


def sources(evidence: dict[str, Evidence], found: study.Found) -> str:
    """Which records this rests on, and what was found wrong with others."""
    used = {id_: None for each in evidence.values() for id_ in each.scored}
    there = [record for record in found.by_key.values() if record.id in used]
    lines = [["record", "AP", "seconds", "device", "commit"], ["---"] * 5]
    for record in sorted(there, key=lambda each: each.folder.name):
        machine = record.environment
        lines.append(
            [
                f"`{record.folder.name}`",
                percent(record.result["AP"]),
                f"{record.result['seconds']:.0f}",
                str(machine["device_name"]),
                str(machine["commit"]),
            ]
        )
    rows = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return "\n\n".join(["## The records", rows, *found.problems])
