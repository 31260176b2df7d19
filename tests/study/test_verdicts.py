"""The ledger in words: counts of verdicts, effects, what is not run."""

from augfpn.study import gather
from augfpn.study.ledger import claims
from augfpn.study.results import verdicts
from augfpn.study.uncertainty import intervals


def many(*ends: tuple[float, float]) -> str:
    """The evidence of a claim with effects that have these 95 % intervals."""
    normal = intervals.factor(intervals.LEVEL)
    found = (intervals.around((a + b) / 2, 3, 0.0, (b - a) / 2 / normal) for a, b in ends)
    lines = tuple(claims.Line(f"n{i}", each, None, 0.0) for i, each in enumerate(found))
    (claim,) = [each for each in claims.claims() if each.id == "#23"]
    return verdicts.evidence_text(claims.Judgement(claim, claims.of_lines(lines), lines, ""))


HOLDING = [(0.01, 0.03), (0.02, 0.04), (0.03, 0.05), (0.04, 0.06)]


def test_of_many_effects_the_lowest_of_those_that_keep_a_claim_from_holding_are_shown() -> None:
    """The last is the lowest; both undecided ones have higher upper ends than the first."""
    assert many(*HOLDING, (-0.02, 0.08), (-0.04, 0.034)) == (
        "4 hold, 2 undecided; the lowest not shown to hold: "
        "n5: −0.3 [−4.0, +3.4]; n4: +3.0 [−2.0, +8.0]."
    )


def test_of_many_effects_the_one_that_fails_is_shown() -> None:
    """A lower mean with a wide interval does not decide."""
    assert many(*HOLDING, (-0.2, 0.1), (-0.03, -0.01)) == (
        "4 hold, 1 does not hold, 1 undecided; the lowest that fails: n5: −2.0 [−3.0, −1.0]."
    )


def test_of_many_effects_that_all_hold_the_lowest_are_shown() -> None:
    assert many(*HOLDING, (0.001, 0.09)) == (
        "5 hold; the lowest: n0: +2.0 [+1.0, +3.0]; n1: +3.0 [+2.0, +4.0]."
    )


def test_what_of_a_claim_is_not_run_is_said() -> None:
    there = claims.Line("a − b", intervals.around(0.01, 3, 0.0, 0.0), None, 0.0)
    missing = claims.Line("b − c", None, None, 0.0)
    (claim,) = [each for each in claims.claims() if each.id == "#28"]
    row = claims.Judgement(claim, "undecided", (there, missing), "A note.")
    assert verdicts.evidence_text(row) == (
        "1 of 2 comparisons are run; a − b: +1.0 [+1.0, +1.0]. A note."
    )
    assert verdicts.evidence_text(row._replace(lines=(missing,))) == "A note."


def test_verdicts_of_the_seeds_that_confirm_stand_first_and_are_counted() -> None:
    """#17 fails again and #18 is judged once; #2 is not run, so it comes last."""
    every = {each.id: each for each in claims.claims()}
    said = {"#17": "holds", "#2": "not run", "#18": "undecided"}
    pilot = [claims.Judgement(every[name], each, (), "A note.") for name, each in said.items()]
    again = {"#17": pilot[0]._replace(verdict="does not hold")}
    counts, parts, idle = (
        [[cell.strip() for cell in line[1:-1].split("|")] for line in table.splitlines()]
        for table in verdicts.ledger_beside({"scenes": pilot}, {"scenes": again}).split("\n\n")
    )
    assert counts[0] == ["claims by verdict", "scenes", "scenes, pilot alone"]
    assert {word: both for word, *both in counts[2:]} == {
        "holds": ["0", "1"],
        "does not hold": ["1", "0"],
        "undecided": ["1", "1"],
        "not run": ["1", "1"],
    }
    assert parts[0][2:4] == ["scenes, confirmation", "scenes, pilot"]
    assert [row[0:1] + row[2:4] for row in parts[2:]] == [
        ["#17", "does not hold", "holds"],
        ["#18", "–", "undecided"],
    ]
    assert idle[0][2:] == ["note"]
    assert [(row[0], row[2]) for row in idle[2:]] == [("#2", "A note.")]


def test_what_decides_stands_in_the_ledger_and_the_rest_is_folded() -> None:
    """Of three effects the lowest that is undecided; a single effect without a note has no fold."""
    (claim,) = [each for each in claims.claims() if each.id == "#17"]
    above, across, below = (
        claims.Line(f"{name} − fpn, AP", intervals.around(x, 3, 0.002, 0.0), 1.0, 0.0)
        for name, x in (("cs", 0.03), ("rfa", 0.001), ("cs_rfa", 0.002))
    )
    row = claims.Judgement(claim, "undecided", (above, across, below), "")
    text = verdicts.short_evidence({"scenes, pilot": row}, "")
    shown, fold, _ = text.partition(" <details><summary>all effects</summary>")
    assert shown == "RFA − FPN, AP: +0.1 [−0.8, +1.0] (+1.0)."
    assert fold
    alone = row._replace(verdict="holds", lines=(above,))
    text = verdicts.short_evidence({"scenes, pilot": alone}, "")
    assert text == "CS − FPN, AP: +3.0 [+2.1, +3.9] (+1.0)."
    assert (
        verdicts.short_evidence({"scenes, pilot": row._replace(lines=())}, "A note.") == "A note."
    )
    noted = verdicts.short_evidence({"scenes, pilot": row}, "A note.")
    assert noted.endswith("A note.</details>")


def test_detectors_are_named_without_a_comma() -> None:
    label = "retinanet:augfpn − retinanet:fpn, AP"
    assert verdicts.label_in_words(label) == "RetinaNet AugFPN − RetinaNet FPN, AP"
    assert verdicts.label_in_words("fpn, C5 lost in M5") == "FPN, C5 lost in M5"
    assert verdicts.label_in_words("n5") == "n5"


def test_what_is_measured_inside_detectors_has_its_unit() -> None:
    of = gather.committed("scenes")
    rows = {row.claim.id: row for row in claims.ledger(of)}
    said = {name: verdicts.line_text(rows[name].lines[0]) for name in ("#17", "#27", "#48", "#59")}
    assert said["#48"].endswith("22.9 [20.1, 26.0] %")
    assert said["#59"].endswith("+5.0 [−4.6, +14.6] points")  # a difference, with its sign
    assert said["#27"].endswith(" points")
    assert said["#17"].endswith("(+0.9)")  # an AP is in points, as the table's caption says
    alike = verdicts.line_text(rows["#27"].lines[1])
    assert alike.endswith("(× 100)")
