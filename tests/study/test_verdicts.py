"""The ledger in words: counts of verdicts, effects, what is not run."""

from augfpn.study import claims, intervals, verdicts


def test_of_many_effects_the_worst_are_shown() -> None:
    """Six effects, one of them undecided: counts, then the two with the lowest upper ends."""
    ends = [(0.01, 0.03), (0.02, 0.04), (-0.01, 0.02), (0.03, 0.05), (0.04, 0.06), (0.05, 0.07)]
    normal = intervals.factor(intervals.LEVEL)
    found = (intervals.around((a + b) / 2, 3, 0.0, (b - a) / 2 / normal) for a, b in ends)
    lines = tuple(claims.Line(f"n{i}", each, None, 0.0) for i, each in enumerate(found))
    (claim,) = [each for each in claims.claims() if each.id == "C23"]
    text = verdicts.evidence_text(claims.Judgement(claim, "undecided", lines, ""))
    assert text == (
        "5 hold, 1 undecided; the lowest: n2: +0.5 [−1.0, +2.0]; n0: +2.0 [+1.0, +3.0]."
    )


def test_what_of_a_claim_is_not_run_is_said() -> None:
    there = claims.Line("a − b", intervals.around(0.01, 3, 0.0, 0.0), None, 0.0)
    missing = claims.Line("b − c", None, None, 0.0)
    (claim,) = [each for each in claims.claims() if each.id == "C28"]
    row = claims.Judgement(claim, "undecided", (there, missing), "A note.")
    assert verdicts.evidence_text(row) == (
        "1 of 2 comparisons are run; a − b: +1.0 [+1.0, +1.0]. A note."
    )
    assert verdicts.evidence_text(row._replace(lines=(missing,))) == "A note."
