"""Evaluations while a detector is trained: the best weights are kept, and training may end early.

They are made on the data set's split for choosing, or on "val", where the record's numbers come
from another one. Otherwise they are made on the test pictures themselves, and an AP of weights that
were chosen by them is too high; therefore the record's own numbers are always those of the last
weights.
"""

from pathlib import Path

from torch import nn

from augfpn import config
from augfpn.data.load import split_for_choosing
from augfpn.data.pictures import Pictures
from augfpn.support.progress import Progress, note
from augfpn.training import evaluate
from augfpn.training.board import Show
from augfpn.training.distributed import World
from augfpn.training.faults import nothing_learned
from augfpn.training.precision import half_in_use
from augfpn.training.prepare import PreparedRun
from augfpn.training.weights_file import save_weights

BEST = "best.safetensors"  # in a record: the weights with the highest AP of all evaluations


def is_due(done: int, steps: int, settings: config.Train) -> bool:
    """Whether an evaluation follows after so many of all steps; the last step has one, too."""
    every = settings.evaluate_every
    return every is not None and (done % every == 0 or done == steps)


def evaluate_now(
    detector: nn.Module,
    run: PreparedRun,
    work: Path,
    state: dict,
    here: World,
    show: Show,
) -> None:
    """Add {"step", "AP", "AP50", "AP75"} to the evaluations; the best weights so far are kept.

    All processes call it. Training goes on as if it had not been called: it draws no random numbers
    and changes nothing of the detector.
    """
    pictures = run.selection or run.test
    results = detect_together(detector, pictures, run.experiment, here)
    scores = evaluate.score(pictures.coco, results, masks=pictures.masks)
    before = [each["AP"] or 0.0 for each in state["evaluations"]]
    if here.first and (not before or (scores["AP"] or 0.0) > max(before)):
        save_weights(detector, work / BEST)
    row = {"step": state["step"] - 1} | {name: scores[name] for name in ("AP", "AP50", "AP75")}
    state["evaluations"].append(row)
    show(row)


def detect_together(
    detector: nn.Module, pictures: Pictures, experiment: config.Experiment, here: World
) -> list[dict]:
    """All detections in the pictures, in their order; each process runs on its share."""
    own, settings = pictures.subset(here.share(range(len(pictures)))), experiment.train
    with Progress(len(own), "evaluating") as tell:
        found = evaluate.predict(
            detector,
            own,
            experiment.device,
            amp=half_in_use(settings),
            tell=tell,
            workers=settings.workers,
        )
    place = {entry["id"]: i for i, entry in enumerate(pictures.coco["images"])}
    return sorted(here.gather(found), key=lambda row: place[row["image_id"]])


def enough(evaluations: list[dict], settings: config.Train) -> bool:
    """Whether the last ``patience`` evaluations brought no AP above those before."""
    aps = [each["AP"] or 0.0 for each in evaluations]
    if settings.patience is None or len(aps) <= settings.patience:
        return False
    return max(aps[-settings.patience :]) <= max(aps[: -settings.patience])


def said_of_training(run: PreparedRun, state: dict, ap: float | None) -> dict:
    """What a record's result says of the training; sentences of it are printed, too."""
    said = {}
    if state["evaluations"]:
        best = max(state["evaluations"], key=lambda each: each["AP"] or 0.0)
        data = run.experiment.data
        split = split_for_choosing(data) if run.selection else data.test
        rows = state["evaluations"]
        said["evaluations"] = {"split": split, "best_step": best["step"], "rows": rows}
    if state["skipped"]:
        said["skipped_steps"] = state["skipped"]
        note(
            f"{state['skipped']} of {state['step']} steps were skipped, because gradients were too "
            "large for fp16; the losses were scaled less after each."
        )
    failed = nothing_learned(ap, state["curve"], run.experiment)
    if failed:
        note(failed)
    return said
