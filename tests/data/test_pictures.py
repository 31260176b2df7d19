"""One form for every data set: a picture and its target, subsets, picture files."""

import multiprocessing
from functools import partial
from operator import getitem

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch._utils import ExceptionWrapper

from augfpn.data.pictures import Pictures
from augfpn.data.pixels import read_file
from augfpn.errors import UserError


@pytest.fixture
def pictures(small_coco, write_pictures, tmp_path) -> Pictures:
    write_pictures(small_coco, tmp_path)
    return Pictures("small", small_coco, read=partial(read_file, tmp_path), fingerprint="f" * 64)


def test_a_picture_is_its_pixels_and_its_objects(pictures, tmp_path):
    image, target = pictures[0]
    pixels = np.asarray(Image.open(tmp_path / "seven.png"))

    assert image.dtype == torch.uint8
    assert image.is_contiguous()
    assert np.array_equal(image.permute(1, 2, 0).numpy(), pixels)
    assert target["boxes"].tolist() == [[2, 3, 12, 23], [30, 20, 40, 30]]
    assert target["boxes"].dtype == torch.float32
    assert target["labels"].tolist() == [3, 1]  # dog, bird: labels in the order of category ids
    assert target["labels"].dtype == torch.int64
    assert target["image_id"] == 7
    assert type(target["image_id"]) is int


def test_rows_of_a_target_are_its_annotations_without_the_crowd(pictures):
    assert [annotation["id"] for annotation in pictures.objects(0)] == [11, 4]
    assert 9 in [annotation["id"] for annotation in pictures.coco["annotations"]]


def test_a_picture_without_objects_has_empty_boxes(pictures):
    _, target = pictures[2]
    assert target["boxes"].shape == (0, 4)
    assert target["labels"].shape == (0,)
    assert target["labels"].dtype == torch.int64
    assert pictures.with_objects() == [0, 1]


def test_it_ends_like_a_sequence(pictures):
    assert [target["image_id"] for _, target in pictures] == [7, 3, 12]


def test_classes_are_in_the_order_of_labels(pictures):
    assert pictures.classes == ("bird", "cat", "dog")
    assert "3 pictures, 3 classes" in repr(pictures)
    assert len(repr(pictures)) < 100


@given(st.sets(st.integers(), min_size=1, max_size=100).flatmap(lambda s: st.permutations(list(s))))
def test_labels_and_category_ids_are_one_bijection(ids):
    categories = [{"id": i, "name": str(i)} for i in ids]
    coco = {"images": [], "annotations": [], "categories": categories}
    pictures = Pictures("ids", coco, read=None, fingerprint="")

    assert list(pictures.category_of) == list(range(1, len(ids) + 1))
    assert list(pictures.category_of.values()) == sorted(ids)
    assert all(pictures.category_of[pictures.label_of[i]] == i for i in ids)
    assert all(pictures.classes[pictures.label_of[i] - 1] == str(i) for i in ids)


# --- parts of it ----------------------------------------------------------------------------------


def test_a_subset_has_its_own_pictures_and_annotations_but_all_classes(pictures):
    subset = pictures.subset([1, 0])
    assert [target["image_id"] for _, target in subset] == [3, 7]
    assert len(subset.coco["annotations"]) == 4
    assert subset[1][1]["labels"].tolist() == pictures[0][1]["labels"].tolist()

    alone = pictures.subset([1])
    assert [annotation["id"] for annotation in alone.coco["annotations"]] == [20]
    assert alone.classes == pictures.classes
    assert len(pictures) == 3


def test_the_fingerprint_of_a_subset_tells_which_and_of_what(pictures):
    other = Pictures("other", pictures.coco, read=pictures.read, fingerprint="0" * 64)
    subsets = [pictures.subset([0]), pictures.subset([1]), pictures.subset([1, 0]), other.first(1)]
    assert len({part.fingerprint for part in [*subsets, pictures, other]}) == 6
    assert pictures.first(1).fingerprint == pictures.subset([0]).fingerprint


def test_first_takes_at_most_what_there_is(pictures):
    assert [target["image_id"] for _, target in pictures.first(2)] == [7, 3]
    assert pictures.first(3).fingerprint == pictures.first(9).fingerprint == pictures.fingerprint
    with pytest.raises(UserError, match="0 pictures were asked for"):
        pictures.first(0)


@pytest.mark.parametrize("indices", [[3], [-1], [0, 0]])
def test_a_subset_of_what_is_not_there_is_refused(pictures, indices):
    with pytest.raises(UserError, match="use each of 0 to 2 at most once"):
        pictures.subset(indices)


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["L", "P", "1", "LA", "RGBA", "CMYK"])
def test_every_8_bit_picture_becomes_rgb(pictures, tmp_path, mode):
    suffix = "tiff" if mode == "CMYK" else "png"
    Image.new("RGB", (40, 30), "white").convert(mode).save(tmp_path / f"white.{suffix}")
    pictures.coco["images"][0]["file_name"] = f"white.{suffix}"
    image, _ = pictures[0]
    assert image.shape == (3, 30, 40)
    assert image.min() == 255


def test_16_bit_pictures_are_refused_and_not_clipped_to_white(pictures, tmp_path):
    Image.fromarray(np.full((30, 40), 700, np.uint16)).save(tmp_path / "seven.png")
    with pytest.raises(UserError, match=r"seven\.png has more than 8 bits"):
        pictures[0]


@pytest.mark.parametrize("keep", [0, 40, 2000])
def test_a_broken_file_is_named(pictures, tmp_path, keep):
    file = tmp_path / "seven.png"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(UserError, match=r"seven\.png cannot be read as a picture") as caught:
        pictures[0]
    assert "\n" not in str(caught.value)


def test_a_file_of_another_size_is_named(pictures, tmp_path):
    Image.new("RGB", (41, 30)).save(tmp_path / "seven.png")
    with pytest.raises(UserError, match=r"seven\.png has 41x30 pixels.*image 7\) says 40x30"):
        pictures[0]
    Image.new("RGB", (30, 40)).save(tmp_path / "seven.png")
    with pytest.raises(UserError, match="exchange width and height there"):
        pictures[0]


def test_a_spawned_process_gets_them_by_pickle(pictures):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        image, target = pool.apply(getitem, (pictures, 0))
    assert torch.equal(image, pictures[0][0])
    assert torch.equal(target["boxes"], pictures[0][1]["boxes"])


def test_from_a_loading_worker_it_is_one_line_too(pictures, tmp_path):
    (tmp_path / "seven.png").write_bytes(b"no picture")
    try:
        pictures[0]
    except UserError:
        sent = ExceptionWrapper(where="in DataLoader worker process 0")  # what a worker sends
    with pytest.raises(UserError) as caught:
        sent.reraise()
    assert str(caught.value).startswith(f"{tmp_path / 'seven.png'} cannot be read")
    assert "\n" not in str(caught.value)
    (line,) = caught.value._render_traceback_()
    assert line == f"UserError: {caught.value}"
