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

from augfpn import claims, findings, plots, records, study, tables
from augfpn.errors import UserError
from augfpn.evidence import Evidence

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
    timings: Sequence[dict] = (),
) -> Path:
    """Write the tables and figures of some parts into a folder; returns the page that holds them.

    ``timings`` are those of `augfpn.runtime` at this budget. Raises ``UserError`` where no record
    of the budget is there, and for a folder that has files of another origin.
    """
    page = out / "index.md"
    if out.exists() and any(out.iterdir()) and not page.exists():
        raise UserError(f"{out} holds other files: give a new folder, or that of an old report.")
    if not any(record.experiment.budget == budget for record in found.by_key.values()):
        raise UserError(f"there are no records of the {budget} budget: `augfpn study run` first.")
    text = [f"# The study at the {budget} budget", ABOUT]
    out.mkdir(parents=True, exist_ok=True)
    every = prepared(names, budget, sets, found, timings)
    for name in names:
        part = study.part(name)
        chosen = study.sets_of(part, budget, sets)
        here = {s: every[s] for s in chosen if any(map(every[s].recorded, part.variants))}
        if here:
            text += section(name, part, here, out)
    if timings:
        text += ["## Run time", tables.run_times(timings)]
    for each in (of for name, of in every.items() if name not in study.DIALS):
        if each.scored:
            ledger = tables.ledger(claims.ledger(each))
            text += [f"## The paper's claims, on {each.pictures}, {budget} budget", ledger]
    text += [sources(every, found)]
    records.write_bytes(page, ("\n\n".join(text) + "\n").encode())
    return page


def prepared(
    names: Sequence[str],
    budget: str,
    sets: Sequence[str] | None,
    found: study.Found,
    timings: Sequence[dict],
) -> dict[str, Evidence]:
    """What is recorded on each set of pictures that some parts have, all of it scored."""
    variants: dict[str, dict[str, None]] = {}
    for part in map(study.part, names):
        for pictures in study.sets_of(part, budget, sets):
            variants.setdefault(pictures, {}).update(dict.fromkeys(part.variants))
    every = {s: Evidence(s, budget, found, timings=timings) for s in variants}
    for pictures, wanted in variants.items():
        if pictures not in study.DIALS:
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


def section(name: str, part: study.Part, here: dict[str, Evidence], out: Path) -> list[str]:
    """A part's tables and figures, as paragraphs."""
    text = [f"## {part.title}"]
    if name == "defects":
        return [*text, tables.matrix(here)]
    write_one = {"figure4": mixture, "mechanisms": mechanisms}.get(name, comparison)
    for pictures, evidence in here.items():
        text += [f"### On {pictures}", *write_one(name, part, evidence, out)]
    return text


def comparison(name: str, part: study.Part, of: Evidence, out: Path) -> list[str]:
    """A table of the paper: variants beside FPN, a figure, and what more runs would show."""
    rows = tables.rows(name, of)
    title = f"Effects on AP, {part.title}, {of.pictures}"
    text = [
        tables.table(rows),
        *drawn(tables.figure(rows), out / f"{name}-{of.pictures}.svg", title),
    ]
    times = [r.result["seconds"] for v in part.variants for r in of.recorded(v).values()]
    text += ["All numbers with their intervals:", tables.numbers(rows)]
    plan = tables.planning(rows, sum(times) / len(times))
    if plan.count("\n") > 1:
        text += ["Seeds that would show an effect of the paper's size in four of five tries:", plan]
    if name == "table2":
        text += ["What each kind of error costs, in points of AP50:", findings.errors(of)]
    return text


def mechanisms(name: str, part: study.Part, of: Evidence, out: Path) -> list[str]:
    """The three defects as they were measured."""
    text = []
    for title, names in (
        ("The semantic gap between the levels of M", findings.GAP),
        ("Loss at the top level", findings.TOP),
        ("Assignment of RoIs to levels", findings.ASSIGNMENT),
    ):
        text += [f"#### {title}", findings.measured(of, names, part.variants)]
    gap = findings.gap_figure(of)
    level = findings.level_figure(of)
    return [
        *text,
        *drawn(gap, out / f"gap-{of.pictures}.svg", f"A probe of M on other levels, {of.pictures}"),
        *drawn(
            level, out / f"level-{of.pictures}.svg", f"Levels by rule and choice, {of.pictures}"
        ),
    ]


def mixture(name: str, part: study.Part, of: Evidence, out: Path) -> list[str]:
    """Figure 4 and its numbers."""
    figure = findings.mixture_figure(of)
    return [
        findings.shares(of, part.variants),
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
    partial = file.with_name(file.name + ".partial")
    with plt.rc_context(plots.STYLE):
        figure.savefig(partial, format="svg", metadata={"Date": None})
    partial.replace(file)


def sources(evidence: dict[str, Evidence], found: study.Found) -> str:
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
    return "\n\n".join(["## The records", tables.grid(lines), *found.problems])
