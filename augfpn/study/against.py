"""What controls are for: how much better a variant is than its control."""

from collections.abc import Collection

from augfpn.study.cells import effect_text, page_table, percent
from augfpn.study.evidence import Evidence
from augfpn.study.tables import variant_label

AGAINST = (  # the question, and those that controls are for: the first variant minus the second
    ("augfpn", "fpn"),
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
            seeds = of.of(variant).keys() & of.of(control).keys()
            both = [labelled(each, of, seeds) for each in (variant, control)]
            effects = [effect_text(found[name]) for name in SIZES_SHOWN]
            lines.append([*both, str(len(seeds)), *effects])
    return page_table(["", "minus", "seeds", *SIZES_SHOWN], lines) if lines else ""


def labelled(variant: str, of: Evidence, seeds: Collection[int]) -> str:
    """A variant with its mean AP over some seeds: "AugFPN: 49.4"."""
    mean = sum(of.of(variant)[seed].observed["AP"] for seed in seeds) / len(seeds)
    return f"{variant_label(variant)}: {percent(mean)}"
