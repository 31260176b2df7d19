"""A run beside its FPN twin and the paper's row, as text that a terminal can show."""

import operator
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from augfpn import records
from augfpn.settings import paper
from augfpn.settings.components import is_fpn, label_of
from augfpn.settings.experiment import fpn_of
from augfpn.settings.parameters import Parameters
from augfpn.support.progress import duration
from augfpn.support.text import columns

Number = float | None  # in percent
Cell = Number | tuple[Number, Number]  # of boxes; with masks a pair, as in the paper's Table 1
LABEL_LETTERS = 60  # letters of a label: a class may have a name of any length
RunRow = tuple[str, dict[str, Cell]]  # a label, and cells by name


def find_twin(record: records.Record, chosen: Parameters) -> records.Record | None:
    """The same run with plain FPN: same pictures, sizes, steps, seed and device.

    It is searched among the user's records and those that come with the package. If it is missing
    and ``baseline`` is "train", it is trained. ``None`` for an FPN run, which is its own twin.
    """
    if chosen.baseline == "none" or is_fpn(record.experiment.model):
        return None
    twin = fpn_of(record.experiment)
    folder = Path(chosen.records)
    wanted = records.run_id(twin, record.fingerprints)
    found = records.find(wanted, records.with_committed(folder))
    if found is None and chosen.baseline == "train":
        from augfpn.training.train import train  # here, because it needs torch

        return train(twin, folder)
    return found


def curves(record: records.Record, twin: records.Record | None) -> dict[str, list[dict]]:
    """The runs' curves by label, for `augfpn.figures.plots.loss_curves`."""
    runs = [record] + ([twin] if twin else [])
    return {label_of(run.experiment.model): run.curve for run in runs}


def cells(numbers: dict, names: Iterable[str] = paper.AP_NAMES) -> dict[str, Cell]:
    """Numbers by name; pairs (box, mask) where ``numbers`` has the same names under "mask"."""
    masks = numbers.get("mask")
    return {name: (numbers[name], masks[name]) if masks else numbers[name] for name in names}


def box_and_mask(cell: Cell) -> tuple[Number, ...]:
    """The cell's numbers: that of boxes, and that of masks if there is one."""
    return cell if isinstance(cell, tuple) else (cell,)


def each(compute: Callable[..., float], *given: Cell) -> Cell:
    """Compute with the numbers of boxes, then of masks; ``None`` if a number does not exist."""
    rows = zip(*map(box_and_mask, given), strict=False)
    done = tuple(None if None in numbers else compute(*numbers) for numbers in rows)
    return done if len(done) > 1 else done[0]


def times_hundred(fractions: dict[str, Cell]) -> dict[str, Cell]:
    """Fractions as percent."""
    return {name: each(lambda x: 100 * x, cell) for name, cell in fractions.items()}


def in_percent(result: dict) -> dict[str, Cell]:
    """COCO's six AP numbers of a record's result, times a hundred."""
    return times_hundred(cells(result))


def classes_in_percent(result: dict) -> dict[str, Cell]:
    """AP of each class by its name, times a hundred."""
    classes, masks = result["by_class"], result.get("mask")
    if masks:  # not as `cells` does it: a class may be called "mask"
        classes = {name: (ap, masks["by_class"][name]) for name, ap in classes.items()}
    return times_hundred(classes)


def run_rows(record: records.Record, twin: records.Record | None) -> list[RunRow]:
    """This run, its twin and their difference, then the paper's row, its FPN and its difference.

    Beside a run on a folder of one's own there is no row of the paper: those are of COCO. Labels
    are short: a phone shows some 45 letters of a line, of which the numbers need 36.
    """
    model = record.experiment.model
    table = [(label_of(model), in_percent(record.result))]
    if twin is not None:
        table.append(("FPN twin", in_percent(twin.result)))
        table.append(("difference", difference(table[0][1], table[1][1])))
    epochs = record.experiment.train.epochs
    found, base = paper.row_of(model, epochs), paper.base_row(model, epochs)
    if found is not None and record.experiment.data.name != "folder":
        table.append((f"the paper, {paper.source(found)}", cells(found[1])))
        if base is not None and not is_fpn(model):
            table.append(("the paper's FPN", cells(base)))
            table.append(("difference", difference(table[-2][1], table[-1][1])))
    return table


def difference(a: dict[str, Cell], b: dict[str, Cell]) -> dict[str, Cell]:
    """a - b where both numbers exist."""
    return {name: each(operator.sub, a[name], b[name]) for name in paper.AP_NAMES}


def as_text(
    table: Sequence[RunRow],
    names: Sequence[str] = paper.AP_NAMES,
    signed: Sequence[str] = ("difference",),
) -> str:
    """Aligned columns; a dash where a number does not exist, a sign in the rows ``signed``."""
    paired = any(isinstance(numbers[name], tuple) for _, numbers in table for name in names)
    rows = []
    for label, numbers in table:
        sign = "+" if label in signed else ""
        shown = label if len(label) <= LABEL_LETTERS else f"{label[: LABEL_LETTERS - 3]}..."
        rows.append([shown, *(cell_text(numbers[name], sign) for name in names)])
    return columns(["box/mask" if paired else "", *names], rows)


def cell_text(cell: Cell, sign: str = "") -> str:
    """One decimal, and box/mask for a pair; a dash where a number does not exist."""
    return "/".join("-" if part is None else f"{part:{sign}.1f}" for part in box_and_mask(cell))


def class_table(results: dict[str, dict]) -> str:
    """AP by class in percent: a column for each result, a row for each class with test objects."""
    rows: dict[str, dict[str, Cell]] = {}
    for title, result in results.items():
        for name, ap in classes_in_percent(result).items():
            if result["by_class"][name] is not None:
                rows.setdefault(name, dict.fromkeys(results))[title] = ap
    return as_text(list(rows.items()), list(results), signed=()) if rows else ""


def results_of(record: records.Record, twin: records.Record | None) -> dict[str, dict]:
    """A run's result and its twin's, by their titles in tables."""
    return {"this run": record.result} | ({"FPN twin": twin.result} if twin else {})


def run_conclusion(record: records.Record, twin: records.Record | None) -> str:
    """A sentence that says what the numbers show, and what they cannot show."""
    experiment, result = record.experiment, record.result
    where = f"{result['pictures']['test']} held-out pictures ({experiment.data.name})"
    how = f"{experiment.budget} budget, {result['steps']} steps"
    if result["AP"] is None:
        return f"The {where} contain no object, so there is nothing to measure."
    numbers = in_percent(result)
    ap, ap50 = cell_text(numbers["AP"]), cell_text(numbers["AP50"])
    kind = "box/mask AP" if "mask" in result else "AP"
    mine = f"{label_of(experiment.model)} reaches {kind} {ap} (AP50 {ap50}) on {where}"
    if is_fpn(experiment.model):
        return f"{mine}; {how}."
    if twin is None:
        return f"{mine}; {how}; there is no record of the same run with FPN to compare it with."
    return (
        f"{mine}, {than_fpn(numbers['AP'], in_percent(twin.result)['AP'])}; {how}, one run of "
        "each: with another seed both numbers will differ."
    )


def than_fpn(mine: Cell, other: Cell) -> str:
    """The difference to FPN in words, "2.0 more than FPN's 37.5"; for boxes, then for masks."""
    said = [
        f"{abs(x - y):.1f} {'more' if x > y else 'less'} than FPN's {y:.1f}"
        for x, y in zip(box_and_mask(mine), box_and_mask(other), strict=False)
    ]
    return " in boxes and ".join(said) + (" in masks" if len(said) > 1 else "")


def run_resources(record: records.Record) -> str:
    """Time, memory and machine of a run."""
    environment, result = record.environment, record.result
    steps = f"{result['steps']} step{'s' * (result['steps'] != 1)}"
    memory, versions = result["memory_mb"], environment["versions"]
    code = f"commit {environment['commit']}" if environment["commit"] else "no clone of git"
    return (
        f"trained for {duration(result['seconds'])} ({steps})"
        f"{f', at most {memory} MB' if memory else ''}, on {environment['device_name']}; "
        f"torch {versions['torch']}, augfpn {versions['augfpn']} ({code})"
    )
