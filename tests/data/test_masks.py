"""Masks from annotations to the loss: rasterised, flipped, in batches; thin ones, broken ones."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as rle
from pycocotools.coco import COCO

from augfpn.data.annotations import check_annotations
from augfpn.data.batches import Augmented, batches
from augfpn.data.load import load
from augfpn.data.masks import expect_mask, mask_code
from augfpn.data.pictures import Pictures
from augfpn.data.scenes.scene import scene
from augfpn.data.scenes.settings import SceneSettings
from augfpn.detectors.build import build_detector
from augfpn.errors import UserError
from augfpn.settings.budgets import BUDGETS

PICTURE = {"id": 1, "file_name": "one.png", "width": 40, "height": 30}
SQUARE = [[2.0, 3.0, 12.0, 3.0, 12.0, 23.0, 2.0, 23.0]]  # 10 x 20 pixels


def with_mask(segmentation, **more) -> dict:
    box = {"id": 5, "image_id": 1, "category_id": 1, "bbox": [2, 3, 10, 20], "iscrowd": 0}
    return box | {"area": 200, "segmentation": segmentation} | more


def pictures_of(*annotations: dict) -> Pictures:
    """One grey picture with these annotations."""
    coco = {
        "images": [PICTURE],
        "categories": [{"id": 1, "name": "thing"}],
        "annotations": list(annotations),
    }
    grey = np.full((30, 40, 3), 128, np.uint8)
    return Pictures("grey", coco, read=lambda _: grey, fingerprint="f" * 64)


@pytest.fixture(scope="module")
def scenes() -> Pictures:
    return load("scenes", "val", count=3)


# --- what a target holds --------------------------------------------------------------------------


def test_masks_of_scenes_are_the_objects_pixels(scenes):
    masked = scenes.with_masks()
    for index in range(len(scenes)):
        wanted = [thing.mask for thing in scene(SceneSettings(), "val", index).objects]
        image, target = masked[index]
        assert target["masks"].dtype == torch.uint8
        assert target["masks"].shape == (len(target["boxes"]), *image.shape[1:])
        assert np.array_equal(target["masks"].numpy(), np.stack(wanted))
        assert torch.equal(target["boxes"], scenes[index][1]["boxes"])


@pytest.mark.coco
def test_masks_of_coco_are_pycocotools_own(real_data):
    folder = real_data("coco-mini")
    masked = load("coco", "val", folder).with_masks()
    api = COCO(str(folder / "annotations" / "instances_val2017.json"))
    for index in range(0, len(masked), 6):
        masks = masked.target(index)["masks"].numpy()
        wanted = [api.annToMask(api.anns[a["id"]]) for a in masked.objects(index)]
        assert len(masks) == len(wanted)
        assert all(np.array_equal(*pair) for pair in zip(masks, wanted, strict=True))


def test_polygons_runs_and_compressed_runs_are_the_same_mask():
    runs = {"size": [30, 40], "counts": [63, *([20, 10] * 10)[:-1], 847]}
    compressed = rle.frPyObjects(runs, 30, 40)
    codes = [SQUARE, runs, compressed, compressed | {"counts": compressed["counts"].decode()}]
    masks = pictures_of(*(with_mask(c, id=n) for n, c in enumerate(codes, 1))).with_masks()
    wanted = np.zeros((30, 40), np.uint8)
    wanted[3:23, 2:12] = 1
    assert (masks[0][1]["masks"].numpy() == wanted).all()


def test_parts_of_a_polygon_are_one_object_and_crowds_are_none():
    halves = [[2, 3, 12, 3, 12, 13, 2, 13], [2, 13, 12, 13, 12, 23, 2, 23], [1, 1]]
    crowd = with_mask({"size": [30, 40], "counts": [0, 90, 1110]}, id=6, iscrowd=1)
    (mask,) = pictures_of(with_mask(halves), crowd).with_masks()[0][1]["masks"]
    assert mask.sum() == 200


def test_a_picture_without_objects_has_no_masks(small_coco):
    code = {"size": [50, 20], "counts": [1000]}
    small_coco["annotations"][1]["segmentation"] = code
    small_coco["annotations"][3]["segmentation"] = SQUARE
    target = Pictures("small", small_coco, read=None, fingerprint="").with_masks().target(2)
    assert target["masks"].shape == (0, 16, 16)


def test_they_stay_the_same_pictures(scenes):
    masked = scenes.with_masks()
    assert masked.fingerprint == scenes.fingerprint
    assert masked.first(2).fingerprint == scenes.first(2).fingerprint
    assert "masks" in masked.subset([2, 0]).target(1)
    assert "masks" not in scenes.target(0)
    assert torch.equal(masked[1][0], scenes[1][0])


# --- flipped and in batches -----------------------------------------------------------------------


def boxes_around(masks: torch.Tensor) -> list[list[int]]:
    """The tight boxes of masks, by NumPy."""
    boxes = []
    for mask in masks.numpy():
        rows, columns = np.nonzero(mask)
        boxes.append([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    return boxes


def test_a_flipped_mask_stays_in_its_flipped_box(scenes):
    for flip in (0.0, 1.0):
        image, target = Augmented(scenes.with_masks(), flip=flip, seed=0)[0, 0]
        assert boxes_around(target["masks"]) == target["boxes"].tolist()
    plain_image, plain = scenes.with_masks()[0]
    assert torch.equal(image.flip(-1), plain_image)
    assert torch.equal(target["masks"].flip(2), plain["masks"])
    assert not torch.equal(target["boxes"], plain["boxes"])


def test_batches_carry_masks_of_their_pictures_from_other_processes(scenes):
    masked = scenes.with_masks()
    feed = batches(masked, [0, 1, 2], 3, range(1), seed=0, flip=0.0, workers=1)
    ((_, targets),) = feed
    for target in targets:
        index = target["image_id"] - 1
        assert torch.equal(target["masks"], masked.target(index)["masks"])


# --- thin -----------------------------------------------------------------------------------------

THIN = [[2.0, 3.0, 30.0, 3.0, 15.0, 3.0]]  # three corners on a line: not one pixel


def test_what_is_too_thin_for_a_pixel_keeps_its_box_and_an_empty_mask():
    target = pictures_of(with_mask(THIN), with_mask(SQUARE, id=6)).with_masks().target(0)
    assert target["masks"].sum(dim=(1, 2)).tolist() == [0, 200]
    assert len(target["boxes"]) == 2


def test_an_empty_mask_can_be_trained_on():
    small = replace(BUDGETS["smoke"].model, detector="mask_rcnn", classes=1)
    torch.manual_seed(0)
    detector = build_detector(replace(small, short_side=96, long_side=128)).train()
    image, target = pictures_of(with_mask(THIN)).with_masks()[0]
    losses = detector([image.float() / 255], [target])
    assert losses["loss_mask"] > 0
    assert all(torch.isfinite(loss) for loss in losses.values())
    sum(losses.values()).backward()
    gradients = [q.grad for q in detector.parameters() if q.grad is not None]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


# --- refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize("nothing", [[], [[]], [[1, 2, 3, 4]], None])
def test_data_without_masks_is_refused_with_the_first_annotation(nothing):
    pictures = pictures_of(with_mask(SQUARE, id=3), with_mask(nothing), with_mask(nothing, id=6))
    with pytest.raises(UserError) as caught:
        pictures.with_masks()
    assert str(caught.value) == (
        "grey: annotation 5 has no mask: give every annotation a segmentation, or take a detector "
        "without masks, such as faster_rcnn."
    )


def test_blood_cells_have_no_masks(real_data):
    with pytest.raises(UserError, match=r"^bccd train: annotation \d+ has no mask: .*faster_rcnn"):
        load("bccd", "train", real_data("bccd")).with_masks()


# pycocotools crashes on some of these, and reads beyond its memory for others.
BROKEN = [
    ([[1, 2, 30, 4, 5], *SQUARE], "5 numbers are no pairs"),
    ([[1, 2, 30, 4, 5, "6"]], "are not all numbers"),
    ([[1, 2, 30, 4, 5, True]], "are not all numbers"),
    ([[1, 2, 30, 4, 5, 1e9]], "is beyond 100000 px"),
    ([[1, 2, float("nan"), 4, 5, 6]], "is beyond 100000 px"),
    ([[float("inf"), 2, 30, 4, 5, 6]], "is beyond 100000 px"),
    ({"size": [40, 30], "counts": [1200]}, "its size is [40, 30], its picture's [30, 40]"),
    ({"size": 30, "counts": [1200]}, "its size is 30"),
    ({"size": [30, 40], "counts": [0, 90, 111]}, "[0, 90, 111] do not add up"),
    ({"size": [30, 40], "counts": [0, 90, 11100]}, "do not add up"),
    ({"size": [30, 40], "counts": [0, -90, 1290]}, "do not add up"),
    ({"size": [30, 40], "counts": [0, 90.5, 1109.5]}, "do not add up"),
    ({"size": [30, 40], "counts": []}, "do not add up"),
    ({"size": [30, 40], "counts": ""}, "'' do not add up"),
    ({"size": [30, 40], "counts": "abc"}, "do not add up"),
    ({"size": [30, 40], "counts": "é"}, "do not add up"),
    ({"size": [30, 40], "counts": "ooooo"}, "do not add up"),
    ({"size": [30, 40], "counts": 1200}, "do not add up"),
]


@pytest.mark.parametrize(("mask", "reason"), BROKEN)
def test_a_broken_mask_is_named_before_pycocotools_sees_it(mask, reason):
    with pytest.raises(UserError) as caught:
        pictures_of(with_mask(mask)).with_masks()
    sentence = str(caught.value)
    assert sentence.startswith("grey: annotation 5 has a segmentation that is no mask (")
    assert reason in sentence
    assert sentence.endswith("); mend it.")
    assert "\n" not in sentence


@pytest.mark.parametrize(("shift", "said"), [(0, False), (2, False), (5, True), (400, True)])
def test_a_polygon_in_another_place_than_its_box_is_said(shift, said):
    """Shifted by 2 of 10 pixels they share 8 of 12; by 5, only 5 of 15."""
    moved = [[x + shift * (k % 2 == 0) for k, x in enumerate(SQUARE[0])]]
    report = pictures_of(with_mask(moved)).with_masks().report
    assert bool(report) == said
    assert all("1 mask in another place than the box" in line for line in report)


def test_the_check_looks_at_a_mask_before_it_measures_its_area():
    coco = pictures_of(with_mask([[1, 2, 30, 4, 5, 1e9]], area=None)).coco
    with pytest.raises(UserError, match=r"one\.json: annotation 5 has a segmentation that is no"):
        check_annotations(coco, "one.json")


@given(
    st.lists(st.integers(0, 70_000), min_size=1, max_size=40),
    st.integers(0, 200),
    st.sampled_from("0123456789:;<=>?@OPQRSTUVWXYZ[\\]^_`abcdefghijklmno"),
)
def test_every_code_of_pycocotools_passes_and_no_other(runs, place, character):
    picture = PICTURE | {"height": 1, "width": max(1, sum(runs))}
    runs[-1] += picture["width"] - sum(runs)
    size = [1, picture["width"]]
    counts = rle.frPyObjects({"size": size, "counts": runs}, *size)["counts"].decode()
    good = with_mask({"size": size, "counts": counts})
    expect_mask(good, picture, "here")  # raises nothing
    assert rle.area(mask_code(good, picture, "here")) == sum(runs[1::2])

    place %= len(counts)
    changed = with_mask({"size": size, "counts": counts[:place] + character + counts[place + 1 :]})
    try:
        code = mask_code(changed, picture, "here")
    except UserError:
        return
    assert set(np.unique(rle.decode(code))) <= {0, 1}  # nothing read beyond its memory
    assert rle.area(code) == rle.decode(code).sum()
