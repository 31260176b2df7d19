"""Consistent Supervision in a torchvision detector: nothing else changes, and M learns."""

import inspect
import io
from copy import deepcopy

import pytest
import torch
from small_torchvision import CHANNELS, KINDS, SMALL, pictures, talkative, theirs
from torch import Tensor, nn
from torchvision.models import mobilenet_v3_large
from torchvision.models.detection import FasterRCNN, MaskRCNN, fasterrcnn_resnet50_fpn_v2
from torchvision.models.detection.backbone_utils import _mobilenet_extractor

from augfpn.config import PAPER_LAM
from augfpn.detectors.from_torchvision import PyramidBackbone
from augfpn.detectors.pretrained import backbone
from augfpn.detectors.supervised_torchvision import add_consistent_supervision
from augfpn.detectors.two_stage import without_supervision
from augfpn.errors import UserError
from augfpn.pyramid import FPN
from augfpn.settings.budgets import BUDGETS

OWN = ["loss_supervision_class", "loss_supervision_box"]


def losses_of(model: FasterRCNN) -> dict[str, Tensor]:
    torch.manual_seed(2)  # the samplers draw
    return model.train()(*pictures())


def found_by(model: FasterRCNN) -> list[dict[str, Tensor]]:
    with torch.no_grad():
        return model.eval()(pictures()[0])


def same(a: list[dict[str, Tensor]], b: list[dict[str, Tensor]]) -> bool:
    return all(
        x.keys() == y.keys() and all(torch.equal(x[k], y[k]) for k in x)
        for x, y in zip(a, b, strict=True)
    )


@KINDS
def test_detections_are_those_of_the_plain_model_bit_for_bit(kind: type) -> None:
    plain = theirs(kind)
    ours = add_consistent_supervision(deepcopy(plain))
    assert sum(len(each["boxes"]) for each in found_by(plain)) > 20
    assert same(found_by(plain), found_by(ours))


@KINDS
def test_losses_are_those_of_the_plain_model_and_two_more(kind: type) -> None:
    plain = theirs(kind)
    ours = add_consistent_supervision(deepcopy(plain))
    before, after = losses_of(plain), losses_of(ours)
    assert [name for name in after if name not in before] == OWN
    assert all(torch.equal(after[name], loss) for name, loss in before.items())
    assert all(after[name] > 0 for name in OWN)


def test_with_the_main_head_and_p_the_losses_are_the_main_heads() -> None:
    """Bit for bit, if both pool from P2: RoIs, labels, box targets and criterion are the same.

    beta is torchvision's here.
    """
    model = add_consistent_supervision(theirs(FasterRCNN), weight=1.0, beta=1 / 9)
    heads = model.roi_heads
    heads.supervision.head = nn.Sequential(heads.box_head, heads.box_predictor)
    heads.supervision.selections = heads.supervision.selections[:1]
    heads.box_roi_pool.featmap_names = ["0"]  # of P2 alone, as the supervision's
    model.backbone.fpn.layer_blocks[0].register_forward_hook(lambda *given: heads.keep(2, *given))
    losses = losses_of(model)
    assert losses["loss_supervision_class"] == losses["loss_classifier"]
    assert losses["loss_supervision_box"] == losses["loss_box_reg"]


def test_the_supervision_is_that_of_the_study() -> None:
    """Its own beta and lambda are those of the budget that the study has; the main head's stays."""
    plain = theirs(FasterRCNN)
    study = BUDGETS["laptop"].model.box_beta
    asked = inspect.signature(add_consistent_supervision).parameters
    assert (asked["beta"].default, asked["weight"].default) == (study, PAPER_LAM)
    found = {}
    for beta in (None, study, 1 / 9):
        torch.manual_seed(0)
        given = {} if beta is None else {"beta": beta}
        found[beta] = losses_of(add_consistent_supervision(deepcopy(plain), **given))
    assert found[None] == found[study]
    small = found[1 / 9]
    assert small["loss_supervision_box"] > found[study]["loss_supervision_box"]
    assert all(small[name] == x for name, x in found[study].items() if name != OWN[1])


@pytest.mark.parametrize("pyramid", ["torchvision", "ours"])
def test_the_gradient_reaches_m_and_not_p(pyramid: str) -> None:
    torch.manual_seed(0)
    model = theirs(FasterRCNN)
    if pyramid == "ours":
        body = backbone("narrow_resnet", "batch")
        model = FasterRCNN(PyramidBackbone(body, FPN(body.channels, CHANNELS)), **SMALL)
    losses = losses_of(add_consistent_supervision(model))
    sum(losses[name] for name in OWN).backward()
    learning = {name for name, q in model.named_parameters() if q.grad is not None and q.grad.any()}
    kept = {name for name, _ in model.backbone.fpn.named_parameters()}
    lateral = {name for name in kept if name.startswith(("inner_blocks", "lateral"))}
    assert len(lateral) == 8
    assert {f"backbone.fpn.{name}" for name in lateral} <= learning
    assert not {f"backbone.fpn.{name}" for name in kept - lateral} & learning
    assert {n.split(".")[0] for n in learning} == {"backbone", "roi_heads"}
    assert all(".supervision." in n for n in learning if n.startswith("roi_heads"))
    model.zero_grad()
    sum(losses_of(model).values()).backward()
    assert all(q.grad is not None for q in model.parameters() if q.requires_grad)


def test_the_weight_is_lambda_and_zero_changes_nothing() -> None:
    plain = theirs(FasterRCNN)
    torch.manual_seed(0)
    one = losses_of(add_consistent_supervision(deepcopy(plain), weight=1.0))
    torch.manual_seed(0)
    quarter = losses_of(add_consistent_supervision(deepcopy(plain), weight=0.25))
    assert all(torch.equal(quarter[name], one[name] / 4) for name in OWN)
    heads = plain.roi_heads
    assert add_consistent_supervision(plain, weight=0).roi_heads is heads
    assert losses_of(plain).keys().isdisjoint(OWN)


def test_parameters_keep_their_names_and_weights() -> None:
    plain = theirs(MaskRCNN)
    state = plain.state_dict()
    ours = add_consistent_supervision(deepcopy(plain)).state_dict()
    new = [name for name in ours if name not in state]
    assert new
    assert all(name.startswith("roi_heads.supervision.head.") for name in new)
    assert all(torch.equal(ours[name], value) for name, value in state.items())
    assert not torch.equal(
        ours["roi_heads.supervision.head.1.cls_score.weight"],
        ours["roi_heads.box_predictor.cls_score.weight"],
    )


def test_copies_and_files_have_hooks_of_their_own() -> None:
    model = add_consistent_supervision(theirs(FasterRCNN))
    losses_of(model)
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    for copy in (deepcopy(model), torch.load(file, weights_only=False)):
        losses = losses_of(copy)
        assert all(torch.equal(losses[name], x) for name, x in losses_of(model).items())
        assert model.roi_heads.m == copy.roi_heads.m == {}, "maps of a step are dropped"


def test_the_second_head_can_be_taken_out() -> None:
    plain = theirs(FasterRCNN)
    model = add_consistent_supervision(deepcopy(plain))
    without_supervision(model.roi_heads)
    assert model.state_dict().keys() == plain.state_dict().keys()
    assert losses_of(model).keys() == losses_of(plain).keys()
    assert same(found_by(model), found_by(plain))


def test_a_pyramid_with_normalisation_and_a_head_of_convolutions() -> None:
    model = fasterrcnn_resnet50_fpn_v2(
        weights=None, weights_backbone=None, num_classes=4, min_size=64, max_size=96
    )
    losses = losses_of(add_consistent_supervision(model))
    assert set(OWN) <= losses.keys()
    assert all(loss.isfinite() for loss in losses.values())


def test_what_does_not_fit_is_refused() -> None:
    model = add_consistent_supervision(theirs(FasterRCNN))
    with pytest.raises(UserError, match="RoI heads are a SupervisedRoIHeads"):
        add_consistent_supervision(model)
    shallow = talkative(
        FasterRCNN(_mobilenet_extractor(mobilenet_v3_large(weights=None), True, 6), num_classes=4)
    )
    with pytest.raises(UserError, match="pyramid of 2 levels"):
        add_consistent_supervision(shallow)
    shallow.backbone = shallow.backbone.body
    with pytest.raises(UserError, match="pyramid of 0 levels"):
        add_consistent_supervision(shallow)
