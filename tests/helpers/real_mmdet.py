"""Small detectors of MMDetection itself, with the book's adapters or without, and data for them.

`mmcv-lite` comes without compiled operators. Then torchvision's RoIAlign and non-maximum
suppression take the place of mmcv's, and nothing of the others may be called.
"""

import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.ops import nms

NEW = {
    "supervision": ("roi_head.m_head.",),
    "rfa": ("neck.augment.",),
    "soft": ("roi_head.bbox_roi_extractor.fusion.",),
    "soft masks": ("roi_head.mask_roi_extractor.fusion.",),
}


class Operators(ModuleType):
    """In place of mmcv's compiled operators: it has all names, and one operator."""

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return None

    @staticmethod
    def nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
        assert offset == 0
        return nms(boxes, scores, iou_threshold)


if find_spec("mmcv._ext") is None:
    sys.modules["mmcv._ext"] = Operators("mmcv._ext")

from mmdet.registry import MODELS  # noqa: E402
from mmdet.structures import DetDataSample  # noqa: E402
from mmdet.structures.mask import PolygonMasks  # noqa: E402
from mmdet.utils import register_all_modules  # noqa: E402
from mmengine.config import Config  # noqa: E402
from mmengine.structures import InstanceData  # noqa: E402

register_all_modules()
SMALL = {
    "backbone.depth": 18,
    "backbone.init_cfg": None,
    "backbone.frozen_stages": -1,
    "backbone.norm_eval": False,
    "neck.in_channels": [64, 128, 256, 512],
    "neck.out_channels": 32,
    "rpn_head.in_channels": 32,
    "rpn_head.feat_channels": 32,
    "roi_head.bbox_roi_extractor.out_channels": 32,
    "roi_head.bbox_roi_extractor.roi_layer.use_torchvision": True,
    "roi_head.bbox_head.in_channels": 32,
    "roi_head.bbox_head.fc_out_channels": 32,
    "roi_head.bbox_head.num_classes": 3,
    "test_cfg.rcnn.score_thr": 0.0,
}
SMALL_MASKS = {
    "roi_head.mask_roi_extractor.out_channels": 32,
    "roi_head.mask_roi_extractor.roi_layer.use_torchvision": True,
    "roi_head.mask_head.in_channels": 32,
    "roi_head.mask_head.conv_out_channels": 32,
    "roi_head.mask_head.num_classes": 3,
}


def built(text: str, folder: Path) -> nn.Module:
    """The detector of a configuration as the page writes it, made small."""
    file = folder / "config.py"
    file.write_text(text)
    cfg = Config.fromfile(file)
    small = SMALL | (SMALL_MASKS if cfg.model.type == "MaskRCNN" else {})
    cfg.merge_from_dict({f"model.{key}": value for key, value in small.items()})
    made = MODELS.build(cfg.model)
    made.init_weights()
    return made


def batch(boxes: Tensor, labels: Tensor, pixels: Tensor) -> tuple[Tensor, list]:
    height, width = pixels.shape[-2:]
    sample = DetDataSample(
        metainfo={
            "img_shape": (height, width),
            "ori_shape": (height, width),
            "pad_shape": (height, width),
            "batch_input_shape": (height, width),
            "scale_factor": (1.0, 1.0),
        }
    )
    outlines = [[np.array([x1, y1, x2, y1, x2, y2, x1, y2])] for x1, y1, x2, y2 in boxes.numpy()]
    masks = PolygonMasks(outlines, height, width)
    sample.gt_instances = InstanceData(bboxes=boxes, labels=labels, masks=masks)
    return (pixels[None] - 128) / 58, [sample]


def losses(model: nn.Module, *data: Tensor) -> dict[str, Tensor]:
    found = model.loss(*batch(*data))
    each = {key: v if isinstance(v, list) else [v] for key, v in found.items() if "loss" in key}
    return {key: sum(parts) for key, parts in each.items()}


@torch.no_grad()
def detections(model: nn.Module, *data: Tensor) -> list[Tensor]:
    found = model.eval().predict(*batch(*data))[0].pred_instances
    masks = [found.masks.float()] if "masks" in found else []
    return [found.bboxes, found.scores, *masks]


def m_and_laterals(model: nn.Module, x: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """M as the adapter gives it, and as the lateral convolutions give it."""
    c = model.backbone(x)
    laterals = zip(model.neck.lateral_convs, c, strict=True)
    found = model.neck(c)
    return list(found[-4:]), [conv.forward(each) for conv, each in laterals]  # without hooks
