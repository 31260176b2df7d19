"""Stand-ins of the classes of MMDetection 3 that the book's adapter extends or uses.

They have the methods and arguments of `mmdet/models`; labels count from 0, and the last one is the
background. Sampled RoIs have their labels and box targets at hand, which MMDetection computes.
"""

from types import ModuleType

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import roi_align

CLASSES = 2
XAVIER = {"type": "Xavier", "layer": "Conv2d", "distribution": "uniform"}


class Registry(dict):
    def register_module(self):
        return lambda made: self.setdefault(made.__name__, made)

    def build(self, cfg: dict) -> nn.Module:
        given = dict(cfg)
        return self[given.pop("type")](**given)


MODELS = Registry()


class BaseModule(nn.Module):
    def __init__(self, init_cfg=None):
        super().__init__()
        self.init_cfg = init_cfg

    def init_weights(self):
        """As mmengine's: ``init_cfg`` is for all convolutions inside, also those of a subclass."""
        for layer in self.modules():
            if self.init_cfg and isinstance(layer, nn.Conv2d):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)
        for each in self.children():
            if hasattr(each, "init_weights"):
                each.init_weights()


def bbox2roi(bbox_list: list[Tensor]) -> Tensor:
    """Boxes of images in one tensor: the image's index and the corners."""
    return torch.cat([F.pad(boxes, (1, 0), value=i) for i, boxes in enumerate(bbox_list)])


@MODELS.register_module()
class FPN(BaseModule):
    def __init__(self, in_channels, out_channels, num_outs, init_cfg=XAVIER):
        super().__init__(init_cfg)
        self.in_channels, self.out_channels, self.num_outs = in_channels, out_channels, num_outs
        self.lateral_convs = nn.ModuleList(nn.Conv2d(n, out_channels, 1) for n in in_channels)
        self.fpn_convs = nn.ModuleList(
            nn.Conv2d(out_channels, out_channels, 3, padding=1) for _ in in_channels
        )

    def forward(self, inputs: tuple[Tensor]) -> tuple[Tensor, ...]:
        inner = [conv(x) for conv, x in zip(self.lateral_convs, inputs, strict=True)]
        for i in reversed(range(1, len(inner))):
            inner[i - 1] = inner[i - 1] + F.interpolate(inner[i], inner[i - 1].shape[2:])
        p = [conv(x) for conv, x in zip(self.fpn_convs, inner, strict=True)]
        return (*p, F.max_pool2d(p[-1], 1, 2))


class RPNHead(BaseModule):
    levels = 5

    def forward(self, x: tuple[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        return list(x), list(x)

    def loss_and_predict(self, x: tuple[Tensor], batch_data_samples, proposal_cfg=None) -> int:
        cls_scores, _ = self(x)
        assert len(cls_scores) == self.levels, "as many maps as the anchor generator has strides"
        return len(cls_scores)


class RoIAlign(nn.Module):
    """One of the layers that an extractor builds from its configuration."""

    def __init__(self, cfg: dict, stride: int) -> None:
        super().__init__()
        self.how = cfg["output_size"], 1 / stride, cfg["sampling_ratio"]

    def forward(self, x: Tensor, rois: Tensor) -> Tensor:
        return roi_align(x, rois, *self.how)


@MODELS.register_module()
class SingleRoIExtractor(BaseModule):
    def __init__(self, roi_layer, out_channels, featmap_strides, finest_scale=56, init_cfg=None):
        super().__init__(init_cfg)
        self.featmap_strides, self.out_channels = featmap_strides, out_channels
        self.roi_layers = nn.ModuleList(RoIAlign(roi_layer, each) for each in featmap_strides)

    @property
    def num_inputs(self) -> int:
        return len(self.featmap_strides)

    def roi_rescale(self, rois: Tensor, scale_factor: float) -> Tensor:
        middle, half = (rois[:, 1:3] + rois[:, 3:]) / 2, (rois[:, 3:] - rois[:, 1:3]) / 2
        sides = middle - scale_factor * half, middle + scale_factor * half
        return torch.cat([rois[:, :1], *sides], dim=1)

    def forward(self, feats: tuple[Tensor], rois: Tensor, roi_scale_factor=None) -> Tensor:
        assert len(feats) == self.num_inputs
        return self.roi_layers[0](feats[0], rois)


@MODELS.register_module()
class Shared2FCBBoxHead(BaseModule):
    def __init__(self, init_cfg=None):
        super().__init__(init_cfg)
        self.shared = nn.Sequential(nn.Flatten(), nn.Linear(16 * 49, 8), nn.ReLU())
        self.fc_cls, self.fc_reg = nn.Linear(8, CLASSES + 1), nn.Linear(8, 4 * CLASSES)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.shared(x)
        return self.fc_cls(x), self.fc_reg(x)

    def loss_and_target(
        self,
        cls_score: Tensor,
        bbox_pred: Tensor,
        rois: Tensor,
        sampling_results: list,
        rcnn_train_cfg: dict,
        concat: bool = True,
        reduction_override: str | None = None,
    ) -> dict:
        labels = torch.cat([each.labels for each in sampling_results])
        wanted = torch.cat([each.deltas for each in sampling_results])
        (some,) = torch.where(labels < CLASSES)
        own = bbox_pred.view(len(labels), CLASSES, 4)[some, labels[some]]
        losses = {
            "loss_cls": F.cross_entropy(cls_score, labels),
            "acc": (cls_score.argmax(dim=1) == labels).float().mean(),
            "loss_bbox": F.smooth_l1_loss(own, wanted[some], reduction="sum") / len(labels),
        }
        return {"loss_bbox": losses, "bbox_targets": (labels, wanted)}


class StandardRoIHead(BaseModule):
    def __init__(
        self, bbox_roi_extractor=None, bbox_head=None, train_cfg=None, test_cfg=None, init_cfg=None
    ):
        super().__init__(init_cfg)
        self.train_cfg, self.test_cfg = train_cfg, test_cfg
        if bbox_head is not None:
            self.init_bbox_head(bbox_roi_extractor, bbox_head)

    def init_bbox_head(self, bbox_roi_extractor: dict, bbox_head: dict) -> None:
        self.bbox_roi_extractor = MODELS.build(bbox_roi_extractor)
        self.bbox_head = MODELS.build(bbox_head)

    def _bbox_forward(self, x: tuple[Tensor], rois: Tensor) -> dict:
        feats = self.bbox_roi_extractor(x[: self.bbox_roi_extractor.num_inputs], rois)
        cls_score, bbox_pred = self.bbox_head(feats)
        return {"cls_score": cls_score, "bbox_pred": bbox_pred, "bbox_feats": feats}

    def bbox_loss(self, x: tuple[Tensor], sampling_results: list) -> dict:
        rois = bbox2roi([each.priors for each in sampling_results])
        results = self._bbox_forward(x, rois)
        found = self.bbox_head.loss_and_target(
            cls_score=results["cls_score"],
            bbox_pred=results["bbox_pred"],
            rois=rois,
            sampling_results=sampling_results,
            rcnn_train_cfg=self.train_cfg,
        )
        return results | {"loss_bbox": found["loss_bbox"]}


def extractor() -> dict:
    """The configuration of the box head's extractor."""
    return {
        "type": "SingleRoIExtractor",
        "roi_layer": {"type": "RoIAlign", "output_size": 7, "sampling_ratio": 2},
        "out_channels": 16,
        "featmap_strides": [4, 8, 16, 32],
    }


def modules() -> dict[str, ModuleType]:
    """The modules that the adapter imports from."""
    contents = {
        "mmdet": {},
        "mmdet.models": {
            "FPN": FPN,
            "RPNHead": RPNHead,
            "SingleRoIExtractor": SingleRoIExtractor,
            "StandardRoIHead": StandardRoIHead,
        },
        "mmdet.registry": {"MODELS": MODELS},
        "mmdet.structures": {},
        "mmdet.structures.bbox": {"bbox2roi": bbox2roi},
    }
    made = {name: ModuleType(name) for name in contents}
    for name, module in made.items():
        vars(module).update(contents[name])
    return made
