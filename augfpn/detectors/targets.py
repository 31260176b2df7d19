"""Targets and detections: their types, the check of targets, and the sampling of RoIs."""

from torch import Tensor, nn
from torchvision.models.detection.roi_heads import RoIHeads

from augfpn.errors import UserError
from augfpn.pyramid import Boxes, Samples

Targets = list[dict[str, Tensor]]  # of each picture: boxes, labels and perhaps masks
Detections = list[dict[str, Tensor]]  # of each picture: boxes, scores, labels and perhaps masks


def check_targets(targets: Targets | None, masks: bool = False) -> None:
    """Raise ``UserError`` for targets that a detector cannot learn from.

    With ``masks``, every target needs masks too.
    """
    if targets is None:
        raise UserError("targets are missing: in training mode, pass a dict for each picture.")
    for place, target in enumerate(targets):
        if masks and "masks" not in target:
            raise UserError(
                f"target {place} has no masks, which Mask R-CNN learns from: add masks (R, H, W) "
                "of 0 and 1 for its R boxes, or use a Faster R-CNN."
            )
        flat = (target["boxes"][:, 2:] <= target["boxes"][:, :2]).any(dim=1)
        if flat.any():
            box = target["boxes"][flat][0].tolist()
            raise UserError(
                f"target {place} holds the box {box} (x1, y1, x2, y2) without area: leave it "
                "out, or give it x2 > x1 and y2 > y1."
            )


def roi_heads(
    head: nn.Module | None,
    predictor: nn.Module | None,
    *,
    rois: int,
    objects: float,
    detections: int,
) -> RoIHeads:
    """torchvision's RoI heads without a pooler: detectors pool RoIs by themselves.

    In training they sample ``rois`` RoIs per picture, of which at most a share of ``objects`` is
    positive; at inference they keep at most ``detections``. Without ``head`` and ``predictor`` they
    only sample.
    """
    return RoIHeads(
        box_roi_pool=None,
        box_head=head,
        box_predictor=predictor,
        fg_iou_thresh=0.5,
        bg_iou_thresh=0.5,
        batch_size_per_image=rois,
        positive_fraction=objects,
        bbox_reg_weights=None,
        score_thresh=0.05,
        nms_thresh=0.5,
        detections_per_img=detections,
    )


def sample_rois(sampler: RoIHeads, proposals: Boxes, targets: Targets) -> Samples:
    """The RoIs of a training step, chosen by torchvision's matcher and sampler.

    Shapes: proposals N x (R_i, 4) pixels of the batch. The ground-truth boxes are added to the
    proposals before ``sampler`` chooses.
    """
    boxes, matches, labels, deltas = sampler.select_training_samples(proposals, targets)
    return Samples(boxes, labels, deltas, matches)
