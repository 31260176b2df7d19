"""What a torchvision detector finds, and COCO's AP."""

import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torchvision.ops import box_convert


@torch.no_grad()
def found(model, dataset):
    """Detections in COCO's results format."""
    model.eval()
    device = next(model.parameters()).device
    rows = []
    for place in range(len(dataset)):
        image, _ = dataset[place]
        (out,) = model([image.to(device)])
        scores = out["scores"].tolist()
        for row, score in zip(boxes(place, out), scores):
            rows.append({**row, "score": score})
    return rows


def truth(dataset, classes=0):
    """COCO's annotations; none is a crowd here."""
    labels = set(range(1, classes + 1))
    images, rows = [], []
    for place in range(len(dataset)):
        image, target = dataset[place]
        height, width = image.shape[-2:]
        name = f"{place}.jpg"
        size = {"width": width, "height": height}
        images.append({"id": place, "file_name": name, **size})
        for row in boxes(place, target):
            width, height = row["bbox"][2:]
            row["area"] = width * height
            row["id"] = len(rows) + 1
            rows.append({**row, "iscrowd": 0})
            labels.add(row["category_id"])
    return {
        "images": images,
        "annotations": rows,
        "categories": [
            {"id": label, "name": str(label)}
            for label in sorted(labels)
        ],
    }


def boxes(place, of):
    """An image's boxes and classes, as COCO has them."""
    sides = box_convert(of["boxes"], "xyxy", "xywh")
    labels = of["labels"].tolist()
    return [
        {
            "image_id": place,
            "category_id": label,
            "bbox": box,
        }
        for box, label in zip(sides.tolist(), labels)
    ]


def ap(model, dataset):
    """AP from 0 to 100, by pycocotools."""
    rows = found(model, dataset)
    if not rows:
        return 0.0
    coco = COCO()
    coco.dataset = truth(dataset)
    coco.createIndex()
    judge = COCOeval(coco, coco.loadRes(rows), "bbox")
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    return 100 * judge.stats[0]
