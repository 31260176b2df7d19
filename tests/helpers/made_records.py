"""Records of runs that were never trained: what they found is chosen."""

from dataclasses import replace

from augfpn.records import Record, write_predictions
from augfpn.study.running import grid


def made_up(like: Record, coco: dict, run: grid.Run, share: float) -> Record:
    """A record of a run that found the first ``share`` of each class's objects only."""
    found = []
    for category in coco["categories"]:
        own = [a for a in coco["annotations"] if a["category_id"] == category["id"]]
        found += own[: round(share * len(own))]
    predictions = [
        {k: each[k] for k in ("image_id", "category_id", "bbox")} | {"score": 0.9} for each in found
    ]
    folder = like.folder.parents[1] / "made_up" / f"{grid.key_of_run(run)}-{share}"
    folder.mkdir(parents=True, exist_ok=True)
    write_predictions(folder, predictions)
    return replace(like, experiment=run.experiment, folder=folder)
