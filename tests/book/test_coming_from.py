"""The page's adapters for detectron2 and MMDetection, on stand-ins of the classes they extend.

The stand-ins have the methods, arguments and return values of the libraries' sources
(`detectron2/modeling`, `mmdet/models`), as far as the adapters touch them. What the adapters
compute is compared with the package. `test_real_libraries` runs them in the libraries themselves.
"""

import re
import sys
from collections.abc import Iterator
from copy import deepcopy
from functools import partial
from types import ModuleType, SimpleNamespace

import foreign_detectron2 as detectron2
import foreign_mmdet as mmdet
import pytest
import torch
from chapters import BOOK
from torch import Tensor, nn

from augfpn.detectors.two_stage import roi_loss
from augfpn.pyramid import (
    FPN,
    AdaptiveSpatialFusion,
    ConsistentSupervision,
    HardRoISelection,
    Pyramid,
    Samples,
    SoftRoISelection,
)
from augfpn.speed.roi_align import torchvision_roi_align

PAGE, EXAMPLES = BOOK / "coming_from.md", BOOK / "examples"
ADAPTERS = "detectron2_supervision", "detectron2_augfpn", "mmdet_supervision", "mmdet_augfpn"
WIDTHS = {2: 6, 3: 8, 4: 10, 5: 12}
BOXES = torch.tensor([[8.0, 8, 60, 50], [0, 0, 32, 32], [20, 10, 90, 60]])
LABELS, DELTAS = torch.tensor([1, 2, 0]), torch.tensor([[0.1, 0, 0, 0.2]] * 3)
THEIRS = (LABELS - 1) % 3  # both count the background last


@pytest.fixture
def names() -> Iterator[dict]:
    """What the page's examples define, on the stand-ins: later files win, as they extend."""
    theirs = detectron2.modules() | mmdet.modules()
    with pytest.MonkeyPatch.context() as patch:
        for name, module in theirs.items():
            patch.setitem(sys.modules, name, module)
        found: dict = {}
        for name in ADAPTERS:
            module = ModuleType(name)
            patch.setitem(sys.modules, name, module)
            exec((EXAMPLES / f"{name}.py").read_text(), vars(module))
            found[name] = SimpleNamespace(**vars(module))
        yield found


def configurations() -> list[dict]:
    """MMDetection's configurations on the page: of Consistent Supervision alone, and of all."""
    found = []
    (every,) = re.findall(r"```python\n(_base_.*?)```", PAGE.read_text(), re.S)
    for code in ((EXAMPLES / "mmdet_with.py").read_text(), every):
        found.append({})
        exec(code, found[-1])
    return found


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


def our_pyramid(
    c: dict[int, Tensor], laterals: list, outputs: list, augment: nn.Module | None
) -> Pyramid:
    """The package's own pyramid, with the convolutions of a library's FPN."""
    pyramid = FPN(WIDTHS, 16, augment)
    for mine, theirs in ((pyramid.lateral, laterals), (pyramid.output, outputs)):
        for k, layer in zip(WIDTHS, theirs, strict=True):
            mine[str(k)].load_state_dict(layer.state_dict())
    return pyramid(c)


def softly(p: dict[int, Tensor], fusion: nn.Module) -> Tensor:
    """The RoIs as the package's own Soft RoI Selection pools them."""
    return SoftRoISelection(tuple(WIDTHS), 7, torchvision_roi_align, fusion)(p, [BOXES])


def drawn(fusion: AdaptiveSpatialFusion) -> None:
    """Every gate begins at one half; then draw them, so that comparisons see each gate."""
    n = fusion.score.out_channels
    gates = fusion.weights(torch.rand(n, 1, 16, 3, 3) * 100)
    assert torch.equal(gates, torch.full((1, n, 3, 3), 0.5))
    nn.init.normal_(fusion.score.weight)


def same(found: list[Tensor], wanted: dict) -> bool:
    return all(map(torch.allclose, found, wanted.values()))


# --- detectron2 -----------------------------------------------------------------------------------


def switched(names: dict, **switches) -> SimpleNamespace:
    cfg = detectron2.config()
    names["detectron2_augfpn"].add_augfpn_config(cfg)
    vars(cfg.MODEL.AUGFPN).update(switches)
    return cfg


@pytest.mark.parametrize("ratios", [None, [], [0.1, 0.2, 0.3]])
def test_detectron2s_fpn_gives_our_pyramid(names: dict, ratios: list | None) -> None:
    """``None`` is the file of Consistent Supervision alone."""
    if ratios is None:
        build = names["detectron2_supervision"].build_fpn_with_m_backbone
        backbone = build(detectron2.config(), None)
    else:
        build = names["detectron2_augfpn"].build_augfpn_backbone
        backbone = build(switched(names, RATIOS=ratios), None)
    if ratios:
        drawn(backbone.augment.fusion)
    c = c_maps()
    backbone.bottom_up.maps = {f"res{k}": x for k, x in c.items()}
    found = backbone(torch.rand(1, 3, 64, 96))
    layers = [[getattr(backbone, f"fpn_{n}{k}") for k in WIDTHS] for n in ("lateral", "output")]
    m, p = our_pyramid(c, *layers, getattr(backbone, "augment", None))
    assert same([found[f"m{k}"] for k in WIDTHS], m)
    assert same([found[f"p{k}"] for k in WIDTHS], p)
    shapes = backbone.output_shape()
    assert shapes.keys() == found.keys()
    sizes = {name: (each.channels, each.stride) for name, each in shapes.items()}
    assert all(sizes[n][0] == x.shape[1] for n, x in found.items())
    assert all(-(-64 // sizes[n][1]) == x.shape[2] for n, x in found.items())
    assert hasattr(backbone, "augment") == bool(ratios)
    deepcopy(backbone)  # as moving averages of the weights do: nothing of the graph is kept


def test_detectron2s_heads_learn_on_m(names: dict) -> None:
    cfg = detectron2.config()
    example = names["detectron2_supervision"]
    shapes = example.build_fpn_with_m_backbone(cfg, None).output_shape()
    heads = example.SupervisedROIHeads(cfg, shapes).train()
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


def test_detectron2s_heads_pool_softly(names: dict) -> None:
    example, cfg = names["detectron2_augfpn"], switched(names)
    shapes = example.build_augfpn_backbone(cfg, None).output_shape()
    heads = example.AugFPNROIHeads(cfg, shapes)
    p = {k: torch.rand(1, 16, 64 // 2**k, 96 // 2**k) for k in WIDTHS}
    for pooler in (heads.box_pooler, heads.mask_pooler):
        drawn(pooler.fusion)
        found = pooler([*p.values()], [SimpleNamespace(tensor=BOXES)])
        assert torch.allclose(found, softly(p, pooler.fusion))


def test_detectron2s_switches_leave_nothing_behind(names: dict) -> None:
    """A part that is off has no parameter: one without a gradient stops training on many GPUs."""
    example = names["detectron2_augfpn"]
    cfg = switched(names, SOFT_BOXES=False, SOFT_MASKS=False, LAM=0.0, RATIOS=[])
    shapes = example.build_augfpn_backbone(cfg, None).output_shape()
    heads = example.AugFPNROIHeads(cfg, shapes).train()
    assert type(heads.box_pooler) is detectron2.ROIPooler
    assert heads.mask_pooler is None
    assert not [name for name, _ in heads.named_parameters() if name.startswith("m_")]
    features = {f"p{k}": torch.rand(1, 16, 64 // 2**k, 96 // 2**k) for k in WIDTHS}
    losses = heads._forward_box(features, [detectron2.proposals(BOXES, THEIRS, DELTAS)])
    assert list(losses) == ["loss_cls", "loss_box_reg"]


# --- MMDetection ----------------------------------------------------------------------------------


@pytest.mark.parametrize("rfa", [False, True])
def test_mmdetections_fpn_gives_our_pyramid(names: dict, rfa: bool) -> None:
    made = names["mmdet_augfpn"].AugFPN if rfa else names["mmdet_supervision"].FPNWithM
    neck, c = made([*WIDTHS.values()], 16, 5), c_maps()
    neck.init_weights()  # as MMDetection does before training
    if rfa:
        drawn(neck.augment.fusion)
    found = neck(tuple(c.values()))
    m, p = our_pyramid(c, neck.lateral_convs, neck.fpn_convs, getattr(neck, "augment", None))
    assert same(found[:4], p)
    assert same(found[5:], m)
    proposing = names["mmdet_supervision"].RPNHeadWithoutM()
    assert proposing.loss_and_predict(found, None) == 5
    deepcopy(neck)


@pytest.mark.parametrize("factor", [None, 1.5])
def test_mmdetections_extractor_pools_softly(names: dict, factor: float | None) -> None:
    how = {k: v for k, v in mmdet.extractor().items() if k != "type"}
    extractor = names["mmdet_augfpn"].SoftExtractor(**how)
    extractor.init_weights()
    drawn(extractor.fusion)
    p = {k: torch.rand(1, 16, 64 // 2**k, 96 // 2**k) for k in WIDTHS}
    rois = nn.functional.pad(BOXES, (1, 0))
    found = extractor(tuple(p.values()), rois, roi_scale_factor=factor)
    if factor is None:
        assert torch.allclose(found, softly(p, extractor.fusion))
    else:
        larger = extractor.roi_rescale(rois, factor)
        assert torch.allclose(found, extractor(tuple(p.values()), larger))


@pytest.mark.parametrize("place", [0, 1])
def test_mmdetections_configuration_builds_the_adapters(names: dict, place: int) -> None:
    """With what it inherits from MMDetection's `_base_/models/faster-rcnn_r50_fpn.py`."""
    model = configurations()[place]["model"]
    neck = {"in_channels": [*WIDTHS.values()], "out_channels": 16, "num_outs": 5} | model["neck"]
    own = [names["mmdet_supervision"].FPNWithM, names["mmdet_augfpn"].AugFPN]
    assert type(mmdet.MODELS.build(neck)) is own[place]
    heads = dict(model["roi_head"])
    extractor = mmdet.extractor() | heads.get("bbox_roi_extractor", {})
    heads |= {"bbox_roi_extractor": extractor, "bbox_head": {"type": "Shared2FCBBoxHead"}}
    made = mmdet.MODELS.build(heads)
    assert type(made) is names["mmdet_supervision"].SupervisedRoIHead
    pools = [mmdet.SingleRoIExtractor, names["mmdet_augfpn"].SoftExtractor]
    assert type(made.bbox_roi_extractor) is pools[place]
    assert {type(each) for each in made.m_extractors} == {mmdet.SingleRoIExtractor}
    proposing = mmdet.MODELS.build(model["rpn_head"])
    assert type(proposing) is names["mmdet_supervision"].RPNHeadWithoutM


def test_mmdetections_heads_learn_on_m(names: dict) -> None:
    heads = names["mmdet_supervision"].SupervisedRoIHead(
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
