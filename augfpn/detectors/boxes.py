"""Arithmetic on the boxes of all pictures of a batch at once.

A GPU waits for the host at each number that is copied between the two, and it is idle while many
short operations are launched. So these functions work on all pictures together, and copy nothing
that they do not have to. Boxes are x1 y1 x2 y2 in pixels of the batch.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torchvision.models.detection._utils import BoxCoder, encode_boxes


def padded(rows: Sequence[Tensor], least: int = 0) -> Tensor:
    """Rows of all pictures in one tensor, zeros after the last: N x (R_i, ...) -> (N, R, ...).

    R is the largest number of rows, but not less than ``least``.
    """
    if len({len(each) for each in rows}) == 1 and len(rows[0]) >= least:
        return torch.stack(list(rows))
    shape = rows[0].new_zeros(least, *rows[0].shape[1:])
    return pad_sequence([*rows, shape], batch_first=True)[: len(rows)]


def numbers_on(numbers: Sequence, device: torch.device, dtype: torch.dtype | None = None) -> Tensor:
    """Numbers of the host as a tensor on the device, for which a GPU need not wait."""
    there = torch.tensor(numbers, dtype=dtype)
    if device.type == "cuda" and torch.cuda.is_available():
        there = there.pin_memory()  # only from pinned memory is the copy asynchronous
    return there.to(device, non_blocking=True)


def overlaps(objects: Tensor, boxes: Tensor) -> Tensor:
    """IoU of each object and each box: (..., R, 4) and (..., A, 4) -> (..., R, A).

    It equals torchvision's ``box_iou`` bit for bit, without its intermediate tensors of twice the
    size. A row of zeros, as `padded` adds, overlaps nothing, not even another such row.
    """
    x1, y1, x2, y2 = objects[..., :, None, :].unbind(dim=-1)  # (..., R, 1)
    u1, v1, u2, v2 = boxes[..., None, :, :].unbind(dim=-1)  # (..., 1, A)
    overlap = torch.minimum(x2, u2).sub_(torch.maximum(x1, u1)).clamp_(min=0)  # (..., R, A)
    overlap *= torch.minimum(y2, v2).sub_(torch.maximum(y1, v1)).clamp_(min=0)
    area = (x2 - x1) * (y2 - y1)
    area = area.masked_fill(area == 0, 1.0)  # instead of 0 / 0
    return overlap / (area + (u2 - u1) * (v2 - v1)).sub_(overlap)


def borders(sizes: Sequence[tuple[int, int]], device: torch.device) -> Tensor:
    """The right and lower border of each picture as the largest x1 y1 x2 y2 of a box: (N, 4)."""
    return numbers_on([[float(side) for side in (w, h, w, h)] for h, w in sizes], device)


def clipped(boxes: Tensor, borders: Tensor) -> Tensor:
    """Boxes cut off at the borders of their pictures: (..., 4) and, for each box, (..., 4)."""
    return boxes.clamp(min=0).minimum(borders)


def lies_inside(boxes: Tensor, sizes: Sequence[tuple[int, int]]) -> Tensor:
    """Whether each box lies entirely inside each picture: (A, 4), N x (height, width) -> (N, A)."""
    x1, y1, x2, y2 = (clipped(boxes, borders(sizes, boxes.device)[:, None]) == boxes).unbind(dim=-1)
    return x1 & y1 & x2 & y2


def has_least_side(boxes: Tensor, side: float) -> Tensor:
    """Whether both sides of each box are ``side`` or longer: (..., 4) -> (...)."""
    x1, y1, x2, y2 = boxes.unbind(dim=-1)
    return (x2 - x1 >= side) & (y2 - y1 >= side)


class Coder(BoxCoder):
    """torchvision's box coder, which copies no constants to the device.

    The formulas are torchvision's, and so is every bit of their results.
    """

    def encode_single(self, reference_boxes: Tensor, proposals: Tensor) -> Tensor:
        """The deltas from proposals to their objects: (R, 4) and (R, 4) -> (R, 4)."""
        return encode_boxes(reference_boxes, proposals, self.weights)

    def decode_single(self, rel_codes: Tensor, boxes: Tensor) -> Tensor:
        """Boxes moved by their deltas for each of K classes: (R, 4 K) and (R, 4) -> (R, 4 K)."""
        boxes = boxes.to(rel_codes.dtype)
        size = boxes[:, 2:] - boxes[:, :2]
        middle = boxes[:, :2] + 0.5 * size
        sides = []
        for axis in (0, 1):
            offset = rel_codes[:, axis::4] / self.weights[axis]  # (R, K)
            growth = (rel_codes[:, axis + 2 :: 4] / self.weights[axis + 2]).clamp(
                max=self.bbox_xform_clip
            )
            centre = offset * size[:, axis, None] + middle[:, axis, None]
            half = 0.5 * (growth.exp() * size[:, axis, None])
            sides.append((centre - half, centre + half))
        (x1, x2), (y1, y2) = sides
        return torch.stack((x1, y1, x2, y2), dim=2).flatten(1)
