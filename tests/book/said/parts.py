"""What one part brings, by the wider of two intervals, with the word of its verdict."""

from augfpn.study import gather
from augfpn.study.evidence import Evidence
from augfpn.study.factorial import contrasts
from augfpn.study.tables import variant_row
from augfpn.study.uncertainty.cells import effect_text
from augfpn.study.uncertainty.intervals import SMALL_EFFECT, is_probable, verdict, wider
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
    shared, own = (of.contrast(weights, number, pooled=pooled) for pooled in (True, False))
    limits = {
        "small": SMALL_EFFECT,
        "papers": (variant_row(part, of).printed_gain(number) or 0) / 100,
    }
    said = "probably " * is_probable(shared, own, **limits) + verdict(shared, **limits)
    return effect_text(wider(shared, own)), said
