"""The page on a trained detector: its AP, its annotations, and its table of builds."""

import importlib
import re
from types import ModuleType

import pytest
import torch
from chapters import BOOK
from small_torchvision import dataset_of_noise
from torch import nn
from torchvision.models import WeightsEnum
from torchvision.models.detection import fasterrcnn_resnet50_fpn
from torchvision.ops import FrozenBatchNorm2d

from augfpn.data.annotations import check_annotations
from augfpn.training import evaluate

PAGE = (BOOK / "trained_detector.md").read_text("utf-8")


@pytest.fixture
def found_of(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The page's file that has AP and annotations."""
    monkeypatch.syspath_prepend(str(BOOK / "examples"))
    return importlib.import_module("torchvision_found")


def test_ap_is_that_of_the_package(found_of) -> None:
    class Sure(nn.Module):
        """Finds each object a little off, and one that is none."""

        def __init__(self) -> None:
            super().__init__()
            self.weight, self.calls = nn.Parameter(torch.zeros(1)), 0

        def forward(self, images: list) -> list[dict]:
            target = data[self.calls][1]
            self.calls += 1
            boxes = torch.cat([target["boxes"] + self.calls, torch.tensor([[0.0, 0, 9, 9]])])
            labels = torch.cat([target["labels"], torch.tensor([1])])
            return [{"boxes": boxes, "labels": labels, "scores": torch.tensor([0.9, 0.5])}]

    data = dataset_of_noise()
    found = found_of.ap(Sure(), data)
    truth, results = [], []
    for n, (_, target) in enumerate(data):
        x1, y1, x2, y2 = target["boxes"][0].tolist()
        size = [x2 - x1, y2 - y1]
        label = target["labels"].item()
        truth.append({"id": n + 1, "image_id": n, "category_id": label, "iscrowd": 0})
        truth[-1] |= {"bbox": [x1, y1, *size], "area": size[0] * size[1]}
        off = n + 1
        results.append({"image_id": n, "category_id": label, "bbox": [x1 + off, y1 + off, *size]})
        results[-1]["score"] = 0.9
        results.append({"image_id": n, "category_id": 1, "bbox": [0, 0, 9, 9], "score": 0.5})
    images = [{"id": n, "width": 80, "height": 64} for n in range(len(data))]
    coco = {"images": images, "annotations": truth}
    coco["categories"] = [{"id": k, "name": str(k)} for k in (1, 2)]
    assert 0 < found < 100
    assert found == pytest.approx(100 * evaluate.score(coco, results)["AP"])


def test_annotations_have_what_coco_wants_and_all_classes(found_of) -> None:
    truth = found_of.truth(dataset_of_noise(2), classes=3)
    clean, report = check_annotations(truth, "test.json")
    assert clean["annotations"] == [each | {"segmentation": []} for each in truth["annotations"]]
    assert [image["width"] for image in truth["images"]] == [80, 80]
    assert [each["id"] for each in truth["categories"]] == [1, 2, 3]
    assert report == ("1 class without an object: 3.",)


def test_each_build_of_the_table_has_its_statistics_and_stages(monkeypatch) -> None:
    rows = re.findall(
        r"^\| .* \| `(fasterrcnn_.*?)`.* \| (frozen|learn) \| (\d) of 5 \|$", PAGE, re.M
    )
    assert len(rows) == 3
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda *_, **__: {})  # no download
    monkeypatch.setattr(nn.Module, "load_state_dict", lambda *_, **__: None)
    for code, statistics, learning in rows:
        with torch.device("meta"):
            body = eval(code, {"fasterrcnn_resnet50_fpn": fasterrcnn_resnet50_fpn}).backbone.body
        kind = nn.BatchNorm2d if statistics == "learn" else FrozenBatchNorm2d
        assert isinstance(body.bn1, kind)
        stages = [body.conv1, *(getattr(body, f"layer{k}") for k in range(1, 5))]
        learns = [any(q.requires_grad for q in stage.parameters()) for stage in stages]
        assert sum(learns) == int(learning)
