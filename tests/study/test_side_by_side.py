"""Tables that have a row for each set of images, and the questions that intervals decide."""

from dataclasses import replace

import pytest

from augfpn.study import gather
from augfpn.study.evidence import Evidence
from augfpn.study.results import findings, mechanisms, questions, side_by_side
from augfpn.study.uncertainty import cells, intervals
from augfpn.study.uncertainty.intervals import Interval

READOUT = "C5 lost in M5 + M6 minus C5 lost in M5"


def cells_of(table: str) -> list[list[str]]:
    """The cells of a Markdown table, row by row, the header first."""
    header, _, *rows = table.splitlines()
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in (header, *rows)]


def unkept(label: str) -> str:
    """A label whose spaces may be broken again."""
    return label.replace("\u00a0", " ")


def test_each_set_of_images_has_a_row(evidence: Evidence) -> None:
    by_set = {"scenes": evidence, "bccd": evidence}
    header, *rows = cells_of(side_by_side.effects_beside("table2", by_set))
    assert header == ["", "images", "verdict", "minus FPN", "paper: minus FPN", "AP", "seeds"]
    assert [row[:2] for row in rows[:4]] == [
        ["FPN", "scenes"],
        ["", "blood cells"],
        ["CS", "scenes"],
        ["", "blood cells"],
    ]
    assert rows[2][2:] == rows[3][2:]
    assert rows[2][4] == "+0.9"
    assert rows[2][2] == "better than FPN"
    assert rows[0][2:5] == ["", "", ""]


def test_a_set_without_records_of_a_variant_has_no_row(evidence: Evidence) -> None:
    empty = replace(evidence, found=replace(evidence.found, by_key={}))
    rows = cells_of(side_by_side.effects_beside("table2", {"scenes": evidence, "bccd": empty}))
    assert {row[1] for row in rows[1:]} == {"scenes"}


def test_small_gains_are_named_by_verdict(evidence: Evidence) -> None:
    """In these records RFA is no different from FPN, in any seed."""
    small, smaller = findings.limited_text({"scenes": evidence}).splitlines()
    assert small == "- *Within 1 AP of zero*: on scenes RFA (90 %: [0.0, 0.0])."
    assert smaller == "- *Below the paper's gain*: none."


def test_sizes_name_the_number_of_their_objects(evidence: Evidence) -> None:
    _, fpn, cs, *_ = cells_of(side_by_side.sizes_beside("table2", {"scenes": evidence}))
    for cell, count in zip(fpn[2:], evidence.objects().values(), strict=True):
        assert cell.startswith(f"{count} objects")
    assert cs[0] == "CS"


@pytest.mark.parametrize(
    ("objects", "seeds", "shown"), [(30, 3, True), (29, 3, False), (30, 2, False), (None, 1, True)]
)
def test_an_effect_on_few_objects_or_seeds_is_not_shown(
    objects: int | None, seeds: int, shown: bool
) -> None:
    of = effect_of(0.051, seeds)
    assert (cells.size_effect_text(of, objects) != "–") == shown


def test_seven_objects_have_a_count_and_no_effect() -> None:
    """Small objects on blood cells: one seed of PANet's pooling once said +5.1 [-16.1, +26.2]."""
    by_set = {"bccd": gather.committed("bccd")}
    _, fpn, *others = cells_of(side_by_side.sizes_beside("table5", by_set))
    assert fpn[2].startswith("7 objects")
    assert {row[2] for row in others} == {"–"}
    assert any("[" in row[3] for row in others)


def effect_of(mean: float, seeds: int) -> Interval:
    return Interval(mean, mean - 0.1, mean + 0.1, seeds, 0.01, 0.01)


@pytest.mark.parametrize(
    ("label", "parts"),
    [
        ("CS (single level, lam 1)", ["CS (single level,", "lam 1)"]),
        ("CS + RFA", ["CS", "+ RFA"]),
        ("CS (lam 0.125)", ["CS (lam 0.125)"]),
    ],
)
def test_a_label_is_broken_at_its_joints_only(label: str, parts: list[str]) -> None:
    assert cells.label_text(label).split(" ") == [part.replace(" ", "\u00a0") for part in parts]


def test_effects_by_size_are_those_of_both_tables(evidence: Evidence) -> None:
    alone = cells_of(side_by_side.effects_by_size("table2", evidence, wider=True))
    total = cells_of(side_by_side.effects_beside("table2", {"scenes": evidence}))
    sizes = cells_of(side_by_side.sizes_beside("table2", {"scenes": evidence}))
    for one, of_all, by_size in list(zip(alone, total, sizes, strict=True))[1:]:
        label, ap, effect, verdict, *sizes = one
        ours = [cell.partition(side_by_side.PAPERS)[0] for cell in (effect, *sizes)]
        assert [label, ap, verdict] == [unkept(of_all[0]), of_all[5], of_all[2]]
        assert ours == [of_all[3], *by_size[2:]]
    assert alone[0] == ["", "AP", "minus FPN", "verdict on AP", "small", "medium", "large"]
    cs = (alone[2][2], *alone[2][4:])
    papers = [cell.partition(side_by_side.PAPERS)[2] for cell in cs]
    assert papers == ["+0.9", "+0.4", "+0.6", "+1.2"]  # Consistent Supervision, as printed


def test_the_confirmation_can_be_printed_with_the_wider_interval() -> None:
    """One row had a verdict that only the spread of all runs supports, without "probably"."""
    of = gather.committed("scenes", phase="confirmation")
    shared, wider = (
        {row[0]: row for row in cells_of(side_by_side.effects_by_size("table2", of, wider))[1:]}
        for wider in (False, True)
    )
    by_own = "0.0 [−1.3, +1.3]"
    assert unkept(wider["RFA + SRS"][2]).startswith(by_own)
    assert not unkept(shared["RFA + SRS"][2]).startswith(by_own)
    assert unkept(wider["RFA + SRS"][3]).endswith("(90 % by all runs: [−0.70, +0.61])")
    assert wider["AugFPN"][3] == "probably better than FPN"
    assert unkept(wider["AugFPN"][4]).startswith("−2.0 [−3.8, −0.3]")
    assert wider["CS"][2:4] == shared["CS"][2:4]  # all runs together give the wider one


def test_answers_that_confirm_are_printed_with_the_wider_interval() -> None:
    of = gather.committed("scenes", phase="confirmation")
    pilot = findings.answers({"scenes": gather.committed("scenes")})
    said, printed = (
        each(pilot, {"scenes": of}) for each in (findings.judged_again, findings.wider_answers)
    )
    assert said.keys() == printed.keys()
    table = findings.decided_table(
        said, alone=findings.own_answers({"scenes": of}, {"scenes": of}), printed=printed
    )
    (augfpn,) = (row for row in cells_of(table) if row[-1] == "augfpn, fpn")
    assert unkept(augfpn[1]) == "+1.1 [−0.02, +2.2]"
    assert augfpn[0].startswith("Scenes, probably")


def test_masks_have_their_own_rows_and_the_papers_numbers() -> None:
    header, *rows = cells_of(
        side_by_side.numbers_beside("mask_rcnn:augfpn", gather.committed("scenes"))
    )
    assert header[1:3] == ["Mask R-CNN, FPN", "Mask R-CNN, AugFPN"]
    assert [row[0].partition(" (")[0] for row in rows] == [
        f"{kind} AP, {size}"
        for kind in ("box", "mask")
        for size in ("all", "small", "medium", "large")
    ]
    assert [row[4] for row in rows[::4]] == ["+2.0", "+1.9"]  # of boxes and of masks, as printed
    for row in rows:
        fpn, augfpn, gain = (float(x.split()[0].replace("−", "-")) for x in row[1:4])
        assert augfpn - fpn == pytest.approx(gain, abs=0.11)


def test_guessing_stands_beside_accuracies_and_nothing_else() -> None:
    by_set = {name: gather.committed(name) for name in ("scenes", "bccd")}
    table = side_by_side.measured_beside(by_set, mechanisms.GAP_NUMBERS, ("fpn", "cs"))
    header, *rows = cells_of(table)
    guessing = {row[0]: row[header.index("guessing")] for row in rows if row[0]}
    assert guessing["own level, %"] == guessing["other level, %"] == f"{100 / 3:.1f}"
    assert guessing["gap, points"] == guessing["alike, × 100"] == ""
    table = side_by_side.measured_beside(by_set, mechanisms.ASSIGNMENT_NUMBERS, ("fpn",))
    assert "guessing" not in cells_of(table)[0]


def test_every_measured_number_has_a_unit_and_a_difference_its_sign() -> None:
    of = {"scenes": gather.committed("scenes")}
    names = (*mechanisms.ASSIGNMENT_NUMBERS, *mechanisms.CHOICE_NUMBERS, *mechanisms.GAP_NUMBERS)
    rows = cells_of(side_by_side.measured_beside(of, names, ("fpn",)))[1:]
    units = {row[0].rpartition(", ")[2] for row in rows}
    assert units == {"%", "nats", "points", "× 100"}
    of_choice = {row[0]: row[2] for row in rows if "choice minus rule" in row[0]}
    assert of_choice == {
        "loss, choice minus rule, nats": "−0.10 [−0.12,\N{NO-BREAK SPACE}−0.08]",
        "right, choice minus rule, points": "+1.3 [+0.3,\N{NO-BREAK SPACE}+2.4]",
    }
    of = {"bccd": gather.committed("bccd")}
    row = cells_of(side_by_side.measured_beside(of, mechanisms.CHOICE_NUMBERS, ("fpn",)))[3]
    assert row[2] == "0.00 [−0.01,\N{NO-BREAK SPACE}+0.01]", "zero has no sign"


def test_numbers_of_seeds_have_a_column_only_if_they_differ() -> None:
    of = gather.committed("scenes")
    fewer = replace(of, found=of.found.of_seeds([0, 1]))
    same, other = (
        cells_of(side_by_side.measured_beside({"scenes": of, "bccd": each}, ["gap"], ("fpn",)))
        for each in (of, fewer)
    )
    assert same[0] == ["", "images", "FPN"]
    assert [row[-1] for row in other] == ["seeds", "3", "2"]


def test_losses_are_not_in_percent_and_a_variant_alone_has_its_interval() -> None:
    of = gather.committed("scenes")
    names = ("loss near a border", "change elsewhere")
    loss, change = (of.measured(["fpn"], [], name) for name in names)
    _, first, second = cells_of(side_by_side.measured_beside({"scenes": of}, names, ("fpn",)))
    assert first[-1].replace("\u00a0", " ") == cells.loss_text(loss)
    assert second[-1].replace("\u00a0", " ") == cells.interval_text(change)
    assert first[-1].startswith(f"{loss.mean:.2f} [{loss.low:.2f}")
    table = side_by_side.measured_beside({"scenes": of}, names, ("fpn", "srs"))
    both = cells_of(table)[1]
    lower = of.measured(["srs"], ["fpn"], names[0])
    assert both[-2] == f"{loss.mean:.2f}"
    assert f"<br>({lower.mean:+.2f} ".replace("-", "−") in both[-1]


def test_a_difference_that_fpn_does_not_have_stands_with_its_own_interval() -> None:
    of = gather.committed("scenes")
    table = side_by_side.measured_beside({"scenes": of}, [READOUT], ("fpn", "rfa"))
    label, _, fpn, rfa = cells_of(table)[1]
    assert (label, fpn) == ("C5 lost in M5 + M6 minus C5 lost in M5, points", "–")
    assert unkept(rfa) == cells.effect_text(of.measured(["rfa"], [], READOUT))


# --- what we found --------------------------------------------------------------------------------

ASKED = questions.Question("the topic", "It gains.", "It loses.", "effect", ("cs",), ("fpn",))
GAIN, LOSS, OPEN = (Interval(x, x - 1, x + 1, 3, 0.3, 0.0) for x in (2, -2, 0))


@pytest.mark.parametrize(
    ("scenes", "cells", "said"),
    [
        (GAIN, GAIN, "It gains."),
        (GAIN, OPEN, "Scenes: It gains."),
        (GAIN, LOSS, "Scenes: It gains. Blood cells: It loses."),
        (None, LOSS, "Blood cells: It loses."),
    ],
)
def test_what_is_said_names_the_images_unless_all_say_the_same(
    scenes: Interval | None, cells: Interval | None, said: str
) -> None:
    assert findings.answer_texts(ASKED, {"scenes": scenes, "bccd": cells}) == said


def test_what_own_differences_leave_open_is_probable() -> None:
    found = {"scenes": GAIN, "bccd": GAIN}
    assert findings.answer_texts(ASKED, found, {"scenes": GAIN, "bccd": GAIN}) == "It gains."
    said = findings.answer_texts(ASKED, found, {"scenes": OPEN, "bccd": None})
    assert said == "Scenes, probably: It gains. Blood cells: It gains."


def test_what_is_decided_and_what_is_not() -> None:
    other = replace(ASKED, topic="another topic", number="APs")
    found = {(ASKED, "scenes"): GAIN, (ASKED, "bccd"): OPEN, (other, "scenes"): OPEN}
    found[other, "bccd"] = None
    header, row = cells_of(findings.decided_table(found))
    assert header == ["", "scenes", "blood cells", "records of"]
    assert row[0] == "Scenes: It gains."
    assert row[-1] == "cs, fpn"
    assert findings.undecided_text(found) == "Undecided wherever it was asked:\n\n- another topic"
    assert findings.intervals_in(found) == 3
    tiny, wide = (Interval(0.0, -x, x, 3, x / 4, 0.0) for x in (0.004, 0.04))
    found = {(ASKED, "bccd"): tiny}
    said = findings.undecided_text(found, {(ASKED, "bccd"): wide})
    assert said.endswith("the topic (probably blood cells)")
    assert findings.undecided_text(found, found).endswith("the topic (blood cells)")
    assert findings.decided_table({(ASKED, "bccd"): OPEN}) == ""


def test_bold_is_decided_at_its_share_of_the_level() -> None:
    assert intervals.verdict(GAIN) == "holds"
    assert not findings.interval_cell(GAIN, 1000).startswith("**")
    assert findings.interval_cell(GAIN, 1).startswith("**")


def test_two_seeds_decide_nothing() -> None:
    assert findings.answer_text(ASKED, GAIN._replace(seeds=2)) == ""


def test_a_question_is_answered_by_the_evidence(evidence: Evidence) -> None:
    expected = evidence.combination(("cs",), ("fpn",), "AP")
    assert ASKED.found(evidence) == expected


def test_every_question_names_variants_that_are_run() -> None:
    by_set = {name: gather.committed(name) for name in ("scenes", "bccd")}
    for each in questions.questions():
        if each.kind in ("effect", "measured"):
            for variant in (*each.plus, *each.minus):
                assert by_set["scenes"].recorded(variant), each.topic


def test_a_verdict_says_what_its_own_differences_leave_open() -> None:
    """The interval of all runs together excludes zero; that of its own differences contains it."""
    assert findings.verdict_cell(GAIN) == findings.verdict_cell(GAIN, GAIN) == "above zero"
    assert findings.verdict_cell(LOSS, OPEN) == "probably below zero"
    assert [findings.verdict_cell(x, x) for x in (OPEN, None)] == ["undecided", "not recorded"]
