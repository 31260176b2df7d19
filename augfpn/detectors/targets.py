"""Targets and detections: their types, the check of targets, and the sampling of RoIs."""

import torch
from torch import Tensor, nn
from torchvision.models.detection.roi_heads import RoIHeads

from augfpn.detectors.anchors import OverlapMatcher, matches_of
from augfpn.detectors.box_heads import BoxHeads
from augfpn.detectors.boxes import Coder, numbers_on, padded
from augfpn.detectors.sampling import draw
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
    boxes = torch.cat([target["boxes"] for target in targets])
    if not (boxes[:, 2:] > boxes[:, :2]).all():  # one question for all pictures: a GPU waits once
        refuse_flat_box(targets)


def refuse_flat_box(targets: Targets) -> None:
    """Raise ``UserError`` that names the first box without area."""
    for place, target in enumerate(targets):
        flat = ~(target["boxes"][:, 2:] > target["boxes"][:, :2]).all(dim=1)
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
    heads = BoxHeads(
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
    heads.proposal_matcher = OverlapMatcher(0.5, 0.5)
    heads.box_coder = Coder(heads.box_coder.weights)
    return heads


def sample_rois(sampler: RoIHeads, proposals: Boxes, targets: Targets) -> Samples:
    """The RoIs of a training step, matched and sampled as by torchvision, of all pictures at once.

    Shapes: proposals N x (R_i, 4) pixels of the batch. The ground-truth boxes are added to the
    proposals before ``sampler`` chooses.
    """
    objects = [target["boxes"].to(proposals[0].dtype) for target in targets]
    rois = [torch.cat(each) for each in zip(proposals, objects, strict=True)]
    boxes = padded(rois)  # (N, A, 4)
    match = matches_of(sampler.proposal_matcher, objects, boxes)  # (N, A)
    own = match.clamp(min=0)
    labels = padded([target["labels"] for target in targets], least=1).gather(1, own)
    labels = torch.where(match >= 0, labels, match + 1)  # background is 0, neither is -1
    counts = numbers_on([len(each) for each in rois], boxes.device)
    padding = torch.arange(boxes.shape[1], device=boxes.device) >= counts[:, None]
    drawn = draw(labels.masked_fill(padding, -1), sampler.fg_bg_sampler)
    chosen = drawn.together()  # (R,)
    boxes, labels, own = (x.flatten(0, 1)[chosen] for x in (boxes, labels, own))
    of_object = padded(objects, least=1)[chosen // match.shape[1], own]
    deltas = sampler.box_coder.encode_single(of_object, boxes)
    positives = torch.nonzero_static(labels > 0, size=len(drawn.positives))[:, 0]
    lists = (list(x.split(drawn.counts)) for x in (boxes, labels, deltas, own))
    return Samples(*lists, positives, drawn.positive_counts)
