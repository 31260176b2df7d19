"""Solutions: your own pictures, and the recipe on COCO."""

import json
import math
import re
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from augfpn.data.coco import coco
from augfpn.settings.budgets import BUDGETS
from augfpn.training import schedule
from solved.table import run, solves


@cache
def own_folder() -> dict[str, Any]:
    """The names of the cell that makes a folder in COCO's format."""
    made, _ = run("your_pictures", "parameters", "folder", Path=Path)
    return made


@solves("your_pictures", 1, "Which three numbers tie a box to its image and its class?")
def what_ties_a_box_to_its_class() -> list[str]:
    found = json.loads((own_folder()["root"] / "annotations/instances_train.json").read_text())
    ids = {name: {each["id"] for each in found[name]} for name in ("images", "categories")}
    assert {each["image_id"] for each in found["annotations"]} <= ids["images"]
    assert {each["category_id"] for each in found["annotations"]} <= ids["categories"]
    for new, each in zip((9, 2), found["categories"], strict=True):  # the file's order turned round
        each["id"], each["name"] = new, f"class {new}"
    for each in found["annotations"]:
        each["category_id"] = 9
    folder = Path(tempfile.mkdtemp())
    (folder / "annotations").mkdir()
    (folder / "annotations/instances_train.json").write_text(json.dumps(found))
    (folder / "train").symlink_to(own_folder()["root"] / "train")
    order = {
        ("class 2", "class 9"): "in the order of their ids",
        ("class 9", "class 2"): "in the order of the file",
    }
    return [
        "`image_id` of an annotation is the `id` of an image, `category_id` the `id` of a class",
        f"the package counts classes from 1 {order[coco(folder, 'train').classes]}",
    ]


@solves("your_pictures", 2, "with the sides of the anchors at this budget")
def sides_beside_anchors() -> list[str]:
    root, model = own_folder()["root"], BUDGETS["smoke"].model
    names = {
        "torch": torch,
        "pictures": coco(root, "train"),
        "image": coco(root, "val")[0][0],
        "record": SimpleNamespace(experiment=SimpleNamespace(model=model)),
    }
    _, printed = run("your_pictures", "solution-2", **names)
    sides = [int(each) for each in re.findall(r"\[(.*)\]", printed)[0].split(", ")]
    smallest, largest = min(model.anchor_sizes), max(model.anchor_sizes)
    assert smallest / math.sqrt(2) <= sides[0] <= sides[-1] <= largest * math.sqrt(2)
    return ["They should cover the same range"]


@cache
def of_recipe() -> dict[str, Any]:
    """The names of the cell that draws the recipe's rates."""
    made, _ = run("coco_recipe", "parameters", "rates")
    return made


@solves("coco_recipe", 1, "at sixteen a step", "four GPUs with two images each")
def steps_of_an_epoch_and_the_rate_of_half_a_batch() -> list[str]:
    paper, pictures = of_recipe()["paper"], of_recipe()["PICTURES"]
    steps = schedule.number_of_steps(replace(paper, epochs=1), pictures)
    assert paper.batch == 16
    assert steps == math.ceil(pictures / 16)
    half = replace(paper, batch=4 * 2)
    rate = schedule.learning_rate(half, half.warmup_steps, 2 * half.warmup_steps)
    return [
        f"${pictures} / {paper.batch} \\approx {pictures / paper.batch:.0f}$ steps",
        f"a rate of {rate:g}",
    ]


@solves("coco_recipe", 2, "At which steps does the recipe's rate drop?")
def steps_at_which_the_rate_drops() -> list[str]:
    _, printed = run("coco_recipe", "solution-2", **of_recipe())
    *drops, steps = (int(each) for each in re.findall(r"\d+", printed))
    first, second = (round(12 * each / steps, 3) for each in drops)
    assert (first, second) == (8, 11)
    return [f"After two thirds and after eleven twelfths: epochs {first:g} and {second:g} of 12"]
