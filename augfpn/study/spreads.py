"""Whether all variants vary alike between seeds, on which pooled intervals rest.

Runs that vary more than the others have pooled intervals that are too narrow, and the other way
round. A variant's own differences do not borrow from others, but they are few.
"""

from augfpn.study import grid, intervals, pooling
from augfpn.study.cells import effect_text, page_table, percent
from augfpn.study.evidence import Evidence
from augfpn.study.grid import baseline_of
from augfpn.study.tables import variant_label


def spreads_table(of: Evidence, part: str = "table2") -> str:
    """Effects on AP with their pooled interval and with that of their own differences alone.

    The standard deviation is that of a variant's differences to its baseline between seeds.
    """
    lines = []
    for variant in grid.part(part).variants:
        base = baseline_of(variant)
        apart = [] if variant == base else list(of.apart(variant, base).values())
        if apart:
            alone = intervals.single(apart)["AP"]
            pooled = of.effects(variant, base)["AP"]
            spread = percent(alone.of_seeds * alone.seeds**0.5)
            lines.append([
                *(variant_label(variant), str(alone.seeds), spread),
                *(effect_text(alone), effect_text(pooled)),
            ])  # fmt: skip
    header = ["", "seeds", "standard deviation", "own differences", "all runs together"]
    return page_table(header, lines)


def chance_of_alike(of: Evidence, base: str = "fpn") -> float:
    """The p-value of Bartlett's test that the AP of all variants with one baseline varies alike."""
    return pooling.all_alike(of.observations(base, "AP"))
