"""The toy of Consistent Supervision: what a sum of two maps is worth."""

from solved.table import percentages, run

from said.table import says


@says(
    "consistent_supervision",
    "each level knows the class in nearly six of ten cases, but a probe of one only guesses on the "
    "other, and **the sum tells less than one level**. After supervision of the levels, the sum "
    "tells more than either",
)
@says(
    "consistent_supervision",
    "But **the sum's own loss does the same, without supervision**, and both together gain nothing "
    "over it.",
)
def sums_of_the_toy() -> None:
    _, printed = run("consistent_supervision", "languages", "questioned", "probed")
    ways = dict(line.split(": ", 1) for line in printed.splitlines() if line)
    one, other, both = zip(*map(percentages, ways.values()), strict=True)
    assert [*ways] == ["nothing", "the levels", "the sum", "the sum and the levels"]
    assert {round(x, -1) for x in one} == {60}
    assert other[0] < 33 < 50 < min(other[1:])
    assert both[0] < one[0]
    assert min(both[1:]) > one[0] + 5
    assert max(both[1:]) - min(both[1:]) <= 2
