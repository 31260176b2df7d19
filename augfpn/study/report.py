"""Records to the study's page, and nothing but records: the same bytes each time.

Tables never mix budgets.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits

from augfpn.errors import UserError
from augfpn.figures import plots
from augfpn.study import claims, grid, mechanisms, tables
from augfpn.study.evidence import Evidence
from augfpn.support.files import check_writable, whole, write_bytes

PAGE = "index.md"
TITLE = "# The study at the"  # ... budget: what each report begins with
GAP, LEVEL = "gap", "level"  # figures; others are named as their part
ABOUT = """\
AP in percent. An effect is the mean over seeds of the difference to FPN trained with the same seed;
in brackets its interval at 95 %, for other seeds and other test pictures of the same kind: of a
hundred such studies 95 have the true effect in theirs. A star marks fewer than three seeds: too few
for an interval to be trusted, or for a verdict; with one, it is for other pictures only.
*Better?* says whether the interval is above zero ("holds"), below ("does not hold") or neither.
The paper's numbers are COCO's: they stand here for the direction and size of an effect. Variants
have the names that `augfpn study` knows: *gap*, *gmp* and *psp* are global average, global max and
pyramid pooling, *acf* is the fusion by channel, *sum* and *max* those without weights."""
PLAN = """\
Seeds with which four of five studies would find an effect of the paper's size on these pictures, if
it is there, by the spread of all rows together; hours of training both variants on one core of this
kind. *More pictures*: no number of seeds is enough, the test pictures are too few."""
ERRORS = """\
What each kind of error costs, in points of AP50: less is better. In brackets the interval of the
difference to FPN for other seeds on these same pictures."""
LESS_PLAIN = """\
How much larger an effect is there than on plain scenes, with an interval of its own; in bold the
dial of the defect that the component is to mend."""


def write(
    names: Sequence[str],
    budget: str,
    sets: Sequence[str] | None,
    found: grid.Found,
    out: Path,
    timings: Sequence[dict] = (),
) -> Path:
    """Write the tables and figures of some parts into a folder; returns the page that holds them.

    ``timings`` are those of `augfpn.study.runtime` at this budget. Raises ``UserError`` where no part has
    such pictures or no record of the budget is there, and for a folder with other files or that
    cannot be written to. An old report's figures that this one does not have are removed.
    """
    grid.check_pictures(names, budget, sets)
    check_place(out)
    if not any(record.experiment.budget == budget for record in found.by_key.values()):
        raise UserError(f"there are no records of the {budget} budget: `augfpn study run` first.")
    found, text = found.readable(), [f"{TITLE} {budget} budget", ABOUT]
    out.mkdir(parents=True, exist_ok=True)
    every = prepared(names, budget, sets, found, timings)
    for name in names:
        part = grid.part(name)
        chosen = grid.sets_of(part, budget, sets)
        here = {s: every[s] for s in chosen if any(map(every[s].recorded, part.variants))}
        if here:
            text += section(name, part, here, out)
        elif chosen:
            text += [f"## {part.title}"]
        for pictures in (s for s in chosen if s not in here):
            text += not_run(name, pictures, budget)
    if timings:
        text += ["## Run time", tables.run_times(timings)]
    for each in (of for name, of in every.items() if name not in grid.DIALS):
        if each.scored:
            ledger = tables.ledger(claims.ledger(each))
            text += [f"## The paper's claims, on {each.pictures}, {budget} budget", ledger]
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
        raise UserError(f"{out} holds other files: give a new folder, or that of an old report.")


def remove_older(out: Path, page: str) -> None:
    """Remove the figures of an old report that a page does not refer to."""
    for figure in (*grid.parts(), GAP, LEVEL):
        for pictures in grid.SETS:
            file = out / f"{figure}-{pictures}.svg"
            if f"]({file.name})" not in page:
                file.unlink(missing_ok=True)


def prepared(
    names: Sequence[str],
    budget: str,
    sets: Sequence[str] | None,
    found: grid.Found,
    timings: Sequence[dict],
) -> dict[str, Evidence]:
    """What is recorded on each set of pictures that some parts have, all of it scored."""
    variants: dict[str, dict[str, None]] = {}
    for part in map(grid.part, names):
        for pictures in grid.sets_of(part, budget, sets):
            variants.setdefault(pictures, {}).update(dict.fromkeys(part.variants))
    every = {s: Evidence(s, budget, found, timings=timings) for s in variants}
    for pictures, wanted in variants.items():
        if pictures not in grid.DIALS:
            wanted.update(dict.fromkeys(claims.variants()))
    # A thread for each set: scenes are drawn for one while another's records are being scored.
    with (
        ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=on_one_core) as pool,
        ThreadPoolExecutor(len(every)) as threads,
    ):
        by_pool = partial(pool.map, chunksize=4)
        done = [threads.submit(every[s].prepare, wanted, by_pool) for s, wanted in variants.items()]
        for each in done:
            each.result()
    return every


def on_one_core() -> None:
    """Keep a process to one thread: there is a process for each core."""
    os.environ["RAYON_NUM_THREADS"] = "1"  # hotcoco's
    threadpool_limits(1)  # numpy's


def section(name: str, part: grid.Part, here: dict[str, Evidence], out: Path) -> list[str]:
    """A part's tables and figures, as paragraphs."""
    text = [f"## {part.title}"]
    if name == "defects":
        text.append(tables.matrix(here))
        if tables.PLAIN in here and len(here) > 1:
            text += [LESS_PLAIN, tables.matrix_less_plain(here)]
        return text
    write_one = {"figure4": mixture, "mechanisms": mechanism_tables}.get(name, comparison)
    for pictures, evidence in here.items():
        known = tables.pictures(part.variants, evidence)
        text += [f"### On {pictures}", known, *write_one(name, part, evidence, out)]
    return text


def not_run(name: str, pictures: str, budget: str) -> list[str]:
    """That a part is not run yet on some pictures, and the command that runs it."""
    command = f"augfpn study run {name} --pictures {pictures} --budget {budget}"
    line = f"Not run yet on {pictures} at the {budget} budget: `{command}` runs it."
    return [f"### On {pictures}", line]


def comparison(name: str, part: grid.Part, of: Evidence, out: Path) -> list[str]:
    """A table of the paper: variants beside FPN, a figure, and what more runs would show."""
    rows = tables.rows(name, of)
    title = f"Effects on AP, {part.title}, {of.pictures}"
    text = [
        tables.table(rows),
        *drawn(tables.figure(rows), out / f"{name}-{of.pictures}.svg", title),
    ]
    text += ["All numbers with their intervals:", tables.numbers(rows)]
    plan = tables.planning(rows, tables.seconds(name, of))
    if plan.count("\n") > 1:
        text += [PLAN, plan]
    if name == "table2":
        text += [ERRORS, mechanisms.errors(of)]
    return text


def mechanism_tables(name: str, part: grid.Part, of: Evidence, out: Path) -> list[str]:
    """The three defects as they were measured."""
    text = [mechanisms.ABOUT]
    for title, about, names in (
        ("The semantic gap between the levels of M", mechanisms.ABOUT_GAP, mechanisms.GAP),
        ("Loss at the top level", mechanisms.ABOUT_TOP, mechanisms.TOP),
        ("Assignment of RoIs to levels", mechanisms.ABOUT_ASSIGNMENT, mechanisms.ASSIGNMENT),
    ):
        text += [f"#### {title}", about, mechanisms.measured(of, names, part.variants)]
    gap = mechanisms.gap_figure(of)
    level = mechanisms.level_figure(of)
    return [
        *text,
        *drawn(
            gap, out / f"{GAP}-{of.pictures}.svg", f"A probe of M on other levels, {of.pictures}"
        ),
        *drawn(
            level, out / f"{LEVEL}-{of.pictures}.svg", f"Levels by rule and choice, {of.pictures}"
        ),
    ]


def mixture(name: str, part: grid.Part, of: Evidence, out: Path) -> list[str]:
    """Figure 4 and its numbers."""
    figure = mechanisms.mixture_figure(of)
    return [
        mechanisms.ABOUT_SHARES,
        mechanisms.shares(of, part.variants),
        *drawn(figure, out / f"{name}-{of.pictures}.svg", f"{part.title}, {of.pictures}"),
    ]


def drawn(figure: Figure | None, file: Path, title: str) -> list[str]:
    """Save a figure, if there is one, and refer to it."""
    if figure is None:
        return []
    save(figure, file)
    return [f"![{title}]({file.name})"]


def save(figure: Figure, file: Path) -> None:
    """Write a figure, the same bytes for the same figure."""
    with whole(file) as partial, plt.rc_context(plots.STYLE):
        figure.savefig(partial, format="svg", metadata={"Date": None})


def sources(evidence: dict[str, Evidence], found: grid.Found) -> str:
    """Which records this rests on, and what was found wrong with others."""
    used = {id_: None for each in evidence.values() for id_ in each.scored}
    there = [record for record in found.by_key.values() if record.id in used]
    lines = [["record", "AP", "seconds", "device", "commit"]]
    for record in sorted(there, key=lambda each: each.folder.name):
        machine = record.environment
        lines.append(
            [
                f"`{record.folder.name}`",
                tables.percent(record.result["AP"]),
                f"{record.result['seconds']:.0f}",
                str(machine["device_name"]),
                str(machine["commit"]),
            ]
        )
    return "\n\n".join(["## The records", tables.markdown(lines), *found.problems])
