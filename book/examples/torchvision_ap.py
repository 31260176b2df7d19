"""COCO's AP of a torchvision detector, from 0 to 100."""

import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torchvision.ops import box_convert


@torch.no_grad()
def ap(model, dataset):
    """No annotation is a crowd here."""
    model.eval()
    device = next(model.parameters()).device
    truth, found = [], []
    for place in range(len(dataset)):
        image, target = dataset[place]
        (out,) = model([image.to(device)])
        truth += annotations(place, target)
        found += annotations(place, out)
    if not found:
        return 0.0
    for number, each in enumerate(truth, 1):
        each["id"] = number
        each["area"] = each["bbox"][2] * each["bbox"][3]
    labels = {each["category_id"] for each in truth}
    coco = COCO()
    coco.dataset = {
        "images": [
            {"id": place} for place in range(len(dataset))
        ],
        "categories": [{"id": label} for label in labels],
        "annotations": truth,
    }
    coco.createIndex()
    evaluation = COCOeval(coco, coco.loadRes(found), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return 100 * evaluation.stats[0]


def annotations(place, of):
    """The boxes of an image in the form of COCO."""
    boxes = box_convert(of["boxes"], "xyxy", "xywh").tolist()
    labels = of["labels"].tolist()
    scores = of.get("scores", torch.ones(len(boxes))).tolist()
    return [
        {
            "image_id": place,
            "category_id": label,
            "bbox": box,
            "score": score,
            "iscrowd": 0,
        }
        for box, label, score in zip(boxes, labels, scores)
    ]
