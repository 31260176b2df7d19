"""The gate of a dial: a pilot that shows that the dial hurts FPN, and that the harm can be mended.

    home      FPN, before the dial is turned
    turned    FPN with the dial turned
    control   FPN with the dial turned, and a remedy that is sure to work

FPN must lose `LEAST_LOSS` from home to turned, and the control must regain `LEAST_REGAINED` of it;
otherwise no component can show on this dial whether it mends the defect, and `augfpn study run`
makes no other runs on it. Only the pilot's seeds count. The controls:

- assignment (``canonical_size``): the rule at home. Nothing else differs, so it regains all.
- top level (``channels``): four times the budget's channels, 256 at the laptop budget.
- what a dial adds classes for (detail, context, arrangement): each of them has its own colour. So
  the loss is due to what tells them apart, not to their sizes or places. Home is without them. That
  a network can learn the far cue itself, this control does not show.
- scale: jitter of the scale in training, which shows each class at sizes away from its home. Only
  objects away from their class's home are scored.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from augfpn import records
from augfpn.errors import UserError
from augfpn.figures.gates import pilots as figure_of_pilots
from augfpn.study.evidence import TITLE_ENDS, Evidence, of_phase, paired
from augfpn.study.running import grid
from augfpn.study.running.grid import Run, baseline_of
from augfpn.study.running.processes import Say
from augfpn.study.running.recorded import Found
from augfpn.study.running.sets import AP_AWAY, GATES
from augfpn.study.tables import variant_label
from augfpn.study.uncertainty import intervals
from augfpn.study.uncertainty.cells import effect_text, interval_text, page_table, percent
from augfpn.study.uncertainty.intervals import Interval
from augfpn.study.uncertainty.resampling import Draws
from augfpn.study.uncertainty.scores import scored_away

LEAST_LOSS = 0.08  # of AP
LEAST_REGAINED = 0.8  # of the loss, by the control
UNDONE = "all: undone"  # what a control regains that is the dial before it is turned
GATED = ("laptop", "gpu")  # the budgets that have a gate: smoke runs are tests, no study
ABOUT_PILOTS = f"""\
Each dial is tried on FPN alone. *Lost*: FPN's AP before the dial is turned minus after. *Regained*:
the share of that loss that a positive control regains. A dial passes if at least
{100 * LEAST_LOSS:.0f} AP are lost and the control regains at least {100 * LEAST_REGAINED:.0f} %.
On the others no component could show what it mends: they are not used. An interval of a share is
Fieller's; with one seed (a star) an interval is about other test pictures only. A control that
undoes the turn regains all, by construction. A dash: not run yet; `augfpn study run dials` runs
it."""
ABOUT_REGAINED = """\
On dials that passed: the share of what FPN lost that a component regains, where the control's
regain is 100: (component - FPN) / (control - FPN), with Fieller's interval."""


class Pilot(NamedTuple):
    """What a dial's pilot gave, as fractions; numbers are ``None`` where runs are missing."""

    dial: str
    loss: float | None
    regained: float | None

    @property
    def passes(self) -> bool:
        """Whether components are compared on this dial."""
        known = self.loss is not None and self.regained is not None
        return known and self.loss >= LEAST_LOSS and self.regained >= LEAST_REGAINED

    def __str__(self) -> str:
        if self.loss is None:
            return f"{self.dial}: no pilot yet"
        regained = "no control yet"
        if self.regained is not None:
            regained = f"the control regains {percent(self.regained)} %"
        said = "passes" if self.passes else "does not pass"
        return f"{self.dial}: FPN loses {percent(self.loss)} AP, {regained}: {said}"


def pilot_of(dial: str, every: Mapping[str, Evidence]) -> Pilot:
    """A dial's pilot, from the evidence by picture set.

    The loss is the mean over the seeds of home and dial; what the control regains, over the seeds
    that it has, too.
    """
    home, control, number = GATES[dial]
    before, turned, remedy = (
        ap_by_seed(every[s].among("pilot"), number) for s in (home, dial, control)
    )
    both = before.keys() & remedy.keys()
    gain, lost = (mean_difference({s: of[s] for s in both}, turned) for of in (remedy, before))
    regained = gain / lost if lost and gain is not None else None
    return Pilot(dial, mean_difference(before, turned), regained)


def passing(every: Mapping[str, Evidence]) -> list[str]:
    """The dials that pass their gate, from the evidence by picture set."""
    return [dial for dial in GATES if pilot_of(dial, every).passes]


def pilots_of(dials: Iterable[str], budget: str, found: Found) -> dict[str, Pilot]:
    """The pilots of some dials at a budget."""
    every = {name: Evidence(name, budget, found) for name in grid.SETS}
    return {dial: pilot_of(dial, every) for dial in dials}


def ap_by_seed(of: Evidence, number: str) -> dict[int, float]:
    """FPN's AP by seed: all objects, or only those away from home."""
    there = of.recorded("fpn")
    if number == AP_AWAY:
        return {seed: away(of, record).observed["AP"] for seed, record in there.items()}
    return {seed: record.result["AP"] for seed, record in there.items()}


def mean_difference(a: Mapping[int, float], b: Mapping[int, float]) -> float | None:
    """The mean of a - b over the seeds that both have."""
    both = sorted(a.keys() & b.keys())
    return float(np.mean([a[seed] - b[seed] for seed in both])) if both else None


# --- objects away from home -----------------------------------------------------------------------


def away(of: Evidence, record: records.Record) -> Draws:
    """A record's AP on the objects away from their class's home, on draws of pictures."""
    return of.score(record, scored_away).draws


def draws_on(of: Evidence, variant: str, number: str) -> dict[int, Draws]:
    """A variant's AP on draws of pictures by seed: all objects, or only those away from home."""
    if number != AP_AWAY:
        return of.of(variant)
    return {seed: away(of, record) for seed, record in of.recorded(variant).items()}


# --- what may be run ------------------------------------------------------------------------------


def closed(missing: Iterable[Run], found: Found) -> dict[str, Pilot]:
    """The pilots that do not pass, of the dials on which some runs of one budget are.

    All runs but FPN's need a pilot.
    """
    gated = [run for run in missing if run.budget in GATED and needs_pilot(run)]
    if not gated:
        return {}
    pilots = pilots_of(dict.fromkeys(run.pictures for run in gated), gated[0].budget, found)
    return {dial: pilot for dial, pilot in pilots.items() if not pilot.passes}


def needs_pilot(run: Run) -> bool:
    """Whether a run is of a component on a dial."""
    return run.pictures in GATES and run.variant != baseline_of(run.variant)


def allowed(missing: Sequence[Run], found: Found, named: bool, say: Say) -> list[Run]:
    """The missing runs without those on dials that do not pass; ``say`` gets why.

    Raises ``UserError`` instead if their picture sets were ``named``.
    """
    pilots = closed(missing, found)
    reasons = [why_not(pilot, missing[0].budget) for pilot in pilots.values()]
    if named and reasons:
        raise UserError(reasons[0])
    for reason in reasons:
        say(f"left out: {reason}")
    return [run for run in missing if run.pictures not in pilots or not needs_pilot(run)]


def why_not(pilot: Pilot, budget: str) -> str:
    """One sentence: why no component is run on a dial, and what makes its pilot."""
    sets = dict.fromkeys((GATES[pilot.dial].home, pilot.dial, GATES[pilot.dial].control))
    return (
        f"{pilot}; components are run only on dials that pass: `augfpn study run dials --budget "
        f"{budget} --pictures {' '.join(sets)}` makes the pilot."
    )


# --- tables ---------------------------------------------------------------------------------------


def section(name: str, every: Mapping[str, Evidence]) -> list[str]:
    """The paragraphs of a report on one of `grid.PARTS_OF_DIALS`, from the evidence by title."""
    pilots = on_all_sets(every, "")
    if name == "dials":
        return [ABOUT_PILOTS, pilots_table(pilots)]
    used = passing(pilots)
    if not used:
        return [ABOUT_REGAINED, "No dial has passed its pilot yet."]
    text, variants = [ABOUT_REGAINED], grid.part(name).variants[1:]
    for end, seeds in zip(TITLE_ENDS, ("the pilot", "the confirmation"), strict=True):
        phase = on_all_sets(every, end)
        if phase:
            text += [f"Seeds of {seeds}:", regained_table(used, phase, variants)]
    return text


def on_all_sets(every: Mapping[str, Evidence], end: str) -> dict[str, Evidence]:
    """The evidence of a phase, whose titles have this end, on each picture set; or none."""
    there = of_phase(every, end)
    if not there:
        return {}
    some = next(iter(there.values()))
    made = (Evidence(name, some.budget, some.found, some.number_of_draws) for name in grid.SETS)
    return {of.pictures: there.get(of.pictures, of) for of in made}


class PilotIntervals(NamedTuple):
    """A dial's pilot with intervals: points of AP that FPN loses, and the share regained."""

    pilot: Pilot
    loss: Interval | None
    regained: Interval | None


def pilots_with_intervals(every: Mapping[str, Evidence]) -> Iterator[PilotIntervals]:
    """All dials' pilots, from the evidence by picture set."""
    for dial, (home, control, number) in GATES.items():
        before, turned, remedy = (
            draws_on(every[name].among("pilot"), "fpn", number) for name in (home, dial, control)
        )
        lost = list(paired(before, turned).values())
        loss = intervals.single(lost)["AP"] if lost else None
        pilot = pilot_of(dial, every)
        lossy = pilot.loss is not None and pilot.loss > 0  # else there is nothing to give back
        yield PilotIntervals(pilot, loss, share_regained(remedy, before, turned) if lossy else None)


def pilots_table(every: Mapping[str, Evidence]) -> str:
    """Each dial's pilot with intervals, from the evidence by picture set.

    Of which objects the AP is stands below the dial, if not of all.
    """
    lines = []
    for pilot, loss, regained in pilots_with_intervals(every):
        used = entry_text(pilot, loss, regained)
        home, control, number = GATES[pilot.dial]
        dial = pilot.dial if number == "AP" else f"{pilot.dial} ({number})"
        share = interval_text(regained)
        if regained is not None and control == home:
            share = UNDONE  # of which nothing was measured
        lines.append([dial, used, effect_text(loss), share, control])
    return page_table(["dial", "entry test", "lost", "regained, %", "control"], lines)


def entry_text(pilot: Pilot, *found: Interval | None) -> str:
    """Whether a dial passes its entry test, and whether that rests on too few seeds."""
    if pilot.regained is None:
        return "–"
    few = min(each.seeds for each in found if each is not None) < intervals.FEWEST_SEEDS
    return ("passes" if pilot.passes else "does not pass") + " *" * few


def pilots_figure(every: Mapping[str, Evidence]) -> Figure:
    """The same as a figure, of the dials whose pilot is made."""
    least = {"FPN loses, AP": 100 * LEAST_LOSS, "control regains, %": 100 * LEAST_REGAINED}
    rows = []
    for pilot, *both in pilots_with_intervals(every):
        for number, interval in zip(least, both, strict=True):
            if interval is not None:
                ends = (100 * each for each in interval[:3])
                rows.append([dial_title(pilot.dial), pilot.passes, number, *ends])
    columns = ["dial", "passes", "number", "mean", "low", "high"]
    return figure_of_pilots(pd.DataFrame(rows, columns=columns), least)


def dial_title(dial: str) -> str:
    """A dial's name in a figure: "canonical_x0.5" is "canonical × 0.5"."""
    return dial.replace("_x", " × ").replace("_", " ")


def regained_table(
    dials: Sequence[str], every: Mapping[str, Evidence], variants: Sequence[str]
) -> str:
    """The share of the control's regain that each variant regains, on some dials."""
    lines = []
    for dial in dials:
        _, control, number = GATES[dial]
        turned, full = (draws_on(every[name], "fpn", number) for name in (dial, control))
        own = (draws_on(every[dial], variant, number) for variant in variants)
        cells = [interval_text(share_regained(each, full, turned)) for each in own]
        lines.append([dial, control, number, *cells])
    return page_table(["dial", "control", "number", *map(variant_label, variants)], lines)


def share_regained(
    of: Mapping[int, Draws], full: Mapping[int, Draws], nothing: Mapping[int, Draws]
) -> Interval | None:
    """(of - nothing) / (full - nothing) over the seeds that all have; ``None`` without a seed."""
    seeds = sorted(of.keys() & full.keys() & nothing.keys())
    if not seeds:
        return None
    above, below = (
        [intervals.minus(each[seed], nothing[seed]) for seed in seeds] for each in (of, full)
    )
    return intervals.ratio(above, below, "AP")
