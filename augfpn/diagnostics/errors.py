"""Which kinds of errors detections have, by the size of the objects; by hotcoco.

Source: Bolya et al., TIDE, ECCV 2020, at an IoU of 0.5: a kind counts for as much as AP50 would
rise if all of its errors were mended, and nothing else.
"""

from augfpn.study.scoring import SIZES, compared

KINDS = {  # hotcoco's word: what is wrong
    "Cls": "class",
    "Loc": "place",
    "Both": "class and place",
    "Dupe": "found twice",
    "Bkg": "nothing there",
    "Miss": "missed",
}


def error_types(coco: dict, results: list[dict]) -> dict[str, dict[str, float]]:
    """By size ("all", "small", "medium", "large"), what each kind costs in AP50, as a fraction.

    Sizes without objects are left out. ``coco`` is the truth in COCO's format, ``results`` are
    detections in its results format.
    """
    judge = compared(coco, results)
    ranges = dict(zip(SIZES, judge.params.areaRng, strict=True))
    found = {}
    for size, area in ranges.items():
        low, high = area
        there = any(low <= each["area"] <= high for each in coco["annotations"])
        if not there:
            continue
        judge.params.areaRng, judge.params.areaRngLbl = [area], ["all"]
        judge.evaluate()
        cost = judge.tide_errors()["delta_ap"]
        found[size] = {name: cost[word] for word, name in KINDS.items()}
    return found
