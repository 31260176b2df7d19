"""What fits COCO's format and is still wrong: boxes in another notation, areas, names of classes.

Tools write such files without a word; a detector would learn from them, and its AP be meaningless.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from reprlib import repr as short
from typing import Any
from unicodedata import category, normalize

from augfpn.errors import UserError

Entry = dict[str, Any]
Fits = Callable[[float, float, float, float, int, int], bool]  # of x y w h in a picture of W x H

# How else four numbers may be meant, and whether they fit into a picture if they are.
OTHER_BOXES: dict[str, Fits] = {
    "the corners x1, y1, x2, y2": lambda x, y, u, v, W, H: x < u <= W + 1 and y < v <= H + 1,
    "the centre, width and height": lambda x, y, w, h, W, H: (
        w / 2 <= x + 1 and x + w / 2 <= W + 1 and h / 2 <= y + 1 and y + h / 2 <= H + 1
    ),
}
FEWEST_BOXES = 4  # boxes on which to doubt a notation
OUTSIDE_SHARE = 0.2  # of all boxes: so many stick out if the notation is another one
LEAST_OF_BOX = 0.01  # the share of its box that an object covers, or its area is doubted


def expect_corner_and_size(
    annotations: Iterable[Entry], images: dict[int, Entry], where: str
) -> None:
    """Refuse boxes that are not x, y, width, height, as they can be known from all of them.

    They are doubted if a fifth of the boxes stick out of their pictures by more than a pixel, while
    all boxes fit in another notation. Raises: UserError that names the notation.
    """
    rows = []
    for annotation in annotations:
        image = images[annotation["image_id"]]
        rows.append((*annotation["bbox"], image["width"], image["height"]))
    out = sum(x + w > width + 1 or y + h > height + 1 for x, y, w, h, width, height in rows)
    if len(rows) < FEWEST_BOXES or out < OUTSIDE_SHARE * len(rows):
        return
    for notation, fits in OTHER_BOXES.items():
        if all(fits(*row) for row in rows):
            raise UserError(
                f"{where} has boxes that seem to be {notation}: so all {len(rows)} fit into their "
                f"pictures, but {out} stick out as COCO's x, y, width, height; convert them."
            )


def constant_area(annotations: Iterable[Entry]) -> bool:
    """Whether boxes of several sizes have all the same area, which a tool has filled in."""
    areas = [(annotation.get("area"), _size(annotation["bbox"])) for annotation in annotations]
    given, sizes = ({each[k] for each in areas} for k in (0, 1))
    return len(given) == 1 and None not in given and len(sizes) > 1


def _size(box: list[float]) -> float:
    return round(box[2] * box[3], 1)


def is_area_of(area: float, box: list[float]) -> bool:
    """Whether an object in a box can have this area, in pixels."""
    width, height = box[2:]
    return LEAST_OF_BOX * width * height <= area <= (width + 2) * (height + 2) and area > 0


def given_twice(annotations: Iterable[Entry]) -> list[int]:
    """The ids of the annotations that have the picture, the class and the box of an earlier one."""
    seen: set[tuple] = set()
    twice = []
    for annotation in annotations:
        key = (annotation["image_id"], annotation["category_id"], *annotation["bbox"])
        if key in seen:
            twice.append(annotation["id"])
        seen.add(key)
    return twice


def looks(name: str) -> str:
    """A name as one sees it: one spelling for letters that look alike, nothing invisible."""
    return "".join(x for x in normalize("NFKC", name) if category(x) != "Cf").strip()


def distinct_classes(
    categories: dict[int, Entry], used: set[int], where: str
) -> tuple[dict[int, Entry], list[str]]:
    """The categories, each with a name of its own, and a sentence on what was left out.

    A category that no annotation uses and that only groups the others is left out if a class has
    its name: Roboflow's export has such a one. Raises: UserError for two classes of one name, also
    if their names only look the same.
    """
    groups = {entry.get("supercategory") for entry in categories.values()}
    by_name: dict[str, list[int]] = defaultdict(list)
    for key, entry in categories.items():
        by_name[looks(entry["name"])].append(key)
    report = []
    for same in by_name.values():
        idle = [key for key in same if key not in used and categories[key]["name"] in groups]
        if len(same) == 2 and len(idle) == 1 and categories[idle[0]].get("supercategory") == "none":
            name = short(categories[idle[0]]["name"])
            categories = {key: each for key, each in categories.items() if key != idle[0]}
            report.append(f"Left out category {idle[0]}, {name}: it only groups the others.")
        elif len(same) > 1:
            names = " and ".join(short(categories[key]["name"]) for key in same[:2])
            raise UserError(
                f"{where}: categories {same[0]} and {same[1]} are called {names}: give each class "
                "a name of its own, or merge the two."
            )
    return categories, report
