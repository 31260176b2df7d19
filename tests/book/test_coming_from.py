"""The page's adapters for detectron2 and MMDetection, on stand-ins of the classes they extend.

Neither library is installed here. The stand-ins have the methods, arguments and return values of
their sources (`detectron2/modeling`, `mmdet/models`), as far as the adapters touch them.
"""

import re
import sys
from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace

import foreign_detectron2 as detectron2
import foreign_mmdet as mmdet
import pytest
import torch
from chapters import BOOK
from torch import Tensor, nn

from augfpn.detectors.two_stage import roi_loss
from augfpn.pyramid import ConsistentSupervision, HardRoISelection, Samples, SoftRoISelection
from augfpn.speed.roi_align import torchvision_roi_align

WIDTHS = {2: 6, 3: 8, 4: 10, 5: 12}
BOXES = torch.tensor([[8.0, 8, 60, 50], [0, 0, 32, 32], [20, 10, 90, 60]])
LABELS, DELTAS = torch.tensor([1, 2, 0]), torch.tensor([[0.1, 0, 0, 0.2]] * 3)
THEIRS = (LABELS - 1) % 3  # both count the background last


@pytest.fixture
def page() -> Iterator[dict]:
    """What the page's code defines."""
    theirs = detectron2.modules() | mmdet.modules()
    with pytest.MonkeyPatch.context() as patch:
        for name, module in theirs.items():
            patch.setitem(sys.modules, name, module)
        names: dict = {}
        for code in re.findall(r"```python\n(.*?)```", (BOOK / "coming_from.md").read_text(), re.S):
            exec(code, names)
        yield names


def c_maps() -> dict[int, Tensor]:
    return {k: torch.rand(1, n, 64 // 2**k, 96 // 2**k) for k, n in WIDTHS.items()}


class BackgroundFirst(nn.Module):
    """Their head with our order of the classes, and box offsets of the background, too."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        scores, deltas = self.head(x)
        return scores.roll(1, dims=1), torch.cat([torch.zeros_like(deltas[:, :4]), deltas], dim=1)


def ours(m: dict[int, Tensor], head: nn.Module) -> dict[str, Tensor]:
    """The losses of the package's own Consistent Supervision, with the same head."""
    pools = [HardRoISelection((k,), 7, torchvision_roi_align) for k in WIDTHS]
    supervision = ConsistentSupervision(
        BackgroundFirst(head), 0.25, pools, partial(roi_loss, beta=1.0)
    )
    return supervision(m, Samples([BOXES], [LABELS], [DELTAS], [LABELS]))


def same(found: list[Tensor], wanted: dict[str, Tensor]) -> bool:
    return all(map(torch.allclose, found, wanted.values()))


def test_detectron2s_backbone_has_the_maps_of_our_pyramid(page: dict) -> None:
    cfg = detectron2.config()
    c = c_maps()
    backbone = page["build_augfpn_backbone"](cfg, None)
    backbone.bottom_up.maps = {f"res{k}": x for k, x in c.items()}
    found = backbone(torch.rand(1, 3, 64, 96))
    m, p = backbone.fpn(c)
    assert all(torch.equal(found[f"m{k}"], m[k]) for k in WIDTHS)
    assert all(torch.equal(found[f"p{k}"], p[k]) for k in WIDTHS)
    shapes = backbone.output_shape()
    assert shapes.keys() == found.keys()
    sizes = {name: (each.channels, each.stride) for name, each in shapes.items()}
    assert all(sizes[n][0] == x.shape[1] for n, x in found.items())
    assert all(-(-64 // sizes[n][1]) == x.shape[2] for n, x in found.items())


def test_detectron2s_heads_learn_on_m(page: dict) -> None:
    cfg = detectron2.config()
    shapes = page["build_augfpn_backbone"](cfg, None).output_shape()
    heads = page["SupervisedROIHeads"](cfg, shapes).train()
    m = {k: torch.rand(1, 16, 64 // 2**k, 96 // 2**k, requires_grad=True) for k in WIDTHS}
    features = {f"m{k}": x for k, x in m.items()}
    features |= {f"p{k}": torch.rand_like(x) for k, x in m.items()}
    losses = heads._forward_box(features, [detectron2.proposals(BOXES, THEIRS, DELTAS)])
    assert list(losses) == [
        *("loss_cls", "loss_box_reg", "loss_cls_supervision", "loss_box_reg_supervision")
    ]
    head = nn.Sequential(heads.m_head, heads.m_predictor)
    assert same([losses[f"{n}_supervision"] for n in ("loss_cls", "loss_box_reg")], ours(m, head))
    sum(losses.values()).backward()
    assert all(x.grad is not None for x in m.values())
    assert all(q.grad is not None for q in heads.parameters())
    heads.eval()
    assert heads._forward_box(features, [detectron2.proposals(BOXES, THEIRS, DELTAS)]) == "found"


def softly(p: dict[int, Tensor], fusion: nn.Module) -> Tensor:
    """The RoIs as the package's own Soft RoI Selection pools them."""
    return SoftRoISelection(tuple(WIDTHS), 7, torchvision_roi_align, fusion)(p, [BOXES])


def test_detectron2s_heads_pool_softly(page: dict) -> None:
    cfg = detectron2.config()
    shapes = page["build_augfpn_backbone"](cfg, None).output_shape()
    pooler = page["SupervisedROIHeads"](cfg, shapes).box_pooler
    p = {k: torch.rand(1, 16, 64 // 2**k, 96 // 2**k) for k in WIDTHS}
    found = pooler([*p.values()], [SimpleNamespace(tensor=BOXES)])
    assert torch.allclose(found, softly(p, pooler.fusion))


def test_mmdetections_extractor_pools_softly(page: dict) -> None:
    extractor = page["FusingExtractor"](
        **{k: v for k, v in mmdet.extractor().items() if k != "type"}
    )
    p = {k: torch.rand(1, 16, 64 // 2**k, 96 // 2**k) for k in WIDTHS}
    rois = nn.functional.pad(BOXES, (1, 0))
    assert torch.allclose(extractor(tuple(p.values()), rois), softly(p, extractor.fusion))


def test_mmdetections_configuration_builds_the_adapters(page: dict) -> None:
    """With what it inherits from MMDetection's `_base_/models/faster-rcnn_r50_fpn.py`."""
    model = page["model"]
    neck, heads = dict(model["neck"]), dict(model["roi_head"])
    assert neck.pop("_delete_"), "FPN's num_outs is not inherited"
    assert isinstance(page["MODELS"].build(neck), page["AugFPNNeck"])
    heads["bbox_roi_extractor"] = mmdet.extractor() | heads["bbox_roi_extractor"]
    made = page["MODELS"].build(heads | {"bbox_head": {"type": "Shared2FCBBoxHead"}})
    assert isinstance(made, page["SupervisedRoIHead"])
    assert isinstance(made.bbox_roi_extractor, page["FusingExtractor"])
    assert {type(each) for each in made.m_extractors} == {mmdet.SingleRoIExtractor}
    assert isinstance(page["MODELS"].build(model["rpn_head"]), page["FirstFiveRPNHead"])


def test_mmdetections_neck_puts_m_behind_p(page: dict) -> None:
    c = c_maps()
    neck = page["AugFPNNeck"](list(WIDTHS.values()), 16)
    found = neck(tuple(c.values()))
    m, p = neck.fpn(c)
    assert all(map(torch.equal, found[:4], p.values()))
    assert all(map(torch.equal, found[5:], m.values()))
    proposing = page["FirstFiveRPNHead"]()
    assert proposing.loss_and_predict(found, None) == 5


def test_mmdetections_heads_learn_on_m(page: dict) -> None:
    heads = page["SupervisedRoIHead"](
        bbox_roi_extractor=mmdet.extractor(), bbox_head={"type": "Shared2FCBBoxHead"}, train_cfg={}
    )
    m = {k: torch.rand(1, 16, 64 // 2**k, 96 // 2**k, requires_grad=True) for k in WIDTHS}
    p6 = torch.rand(1, 16, 1, 2)
    x = (*(torch.rand_like(each) for each in m.values()), p6, *m.values())
    result = SimpleNamespace(priors=BOXES, labels=THEIRS, deltas=DELTAS)
    losses = heads.bbox_loss(x, [result])["loss_bbox"]
    assert list(losses) == [
        *("loss_cls", "acc", "loss_bbox", "loss_cls_supervision", "loss_bbox_supervision")
    ]
    found = [losses[f"{name}_supervision"] for name in ("loss_cls", "loss_bbox")]
    assert same(found, ours(m, heads.m_head))
    sum(loss for name, loss in losses.items() if "loss" in name).backward()
    assert all(each.grad is not None for each in m.values())
    assert all(q.grad is not None for q in heads.parameters())
