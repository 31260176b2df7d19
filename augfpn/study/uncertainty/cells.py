"""Numbers and intervals as text: the cells of the study's tables, which are Markdown."""

import re
from collections.abc import Sequence

from augfpn.study.uncertainty.intervals import (
    FEWEST_OBJECTS,
    FEWEST_SEEDS,
    ONE_SIDED,
    Interval,
    at_level,
)
from augfpn.support.text import markdown

IN_BRACKETS = re.compile(r"\[[^][]*\]")
SIZE_OF = {"APs": "small", "APm": "medium", "APl": "large"}  # an AP number's objects
NO_BREAK_SPACE = "\u00a0"
MOST_DECIMALS = 4


def percent(x: float | None, sign: bool = False) -> str:
    """A fraction as a percentage with one decimal; a dash for a number that does not exist."""
    if x is None or x != x:
        return "–"
    rounded = round(100 * x, 1) + 0.0  # no minus before zero
    text = f"{rounded:+.1f}" if sign and rounded else f"{rounded:.1f}"
    return text.replace("-", "−")


def effect_text(of: Interval | None) -> str:
    """An effect with its interval: "+1.2 [−0.3, +2.7]"; a star for too few seeds.

    A limit that rounds to zero has a digit more, so that one sees on which side of zero it lies.
    """
    return with_limits(of, sign=True)


def size_effect_text(of: Interval | None, objects: int | None) -> str:
    """An effect on the AP of one size, of which the test images have so many objects.

    A dash for fewer than `FEWEST_OBJECTS` or fewer than `FEWEST_SEEDS` seeds: such a number says
    nothing. ``objects`` is ``None`` for the AP of all sizes.
    """
    if of is None or objects is None:
        return effect_text(of)
    return effect_text(of if objects >= FEWEST_OBJECTS and of.seeds >= FEWEST_SEEDS else None)


def interval_text(of: Interval | None) -> str:
    """A number with its interval: "48.7 [46.9, 50.5]"; a star for too few seeds."""
    return with_limits(of, sign=False)


def with_limits(of: Interval | None, sign: bool) -> str:
    """A mean with its interval, in percent; a dash where there is none."""
    if of is None or of.mean != of.mean:
        return "–"
    star = " *" if of.seeds < FEWEST_SEEDS else ""
    limits = limits_text(of) if sign else f"[{percent(of.low)}, {percent(of.high)}]"
    return f"{percent(of.mean, sign)} {limits}{star}"


def loss_text(of: Interval | None, sign: bool = False) -> str:
    """A cross-entropy with its interval, as it is: "0.88 [0.82, 0.95]"; a star for too few seeds.

    With ``sign`` the difference of two: "−0.04 [−0.07, −0.01]".
    """
    if of is None or of.mean != of.mean:
        return "–"
    mean, low, high = (f"{x:{'+' if sign else ''}.2f}".replace("-", "−") for x in of[:3])
    mean = mean.lstrip("+−") if mean.endswith("0.00") else mean
    return f"{mean} [{low}, {high}]{' *' if of.seeds < FEWEST_SEEDS else ''}"


def limits_text(of: Interval) -> str:
    """The interval of an effect without its mean: "[−0.3, +2.7]"."""
    return f"[{limit_text(of.low)}, {limit_text(of.high)}]"


def limit_text(x: float, decimals: int = 1) -> str:
    """An end of an effect's interval, in percent, with enough decimals to show its sign."""
    if x != x:
        return "–"
    shown = (f"{100 * x:+.{n}f}".replace("-", "−") for n in range(decimals, MOST_DECIMALS + 1))
    return next((text for text in shown if text.strip("+−0.")), "0.0")


def limiting_text(of: Interval, by: str = "") -> str:
    """The interval of which each end is a limit of an effect at 95 %, and ``by`` what it is."""
    low, high = (limit_text(x, 2) for x in at_level(of, ONE_SIDED)[1:3])
    return f"(90 %{by}: [{low}, {high}])"


def marked(of: Interval) -> str:
    """An effect with its interval, bold if that excludes zero."""
    text = effect_text(of)
    return text if of.low <= 0 <= of.high else f"**{text}**"


def ratio_text(of: Interval) -> str:
    """A ratio with its interval: "1.22 [1.18, 1.26]"."""
    return f"{of.mean:.2f} [{of.low:.2f}, {of.high:.2f}]"


def label_text(label: str) -> str:
    """A variant's label, which a narrow column breaks only behind a comma or before a plus."""
    kept = label.replace(" ", NO_BREAK_SPACE)
    return kept.replace(f",{NO_BREAK_SPACE}", ", ").replace(f"{NO_BREAK_SPACE}+", " +")


def objects_text(count: int | None) -> str:
    """How many objects of its size a number is about: " (46 objects)"; empty if it has no size."""
    if count is None:
        return ""
    return f" ({count} objects{', too few for a verdict' if count < FEWEST_OBJECTS else ''})"


def page_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown in which no line is broken inside an interval."""
    return markdown(header, [[unbroken(cell) for cell in row] for row in rows])


def unbroken(cell: str) -> str:
    """The cell with no-break spaces inside its brackets."""
    return IN_BRACKETS.sub(lambda found: found[0].replace(" ", NO_BREAK_SPACE), cell)
