"""What controls are for: how much better a variant is than its control."""

from augfpn.study.cells import effect_text, page_table
from augfpn.study.evidence import Evidence
from augfpn.study.tables import variant_label

AGAINST = (  # the questions that controls are for: the first variant minus the second
    ("augfpn", "fpn_2x_steps"),
    ("augfpn", "fpn_wide"),
    ("augfpn_4x_steps", "fpn_4x_steps"),
    ("augfpn_tuned", "fpn_tuned"),
    ("cs", "cs_separate"),
    ("cs_lam1", "cs"),
)
SIZES_SHOWN = ("AP", "APs", "APm", "APl")


def against_controls(of: Evidence) -> str:
    """What the controls are for: AugFPN minus FPN with as much time, as many parameters, ..."""
    lines = []
    for variant, control in AGAINST:
        found = of.effects(variant, control)
        if found:
            labels = variant_label(variant), variant_label(control)
            lines.append([*labels, *(effect_text(found[name]) for name in SIZES_SHOWN)])
    return page_table(["", "minus", *SIZES_SHOWN], lines) if lines else ""
