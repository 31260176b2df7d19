"""The study's page, made from records alone: the same records give the same bytes.

Tables never mix budgets.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path

from matplotlib.figure import Figure

from augfpn.errors import UserError
from augfpn.figures import theme
from augfpn.study import gates, spreads, tables
from augfpn.study.evidence import TITLE_ENDS, Evidence, of_phase
from augfpn.study.factorial import factorial_table
from augfpn.study.ledger import claims
from augfpn.study.results import against, defects, mechanisms, verdicts
from augfpn.study.results.summary import summary
from augfpn.study.running import grid
from augfpn.study.running.recorded import Found
from augfpn.study.running.sets import PLAIN_SETS
from augfpn.study.running.workers import scoring_processes
from augfpn.study.uncertainty.cells import page_table, percent
from augfpn.study.uncertainty.kept_scores import is_scored
from augfpn.support.files import check_writable, whole, write_bytes

PAGE = "index.md"
TITLE = "# The study at the"  # ... budget: what each report begins with
GAP_FIGURE, LEVEL_FIGURE = "gap", "level"  # the other figures are named as their part
ABOUT_EFFECTS = """\
AP in percent. An effect is the difference to FPN trained with the same seed, averaged over seeds.
Brackets contain its 95 % interval, for other seeds and other test pictures of the same kind: of a
hundred such studies, 95 have an interval that contains the true effect. A star marks fewer than
three seeds, which are too few for a verdict. The *verdict* is "better than FPN" if the interval
lies above zero, and "worse than FPN" if it lies below. If it contains zero, the effect may be known
to be "within 1 AP of zero" (the 90 % interval lies there) or "below the paper's gain"
(that interval lies below the paper's effect); otherwise it is "undecided".
*Runs better*: in how many pairs of one of its runs and one of FPN's the former has the higher AP.
The paper's numbers are from COCO: compare the direction and size of effects, not the AP; Tables 1
to 5 are the paper's. *Sum* and *max* are fusions without weights; *channel weights* are its
Adaptive Channel Fusion."""
ABOUT_PLANNING = """\
*Seeds*: if an effect is as large as the paper's, four of five studies with so many seeds find it on
these pictures. The standard deviation between seeds is that of the difference of two runs: first of
this row's own differences alone, then of all rows together; so are the degrees of freedom in such a
study. *h*: the hours to train both variants with all these seeds on one core of this kind. *More
images*: no number of seeds is enough, because the test images are too few."""
ABOUT_FACTORS = """\
The same runs as an experiment with three components, each on or off. A component's effect is the
mean of with minus without, over all combinations of the others. An interaction (x) of two is half
the difference of one's effect with and without the other."""
ABOUT_ERRORS = """\
What each kind of error costs, in points of AP50: a smaller number is better. Brackets contain the
difference to FPN, and its interval for other seeds on the same pictures."""
ABOUT_MINUS_PLAIN = """\
How much larger an effect is with a dial turned up than on plain scenes, with an interval of its
own. Bold: the dial of the defect that the component should mend."""


def write_page(
    names: Sequence[str],
    budget: str,
    sets: Sequence[str] | None,
    found: Found,
    out: Path,
    timings: Sequence[dict] = (),
) -> Path:
    """Write the tables and figures of some parts into a folder; returns the page that shows them.

    ``timings`` are those of `augfpn.study.timing` at this budget. Figures of an old report that
    the new one lacks are removed. Raises ``UserError`` if no part has one of the picture sets, if
    there is no record of the budget, and for a folder that has other files or cannot be written to.
    """
    grid.check_pictures(names, budget, sets)
    check_place(out)
    if not any(record.experiment.budget == budget for record in found.by_key.values()):
        raise UserError(f"there are no records of the {budget} budget: run `augfpn study run`.")
    found = found.readable(known=is_scored)
    out.mkdir(parents=True, exist_ok=True)
    every = prepared(names, budget, sets, found, timings)
    plain = {t: of for t, of in every.items() if of.pictures in PLAIN_SETS and of.scored}
    text = [f"{TITLE} {budget} budget", *summary(budget, plain, every), "## Effects", ABOUT_EFFECTS]
    for name in names:
        text += part_section(name, budget, sets, every, out)
    if timings:
        text += ["## Run time", tables.run_times(timings)]
    for title, of in plain.items():
        text += [f"## The paper's claims, on {title}, {budget} budget"]
        text += [verdicts.ledger_table(spreads.by_both_intervals(of, claims.ledger(of)))]
    text += [sources(every, found)]
    page, content = out / PAGE, "\n\n".join(text) + "\n"
    write_bytes(page, content.encode())
    remove_older(out, content)
    return page


def check_place(out: Path) -> None:
    """Raise ``UserError`` for a folder that cannot be written to, and for one with other files."""
    check_writable(out)
    page = out / PAGE
    old = page.is_file() and page.read_bytes().startswith(TITLE.encode())
    if out.exists() and any(out.iterdir()) and not old:
        raise UserError(f"{out} has other files: give a new folder, or that of an old report.")


def remove_older(out: Path, page: str) -> None:
    """Remove the figures of an old report that a page does not refer to."""
    for figure in (*grid.parts(), GAP_FIGURE, LEVEL_FIGURE):
        for pictures, end in product(grid.SETS, TITLE_ENDS):
            file = figure_file(out, figure, pictures + end)
            if f"]({file.name})" not in page:
                file.unlink(missing_ok=True)


# --- scoring --------------------------------------------------------------------------------------


def prepared(
    names: Sequence[str],
    budget: str,
    sets: Sequence[str] | None,
    found: Found,
    timings: Sequence[dict],
) -> dict[str, Evidence]:
    """The evidence on each picture set that the parts use; all its records are scored.

    The seeds that confirm have an entry of their own, "scenes, confirmation".
    """
    variants: dict[str, dict[str, None]] = {}
    for part in map(grid.part, names):
        for pictures in grid.sets_of(part, budget, sets):
            variants.setdefault(pictures, {}).update(dict.fromkeys(part.variants))
    phases = dict(zip(TITLE_ENDS, map(found.among, ("pilot", "confirmation")), strict=True))
    every = {
        s + end: Evidence(s, budget, some, timings=timings)
        for s in variants
        for end, some in phases.items()
        if some.by_key or not end
    }
    for pictures, wanted in variants.items():
        if pictures in PLAIN_SETS:
            wanted.update(dict.fromkeys(claims.claimed_variants()))
    # A thread for each set: scenes are drawn for one while another's records are being scored.
    with scoring_processes() as pool, ThreadPoolExecutor(len(every)) as threads:
        by_pool = partial(pool.map, chunksize=4)
        done = [threads.submit(of.prepare, variants[of.pictures], by_pool) for of in every.values()]
        for each in done:
            each.result()
    return every


# --- sections -------------------------------------------------------------------------------------


def part_section(
    name: str, budget: str, sets: Sequence[str] | None, every: dict[str, Evidence], out: Path
) -> list[str]:
    """A part's title, tables and figures, as paragraphs; for missing runs, their command."""
    part = grid.part(name)
    chosen = grid.sets_of(part, budget, sets)
    if not chosen:
        return []
    here = {
        title: of
        for title, of in every.items()
        if of.pictures in chosen and any(map(of.recorded, part.variants))
    }
    text = [f"## {part.title}"]
    if name in grid.PARTS_OF_DIALS:
        return [*text, *gates.section(name, every)]
    if name == "defects":
        for end in TITLE_ENDS:
            text += matrix_tables(of_phase(here, end))
    else:
        write_one = {"figure4": level_shares, "mechanisms": defects_measured}.get(name, comparison)
        for title, evidence in here.items():
            known = tables.pictures_sentence(part.variants, evidence)
            text += [f"### On {title}", known, *write_one(name, title, evidence, out)]
    there = {of.pictures for of in here.values()}
    for pictures in (s for s in chosen if s not in there):
        text += not_run(name, pictures, budget)
    return text


def not_run(name: str, pictures: str, budget: str) -> list[str]:
    """A paragraph: the part is not run yet on these pictures, and this command runs it."""
    command = f"augfpn study run {name} --pictures {pictures} --budget {budget}"
    line = f"Not run yet on {pictures} at the {budget} budget: `{command}` runs it."
    return [f"### On {pictures}", line]


def matrix_tables(here: dict[str, Evidence]) -> list[str]:
    """The defect matrix, and how it differs from plain scenes."""
    text = [defects.defect_matrix(here)] if here else []
    if defects.PLAIN in here and len(here) > 1:
        text += [ABOUT_MINUS_PLAIN, defects.matrix_minus_plain(here)]
    return text


def comparison(name: str, title: str, of: Evidence, out: Path) -> list[str]:
    """A table of the paper: variants beside FPN, a figure, and how many seeds would be needed."""
    rows = tables.variant_rows(name, of)
    caption = f"Effects on AP, {grid.part(name).title}, {title}"
    figure = tables.effects_figure(rows)
    text = [
        tables.effects_table(rows),
        *figure_link(figure, figure_file(out, name, title), caption),
        "All numbers with their intervals:",
        tables.numbers_table(rows),
    ]
    plan = spreads.planning_table(rows, tables.median_seconds(name, of))
    if plan:
        text += [ABOUT_PLANNING, plan]
    if name in ("controls", "tuned"):
        text += [against.against_controls(of)]
    if name == "table2":
        factors = factorial_table(of)
        text += [ABOUT_FACTORS, factors] if factors else []
        text += [ABOUT_ERRORS, mechanisms.errors_table(of)]
    return text


def defects_measured(name: str, where: str, of: Evidence, out: Path) -> list[str]:
    """The measurements of the three defects, as paragraphs."""
    text = [mechanisms.ABOUT_NUMBERS]
    for title, about, numbers in (
        ("The semantic gap between the levels of M", mechanisms.ABOUT_GAP, mechanisms.GAP_NUMBERS),
        ("Loss at the top level", mechanisms.ABOUT_TOP, mechanisms.TOP_NUMBERS),
        (
            "Assignment of RoIs to levels",
            mechanisms.ABOUT_ASSIGNMENT,
            mechanisms.ASSIGNMENT_NUMBERS,
        ),
    ):
        table = mechanisms.measured_table(of, numbers, grid.part(name).variants)
        text += [f"#### {title}", about, table]
    for draw, file, title in (
        (mechanisms.gap_figure, GAP_FIGURE, "A probe of M on other levels"),
        (mechanisms.level_figure, LEVEL_FIGURE, "Levels by rule and choice"),
    ):
        text += figure_link(draw(of), figure_file(out, file, where), f"{title}, {where}")
    return text


def level_shares(name: str, title: str, of: Evidence, out: Path) -> list[str]:
    """Figure 4 and its numbers."""
    figure, part = mechanisms.mixture_figure(of), grid.part(name)
    return [
        mechanisms.ABOUT_SHARES,
        mechanisms.shares_table(of, part.variants),
        mechanisms.shares_sentence(of, part.variants),
        *figure_link(figure, figure_file(out, name, title), f"{part.title}, {title}"),
    ]


def sources(every: dict[str, Evidence], found: Found) -> str:
    """The records that this report uses, and what is wrong with the others."""
    used = {id_ for each in every.values() for id_ in each.scored}
    there = [record for record in found.by_key.values() if record.id in used]
    lines = [
        [
            f"`{record.folder.name}`",
            percent(record.result["AP"]),
            f"{record.result['seconds']:.0f}",
            str(record.environment["device_name"]),
            str(record.environment["commit"]),
        ]
        for record in sorted(there, key=lambda each: each.folder.name)
    ]
    table = page_table(["record", "AP", "seconds", "device", "commit"], lines)
    return "\n\n".join(["## The records", table, *found.problems])


def figure_file(out: Path, name: str, title: str) -> Path:
    """A figure's file: "table2-scenes.svg", "table2-scenes-confirmation.svg"."""
    return out / f"{name}-{title.replace(', ', '-')}.svg"


def figure_link(figure: Figure | None, file: Path, title: str) -> list[str]:
    """Save a figure, if there is one, and refer to it."""
    if figure is None:
        return []
    with whole(file) as unfinished:
        theme.write_svg(figure, unfinished)
    return [f"![{title}]({file.name})"]
