"""The tables of a part of the study: what they say, and that it comes from records."""

from dataclasses import replace

import numpy as np
import pytest

from augfpn.settings import paper
from augfpn.study import gather, spreads, tables
from augfpn.study.evidence import Evidence
from augfpn.study.running import recorded
from augfpn.study.uncertainty import cells, intervals, planning


def cells_of(table: str) -> list[list[str]]:
    """The cells of a Markdown table, row by row, the header first."""
    rows = [[cell.strip() for cell in line[1:-1].split("|")] for line in table.splitlines()]
    return [rows[0], *rows[2:]]


def test_a_row_has_its_own_numbers_its_effect_and_the_papers(evidence: Evidence) -> None:
    fpn, cs, rfa, srs, cs_rfa, *_ = tables.variant_rows("table2", evidence)
    assert (fpn.label, fpn.seeds, fpn.effect) == ("FPN", 3, {})
    assert cs.own["AP"].mean == pytest.approx(1)
    assert cs.effect["AP"].mean == pytest.approx(1 - fpn.own["AP"].mean)
    assert cs.effect["AP"].low > 0  # three seeds that agree
    assert rfa.effect["AP"][:3] == pytest.approx((0, 0, 0), abs=1e-12)
    assert srs.seeds == srs.effect["AP"].seeds == 1
    assert (cs_rfa.seeds, cs_rfa.own, cs_rfa.effect) == (0, {}, {})
    assert cs.printed_effect == pytest.approx(0.9)
    assert fpn.printed_effect is None


def test_the_table_says_so(evidence: Evidence) -> None:
    header, *rows = cells_of(tables.effects_table(tables.variant_rows("table2", evidence)))
    by_label = {row[0]: dict(zip(header, row, strict=True)) for row in rows}
    verdicts = {label: row["verdict"] for label, row in by_label.items()}
    assert verdicts["CS"] == "better than FPN"
    # No different from FPN in any seed.
    assert verdicts["RFA"].startswith("within 1 AP of zero (90 %: [")
    assert verdicts["SRS"] == "undecided"  # one seed is no verdict
    assert by_label["SRS"]["minus FPN"].endswith(" *")
    assert by_label["RFA"]["runs better, percent"] == "50"
    assert not any("*" in cell for cell in by_label["CS"].values())
    assert by_label["CS + RFA"]["seeds"] == "not run"
    assert (by_label["CS"]["paper: AP"], by_label["CS"]["paper: minus FPN"]) == ("37.2", "+0.9")


def test_every_number_has_its_interval(evidence: Evidence) -> None:
    rows = tables.variant_rows("table2", evidence)
    header, fpn, cs, rfa, srs = cells_of(tables.numbers_table(rows))
    assert [each.partition(" (")[0] for each in header] == ["", *paper.AP_NAMES]
    counts = evidence.objects()
    for title, size in zip(header[4:], ("small", "medium", "large"), strict=True):
        assert f"({counts[size]} objects" in title
        assert ("too few for a verdict" in title) == (counts[size] < 30)
    assert [row[0] for row in (fpn, cs, rfa, srs)] == ["FPN", "CS", "RFA", "SRS"]
    ap = rows[0].own["AP"]
    limits = f"[{100 * ap.low:.1f},\u00a0{100 * ap.high:.1f}]"  # on one line
    assert fpn[1] == f"{100 * ap.mean:.1f} {limits}"
    assert cs[1] == "100.0 [100.0,\u00a0100.0]"
    assert srs[1].endswith("*")  # one seed


def test_masks_have_columns_of_their_own() -> None:
    """Two of the paper's detectors: one with masks and three made-up seeds, one not run."""
    three = {
        name: intervals.Interval(x, x, x, 3, 0.0, 0.0)
        for name, x in (("AP", 0.4), ("mask AP", 0.35))
    }
    less = {name: replace_mean(of, 0.02) for name, of in three.items()}
    printed = {"AP": 39.4, "mask": {"AP": 36.2}}
    base, label = {"AP": 37.3}, "Mask R-CNN, AugFPN"
    masks = tables.VariantRow("mask_rcnn:augfpn", label, three, less, printed, base)
    without = {"AP": 37.9, "mask": None}  # like the paper's rows without masks
    boxes = tables.VariantRow("fcos:augfpn", "FCOS, AugFPN", {}, {}, without, {"AP": 37.0})
    head, first, second = cells_of(tables.effects_table([masks, boxes]))
    by_size = ["APs minus FPN", "APm minus FPN", "APl minus FPN"]
    assert head[8:] == ["mask AP", "mask AP minus FPN", "paper: mask AP", *by_size]
    assert first[6:11] == ["39.4", "+2.1", "35.0", "+2.0 [+2.0,\u00a0+2.0]", "36.2"]
    assert second[6:] == ["37.9", "+0.9", "", "", "", "–", "–", "–"]
    assert "mask" not in tables.effects_table([boxes])


def replace_mean(of: intervals.Interval, x: float) -> intervals.Interval:
    return of._replace(mean=x, low=x, high=x)


def test_the_conclusion_names_what_is_better(evidence: Evidence) -> None:
    said = tables.part_conclusion(tables.variant_rows("table2", evidence), evidence)
    assert "better than FPN: CS;" in said
    nothing = replace(evidence, found=recorded.Found({}, ()))
    rows = tables.variant_rows("table2", nothing)
    assert "Nothing is recorded" in tables.part_conclusion(rows, nothing)
    assert tables.effects_figure(rows) is None


@pytest.mark.parametrize(
    ("value", "sign", "text"),
    [
        (0.1234, False, "12.3"),
        (0.0123, True, "+1.2"),
        (-0.0123, True, "−1.2"),
        (None, True, "–"),
        (-0.0004, True, "0.0"),
        (0.0004, True, "0.0"),
        (-0.0004, False, "0.0"),
    ],
)
def test_percentages(value: float | None, sign: bool, text: str) -> None:
    assert cells.percent(value, sign) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (-0.0004, 0.015, "[−0.04, +1.5]"),
        (0.0004, 0.015, "[+0.04, +1.5]"),
        (0.0, 0.015, "[0.0, +1.5]"),
        (-0.012, 0.00003833, "[−1.2, +0.004]"),
        (float("nan"), float("nan"), "[–, –]"),
    ],
)
def test_an_end_near_zero_shows_its_side(low: float, high: float, text: str) -> None:
    of = intervals.Interval(0.007, low, high, 3, 0.0, 0.0)
    assert cells.effect_text(of) == f"+0.7 {text}"


def test_the_plan_says_how_many_seeds() -> None:
    """CS has +0.9 in the paper; a deviation of 0.9 between seeds then takes ten pairs of runs."""
    seconds = {"fpn": 120.0, "cs": 240.0}

    def plan(of_seeds: float, of_pictures: float) -> list[str]:
        effect = intervals.Interval(0.0, -0.01, 0.01, 3, of_seeds, of_pictures)
        row = tables.VariantRow("cs", "CS", {}, {"AP": effect}, {"AP": 37.2}, {"AP": 36.3})
        return cells_of(spreads.planning_table([row], seconds))[-1]

    assert plan(0.009 / 3**0.5, 0.0) == ["CS", "+0.9", "0.9", "10", "1.0"]  # no runs of its own
    assert plan(0.009 / 3**0.5, 0.004) == ["CS", "+0.9", "0.9", "more images", "–"]
    assert spreads.planning_table([], seconds) == ""


def test_the_plan_has_the_deviation_of_a_rows_own_differences_first() -> None:
    of = gather.committed("scenes", "laptop", "confirmation")
    ap = [[100 * r.result["AP"] for r in of.recorded(name).values()] for name in ("fpn", "cs")]
    deviation = np.std(np.subtract(*ap), ddof=1)
    plan = spreads.plans(tables.variant_rows("table2", of))[0]
    assert plan.variant == "cs"
    assert 100 * plan.own == pytest.approx(deviation)
    assert plan.own_seeds == planning.seeds_needed(deviation, 0.9, 100 * plan.of_pictures)
    assert plan.own_seeds < plan.seeds


def test_the_plan_has_one_deviation_for_all_rows_and_their_degrees_of_freedom() -> None:
    """Rows that vary by 0.6 and 1.0 points: the root of the mean square is 0.8."""
    rows = []
    for name, deviation in (("cs", 0.006), ("rfa", 0.010)):
        effect = intervals.Interval(0.0, -0.01, 0.01, 3, deviation / 3**0.5, 0.0)
        rows.append(tables.VariantRow(name, name, {}, {"AP": effect}, {"AP": 37.2}, {"AP": 36.3}))
    seconds = dict.fromkeys(("fpn", "cs", "rfa"), 120.0)
    _, *lines = cells_of(spreads.planning_table(rows, seconds))
    together = ((0.006**2 + 0.010**2) / 2) ** 0.5
    needed = planning.seeds_needed(together, 0.009, variants=3)
    hours = f"{needed * 240 / 3600:.1f}"
    assert [line[2:] for line in lines] == [["0.8", str(needed), hours]] * 2
    assert needed < planning.seeds_needed(together, 0.009)


def test_pictures_are_described_with_objects_by_size(evidence: Evidence, coco: dict) -> None:
    areas = [each["area"] for each in coco["annotations"]]
    small, large = sum(a < 32**2 for a in areas), sum(a >= 96**2 for a in areas)
    medium = len(areas) - small - large
    assert tables.pictures_sentence(["fpn"], evidence).endswith(
        f"with {len(areas)} objects, of which {small} are small (below 32² px), {medium} medium "
        f"and {large} large (from 96² px on)."
    )
