"""What is found in a picture does not depend on the others: order, number, batch, processes."""

from collections import defaultdict

import numpy as np
import pytest
import torch
from small import augfpn_of, talkative

from augfpn.config import Experiment
from augfpn.data.load import load
from augfpn.data.pictures import Pictures
from augfpn.deploy.predict import confident_detections
from augfpn.detectors.transform import size_after_resize
from augfpn.training import evaluate
from augfpn.training.prepare import different_classes, fitted

SIZES = [(240, 110), (110, 240), (220, 180), (240, 110), (96, 96), (200, 150), (239, 109)]


@pytest.fixture
def pictures(write_coco, tmp_path) -> Pictures:
    """Pictures of mixed sizes: as resized and padded some are alike, most are not."""
    images = [
        {"id": 10 - i, "file_name": f"{i}.png", "width": w, "height": h}
        for i, (w, h) in enumerate(SIZES)
    ]
    annotations = [
        {"id": i, "image_id": i, "category_id": 1 + i % 4, "bbox": [9, 9, 40, 40]}
        for i in range(4, 11)
    ]
    categories = [{"id": k, "name": f"class {k}"} for k in range(1, 5)]
    coco = {"images": images, "annotations": annotations, "categories": categories}
    write_coco(coco, tmp_path / "annotations/train.json", tmp_path / "train")
    return load("coco", "train", tmp_path)


@pytest.fixture
def detector():
    return talkative(augfpn_of("faster_rcnn"))


def by_picture(results: list[dict]) -> dict[int, list[dict]]:
    found = defaultdict(list)
    for row in results:
        found[row["image_id"]].append(row)
    return found


def test_alone_in_any_order_or_share_or_limit_the_bits_are_the_same(pictures, detector) -> None:
    whole = evaluate.predict(detector, pictures)
    assert len(by_picture(whole)) == len(SIZES)
    assert [row["image_id"] for row in whole] == sorted(
        (r["image_id"] for r in whole), reverse=True
    )
    backwards = pictures.subset(range(len(SIZES) - 1, -1, -1))
    shares = [pictures.subset(range(rank, len(SIZES), 2)) for rank in (0, 1)]
    for parts in ([backwards], shares, [pictures.first(3)], [pictures.subset([4])]):
        found = by_picture([row for part in parts for row in evaluate.predict(detector, part)])
        assert found == {key: by_picture(whole)[key] for key in found}


def test_predict_finds_what_is_recorded(pictures, detector) -> None:
    from augfpn.speed.testing import for_testing

    recorded, quick = by_picture(evaluate.predict(detector, pictures)), for_testing(detector)
    for i, entry in enumerate(pictures.coco["images"]):
        pixels = pictures[i][0].permute(1, 2, 0).numpy()
        found = confident_detections(quick, pixels, 0.0)
        rows = evaluate.as_results(found, entry["id"], pictures.category_of)
        assert rows == recorded[entry["id"]]


def test_in_batches_of_one_padded_size_only_rounding_differs(pictures, detector) -> None:
    groups = evaluate.of_one_size(pictures, detector, 4)
    assert sorted(i for group in groups for i in group) == list(range(len(SIZES)))
    assert [0, 3, 6] in groups  # 240x110 twice, and 239x109, which is padded to the same
    assert evaluate.of_one_size(pictures, detector, 1) == [[i] for i in range(len(SIZES))]
    one, four = (by_picture(evaluate.predict(detector, pictures, batch=b)) for b in (1, 4))
    for key in one:
        assert len(four[key]) == len(one[key])
        scores = [np.array([row["score"] for row in found[key]]) for found in (one, four)]
        assert np.abs(scores[0] - scores[1]).max() <= 0.0002


def test_only_data_of_two_shapes_are_trained_by_shape(pictures) -> None:
    experiment = Experiment(model=augfpn_of("faster_rcnn"))
    both = fitted(experiment, pictures, pictures)
    assert both.train.by_shape
    wide = pictures.subset([0, 2, 3])
    assert not fitted(experiment, wide, pictures).train.by_shape
    assert not fitted(experiment, pictures.subset([1, 4]), pictures).train.by_shape


@pytest.mark.parametrize("size", [(1, 4000), (4000, 1), (2, 900), (1, 1)])
def test_a_picture_thinner_than_a_pixel_after_resizing_is_tested(detector, size) -> None:
    assert min(size_after_resize(size, 128, 192)) >= 1
    (found,) = detector([torch.rand(3, *size)])
    assert found["boxes"].shape[1] == 4


def test_a_thin_picture_is_trained_on() -> None:
    detector = talkative(augfpn_of("faster_rcnn")).train()
    target = {"boxes": torch.tensor([[100.0, 0.0, 900.0, 1.0]]), "labels": torch.tensor([1])}
    losses = detector([torch.rand(3, 1, 4000)], [target])
    assert all(torch.isfinite(loss) for loss in losses.values())


def test_a_picture_that_breaks_after_training_is_said_to_lose_nothing(tmp_path) -> None:
    from augfpn.errors import UserError
    from augfpn.training.train import trained_already

    said = r"it broke; the training is done and kept in .*: put the same file back"
    with pytest.raises(UserError, match=said), trained_already(tmp_path):
        raise UserError("it broke.")


def test_of_many_classes_only_those_that_differ_are_named() -> None:
    names = tuple(f"class number {k:04d} of the long list" for k in range(1203))
    said = different_classes(names, names[:600] + names[601:])
    assert "1203 classes, the test pictures 1202: only training pictures have" in said
    assert "'class number 0600 of the long list'" in said
    assert len(said) < 250
    assert "their ids are in another order" in different_classes(names, names[::-1])
