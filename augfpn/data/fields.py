"""What each field of COCO's format must be: in annotations, and in results of a detector."""

import reprlib
from collections.abc import Callable, Mapping
from typing import Any

Rule = tuple[str, Callable[[Any], bool]]  # what is expected, and a test of a value


def _finite(value: object) -> bool:
    return type(value) in (int, float) and abs(value) < 1e18


def _is_mask(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(polygon, list) for polygon in value)
    return isinstance(value, dict) and {"size", "counts"} <= value.keys()


# COCO's evaluation takes no id below 0, and none that has no room in 64 bits.
_ID: Rule = ("a whole number from 0", lambda value: type(value) is int and 0 <= value < 2**63)
_TEXT: Rule = (
    "a text with a letter that can be seen",
    lambda value: isinstance(value, str) and any(map(str.isprintable, "".join(value.split()))),
)
_SIDE: Rule = ("a positive whole number", lambda value: type(value) is int and value > 0)
_BOX: Rule = (
    "four finite numbers x, y, width, height",
    lambda value: isinstance(value, list | tuple) and len(value) == 4 and all(map(_finite, value)),
)
_AREA: Rule = ("a finite number", lambda value: value is None or _finite(value))
_CROWD: Rule = ("0 or 1", lambda value: value in (None, 0, 1))
_MASK: Rule = (
    "a list of polygons or a run-length code",
    lambda value: value is None or _is_mask(value),
)
RULES: dict[str, dict[str, Rule]] = {
    "images": {"id": _ID, "file_name": _TEXT, "width": _SIDE, "height": _SIDE},
    "categories": {"id": _ID, "name": _TEXT},
    "annotations": {
        "id": _ID,
        "image_id": _ID,
        "category_id": _ID,
        "bbox": _BOX,
        "area": _AREA,
        "iscrowd": _CROWD,
        "segmentation": _MASK,
    },
}
RESULT_RULES: dict[str, Rule] = {
    "image_id": _ID,
    "category_id": _ID,
    "bbox": _BOX,
    "score": ("a finite number", _finite),
}


def wrong_field(entry: Mapping[str, Any], rules: Mapping[str, Rule]) -> str:
    """What is wrong with the first field that breaks its rule; "" if none does."""
    for field, (expected, holds) in rules.items():
        value = entry.get(field)
        if not holds(value):
            has = f"no {field}; add" if value is None else f"{field} {reprlib.repr(value)}; make it"
            return f"has {has} {expected}"
    return ""
