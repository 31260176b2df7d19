"""Initial weights are a function of the seed; with fpn_start a variant shares FPN's."""

from dataclasses import replace

import pytest
import torch

from augfpn import config
from augfpn.settings.budgets import BUDGETS
from augfpn.settings.components import without_components
from augfpn.training.initial import initial_detector

SMOKE = BUDGETS["smoke"]
AUGFPN = {"lam": 0.25, "ratios": (0.1, 0.2, 0.3), "roi_selection": "soft"}


def start(model: config.Model, fpn_start: bool, seed: int = 3) -> dict[str, torch.Tensor]:
    train = replace(SMOKE.train, fpn_start=fpn_start)
    return initial_detector(replace(SMOKE, model=model, train=train, seed=seed)).state_dict()


@pytest.mark.parametrize("detector", ["faster_rcnn", "retinanet"])
def test_with_fpn_start_all_that_fpn_has_is_equal_and_the_rest_is_there(detector: str) -> None:
    parts = AUGFPN if detector == "faster_rcnn" else AUGFPN | {"roi_selection": "hard"}
    model = replace(SMOKE.model, detector=detector, **parts)
    fpn, augfpn = start(without_components(model), True), start(model, True)
    assert fpn.keys() < augfpn.keys()
    assert all(torch.equal(fpn[name], augfpn[name]) for name in fpn)


def test_without_it_the_components_move_the_numbers_of_the_heads() -> None:
    """Which is why the option exists; and FPN itself starts from the same numbers either way."""
    model = replace(SMOKE.model, **AUGFPN)
    fpn, augfpn = start(without_components(model), False), start(model, False)
    assert not all(torch.equal(fpn[name], augfpn[name]) for name in fpn)
    with_it = start(without_components(model), True)
    assert all(torch.equal(fpn[name], with_it[name]) for name in fpn)


def test_the_seed_decides() -> None:
    one, same, other = (start(SMOKE.model, True, seed) for seed in (3, 3, 4))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)
