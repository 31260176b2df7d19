"""Objects away from their class's home, which the dial of scale is scored on."""

from augfpn import records
from augfpn.data.load import scene_settings
from augfpn.data.scenes.dials import home_of

BEYOND_SIZES = 1e11  # px^2, an object's area that COCO counts in no size: it is ignored


def away_truth(record: records.Record, coco: dict) -> dict:
    """A record's truth, in which objects at home are ignored, and so is what is found on them."""
    settings = scene_settings(record.experiment.data, "test")
    names = {each["id"]: each["name"] for each in coco["categories"]}
    marked = []
    for each in coco["annotations"]:
        low, high = home_of(settings, names[each["category_id"]])
        size = max(each["bbox"][2:])
        at_home = size <= high if low == settings.smallest else size >= low
        marked.append(each | {"area": BEYOND_SIZES} if at_home else each)
    return coco | {"annotations": marked}
