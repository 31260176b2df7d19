"""Small detectors of detectron2 itself, with the book's adapters or without, and data for them."""

import torch
from detectron2 import model_zoo
from detectron2.modeling import build_model
from detectron2.structures import BitMasks, Boxes, Instances
from detectron2.utils.events import EventStorage
from torch import Tensor, nn

NEW = {
    "supervision": ("roi_heads.m_head.", "roi_heads.m_predictor."),
    "rfa": ("backbone.augment.",),
    "soft": ("roi_heads.box_pooler.fusion.",),
    "soft masks": ("roi_heads.mask_pooler.fusion.",),
}


def config(masks: bool):
    task = "COCO-InstanceSegmentation/mask_rcnn" if masks else "COCO-Detection/faster_rcnn"
    cfg = model_zoo.get_config(f"{task}_R_50_FPN_1x.yaml")
    cfg.MODEL.DEVICE, cfg.MODEL.WEIGHTS = "cpu", ""
    cfg.MODEL.BACKBONE.FREEZE_AT = 0
    cfg.MODEL.RESNETS.DEPTH, cfg.MODEL.RESNETS.RES2_OUT_CHANNELS = 18, 64
    cfg.MODEL.RESNETS.NORM = "BN"
    cfg.MODEL.FPN.OUT_CHANNELS = 32
    cfg.MODEL.ROI_BOX_HEAD.FC_DIM = cfg.MODEL.ROI_MASK_HEAD.CONV_DIM = 32
    cfg.MODEL.ROI_HEADS.NUM_CLASSES, cfg.MODEL.ROI_HEADS.BATCH_SIZE_PER_IMAGE = 3, 64
    cfg.MODEL.ROI_HEADS.SCORE_THRESH_TEST = 0.0
    cfg.INPUT.MASK_FORMAT = "bitmask"
    return cfg


def native(masks: bool) -> nn.Module:
    return build_model(config(masks))


def supervised(masks: bool) -> nn.Module:
    import detectron2_supervision  # noqa: F401

    cfg = config(masks)
    cfg.MODEL.BACKBONE.NAME = "build_fpn_with_m_backbone"
    cfg.MODEL.ROI_HEADS.NAME = "SupervisedROIHeads"
    return build_model(cfg)


def augfpn(masks: bool, **switches) -> nn.Module:
    from detectron2_augfpn import add_augfpn_config

    cfg = config(masks)
    add_augfpn_config(cfg)
    cfg.MODEL.BACKBONE.NAME = "build_augfpn_backbone"
    cfg.MODEL.ROI_HEADS.NAME = "AugFPNROIHeads"
    for name, value in switches.items():
        setattr(cfg.MODEL.AUGFPN, name, value)
    return build_model(cfg)


def images(boxes: Tensor, labels: Tensor, pixels: Tensor) -> list[dict]:
    height, width = pixels.shape[-2:]
    masks = torch.zeros(len(boxes), height, width, dtype=torch.bool)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes.int(), strict=True):
        mask[y1:y2, x1:x2] = True
    found = Instances((height, width))
    found.gt_boxes, found.gt_classes, found.gt_masks = Boxes(boxes), labels, BitMasks(masks)
    return [{"image": pixels, "instances": found, "height": height, "width": width}]


def losses(model: nn.Module, *data: Tensor) -> dict[str, Tensor]:
    with EventStorage():
        return model(images(*data))


@torch.no_grad()
def detections(model: nn.Module, *data: Tensor) -> list[Tensor]:
    found = model.eval()(images(*data))[0]["instances"]
    masks = [found.pred_masks.float()] if found.has("pred_masks") else []
    return [found.pred_boxes.tensor, found.scores, *masks]


def m_and_laterals(model: nn.Module, x: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """M as the adapter gives it, and as the lateral convolutions give it."""
    neck = model.backbone
    found, c = neck(x), neck.bottom_up(x)
    lateral = {k: getattr(neck, f"fpn_lateral{k}").forward for k in (2, 3, 4, 5)}  # no hooks
    return [found[f"m{k}"] for k in (2, 3, 4, 5)], [f(c[f"res{k}"]) for k, f in lateral.items()]
