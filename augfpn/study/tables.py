"""What is recorded, as tables in Markdown: variants with effects beside the paper's, the ledger."""

import re
from collections import Counter
from collections.abc import Sequence
from statistics import mean, median
from typing import NamedTuple

from matplotlib.figure import Figure

from augfpn.cli import doctor
from augfpn.figures import plots
from augfpn.settings import paper, recipes
from augfpn.study import claims, grid, intervals, runtime
from augfpn.study.evidence import ADDED, OF_DIAL, Evidence, base_of, paired
from augfpn.study.intervals import FEWEST_SEEDS, Interval
from augfpn.study.one_run import label_of

DETECTORS = {"retinanet": "RetinaNet", "fcos": "FCOS", "mask_rcnn": "Mask R-CNN"}
MOST_EFFECTS, SHOWN_EFFECTS = 4, 2  # of a claim: with more, only some are shown
BY_SIZE = ("APs", "APm", "APl")
PLAIN = "scenes"  # no dial turned up
IN_BRACKETS = re.compile(r"\[[^][]*\]")


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


def rows(name: str, of: Evidence) -> list[Row]:
    """A part's table on one set of pictures."""
    return [row(variant, of) for variant in grid.part(name).variants]


def row(variant: str, evidence: Evidence) -> Row:
    """One line of a table."""
    own, model = list(evidence.of(variant).values()), grid.model_of(variant)
    epochs = grid.words_of(variant).get("epochs")  # of a whole recipe: 12 or 24
    found = paper.row_of(model, epochs)
    asked = variant != base_of(variant)
    return Row(
        variant=variant,
        label=label(variant),
        own=intervals.single(own) if own else {},
        effect=evidence.effects(variant, base_of(variant)) if asked else {},
        printed=None if found is None else found[1],
        base=paper.base_row(model, epochs),
    )


def label(variant: str) -> str:
    """A variant in the paper's words, with its detector where it is not Faster R-CNN; a whole
    recipe by its name.
    """
    if variant in recipes.recipes():
        return variant
    detector, _, _ = variant.rpartition(":")
    name = label_of(grid.model_of(variant))
    return f"{DETECTORS[detector]}, {name}" if detector else name


def pictures(variants: Sequence[str], of: Evidence) -> str:
    """What some variants were trained and tested on: pictures, steps, objects by COCO's sizes."""
    record = next(record for v in variants for record in of.recorded(v).values())
    many, train = record.result["pictures"], record.experiment.train
    areas = [x["area"] for x in of.truth(record)["annotations"] if not x["iscrowd"]]
    small, medium, large = doctor.sizes(areas)
    return (
        f"{record.result['steps']} steps of {train.batch} of {many['train']} pictures; tested on "
        f"{many['test']} with {len(areas)} objects, of which {small} are small (below 32² px), "
        f"{medium} medium and {large} large (from 96² px on)."
    )


# --- numbers to text ------------------------------------------------------------------------------


def percent(x: float | None, sign: bool = False) -> str:
    """A fraction as a percentage, to a tenth."""
    if x is None or x != x:
        return "–"
    tenths = round(100 * x, 1) + 0.0  # no minus before zero
    text = f"{tenths:+.1f}" if sign and tenths else f"{tenths:.1f}"
    return text.replace("-", "−")


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, the header first; no line is broken inside an interval."""
    text = [f"| {' | '.join(line)} |" for line in lines]
    head, *body = (IN_BRACKETS.sub(lambda x: x[0].replace(" ", "\u00a0"), each) for each in text)
    return "\n".join([head, "|" + " --- |" * len(lines[0]), *body])


def effect_text(of: Interval | None) -> str:
    """An effect with its interval: "+1.2 [−0.3, +2.7]"; a star for too few seeds."""
    if of is None or of.mean != of.mean:
        return "–"
    limits = f"[{percent(of.low, sign=True)}, {percent(of.high, sign=True)}]"
    return f"{percent(of.mean, sign=True)} {limits}" + (" *" if of.seeds < FEWEST_SEEDS else "")


def table(rows: Sequence[Row]) -> str:
    """A part's table in Markdown; with the masks' AP where the paper has some."""
    masks = any(each.printed and each.printed.get("mask") for each in rows)
    header = ["", "seeds", "AP", "less FPN", "better?", "paper: AP", "paper: less FPN"]
    header += ["mask AP", "mask AP less FPN", "paper: mask AP"] * masks
    lines = [header + [f"{n} less FPN" for n in BY_SIZE]]
    for each in rows:
        effect = each.effect.get("AP")
        printed = each.printed_effect
        lines.append(
            [
                each.label,
                str(each.seeds) if each.seeds else "not run",
                percent(each.own["AP"].mean) if each.own else "–",
                effect_text(effect) if each.effect_asked else "",
                intervals.verdict(effect) if effect else "",
                f"{each.printed['AP']:.1f}" if each.printed else "–",
                "" if printed is None else percent(printed / 100, sign=True),
                *(mask_cells(each) if masks else ()),
                *(effect_text(each.effect.get(n)) if each.effect_asked else "" for n in BY_SIZE),
            ]
        )
    return markdown(lines)


def mask_cells(row: Row) -> tuple[str, str, str]:
    """A variant's AP of masks, its effect and the paper's; empty for detectors without masks."""
    own, printed = row.own.get("mask AP"), (row.printed or {}).get("mask")
    return (
        percent(own.mean) if own else "",
        effect_text(row.effect["mask AP"]) if "mask AP" in row.effect else "",
        f"{printed['AP']:.1f}" if printed else "",
    )


def numbers(rows: Sequence[Row]) -> str:
    """All of COCO's AP numbers of a part's variants with their intervals, in Markdown."""
    lines = [["", *paper.NUMBERS]]
    lines += [
        [each.label, *(interval_text(each.own.get(name)) for name in paper.NUMBERS)]
        for each in rows
        if each.own
    ]
    return markdown(lines)


def interval_text(of: Interval | None) -> str:
    """A number with its interval: "48.7 [46.9, 50.5]"; a star for too few seeds."""
    if of is None or of.mean != of.mean:
        return "–"
    star = " *" if of.seeds < FEWEST_SEEDS else ""
    return f"{percent(of.mean)} [{percent(of.low)}, {percent(of.high)}]{star}"


def matrix(by_set: dict[str, Evidence]) -> str:
    """The defect matrix: a component's effect on AP where each dial is turned up, and nowhere.

    For dials that add classes once more on these alone, which are what the dial is about.
    """
    columns = [(name, name, "AP") for name in by_set]
    columns += [
        (f"{name}: {' and '.join(ADDED[name])}", name, OF_DIAL) for name in ADDED if name in by_set
    ]
    lines = [["", *(title for title, _, _ in columns)]]
    for variant in grid.part("defects").variants[1:]:
        effects = {name: of.effects(variant, base_of(variant)) for name, of in by_set.items()}
        cells = [effect_text(effects[name].get(number)) for _, name, number in columns]
        lines.append([label(variant), *cells])
    return markdown(lines)


def matrix_less_plain(by_set: dict[str, Evidence]) -> str:
    """How much larger a component's effect on AP is where a dial is turned up than on plain scenes.

    This is the matrix's question: a difference of two effects, with an interval of its own. Bold
    where the dial is the component's own.
    """
    dials = [name for name in grid.DIALS if name in by_set]
    lines = [["", *(f"{name} less {PLAIN}" for name in dials)]]
    for variant in grid.part("defects").variants[1:]:
        cells = {d: effect_text(turned_up(by_set[d], by_set[PLAIN], variant)) for d in dials}
        own = grid.OWN_DIAL.get(variant)
        if own in cells:
            cells[own] = f"**{cells[own]}**"
        lines.append([label(variant), *cells.values()])
    return markdown(lines)


def turned_up(there: Evidence, plain: Evidence, variant: str) -> Interval | None:
    """How much larger an effect on AP is there than on plain scenes; ``None`` without a seed."""
    effects = (each.apart(variant, base_of(variant)) for each in (there, plain))
    more = list(paired(*effects).values())
    return intervals.single(more)["AP"] if more else None


def ledger(rows: Sequence[claims.Row]) -> str:
    """The ledger in Markdown: verdicts, counted first, then claim by claim."""
    counted = Counter(each.verdict for each in rows)
    summary = ", ".join(f"{counted[v]} {v}" for v in claims.VERDICTS)
    exact = [each.claim.id for each in rows if each.claim.kind == "exact"]
    if exact:
        summary += f". {', '.join(exact)} need no run and are the same for all pictures"
    lines = [["", "claim", "in the paper", "verdict", "effects, and the paper's"]]
    for each in rows:
        claim, detail = each.claim, evidence_text(each)
        lines.append([claim.id, claim.statement, claim.where, each.verdict, detail])
    return summary + ".\n\n" + markdown(lines)


def evidence_text(row: claims.Row) -> str:
    """What a verdict rests on: a claim's effects, of many only the worst, and the claim's note."""
    there = [line for line in row.lines if line.found is not None]
    shown, text = there, []
    if 0 < len(there) < len(row.lines):
        text.append(f"{len(there)} of {len(row.lines)} comparisons are run;")
    if len(there) > MOST_EFFECTS:
        said = Counter(line.said() for line in there)
        text.append(", ".join(f"{n} {v}" for v, n in sorted(said.items())) + "; the lowest:")
        shown = sorted(there, key=lambda line: line.found.high - line.margin)[:SHOWN_EFFECTS]
    if there:
        text.append("; ".join(map(line_text, shown)) + ".")
    return " ".join([*text, row.note]).strip()


def line_text(of: claims.Line) -> str:
    """One effect of a claim beside the paper's; ratios of times as they are."""
    if of.unit == "ratio":
        return f"{of.label}: {ratio_text(of.found)} ({of.printed:.2f})"
    paper_says = "" if of.printed is None else f" ({percent(of.printed / 100, sign=True)})"
    text = interval_text(of.found) if of.unit == "number" else effect_text(of.found)
    return f"{of.label}: {text}{paper_says}"


def planning(rows: Sequence[Row], seconds: dict[str, float]) -> str:
    """How many seeds would show the paper's effects, by the spread that these runs have.

    Of three seeds a spread is hardly known: all rows' are put together. What other pictures would
    change is each row's own. ``seconds`` is how long a run of a variant takes.
    """
    known = [
        (each, each.effect["AP"], printed)
        for each in rows
        if (printed := each.printed_effect)
        and each.effect
        and each.effect["AP"].seeds >= FEWEST_SEEDS
    ]
    lines = [["", "paper's effect", "spread between seeds", "of pictures", "seeds", "hours"]]
    if not known:
        return markdown(lines)
    together = mean(spread_of(effect) ** 2 for _, effect, _ in known) ** 0.5
    for each, effect, printed in known:
        needed = intervals.seeds_needed(together, printed / 100, effect.of_pictures)
        pair = seconds[each.variant] + seconds[base_of(each.variant)]
        lines.append(
            [
                each.label,
                percent(printed / 100, sign=True),
                percent(spread_of(effect)),
                percent(effect.of_pictures),
                "more pictures" if needed is None else str(needed),
                "–" if needed is None else f"{needed * pair / 3600:.1f}",
            ]
        )
    return markdown(lines)


def spread_of(effect: Interval) -> float:
    """The standard deviation of an effect between seeds."""
    return effect.of_seeds * effect.seeds**0.5


def seconds(name: str, of: Evidence) -> dict[str, float]:
    """How long the runs of a part's variants took, the median of each that has some."""
    there = {variant: of.recorded(variant).values() for variant in grid.part(name).variants}
    return {v: median(r.result["seconds"] for r in runs) for v, runs in there.items() if runs}


def conclusion(rows: Sequence[Row], of: Evidence) -> str:
    """What a table shows, in a few sentences."""
    verdicts = {each.label: intervals.verdict(each.effect["AP"]) for each in rows if each.effect}
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


def figure(rows: Sequence[Row]) -> Figure | None:
    """Effects with intervals beside the paper's; none where nothing is recorded."""
    shown = [
        (each.label, *(100 * x for x in each.effect["AP"][:3]), each.printed_effect)
        for each in rows
        if each.effect
    ]
    return plots.effects(shown) if shown else None


# --- run time -------------------------------------------------------------------------------------


def run_times(timings: Sequence[dict]) -> str:
    """All measurements of `augfpn.study.runtime` beside the paper's, in Markdown."""
    lines = [["device", "budget", "", "FPN, s", "AugFPN, s", "times as long", "paper"]]
    for each in timings:
        device, budget = each["environment"]["device_name"], each["budget"]
        names = {"training": f"step, {each['batch']} pictures", "testing": "test picture"}
        for use, printed in paper.times_as_long().items():
            middle = [
                f"{median(x):.3g}" for x in (each["seconds"][use][v] for v in runtime.VARIANTS)
            ]
            ratio = ratio_text(runtime.times_as_long(each, use))
            lines.append([device, budget, names[use], *middle, ratio, f"{printed:.2f}"])
    return markdown(lines)


def ratio_text(of: Interval) -> str:
    """How many times as long, with its interval: "1.22 [1.18, 1.26]"."""
    return f"{of.mean:.2f} [{of.low:.2f}, {of.high:.2f}]"
