"""A run beside its FPN twin and the paper's row: numbers to text that a terminal can show."""

import operator
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from augfpn import config, records
from augfpn.settings import paper
from augfpn.settings.experiment import fpn_of
from augfpn.settings.parameters import Parameters
from augfpn.support.progress import duration
from augfpn.training import train

NUMBERS = paper.NUMBERS
MANY_CLASSES = 12  # more do not fit beside each other
Number = float | None  # in percent
Cell = Number | tuple[Number, Number]  # of boxes; with masks a pair, as in the paper's Table 1
Row = tuple[str, dict[str, Cell]]  # a label, and cells by name


def is_fpn(model: config.Model) -> bool:
    """Whether it is FPN's neck with all of AugFPN's parts off."""
    parts = model.lam, model.ratios, model.roi_selection, model.neck
    return parts == (0.0, (), "hard", config.FPN.neck)


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
    """The runs' curves by label, for `augfpn.figures.plots.losses`."""
    runs = [record] + ([twin] if twin else [])
    return {label_of(run.experiment.model): run.curve for run in runs}


def label_of(model: config.Model) -> str:
    """What is switched on, in the paper's words, and how it differs from AugFPN's."""
    if is_fpn(model):
        return "FPN"
    other_neck = [] if model.neck == config.FPN.neck else [model.neck]
    if paper.is_augfpn(model) and not other_neck:
        return "AugFPN"
    on = other_neck
    if model.lam:
        single = model.supervision == "single"
        other_lam = single or model.lam != config.AUGFPN.lam
        level, weight = ["own level"] * single, [f"lam {model.lam:g}"] * other_lam
        on.append(named("CS", level + weight))
    if model.ratios:
        by_ratio = model.context_pooling == "ratio_invariant"
        pools = [f"{ratio:g}" for ratio in model.ratios] if by_ratio else [model.context_pooling]
        pools = [] if by_ratio and model.ratios == config.AUGFPN.ratios else pools
        on.append(named("RFA", pools + ["sum"] * (model.context_fusion == "sum")))
    if model.roi_selection != "hard":
        on.append(named("SRS", [model.roi_selection] * (model.roi_selection != "soft")))
    return " + ".join(on)


def named(part: str, differs: Sequence[str]) -> str:
    """A part's name, with what it differs in: "RFA (gap, sum)"."""
    return f"{part} ({', '.join(differs)})" if differs else part


def cells(numbers: dict, names: Iterable[str] = NUMBERS) -> dict[str, Cell]:
    """Numbers by name; pairs (box, mask) where there is the same under "mask", too."""
    masks = numbers.get("mask")
    return {name: (numbers[name], masks[name]) if masks else numbers[name] for name in names}


def parts(cell: Cell) -> tuple[Number, ...]:
    """One number, or that of boxes and that of masks."""
    return cell if isinstance(cell, tuple) else (cell,)


def each(compute: Callable[..., float], *given: Cell) -> Cell:
    """Compute with numbers, boxes' and masks' apart; ``None`` where one does not exist."""
    rows = zip(*map(parts, given), strict=False)
    done = tuple(None if None in numbers else compute(*numbers) for numbers in rows)
    return done if len(done) > 1 else done[0]


def percent(fractions: dict[str, Cell]) -> dict[str, Cell]:
    """Times a hundred."""
    return {name: each(lambda x: 100 * x, cell) for name, cell in fractions.items()}


def in_percent(result: dict) -> dict[str, Cell]:
    """COCO's six AP numbers of a record's result, times a hundred."""
    return percent(cells(result))


def classes_in_percent(result: dict) -> dict[str, Cell]:
    """AP of each class by its name, times a hundred."""
    by_class, masks = result["by_class"], result.get("mask")
    if masks:  # not as `cells` does it: a class may be called "mask"
        by_class = {name: (ap, masks["by_class"][name]) for name, ap in by_class.items()}
    return percent(by_class)


def rows(record: records.Record, twin: records.Record | None) -> list[Row]:
    """This run, its twin and their difference, then the paper's row, its FPN and its difference."""
    model = record.experiment.model
    table = [(f"this run: {label_of(model)}", in_percent(record.result))]
    if twin is not None:
        table.append(("its FPN twin", in_percent(twin.result)))
        table.append(("difference", difference(table[0][1], table[1][1])))
    epochs = record.experiment.train.epochs
    found, base = paper.row_of(model, epochs), paper.base_row(model, epochs)
    if found is not None:
        table.append((f"the paper, {paper.source(found)}", cells(found[1])))
        if base is not None and not is_fpn(model):
            table.append(("the paper's FPN", cells(base)))
            table.append(("difference", difference(table[-2][1], table[-1][1])))
    return table


def difference(a: dict[str, Cell], b: dict[str, Cell]) -> dict[str, Cell]:
    """a - b where both numbers exist."""
    return {name: each(operator.sub, a[name], b[name]) for name in NUMBERS}


def as_text(table: Sequence[Row], names: Sequence[str] = NUMBERS) -> str:
    """Aligned columns; a dash where a number does not exist, a sign in front of differences."""
    paired = any(isinstance(numbers[name], tuple) for _, numbers in table for name in names)
    lines = [["box/mask" if paired else "", *names]]
    for label, numbers in table:
        sign = "+" if label == "difference" else ""
        lines.append([label, *(cell_text(numbers[name], sign) for name in names)])
    first, *widths = (max(map(len, column)) for column in zip(*lines, strict=True))
    widths = [max(7, width + 2) for width in widths]
    return "\n".join(
        f"{label:<{first}}" + "".join(f"{word:>{w}}" for word, w in zip(words, widths, strict=True))
        for label, *words in lines
    )


def cell_text(cell: Cell, sign: str = "") -> str:
    """One decimal, and box/mask for a pair; a dash where a number does not exist."""
    return "/".join("-" if part is None else f"{part:{sign}.1f}" for part in parts(cell))


def by_class(record: records.Record, twin: records.Record | None) -> str:
    """AP of each class, this run's and its twin's; nothing when the columns would be too many."""
    runs = [("this run", record)] + ([("its FPN twin", twin)] if twin else [])
    names = list(record.result["by_class"])
    table = [(label, classes_in_percent(run.result)) for label, run in runs]
    return as_text(table, names) if len(names) <= MANY_CLASSES else ""


def conclusion(record: records.Record, twin: records.Record | None) -> str:
    """What the numbers say, in a sentence, and what they cannot say."""
    experiment, result = record.experiment, record.result
    where = f"{result['pictures']['test']} held-out pictures ({experiment.data.name})"
    how = f"{experiment.budget} budget, {result['steps']} steps"
    if result["AP"] is None:
        return f"The {where} hold no object, so there is nothing to measure."
    numbers = in_percent(result)
    ap, ap50 = cell_text(numbers["AP"]), cell_text(numbers["AP50"])
    kind = "box/mask AP" if "mask" in result else "AP"
    mine = f"{label_of(experiment.model)} reaches {kind} {ap} (AP50 {ap50}) on {where}"
    if is_fpn(experiment.model):
        return f"{mine}; {how}."
    if twin is None:
        return f"{mine}; {how}; there is no record of the same run with FPN to compare it with."
    return (
        f"{mine}, {than(numbers['AP'], in_percent(twin.result)['AP'])}; {how}, one run of each: "
        "a repeat with another seed will move both."
    )


def than(mine: Cell, other: Cell) -> str:
    """How far a run is from FPN: "2.0 more than FPN's 37.5", for boxes and masks apart."""
    said = [
        f"{abs(x - y):.1f} {'more' if x > y else 'less'} than FPN's {y:.1f}"
        for x, y in zip(parts(mine), parts(other), strict=False)
    ]
    return " in boxes and ".join(said) + (" in masks" if len(said) > 1 else "")


def cost(record: records.Record) -> str:
    """Time, memory and machine of a run."""
    environment, result = record.environment, record.result
    memory = result["memory_mb"]
    return (
        f"trained for {duration(result['seconds'])} ({result['steps']} steps)"
        f"{f', at most {memory} MB' if memory else ''}, on {environment['device_name']}; "
        f"torch {environment['versions']['torch']}, commit {environment['commit']}"
    )
