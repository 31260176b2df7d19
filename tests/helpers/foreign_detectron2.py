"""Stand-ins of the classes of detectron2 that the book's adapter extends or uses.

They have the methods and arguments of `detectron2/modeling`; labels count from 0, and the last one
is the background. Sampled RoIs have their box targets at hand, which detectron2 computes.
"""

from types import ModuleType, SimpleNamespace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import roi_align

CLASSES = 2


class ShapeSpec(NamedTuple):
    channels: int | None = None
    height: int | None = None
    width: int | None = None
    stride: int | None = None


class Registry(dict):
    def register(self):
        return lambda made: self.setdefault(made.__name__, made)


def configurable(init):
    """As detectron2's: with a configuration, ``from_config`` says what ``__init__`` gets."""

    def wrapped(self, *args, **kwargs):
        if args and isinstance(args[0], SimpleNamespace):
            init(self, **type(self).from_config(*args, **kwargs))
        else:
            init(self, *args, **kwargs)

    return wrapped


class Backbone(nn.Module):
    @property
    def size_divisibility(self) -> int:
        return 0


class ResNet(Backbone):
    def output_shape(self) -> dict[str, ShapeSpec]:
        return {f"res{k}": ShapeSpec(channels=2 * k + 2, stride=2**k) for k in (2, 3, 4, 5)}

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return self.maps


class LastLevelMaxPool(nn.Module):
    def forward(self, x: Tensor) -> list[Tensor]:
        return [F.max_pool2d(x, 1, 2)]


class FPN(Backbone):
    def __init__(
        self, bottom_up, in_features, out_channels, norm="", top_block=None, fuse_type="sum"
    ):
        super().__init__()
        self.bottom_up, self.in_features, self.width = bottom_up, in_features, out_channels
        self.top_block = top_block
        for name, shape in bottom_up.output_shape().items():
            lateral = nn.Conv2d(shape.channels, out_channels, 1)
            output = nn.Conv2d(out_channels, out_channels, 3, padding=1)
            self.add_module(f"fpn_lateral{name[3:]}", lateral)
            self.add_module(f"fpn_output{name[3:]}", output)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        c, p, inner = self.bottom_up(x), {}, 0
        for name in reversed(self.in_features):
            k = name[3:]
            lateral = getattr(self, f"fpn_lateral{k}")(c[name])
            inner = lateral if not p else lateral + F.interpolate(inner, scale_factor=2.0)
            p[f"p{k}"] = getattr(self, f"fpn_output{k}")(inner)
        (p6,) = self.top_block(p["p5"])
        return dict(sorted(p.items())) | {"p6": p6}

    def output_shape(self) -> dict[str, ShapeSpec]:
        return {f"p{k}": ShapeSpec(channels=self.width, stride=2**k) for k in (2, 3, 4, 5, 6)}


class ROIAlign(nn.Module):
    """One of a pooler's ``level_poolers``."""

    def __init__(self, *how) -> None:
        super().__init__()
        self.how = how

    def forward(self, x: Tensor, rois: Tensor) -> Tensor:
        return roi_align(x, rois, *self.how)


def convert_boxes_to_pooler_format(box_lists: list) -> Tensor:
    """Boxes of images in one tensor: the image's index and the corners."""
    return torch.cat([F.pad(each.tensor, (1, 0), value=i) for i, each in enumerate(box_lists)])


class ROIPooler(nn.Module):
    def __init__(self, output_size, scales, sampling_ratio, pooler_type):
        super().__init__()
        aligned = pooler_type == "ROIAlignV2"
        self.level_poolers = nn.ModuleList(
            ROIAlign(output_size, scale, sampling_ratio, aligned) for scale in scales
        )

    def forward(self, x: list[Tensor], box_lists: list) -> Tensor:
        """By the first level: of the real pooler's rule nothing is needed here."""
        assert isinstance(x, list)
        assert len(x) == len(self.level_poolers)
        return self.level_poolers[0](x[0], convert_boxes_to_pooler_format(box_lists))


class Predictor(nn.Module):
    """`FastRCNNOutputLayers`, without its losses' switches."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.cls_score = nn.Linear(width, CLASSES + 1)
        self.bbox_pred = nn.Linear(width, 4 * CLASSES)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.cls_score(x), self.bbox_pred(x)

    def losses(self, predictions: tuple[Tensor, Tensor], proposals: list) -> dict[str, Tensor]:
        scores, deltas = predictions
        labels = torch.cat([each.gt_classes for each in proposals])
        wanted = torch.cat([each.deltas for each in proposals])
        (some,) = torch.where(labels < CLASSES)
        own = deltas.view(len(labels), CLASSES, 4)[some, labels[some]]
        box = F.smooth_l1_loss(own, wanted[some], reduction="sum") / len(labels)
        return {"loss_cls": F.cross_entropy(scores, labels), "loss_box_reg": box}


class StandardROIHeads(nn.Module):
    @configurable
    def __init__(
        self,
        *,
        box_in_features,
        box_pooler,
        box_head,
        box_predictor,
        mask_pooler=None,
        train_on_pred_boxes=False,
    ):
        super().__init__()
        self.box_in_features, self.box_pooler = box_in_features, box_pooler
        self.box_head, self.box_predictor = box_head, box_predictor
        self.mask_pooler = mask_pooler

    @classmethod
    def from_config(cls, cfg, input_shape):
        return cls._init_box_head(cfg, input_shape) | {"train_on_pred_boxes": False}

    @classmethod
    def _init_box_head(cls, cfg, input_shape):
        names, box = cfg.MODEL.ROI_HEADS.IN_FEATURES, cfg.MODEL.ROI_BOX_HEAD
        scales = tuple(1.0 / input_shape[k].stride for k in names)
        how = box.POOLER_RESOLUTION, scales, box.POOLER_SAMPLING_RATIO, box.POOLER_TYPE
        width = input_shape[names[0]].channels * box.POOLER_RESOLUTION**2
        return {
            "box_in_features": names,
            "box_pooler": ROIPooler(*how),
            "box_head": nn.Sequential(nn.Flatten(), nn.Linear(width, 8), nn.ReLU()),
            "box_predictor": Predictor(8),
        }

    def _forward_box(self, features: dict[str, Tensor], proposals: list):
        if not self.training:
            return "found"
        x = [features[name] for name in self.box_in_features]
        pooled = self.box_pooler(x, [each.proposal_boxes for each in proposals])
        losses = self.box_predictor.losses(self.box_predictor(self.box_head(pooled)), proposals)
        for each in proposals:  # as with TRAIN_ON_PRED_BOXES
            each.proposal_boxes = SimpleNamespace(tensor=each.proposal_boxes.tensor * 0)
        return losses


def config() -> SimpleNamespace:
    """The part of a configuration that is read."""
    box = SimpleNamespace(POOLER_RESOLUTION=7, POOLER_SAMPLING_RATIO=2, POOLER_TYPE="ROIAlign")
    names = {"in": [f"res{k}" for k in (2, 3, 4, 5)], "out": [f"p{k}" for k in (2, 3, 4, 5)]}
    fpn = SimpleNamespace(IN_FEATURES=names["in"], OUT_CHANNELS=16, NORM="", FUSE_TYPE="sum")
    model = SimpleNamespace(
        MASK_ON=True,
        FPN=fpn,
        ROI_HEADS=SimpleNamespace(IN_FEATURES=names["out"]),
        ROI_BOX_HEAD=box,
        ROI_MASK_HEAD=box,
    )
    return SimpleNamespace(MODEL=model)


def proposals(boxes: Tensor, labels: Tensor, deltas: Tensor) -> SimpleNamespace:
    """The sampled RoIs of an image."""
    held = SimpleNamespace(tensor=boxes)
    return SimpleNamespace(proposal_boxes=held, gt_classes=labels, deltas=deltas)


def modules() -> dict[str, ModuleType]:
    """The modules that the adapter imports from."""
    contents = {
        "detectron2": {},
        "detectron2.config": {
            "CfgNode": SimpleNamespace,
            "configurable": configurable,
        },
        "detectron2.modeling": {
            "BACKBONE_REGISTRY": Registry(),
            "FPN": FPN,
            "ROI_HEADS_REGISTRY": Registry(),
            "StandardROIHeads": StandardROIHeads,
            "build_resnet_backbone": lambda cfg, input_shape: ResNet(),
        },
        "detectron2.modeling.backbone": {},
        "detectron2.modeling.backbone.fpn": {"LastLevelMaxPool": LastLevelMaxPool},
        "detectron2.modeling.poolers": {
            "ROIPooler": ROIPooler,
            "convert_boxes_to_pooler_format": convert_boxes_to_pooler_format,
        },
    }
    made = {name: ModuleType(name) for name in contents}
    for name, module in made.items():
        vars(module).update(contents[name])
    return made
