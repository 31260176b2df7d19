"""Records to the study's tables and figures, and nothing but records: the same bytes each time.

    records --matches--> AP of every draw of pictures --statistics--> effects with intervals

Tables never mix budgets. An effect is a variant's number less that of FPN with the same detector,
over the seeds that both have, on the same pictures.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from augfpn import claims, paper, plots, recipes, records, statistics, study, truth
from augfpn.compare import label_of
from augfpn.data import dials
from augfpn.errors import UserError
from augfpn.matches import matches
from augfpn.notebook import Asked
from augfpn.statistics import FEWEST_SEEDS, Draws, Interval

Tell = Callable[[str], None]
ADDED = {"detail": dials.LINED, "context": dials.PILLS}  # classes that a dial adds
OF_DIAL = "AP of the dial's classes"
DETECTORS = {"retinanet": "RetinaNet", "fcos": "FCOS", "mask_rcnn": "Mask R-CNN"}
BY_SIZE = ("APs", "APm", "APl")


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
        if self.budget != "paper" and variant in recipes.recipes():
            return {}  # a whole recipe is of COCO and of the paper's size
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
            scored = statistics.drawn(matched, self.number_of_draws)
            if "mask" in record.result:
                matched = matches(self.truths[wanted], record.predictions, "segm")
                masks = statistics.drawn(matched, self.number_of_draws)
                scored = statistics.joined(scored, masks, "mask ")
            if self.pictures in ADDED:
                own = [f"AP of {name}" for name in ADDED[self.pictures]]
                scored = statistics.with_mean(scored, OF_DIAL, own)
            self.scored[record.id] = scored
        return self.scored[record.id]

    def combination(
        self, plus: Sequence[str], minus: Sequence[str], number: str
    ) -> Interval | None:
        """The sum of some variants' number less that of others; ``None`` where no seed has all."""
        signs = [(name, 1) for name in plus] + [(name, -1) for name in minus]
        of = {name: self.of(name) for name, _ in signs}
        seeds = sorted(set.intersection(*(set(each) for each in of.values())))
        sums = [
            statistics.signed_sum([(sign, of[name][seed]) for name, sign in signs], number)
            for seed in seeds
        ]
        return statistics.single(sums)[number] if sums else None

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


def evidence(name: str, asked: Asked, tell: Tell = print) -> Evidence:
    """What is recorded for a part, after its missing runs if they are asked for.

    Says what is there. Raises ``UserError`` for a part without such pictures.
    """
    wanted = study.runs([name], asked.budget, [asked.data])
    if not wanted:
        own = ", ".join(study.sets_of(study.part(name), asked.budget, None))
        raise UserError(f"data = {asked.data!r}: {name} at {asked.budget} has {own}.")
    folders = [asked.records, *records.COMMITTED]
    found = study.collect(folders)
    missing = [run for run in wanted if found.record(run) is None]
    if missing and asked.run:
        study.run_missing(missing, asked.records, asked.jobs, asked.data_root, tell)
        found = study.collect(folders)
    chosen = [name], asked.budget, [asked.data], None
    tell(study.status_text(study.status(*chosen, found), found))
    return Evidence(asked.data, asked.budget, found)


def evidence_by_dial(asked: Asked, tell: Tell = print) -> dict[str, Evidence]:
    """What is recorded for the defect matrix, by set of pictures; see `evidence`."""
    sets = study.sets_of(study.part("defects"), asked.budget, None)
    return {name: evidence("defects", replace(asked, data=name), tell) for name in sets}


def rows(name: str, of: Evidence) -> list[Row]:
    """A part's table on one set of pictures."""
    return [row(variant, of) for variant in study.part(name).variants]


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
        label=label(variant),
        own=statistics.single(own) if own else {},
        effect=evidence.effects(variant, base_of(variant)) if asked else {},
        printed=None if found is None else found[1],
        base=paper.base_row(model),
    )


def label(variant: str) -> str:
    """A variant in the paper's words, with its detector where it is not Faster R-CNN."""
    detector, _, _ = variant.rpartition(":")
    name = label_of(study.model_of(variant))
    return f"{DETECTORS[detector]}, {name}" if detector else name


# --- numbers to text ------------------------------------------------------------------------------


def percent(x: float | None, sign: bool = False) -> str:
    """A fraction as a percentage, to a tenth."""
    if x is None or x != x:
        return "–"
    text = f"{100 * x:+.1f}" if sign else f"{100 * x:.1f}"
    return text.replace("-", "−")


def effect_text(of: Interval | None) -> str:
    """An effect with its interval: "+1.2 [−0.3, +2.7]"; a star for too few seeds."""
    if of is None or of.mean != of.mean:
        return "–"
    limits = f"[{percent(of.low, sign=True)}, {percent(of.high, sign=True)}]"
    return f"{percent(of.mean, sign=True)} {limits}" + (" *" if of.seeds < FEWEST_SEEDS else "")


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


def matrix(by_set: dict[str, Evidence]) -> str:
    """The defect matrix: a component's effect on AP where each dial is turned up, and nowhere.

    For dials that add classes once more on these alone, which are what the dial is about.
    """
    columns = [(name, name, "AP") for name in by_set]
    columns += [
        (f"{name}: {' and '.join(ADDED[name])}", name, OF_DIAL) for name in ADDED if name in by_set
    ]
    lines = [["", *(title for title, _, _ in columns)], ["---"] * (1 + len(columns))]
    for variant in study.part("defects").variants[1:]:
        effects = {name: of.effects(variant, base_of(variant)) for name, of in by_set.items()}
        cells = [effect_text(effects[name].get(number)) for _, name, number in columns]
        lines.append([label(variant), *cells])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def ledger(rows: Sequence[claims.Row]) -> str:
    """The ledger in Markdown: verdicts, counted first, then claim by claim."""
    counted = Counter(each.verdict for each in rows)
    summary = ", ".join(f"{counted[v]} {v}" for v in claims.VERDICTS)
    lines = [["", "claim", "in the paper", "verdict", "effects, and the paper's"], ["---"] * 5]
    for each in rows:
        found = [line_text(line) for line in each.lines if line.found is not None]
        detail = "; ".join(found) or each.note
        claim = each.claim
        lines.append([claim.id, claim.statement, claim.where, each.verdict, detail])
    return summary + ".\n\n" + "\n".join("| " + " | ".join(line) + " |" for line in lines)


def line_text(of: claims.Line) -> str:
    """One effect of a claim beside the paper's."""
    paper_says = "" if of.printed is None else f" ({percent(of.printed / 100, sign=True)})"
    return f"{of.label}: {effect_text(of.found)}{paper_says}"


def planning(rows: Sequence[Row], seconds: float) -> str:
    """How many seeds would show the paper's effects, by the spread that these runs have."""
    lines = [["", "paper's effect", "spread between seeds", "seeds", "hours"], ["---"] * 5]
    for each in rows:
        effect, printed = each.effect.get("AP"), each.printed_effect
        if effect is None or effect.seeds < FEWEST_SEEDS or not printed:
            continue
        spread = effect.of_seeds * effect.seeds**0.5
        needed = statistics.seeds_needed(spread, printed / 100)
        hours = 2 * needed * seconds / 3600
        wanted = percent(printed / 100, sign=True)
        lines.append([each.label, wanted, percent(spread), str(needed), f"{hours:.1f}"])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def conclusion(rows: Sequence[Row], of: Evidence) -> str:
    """What a table shows, in a few sentences."""
    verdicts = {each.label: statistics.verdict(each.effect["AP"]) for each in rows if each.effect}
    if not verdicts:
        return f"Nothing is recorded on {of.pictures} at the {of.budget} budget."
    seeds = sorted({each.effect["AP"].seeds for each in rows if each.effect})
    said = {
        "holds": "better than FPN",
        "does not hold": "worse than FPN",
        "undecided": "undecided",
    }
    groups = [
        f"{text}: {', '.join(names)}"
        for verdict, text in said.items()
        if (names := [label for label, v in verdicts.items() if v == verdict])
    ]
    runs = " to ".join(map(str, dict.fromkeys((seeds[0], seeds[-1]))))
    return f"On {of.pictures}, {of.budget} budget, {runs} seed(s). " + "; ".join(groups) + "."


# --- the whole report -----------------------------------------------------------------------------

ABOUT = """\
AP in percent. An effect is the mean over seeds of the difference to FPN trained with the same seed;
in brackets where the true effect lies with a probability of 95 %, for other seeds and other test
pictures of the same kind. A star marks fewer than three seeds: too few for an interval to be
trusted, or for a verdict.
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
    if not any(record.experiment.budget == budget for record in found.by_key.values()):
        raise UserError(f"there are no records of the {budget} budget: `augfpn study run` first.")
    text = [f"# The study at the {budget} budget", ABOUT]
    out.mkdir(parents=True, exist_ok=True)
    for name in names:
        part = study.part(name)
        chosen = study.sets_of(part, budget, sets)
        here = {s: evidence.setdefault(s, Evidence(s, budget, found)) for s in chosen}
        here = {s: e for s, e in here.items() if any(map(e.recorded, part.variants))}
        if here:
            text += section(name, part, here, out)
    for each in (of for name, of in evidence.items() if name not in study.DIALS):
        text += [f"## The paper's claims, on {each.pictures}", ledger(claims.ledger(each))]
    text += [sources(evidence, found)]
    records.write_bytes(page, ("\n\n".join(text) + "\n").encode())
    return page


def section(name: str, part: study.Part, here: dict[str, Evidence], out: Path) -> list[str]:
    """A part's tables and figures, as paragraphs."""
    text = [f"## {part.title}"]
    if name == "defects":
        return [*text, matrix(here)]
    for pictures, evidence in here.items():
        lines = rows(name, evidence)
        text += [f"### On {pictures}", table(lines)]
        if figure := figure_of(lines):
            file = out / f"{name}-{pictures}.svg"
            save(figure, file)
            text.append(f"![Effects on AP, {part.title}, {pictures}]({file.name})")
        times = [r.result["seconds"] for v in part.variants for r in evidence.recorded(v).values()]
        plan = planning(lines, sum(times) / len(times))
        if plan.count("\n") > 1:
            text += [
                "Seeds that would show an effect of the paper's size in four of five tries:",
                plan,
            ]
    return text


def figure_of(rows: Sequence[Row]) -> Figure | None:
    """Effects with intervals beside the paper's; none where nothing is recorded."""
    shown = [
        (each.label, *(100 * x for x in each.effect["AP"][:3]), each.printed_effect)
        for each in rows
        if each.effect
    ]
    return plots.effects(shown) if shown else None


def save(figure: Figure, file: Path) -> None:
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
