"""What may be said of the results when AugFPN is presented, and what may not: a table.

The words are typed; `tests/study/test_defence.py` holds each of them against the records.
"""

from collections.abc import Mapping
from typing import NamedTuple

from augfpn.study.cells import effect_text, page_table
from augfpn.study.evidence import Evidence
from augfpn.study.glance import main_effect, on_each
from augfpn.study.spreads import wider_text
from augfpn.study.tables import variant_row

READOUT = "C5 lost in M5 + M6 minus C5 lost in M5"


class Defended(NamedTuple):
    """A sentence that may be said, and one on the same matter that may not."""

    may: str
    may_not: str
    because: str


def defence_table(pilot: Evidence, later: Evidence, photographs: Mapping[str, Evidence]) -> str:
    """The sentences as a table in Markdown.

    ``pilot`` has the evidence of the first seeds on scenes, ``later`` that of the seeds that
    confirm with the controls of the same seeds, ``photographs`` that of runs from pretrained
    weights by set of images.
    """
    rows = [of_all_parts(later), *of_each_part(pilot, later), of_photographs(photographs)]
    return page_table(["you may say", "do not say", "because"], rows)


def of_all_parts(later: Evidence) -> Defended:
    """About AugFPN on scenes."""
    return Defended(
        "On drawn scenes, after equally many steps, AugFPN is probably better than FPN: "
        f"{wider_text(later, 'augfpn')}, in nine seeds that were fixed beforehand.",
        "“AugFPN is better than FPN.”",
        "The interval contains zero. FPN with twice the steps, which takes 7 % longer, is "
        f"better: AugFPN minus this FPN is {wider_text(later, 'augfpn', 'fpn_2x_steps')}. With "
        "both tuned no gain is shown.",
    )


def of_each_part(pilot: Evidence, later: Evidence) -> list[Defended]:
    """About the three parts, on scenes."""
    srs = variant_row("srs", later)
    papers = "–" if srs.printed is None else f"{srs.printed['APs'] - srs.base['APs']:+.1f}"
    return [
        Defended(
            "Consistent Supervision alone is better than FPN on scenes: "
            f"{wider_text(later, 'cs')}.",
            "“It takes all three parts.”",
            "No gain of the other two over Consistent Supervision is shown: "
            f"{wider_text(later, 'augfpn', 'cs')}.",
        ),
        Defended(
            "Supervising one level does about as much as supervising four: one minus four on "
            f"scenes {wider_text(later, 'cs_single_lam1', 'cs')}, in six seeds run later.",
            "“It works because levels come to mean the same.”",
            "That it narrows the gap between levels is not shown: "
            f"{effect_text(pilot.measured(['cs'], ['fpn'], 'gap'))} points, in the pilot on "
            "scenes. A second head close to the backbone fits these data, too.",
        ),
        Defended(
            "Residual Feature Augmentation changes AP on scenes by less than a point: main effect "
            f"{main_effect(later, 'rfa', 'AP')}.",
            "“It restores what the top level loses.”",
            "With its context a linear readout misses more of $C_5$, not less: "
            f"{effect_text(pilot.measured(['rfa'], [], READOUT))} percent of the variance, in the "
            "pilot on scenes.",
        ),
        Defended(
            "Soft RoI Selection is a trade on scenes: main effects on small objects "
            f"{main_effect(later, 'srs', 'APs')}, on medium ones {main_effect(later, 'srs', 'APm')}"
            ".",
            "“It helps small objects.”",
            f"On scenes they lose. The paper's {papers} is one run on COCO.",
        ),
    ]


def of_photographs(photographs: Mapping[str, Evidence]) -> Defended:
    """About photographs, and what they say of the paper."""
    return Defended(
        "From pretrained weights no gain of AugFPN is shown on photographs: "
        f"{on_each(photographs, 'augfpn')}.",
        "“The paper is refuted”, or “AugFPN harms”.",
        "Each interval contains zero. Nobody here has trained on COCO, "
        "and by the paper's numbers AugFPN is better there even at equal time.",
    )
