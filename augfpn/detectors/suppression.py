"""Non-maximum suppression in all pictures of a batch at once.

Letters in shapes: N pictures, D candidates of a picture, K boxes of all pictures that are kept. A
box's row is its index among the N D candidates of the batch: picture i's candidate j is row
i D + j.
"""

import torch
from torch import Tensor
from torchvision.ops import batched_nms, nms

LARGEST = 2**16  # boxes that a GPU compares in one call: its table of pairs takes 512 MiB


def best_after_nms(
    boxes: Tensor,
    scores: Tensor,
    labels: Tensor,
    valid: Tensor,
    *,
    iou: float,
    most: int,
    shown: Tensor | None = None,
) -> tuple[Tensor, list[int]]:
    """The best boxes of each picture after non-maximum suppression, and how many there are.

    Shapes: boxes (N, D, 4), scores, labels and ``valid`` (N, D) -> rows (K,), sorted by picture and
    from best to worst; N numbers, each at most ``most``, whose sum is K.
    Candidates that are not valid take no part. With ``shown`` (N, D), others that are False there
    suppress, and count, but are not returned.
    A GPU waits three times: for the numbers of candidates, of boxes, and of boxes of each picture.
    """
    keep = grouped_nms(boxes, scores, labels, valid, iou)
    picture = keep // max(1, valid.shape[1])
    rank = torch.arange(len(keep), device=keep.device) - torch.searchsorted(picture, picture)
    used = rank < most
    if shown is not None:
        used &= shown.flatten()[keep]
    every = torch.arange(len(valid), device=keep.device)
    numbers = ((picture == every[:, None]) & used).sum(dim=1).tolist()
    return keep[torch.nonzero_static(used, size=sum(numbers))[:, 0]], numbers


def grouped_nms(boxes: Tensor, scores: Tensor, labels: Tensor, valid: Tensor, iou: float) -> Tensor:
    """Suppress boxes whose IoU with a better one of the same picture and label is above ``iou``.

    Shapes: boxes (N, D, 4), scores, labels and ``valid`` (N, D) -> rows (K,), sorted by picture and
    from best to worst.
    Differs: on the CPU it is torchvision's ``batched_nms`` of each picture. On a GPU all pictures
    share one call, for which boxes are shifted apart in double precision; torchvision's own shift
    rounds more. Only if there are more than `LARGEST` boxes, several calls share the pictures.
    """
    if boxes.device.type != "cuda":
        return nms_by_picture(boxes, scores, labels, valid, iou)
    rows = torch.where(valid.flatten())[0]
    picture = torch.arange(len(valid), device=rows.device)[:, None]
    groups = (picture * (labels.max() + 1) + labels).flatten() if labels.numel() else labels
    boxes, scores = boxes.flatten(0, 1), scores.flatten()
    parts = [rows]
    if len(rows) > LARGEST:
        parts = rows.split(shares(valid.sum(dim=1).tolist()))
    keep = torch.cat([x[nms(apart(boxes[x], groups[x]), scores[x].double(), iou)] for x in parts])
    return keep[(keep // max(1, valid.shape[1])).sort(stable=True).indices]


def nms_by_picture(
    boxes: Tensor, scores: Tensor, labels: Tensor, valid: Tensor, iou: float
) -> Tensor:
    """As `grouped_nms`, picture by picture: the boxes that torchvision keeps, bit for bit."""
    keep = []
    for i, row in enumerate(valid):
        here = torch.where(row)[0]
        best = batched_nms(boxes[i, here], scores[i, here], labels[i, here], iou)
        keep.append(here[best] + i * valid.shape[1])
    return torch.cat(keep)


def apart(boxes: Tensor, groups: Tensor) -> Tensor:
    """Boxes (D, 4) moved so far that those of different groups (D,) do not overlap."""
    boxes = boxes.double()
    if not len(boxes):
        return boxes
    return boxes + (groups * (boxes.max() - boxes.min() + 1))[:, None]


def shares(counts: list[int]) -> list[int]:
    """The sums of as many neighbouring counts as stay within `LARGEST`, at least one each."""
    found = [0]
    for count in counts:
        if found[-1] and found[-1] + count > LARGEST:
            found.append(0)
        found[-1] += count
    return found
