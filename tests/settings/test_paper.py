"""From the paper's rows to models, and from models to rows."""

from dataclasses import replace

import pytest

from augfpn.config import AUGFPN, FPN, Model
from augfpn.settings import paper
from augfpn.settings.budgets import BUDGETS

LAPTOP = BUDGETS["laptop"].model
DENSE_AUGFPN = replace(AUGFPN, roi_selection="hard")


def test_rows_that_are_cited_belong_to_no_model() -> None:
    own = [result.row for result in paper.results()]
    assert not any(row.get("cited") for row in own)
    assert sum(row["cited"] for row in paper.tables()["table1"]) == 9


@pytest.mark.parametrize(
    ("model", "source", "ap", "base"),
    [
        (AUGFPN, "Table 2, COCO val, ResNet-50", 38.7, 36.3),
        (replace(AUGFPN, backbone="resnet101"), "Table 1, COCO test-dev, ResNet-101", 40.6, 38.9),
        (
            replace(AUGFPN, backbone="timm/resnext101_32x4d.gluon_in1k"),
            "Table 1, COCO test-dev, ResNext-101-32x4d",
            41.9,
            40.5,
        ),
        (
            replace(AUGFPN, backbone="mobilenet_v2_320"),
            "Table 1, COCO test-dev, MobileNet-v2",
            34.2,
            32.6,
        ),
        (replace(AUGFPN, backbone="resnet18"), "Table 2, COCO val, ResNet-50", 38.7, 36.3),
        (
            replace(LAPTOP, lam=0.25, detector="mask_rcnn"),
            None,
            None,
            37.5,
        ),
        (
            replace(AUGFPN, detector="mask_rcnn", backbone="narrow_resnet"),
            "Table 1, COCO test-dev, ResNet-50",
            39.5,
            37.5,
        ),
        (
            replace(AUGFPN, detector="mask_rcnn", mask_supervision=True),
            "Table 1, COCO test-dev, ResNet-50",
            39.5,
            37.5,
        ),
        (
            replace(DENSE_AUGFPN, detector="retinanet", backbone="mobilenet_v2"),
            "Table 1, COCO test-dev, MobileNet-v2",
            34.0,
            32.7,
        ),
        (replace(LAPTOP, detector="fcos"), "Table 1, COCO test-dev, ResNet-50", 37.0, 37.0),
        (replace(FPN, lam=0.5), "Table 3, COCO val, ResNet-50", 36.9, 36.3),
        (replace(FPN, roi_selection="panet"), None, None, 36.3),
    ],
)
def test_a_model_has_its_row_and_its_fpn(
    model: Model, source: str | None, ap: float | None, base: float
) -> None:
    found = paper.row_of(model)
    assert (found and paper.source(found)) == source
    assert (found and found[1]["AP"]) == ap
    assert paper.base_row(model)["AP"] == base


def test_the_length_of_the_run_chooses_between_1x_and_2x() -> None:
    model = replace(AUGFPN, backbone="resnet101", detector="mask_rcnn")
    rows = {epochs: paper.row_of(model, epochs) for epochs in (None, 12, 24)}
    assert [found[1]["AP"] for found in rows.values()] == [41.3, 41.3, 42.4]
    assert paper.base_row(model, 24)["AP"] == 40.8
    assert paper.source(rows[24]) == "Table 1, COCO test-dev, ResNet-101, 2x"
    assert paper.row_of(AUGFPN, 24)[1]["AP"] == 38.7  # the paper has no 2x of it


def test_what_is_off_does_not_count() -> None:
    idle = {"supervision": "single", "context_pooling": "psp", "context_fusion": "sum"}
    assert paper.identity(replace(FPN, **idle, channels=64)) == paper.identity(FPN)
    # A pool of one size has no ratios.
    psp = replace(FPN, ratios=(0.1,), context_pooling="psp")
    assert paper.row_of(psp) == paper.row_of(replace(psp, ratios=(0.2, 0.5)))
