"""Each option of the dialects, tested with a small worked example for both of its values."""

from dataclasses import fields, replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import torch
from torch import nn
from worked import EXAMPLES, GROUPS, TINY, option, with_option, worked

from augfpn.config import FCOS, FPN, Model, RetinaNet, Train
from augfpn.detectors.build import build_detector
from augfpn.detectors.two_stage import roi_loss
from augfpn.settings import dialects
from augfpn.settings.dialects import in_dialect
from augfpn.training import schedule

OWN = {"EVERY": Model, "PROPOSALS": Model, "RETINANET": RetinaNet, "FCOS": FCOS}


def built(group: str, field: str, value: object) -> nn.Module:
    torch.manual_seed(0)
    return build_detector(with_option(group, field, value))


# --- every detector -------------------------------------------------------------------------------


@worked("EVERY", "initialisation", torchvision=(True, False), authors=(False, True))
def test_first_weights(value, expected) -> None:
    """Biases of the box head are random, or zero with class weights of standard deviation 0.01."""
    head = built("EVERY", "initialisation", value).heads
    biased = bool(head.box_predictor.cls_score.bias.any())
    small = abs(head.box_predictor.cls_score.weight.std().item() - 0.01) < 0.002
    assert (biased, small) == expected


@worked("EVERY", "box_beta", torchvision=0.5 - 1 / 18, authors=0.125)
def test_where_smooth_l1_turns(value, expected) -> None:
    """One RoI, one coordinate off by 0.5: 0.5 - beta / 2, or 0.5 x 0.5^2 / beta."""
    deltas = torch.tensor([[0.0, 0, 0, 0, 0.5, 0, 0, 0]])
    _, loss = roi_loss(torch.zeros(1, 2), deltas, [torch.tensor([1])], [torch.zeros(1, 4)], value)
    assert loss.item() == pytest.approx(expected)


# --- levels above P5 ----------------------------------------------------------------------------


@worked("RETINANET", "p6_from", torchvision="p5", authors="c5")
def test_what_p6_is_computed_from(value, expected) -> None:
    extra = built("RETINANET", "p6_from", value).fpn.extra
    c5, p5 = torch.rand(1, 256, 6, 4), torch.rand(1, TINY.channels, 6, 4)
    source = {"c5": c5, "p5": p5}[expected]
    assert torch.equal(extra(c5, p5, None)[6], extra.p6(source))


@worked("RETINANET", "relu_before_p7", torchvision=True, authors=False)
def test_a_relu_before_p7(value, expected) -> None:
    extra = built("RETINANET", "relu_before_p7", value).fpn.extra
    p = extra(torch.rand(1, 256, 6, 4), torch.rand(1, TINY.channels, 6, 4), None)
    assert (p[6] < 0).any()
    assert torch.equal(p[7], extra.p7(p[6].relu() if expected else p[6]))


@worked("RETINANET FCOS", "context_at_p6", torchvision=0.0, authors=3.0)
def test_the_mean_of_m6_at_p6(value, expected) -> None:
    """M6 is 1 on the left half and 5 on the right: 3 is added to P6, and P7 sees it."""
    extra = built("RETINANET", "context_at_p6", value).fpn.extra
    p5, m6 = torch.rand(1, TINY.channels, 6, 4), torch.ones(1, TINY.channels, 6, 4)
    m6[..., 2:] = 5
    p = extra(torch.zeros(1, 256, 6, 4), p5, m6)
    torch.testing.assert_close(p[6], extra.p6(p5) + expected)
    torch.testing.assert_close(p[7], extra.p7(p[6].relu()))


# --- all of them ----------------------------------------------------------------------------------


def test_no_option_is_without_its_example() -> None:
    for file in (Path(__file__).parents[1] / "detectors").glob("test_*.py"):
        if "@worked" in file.read_text():  # its examples count
            spec = spec_from_file_location(f"examples_of_{file.stem}", file)
            spec.loader.exec_module(module_from_spec(spec))
    options = {(group, each.field) for group, them in GROUPS.items() for each in them}
    grids = {(group, "anchor_grid") for group in ("PROPOSALS", "RETINANET", "FCOS")}
    assert options - set(EXAMPLES) == set()
    assert grids <= set(EXAMPLES)


@pytest.mark.parametrize("group", GROUPS)
def test_an_option_is_a_setting_and_torchvisions_value_its_default(group: str) -> None:
    default = {field.name: field.default for field in fields(OWN[group])}
    for each in GROUPS[group]:
        if each.field != "initialisation":  # from scratch, torchvision's is no good default
            assert default[each.field] == each.torchvision, each.field
        assert each.torchvision != each.authors or each.ours != each.authors
        assert option(group, each.field) is each


@pytest.mark.parametrize("name", dialects.DIALECTS)
@pytest.mark.parametrize("detector", ["faster_rcnn", "mask_rcnn", "retinanet", "fcos"])
def test_a_dialect_sets_what_its_detector_has_and_nothing_else(detector: str, name: str) -> None:
    model = in_dialect(replace(FPN, detector=detector), name)
    other = {"retinanet": "fcos", "fcos": "retinanet"}.get(detector, "fcos")
    assert getattr(model, other) == getattr(FPN, other)
    assert (model.proposals == (2000, 2000)) == (name == "authors" and "rcnn" in detector)


def test_small_budgets_keep_their_numbers_of_proposals() -> None:
    model = in_dialect(TINY, "authors", sizes=False)
    assert (model.proposals, model.rpn_candidates) == (TINY.proposals, TINY.rpn_candidates)


def test_schedules() -> None:
    authors = dialects.schedule(Train(), "fcos", "authors")
    assert (authors.lr, authors.clip, authors.bias_lr, authors.bias_decay) == (0.01, None, 2, False)
    rates = [schedule.learning_rate(authors, step, 12000) for step in (0, 499, 500)]
    assert rates == pytest.approx([0.01 / 3, 0.01 / 3, 0.01])  # constant, then the whole
    reference = dialects.schedule(Train(), "retinanet", "torchvision")
    assert (reference.epochs, reference.warmup_steps, reference.clip) == (26, 1000, None)
    assert [26 * drop for drop in reference.drops] == pytest.approx([16, 22])
    assert dialects.schedule(Train(), "mask_rcnn", "authors") == Train()


def test_biases_learn_twice_as_fast_without_decay() -> None:
    layer = nn.Linear(2, 1)
    settings = replace(Train(), bias_lr=2.0, bias_decay=False, weight_decay=0.1)
    weights, biases = schedule.make_optimizer(layer, settings).param_groups
    assert (weights["times"], weights["weight_decay"]) == (1, 0.1)
    assert (biases["times"], biases["weight_decay"]) == (2, 0.0)
    assert biases["params"][0] is layer.bias
    assert len(schedule.make_optimizer(layer, Train()).param_groups) == 1


def test_the_norm_of_pretrained_weights() -> None:
    assert dialects.norm_of_pretrained("faster_rcnn", "authors") == "frozen_statistics"
    assert dialects.norm_of_pretrained("fcos", "authors") == "frozen"
    assert dialects.norm_of_pretrained("faster_rcnn", "torchvision") == "frozen"
