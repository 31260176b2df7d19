"""Table 2 as the experiment that it is: three components, each on or off, in all combinations.

Each main effect uses all eight variants, so its interval is narrower than that of one variant minus
FPN. Source: Yates, The design and analysis of factorial experiments, 1937.
"""

from collections.abc import Mapping
from itertools import combinations, product
from math import prod

from augfpn.study.evidence import Evidence
from augfpn.study.uncertainty import intervals
from augfpn.study.uncertainty.cells import SIZE_OF, objects_text, page_table, size_effect_text
from augfpn.study.uncertainty.intervals import Interval

FACTORS = ("cs", "rfa", "srs")
EFFECT_NUMBERS = ("AP", *SIZE_OF)
COMBINATION_NAMES = {
    "": "fpn",
    "cs_rfa_srs": "augfpn",
}  # combinations that have a name of their own


def contrasts() -> dict[tuple[str, ...], dict[str, float]]:
    """The weights of all eight variants in each main effect and interaction.

    A main effect is the mean over the other components' combinations of with minus without. An
    interaction of two is half the difference of one's effect with and without the other.
    """
    effects = [each for n in (1, 2, 3) for each in combinations(FACTORS, n)]
    cells = [
        dict(zip(FACTORS, on, strict=True)) for on in product((False, True), repeat=len(FACTORS))
    ]
    return {
        effect: {
            variant_with(cell): prod(1 if cell[name] else -1 for name in effect) / 4
            for cell in cells
        }
        for effect in effects
    }


def variant_with(cell: Mapping[str, bool]) -> str:
    """The variant that has some of the components."""
    joined = "_".join(name for name in FACTORS if cell[name])
    return COMBINATION_NAMES.get(joined, joined)


def factorial(of: Evidence, number: str = "AP") -> dict[tuple[str, ...], Interval]:
    """The main effects and interactions of a number; empty if a variant has no common seed."""
    found = {effect: of.contrast(weights, number) for effect, weights in contrasts().items()}
    return {effect: each for effect, each in found.items() if each is not None}


def wider_factorial(of: Evidence, number: str = "AP") -> dict[tuple[str, ...], Interval]:
    """As `factorial`, each with the wider of its two intervals; see `augfpn.study.spreads`."""
    found = {effect: wider_contrast(of, weights, number) for effect, weights in contrasts().items()}
    return {effect: each for effect, each in found.items() if each is not None}


def wider_main_effect(of: Evidence, part: str, number: str = "AP") -> Interval | None:
    """A part's main effect with the wider of its two intervals."""
    return wider_contrast(of, contrasts()[(part,)], number)


def wider_contrast(of: Evidence, weights: Mapping[str, float], number: str) -> Interval | None:
    """A weighted sum of a number over variants with the wider of its two intervals."""
    return intervals.wider(
        *(of.contrast(weights, number, pooled=pooled) for pooled in (True, False))
    )


def factorial_table(of: Evidence, largest: int = len(FACTORS), wider: bool = False) -> str:
    """Main effects and interactions on AP and by size; empty if a variant is not recorded.

    Interactions of more than ``largest`` components are left out; with 1, all of them. With
    ``wider`` an effect has the wider of its two intervals.
    """
    look = wider_factorial if wider else factorial
    by_number = {number: look(of, number) for number in EFFECT_NUMBERS}
    if not by_number["AP"]:
        return ""
    objects = of.objects()
    header = [f"{n}{objects_text(objects.get(SIZE_OF.get(n, '')))}" for n in EFFECT_NUMBERS]
    lines = [
        [
            " x ".join(map(str.upper, effect)),
            *(
                size_effect_text(by_number[n][effect], objects.get(SIZE_OF.get(n, "")))
                for n in EFFECT_NUMBERS
            ),
        ]
        for effect in contrasts()
        if len(effect) <= largest
    ]
    return page_table(["", *header], lines)
