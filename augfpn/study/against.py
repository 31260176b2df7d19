"""What controls are for: how much better a variant is than its control."""

from collections.abc import Sequence
from statistics import mean

from augfpn.study.cells import effect_text, page_table, percent
from augfpn.study.evidence import Evidence, shared_seeds
from augfpn.study.factorial import EFFECT_NUMBERS
from augfpn.study.resampling import Draws
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


def against_controls(of: Evidence) -> str:
    """What the controls are for: AugFPN minus FPN with as much time, as many parameters, ..."""
    lines = []
    for variant, control in AGAINST:
        found = of.effects(variant, control)
        if found:
            drawn = {each: of.of(each) for each in (variant, control)}
            seeds = shared_seeds(drawn)
            both = [labelled(each, [by_seed[s] for s in seeds]) for each, by_seed in drawn.items()]
            effects = [effect_text(found[name]) for name in EFFECT_NUMBERS]
            lines.append([*both, str(len(seeds)), *effects])
    return page_table(["", "minus", "seeds", *EFFECT_NUMBERS], lines) if lines else ""


def labelled(variant: str, of: Sequence[Draws]) -> str:
    """A variant with its mean AP over some seeds: "AugFPN: 49.4"."""
    return f"{variant_label(variant)}: {percent(mean(each.observed['AP'] for each in of))}"
