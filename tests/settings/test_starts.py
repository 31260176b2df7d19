"""The table of the usual commands says what they come to."""

from dataclasses import replace
from typing import get_args

import pytest
import torch

from augfpn import config
from augfpn.cli import options, program
from augfpn.detectors.build import build_detector
from augfpn.settings.budgets import BUDGETS
from augfpn.settings.parameters import parse
from augfpn.settings.starts import NORMALISED, STARTS, Start, starts_table, what_learns

ROWS = {
    name: cells
    for name, *cells in (
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in starts_table().splitlines()
    )
}


def test_each_command_is_understood_as_its_words() -> None:
    for start, title, shown in zip(STARTS, next(iter(ROWS.values())), ROWS["options"], strict=True):
        typed = [] if shown == "none" else shown.strip("`").split()
        given, unknown = program.whole_parser().parse_known_args(["train", *typed])
        assert unknown == []
        assert options.parameters_of(given) == parse(start.words)
        assert title.startswith("GPU") == (start.device == "cuda")
        assert title.endswith("no option") == (typed == [])


def test_the_rows_are_the_budgets_own() -> None:
    gpu, laptop = BUDGETS["gpu"], BUDGETS["laptop"]
    assert ROWS["steps"] == [str(x) for x in (gpu.train.steps, 900, gpu.train.steps, 400)]
    assert ROWS["images a step"] == ["16", "4", "16", "4"]
    assert ROWS["passes over 500 images"] == ["32", "7", "32", "3"]
    assert ROWS["an image is at most, longer × shorter side"][-1] == (
        f"{laptop.model.long_side} × {laptop.model.short_side} px"
    )
    assert ROWS["shapes of anchors, height by width"][1::2] == ["1", "1"]
    assert ROWS["shapes of anchors, height by width"][::2] == ["0.5, 1, 2"] * 2
    assert ROWS["backbone: normalisation"] == [
        *("frozen", "statistics frozen", "frozen", "over the batch")
    ]
    assert set(NORMALISED) == set(get_args(config.Norm))
    assert ROWS["learning rate of AdamW"] == ["0.0005", "0.001", "0.0005", "0.001"]
    assert {start.experiment.train.optimizer for start in STARTS} == {"adamw"}


@pytest.mark.parametrize("start", STARTS, ids=lambda start: start.title)
def test_what_is_said_to_learn_learns(start: Start) -> None:
    """A detector with random weights, frozen as one with weights is."""
    model = start.experiment.model
    said = what_learns(model)
    with torch.device("meta"):
        detector = build_detector(replace(model, weights="scratch", norm="batch"))
    body = detector.backbone
    if model.weights != "scratch" and model.frozen > 1:
        body.freeze_up_to(model.frozen)
    still = [name for name, q in body.named_parameters() if not q.requires_grad]
    assert {"all": 0, "nothing": len([*body.parameters()])}.get(said, len(still)) == len(still)
    assert (said == "all behind C2") == (0 < len(still) < len([*body.parameters()]))
