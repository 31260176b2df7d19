"""The defect matrix: effects where a dial is turned up, beside those on plain scenes."""

import numpy as np
import pytest

from augfpn.study.evidence import Evidence
from augfpn.study.results import defects
from augfpn.study.running import recorded
from augfpn.study.uncertainty import intervals
from augfpn.study.uncertainty.resampling import Draws


def test_an_effect_on_a_dial_is_compared_with_that_on_plain_scenes() -> None:
    """Three seeds: 1, 2, 3 points on the dial, half of that on plain scenes, pictures all alike."""

    class Made(Evidence):
        def of(self, variant: str) -> dict[int, Draws]:
            times = {"fpn": 0.0, "srs": 0.02 if self.pictures == "detail" else 0.01}[variant]
            values = {seed: times * (seed + 1) for seed in range(3)}
            return {s: Draws({"AP": x}, {"AP": np.full(9, x)}) for s, x in values.items()}

    there, plain = (Made(name, "laptop", recorded.Found({}, ())) for name in ("detail", "scenes"))
    found = defects.effect_minus_plain(there, plain, "srs")
    of_seeds = intervals.mean_interval([0.01, 0.02, 0.03])[:4]
    assert found[:6] == pytest.approx((*of_seeds, found.of_seeds, 0.0))
