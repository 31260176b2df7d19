"""Table 2 as an experiment with three factors, on numbers that one can add up by hand."""

from itertools import product

import numpy as np
import pytest

from augfpn.study import factorial, gather
from augfpn.study.evidence import Evidence
from augfpn.study.running import grid, recorded
from augfpn.study.uncertainty.resampling import Draws

OF = {"cs": 1.0, "rfa": 2.0, "srs": 4.0}


class Made(Evidence):
    """FPN has 10, and each component adds its own; CS and RFA together add 8 more."""

    def of(self, variant: str) -> dict[int, Draws]:
        on = set(OF) if variant == "augfpn" else set(variant.split("_"))
        value = 10 + sum(OF[name] for name in on & OF.keys()) + 8 * ({"cs", "rfa"} <= on)
        return {seed: Draws({"AP": value}, {"AP": np.full(9, value)}) for seed in range(3)}


def test_effects_and_interactions_of_a_made_up_table() -> None:
    """The interaction adds half of 8 to each of its main effects, and is half of 8 itself."""
    found = factorial.factorial(Made("scenes", "laptop", recorded.Found({}, ())))
    assert {effect: each.mean for effect, each in found.items()} == pytest.approx({
        ("cs",): 5, ("rfa",): 6, ("srs",): 4, ("cs", "rfa"): 4,
        ("cs", "srs"): 0, ("rfa", "srs"): 0, ("cs", "rfa", "srs"): 0,
    })  # fmt: skip


def test_a_table_can_have_the_wider_of_two_intervals() -> None:
    """By its own differences Soft RoI Selection varies more than all runs together."""
    of = gather.committed("scenes", phase="confirmation")
    together, wider = (
        factorial.factorial_table(of, largest=1, wider=wider) for wider in (False, True)
    )
    shown = [table.replace("\u00a0", " ").splitlines()[-1] for table in (together, wider)]
    assert "−2.3 [−3.0, −1.7]" in shown[0]
    assert "−2.3 [−3.4, −1.3]" in shown[1]


def test_the_contrasts_are_orthogonal_and_use_the_eight_variants() -> None:
    found = factorial.contrasts()
    for weights in found.values():
        assert weights.keys() == set(grid.part("table2").variants)
        assert sum(weights.values()) == 0
    for a, b in product(found, repeat=2):
        dot = sum(found[a][name] * found[b][name] for name in found[a])
        assert dot == (0.5 if a == b else 0)
