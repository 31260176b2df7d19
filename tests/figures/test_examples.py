"""Test pictures with the masks that are annotated, and with those that a run found."""

from types import SimpleNamespace

import numpy as np
from pycocotools import mask as rle

from augfpn.data.load import load
from augfpn.figures.pictures import examples


def test_examples_show_the_masks_of_the_annotations_and_of_the_run() -> None:
    scenes = load("scenes", "val", count=1)
    masked = scenes.with_masks()
    with_and_without = [examples(part, None, 1)[0] for part in (masked, scenes)]
    pixels = masked.target(0)["masks"].bool().any(dim=0).numpy().repeat(2, 0).repeat(2, 1)
    changed = (with_and_without[0] != with_and_without[1]).any(axis=2)
    assert changed[pixels].mean() > 0.5
    assert not changed[~pixels].any()

    code = rle.encode(np.asfortranarray(np.ones((256, 320), np.uint8)))
    found = {"image_id": 1, "category_id": 1, "bbox": [50.0, 60.0, 40.0, 30.0], "score": 0.9}
    whole = {"segmentation": code | {"counts": code["counts"].decode()}}
    runs = [SimpleNamespace(predictions=[found | more]) for more in (whole, {})]
    shown, bare = (examples(scenes, run, 1)[0] for run in runs)
    assert (shown != bare).any(axis=2).mean() > 0.5
