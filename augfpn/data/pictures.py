"""Pictures with their objects: every source of pictures is converted to this one form.

The annotations are a plain COCO instances dict with the data set's own ids; pycocotools evaluates
the same dict. Inside the package classes are labels 1..K; 0 is the background.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from augfpn.data.annotations import Coco, Entry, number_of
from augfpn.data.files import digest, some
from augfpn.data.masks import decoded, expect_mask, lies_elsewhere, mask_code
from augfpn.errors import UserError

Target = dict[str, Any]


@dataclass(frozen=True, eq=False, repr=False)
class Pictures(Dataset[tuple[Tensor, Target]]):
    """A data set for detection: ``pictures[i]`` is an image and its target, the objects in it.

    Shapes: image: (3, H, W) uint8 RGB; boxes: (R, 4) float32, x1 y1 x2 y2 in pixels: the edges of
        the box, not the centres of its outermost pixels; labels: (R,) int64, 1..K; image_id: the
        data set's own id; masks, after `with_masks`: (R, H, W) uint8 of 0 and 1. Crowd regions
        are not in the target; they stay in ``coco`` for the evaluation.
    Raises: UserError for a picture that cannot be decoded or has another size than annotated.
    """

    name: str
    coco: Coco  # checked by `augfpn.data.annotations`
    _: KW_ONLY
    read: Callable[[Entry], np.ndarray]  # an entry of coco["images"] -> (H, W, 3) uint8 RGB
    fingerprint: str  # sha256 in hex: equal for equal data
    report: tuple[str, ...] = ()  # what the check of the annotations found and repaired
    masks: bool = False  # whether targets have masks
    folder: Path | None = None  # that file names are relative to; None: pictures made on the spot

    def __repr__(self) -> str:
        size = f"{len(self)} pictures, {len(self.classes)} classes"
        return f"Pictures({self.name!r}, {size}, fingerprint {self.fingerprint[:8]})"

    def __len__(self) -> int:
        return len(self.coco["images"])

    def __getitem__(self, i: int) -> tuple[Tensor, Target]:
        entry = self.coco["images"][i]
        pixels = self.read(entry)
        expect_size(pixels, entry, self.name)
        return torch.from_numpy(pixels.transpose(2, 0, 1).copy()), self.target(i)

    def target(self, i: int) -> Target:
        """The objects in a picture, without reading its pixels."""
        objects = self.objects(i)
        boxes = torch.tensor([a["bbox"] for a in objects], dtype=torch.float64).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]  # x y w h -> x1 y1 x2 y2
        labels = [self.label_of[a["category_id"]] for a in objects]
        entry = self.coco["images"][i]
        target = {
            "boxes": boxes.float(),
            "labels": torch.tensor(labels, dtype=torch.int64),
            "image_id": entry["id"],
        }
        if self.masks:
            codes = [mask_code(annotation, entry, self.name) for annotation in objects]
            target["masks"] = torch.from_numpy(decoded(codes, entry["height"], entry["width"]))
        return target

    def objects(self, i: int) -> list[Entry]:
        """The annotations behind the rows of a target, in its order; no crowd regions."""
        return self._objects.get(self.coco["images"][i]["id"], [])

    @cached_property
    def _objects(self) -> dict[int, list[Entry]]:
        by_picture: dict[int, list[Entry]] = {}
        for annotation in self.coco["annotations"]:
            if not annotation["iscrowd"]:
                by_picture.setdefault(annotation["image_id"], []).append(annotation)
        return by_picture

    @cached_property
    def label_of(self) -> dict[int, int]:
        """Category id of the data set -> label 1..K, in the order of the ids."""
        ids = sorted(category["id"] for category in self.coco["categories"])
        return {category_id: label for label, category_id in enumerate(ids, start=1)}

    @cached_property
    def category_of(self) -> dict[int, int]:
        """Label 1..K -> category id of the data set: the inverse of `label_of`."""
        return {label: category_id for category_id, label in self.label_of.items()}

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The names of labels 1..K; label k is ``classes[k - 1]``."""
        names = {category["id"]: category["name"] for category in self.coco["categories"]}
        return tuple(names[category_id] for category_id in self.label_of)

    def with_objects(self) -> list[int]:
        """Indices of the pictures with at least one object: those that training uses."""
        return [i for i in range(len(self)) if self.objects(i)]

    def wider_than_high(self) -> frozenset[int]:
        """Indices of the pictures whose width exceeds their height."""
        return frozenset(i for i, e in enumerate(self.coco["images"]) if e["width"] > e["height"])

    def with_masks(self) -> "Pictures":
        """The same pictures, with masks in their targets.

        All annotations are checked now; masks are decoded when a target is asked for. An object
        thinner than a pixel may cover no pixel. Then its mask is all 0, and its box stays: it is
        an object for box detection, but no detected mask can match it, here as in COCO's own
        evaluation.

        Raises: UserError for the first annotation, crowd regions included, whose mask is missing
        or broken.
        """
        entries = {entry["id"]: entry for entry in self.coco["images"]}
        for annotation in self.coco["annotations"]:
            expect_mask(annotation, entries[annotation["image_id"]], self.name)
        wrong = [each["id"] for each in self.coco["annotations"] if lies_elsewhere(each)]
        count = number_of(wrong, "mask")
        remark = f"{count} in another place than the box of the same annotation: {some(wrong)}."
        return replace(self, masks=True, report=(*self.report, *([remark] if wrong else [])))

    def first(self, n: int) -> "Pictures":
        """The first n pictures, or all of them where there are fewer."""
        if n < 1:
            raise UserError(f"{self.name}: {n} pictures were asked for; give 1 or more.")
        return self if n >= len(self) else self.subset(range(n))

    def subset(self, indices: Sequence[int]) -> "Pictures":
        """Some of the pictures, in the order given; classes and labels do not change."""
        wrong = sorted(i for i in set(indices) if not 0 <= i < len(self))
        if wrong or len(set(indices)) < len(indices):
            what = f"has no picture {wrong[0]}" if wrong else "gives no picture twice"
            raise UserError(f"{self.name} {what}; use each of 0 to {len(self) - 1} at most once.")
        images = [self.coco["images"][i] for i in indices]
        ids = [entry["id"] for entry in images]
        kept = set(ids)
        annotations = [a for a in self.coco["annotations"] if a["image_id"] in kept]
        coco = self.coco | {"images": images, "annotations": annotations}
        fingerprint = digest(self.fingerprint.encode(), json.dumps(ids).encode())
        return replace(self, coco=coco, fingerprint=fingerprint)


def expect_size(pixels: np.ndarray, entry: Entry, name: str) -> None:
    """Raise ``UserError`` for pixels of another size than annotated."""
    height, width = entry["height"], entry["width"]
    if pixels.shape == (height, width, 3):
        return
    swapped = pixels.shape == (width, height, 3)
    remedy = "exchange width and height there" if swapped else "correct one of the two"
    raise UserError(
        f"{name}: {entry['file_name']} has {pixels.shape[1]}x{pixels.shape[0]} pixels, but its "
        f"annotation (image {entry['id']}) says {width}x{height}; {remedy}."
    )
