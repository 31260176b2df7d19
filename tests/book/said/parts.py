"""What one part brings, by the wider of two intervals, with the word of its verdict."""

from augfpn.study import gather
from augfpn.study.cells import effect_text
from augfpn.study.evidence import Evidence
from augfpn.study.factorial import contrasts
from augfpn.study.intervals import SETTLED, SMALL_EFFECT, verdict, wider
from augfpn.study.tables import variant_row
from said.evidence import confirmation


def pretrained() -> Evidence:
    """Blood cells from pretrained weights."""
    return gather.committed("bccd", "transfer")


def by_wider(
    part: str, number: str = "AP", main: bool = False, of: Evidence | None = None
) -> tuple[str, str]:
    """The effect of a part alone, or its main effect, and the word of its verdict."""
    of = of or confirmation()
    weights = contrasts()[(part,)] if main else {part: 1.0, "fpn": -1.0}
    found = [of.contrast(weights, number, pooled=pooled) for pooled in (True, False)]
    limits = {
        "small": SMALL_EFFECT,
        "papers": (variant_row(part, of).printed_gain(number) or 0) / 100,
    }
    widest = wider(*found)
    said, of_shared = verdict(widest, **limits), verdict(found[0], **limits)
    stronger = of_shared in SETTLED and said not in SETTLED
    if stronger or (said == "undecided" and of_shared != "undecided"):
        said = f"probably {of_shared}"
    return effect_text(widest), said
