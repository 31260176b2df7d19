"""From the box head's predictions to detections, for all pictures of a batch at once."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.models.detection.roi_heads import RoIHeads

from augfpn.detectors.boxes import borders, clipped, has_least_side, padded
from augfpn.detectors.suppression import best_after_nms
from augfpn.pyramid import Boxes

LEAST_SIDE = 1e-2  # of a detection in pixels of the batch: torchvision's constant


class BoxHeads(RoIHeads):
    """torchvision's RoI heads, but the detections of all pictures are chosen at once."""

    def postprocess_detections(
        self,
        class_logits: Tensor,
        box_regression: Tensor,
        proposals: Boxes,
        image_shapes: Sequence[tuple[int, int]],
    ) -> tuple[Boxes, list[Tensor], list[Tensor]]:
        """The boxes (D_i, 4), scores (D_i,) and labels (D_i,) of each picture, best first.

        Shapes: logits (R, K + 1), deltas (R, 4 (K + 1)), proposals N x (R_i, 4).
        """
        counts = [len(each) for each in proposals]
        scores = class_logits.softmax(dim=-1)[:, 1:]
        boxes = self.box_coder.decode_single(box_regression, torch.cat(proposals))
        boxes = boxes.unflatten(1, (-1, 4))[:, 1:]  # (R, K, 4)
        scores = padded(scores.split(counts)).flatten(1)  # (N, D); D = max(R_i) K
        boxes = padded(boxes.split(counts)).flatten(1, 2)  # (N, D, 4)
        boxes = clipped(boxes, borders(image_shapes, boxes.device)[:, None])
        classes = class_logits.shape[1] - 1
        label = torch.arange(scores.shape[1], device=scores.device) % classes + 1
        label = label.expand_as(scores)
        valid = (scores > self.score_thresh) & has_least_side(boxes, LEAST_SIDE)
        best, numbers = best_after_nms(
            boxes, scores, label, valid, iou=self.nms_thresh, most=self.detections_per_img
        )
        boxes, scores, labels = (
            list(x.flatten(0, 1)[best].split(numbers)) for x in (boxes, scores, label)
        )
        return boxes, scores, labels
