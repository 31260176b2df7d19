"""A run beside its FPN twin and the paper's row: numbers to text that a terminal can show."""

from collections.abc import Sequence
from pathlib import Path

from augfpn import config, paper, records, train
from augfpn.parameters import Parameters, fpn_of
from augfpn.progress import duration

NUMBERS = paper.NUMBERS
MANY_CLASSES = 12  # more do not fit beside each other
Row = tuple[str, dict[str, float | None]]  # a label, and numbers in percent


def is_fpn(model: config.Model) -> bool:
    """Whether all of AugFPN's parts are off."""
    return not model.lam and not model.ratios and model.roi_selection == "hard"


def find_twin(record: records.Record, chosen: Parameters) -> records.Record | None:
    """The same run with plain FPN: same pictures, sizes, steps, seed and device.

    Looked for among the user's records and those that come with the package; trained if it is
    missing and ``baseline`` says so. ``None`` for an FPN run, which is its own twin.
    """
    if chosen.baseline == "none" or is_fpn(record.experiment.model):
        return None
    twin = fpn_of(record.experiment)
    folder = Path(chosen.records)
    wanted = records.run_id(twin, record.fingerprints)
    found = records.find(wanted, [folder, *records.COMMITTED])
    if found is None and chosen.baseline == "train":
        return train.train(twin, folder)
    return found


def curves(record: records.Record, twin: records.Record | None) -> dict[str, list[dict]]:
    """The runs' curves by label, for `augfpn.plots.losses`."""
    runs = [record] + ([twin] if twin else [])
    return {label_of(run.experiment.model): run.curve for run in runs}


def label_of(model: config.Model) -> str:
    """What is switched on, in the paper's words."""
    if is_fpn(model):
        return "FPN"
    if paper.row_of(model) == paper.row_of(config.AUGFPN):
        return "AugFPN"
    parts = []
    if model.lam:
        parts.append(f"CS({model.supervision}, lam {model.lam:g})")
    if model.ratios:
        parts.append(f"RFA({model.context_pooling}, {model.context_fusion})")
    if model.roi_selection != "hard":
        parts.append("SRS" if model.roi_selection == "soft" else f"SRS({model.roi_selection})")
    return " + ".join(parts)


def in_percent(result: dict) -> dict[str, float | None]:
    """COCO's six AP numbers of a record's result, times a hundred."""
    return {name: None if result[name] is None else 100 * result[name] for name in NUMBERS}


def rows(record: records.Record, twin: records.Record | None) -> list[Row]:
    """This run, its twin and their difference, then the paper's row, its FPN and its difference."""
    model = record.experiment.model
    table = [(f"this run: {label_of(model)}", in_percent(record.result))]
    if twin is not None:
        table.append(("its FPN twin", in_percent(twin.result)))
        table.append(("difference", difference(table[0][1], table[1][1])))
    found = paper.row_of(model)
    if found is not None:
        base = paper.tables()["table2"][0]
        table.append((f"the paper, {found[0]}, COCO, ResNet-50", found[1]))
        if not is_fpn(model):
            table.append(("the paper's FPN", base))
            table.append(("difference", difference(found[1], base)))
    return table


def difference(a: dict, b: dict) -> dict[str, float | None]:
    """a - b where both numbers exist."""
    pairs = {name: (a[name], b[name]) for name in NUMBERS}
    return {name: None if None in pair else pair[0] - pair[1] for name, pair in pairs.items()}


def as_text(table: Sequence[Row], names: Sequence[str] = NUMBERS) -> str:
    """Aligned columns; a dash where a number does not exist, a sign in front of differences."""
    first = max(len(label) for label, _ in table)
    widths = [max(7, len(name) + 2) for name in names]
    lines = [" " * first + "".join(f"{n:>{w}}" for n, w in zip(names, widths, strict=True))]
    for label, numbers in table:
        sign = "+" if label == "difference" else ""
        cells = [
            f"{'-':>{w}}" if numbers[n] is None else f"{numbers[n]:>{sign}{w}.1f}"
            for n, w in zip(names, widths, strict=True)
        ]
        lines.append(f"{label:<{first}}" + "".join(cells))
    return "\n".join(lines)


def by_class(record: records.Record, twin: records.Record | None) -> str:
    """AP of each class, this run's and its twin's; nothing when the columns would be too many."""
    runs = [("this run", record)] + ([("its FPN twin", twin)] if twin else [])
    names = list(record.result["by_class"])
    table = [
        (label, {n: None if ap is None else 100 * ap for n, ap in run.result["by_class"].items()})
        for label, run in runs
    ]
    return as_text(table, names) if len(names) <= MANY_CLASSES else ""


def conclusion(record: records.Record, twin: records.Record | None) -> str:
    """What the numbers say, in a sentence, and what they cannot say."""
    experiment, result = record.experiment, record.result
    where = f"{result['pictures']['test']} held-out pictures ({experiment.data.name})"
    how = f"{experiment.budget} budget, {result['steps']} steps"
    if result["AP"] is None:
        return f"The {where} hold no object, so there is nothing to measure."
    ap, ap50 = 100 * result["AP"], 100 * result["AP50"]
    mine = f"{label_of(experiment.model)} reaches AP {ap:.1f} (AP50 {ap50:.1f}) on {where}"
    if is_fpn(experiment.model):
        return f"{mine}; {how}."
    if twin is None:
        return f"{mine}; {how}; there is no record of the same run with FPN to compare it with."
    other = 100 * twin.result["AP"]
    verb = "more" if ap > other else "less"
    return (
        f"{mine}, {abs(ap - other):.1f} {verb} than FPN's {other:.1f}; {how}, one run of each: "
        "a repeat with another seed will move both."
    )


def cost(record: records.Record) -> str:
    """Time, memory and machine of a run."""
    environment, result = record.environment, record.result
    memory = result["memory_mb"]
    return (
        f"trained for {duration(result['seconds'])} ({result['steps']} steps)"
        f"{f', at most {memory} MB' if memory else ''}, on {environment['device_name']}; "
        f"torch {environment['versions']['torch']}, commit {environment['commit']}"
    )
