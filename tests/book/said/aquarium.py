"""Aquarium: the sizes of its objects, and how its sizes and its classes make AP."""

from collections import Counter

import numpy as np

from augfpn.study import scoring
from augfpn.study.evidence import Evidence
from said.photographs import photos
from said.table import says


@says("photographs", "ahead there on small and on medium objects, and behind on all.")
@says(
    "photographs",
    "Only three of the seven classes have small objects, and nearly all of that gain is of "
    "jellyfish, of which 16 are small. The loss on all is of two other classes, starfish and "
    "puffins: they have 10 and 16 objects, and each counts as much as the 874 fish.",
)
def where_the_signs_of_sizes_come_from() -> None:
    of = photos()["aquarium"]
    found = of.effects("cs", "fpn")
    assert found["APs"].mean > found["APm"].mean > 0 > found["AP"].mean
    truth = of.truth(of.recorded("cs")[4])
    names = {each["id"]: each["name"] for each in truth["categories"]}
    objects = Counter(names[each["category_id"]] for each in truth["annotations"])
    small = Counter(
        names[each["category_id"]] for each in truth["annotations"] if each["area"] < 32**2
    )
    assert (len(names), len(small), small["jellyfish"]) == (7, 3, 16)
    assert [objects[name] for name in ("starfish", "puffin", "fish")] == [10, 16, 874]
    of_all, of_small = by_class_apart(of, "all"), by_class_apart(of, "small")
    assert of_small["jellyfish"] > 0.8 * sum(of_small[name] for name in small)
    assert max(of_all["starfish"], of_all["puffin"]) < -0.02
    assert all(of_all[name] > -0.001 for name in objects.keys() - {"starfish", "puffin"})


def by_class_apart(of: Evidence, size: str) -> dict[str, float]:
    """Consistent Supervision minus FPN in a class's AP of one size, the mean over seeds."""
    totals: Counter[str] = Counter()
    for seed in of.apart("cs", "fpn"):
        for variant, sign in (("cs", 1), ("fpn", -1)):
            record = of.recorded(variant)[seed]
            truth = of.truth(record)
            judge = scoring.compared(truth, record.read_predictions())
            judge.accumulate()
            precision = np.asarray(judge.eval["precision"])[..., scoring.SIZES.index(size), -1]
            for number, category in enumerate(judge.params.catIds):
                (name,) = (x["name"] for x in truth["categories"] if x["id"] == category)
                totals[name] += sign * float(precision[:, :, number].mean()) / 3
    return dict(totals)
