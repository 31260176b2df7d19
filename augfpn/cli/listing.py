"""Recipes and costs: rows for programs, and the same as text for a terminal."""

import json
from functools import cache
from importlib import resources
from typing import NamedTuple

from augfpn.config import TWO_STAGE, Model
from augfpn.errors import UserError
from augfpn.settings import recipes
from augfpn.settings.paper import Result
from augfpn.study.one_run import cell_text, cells
from augfpn.support.text import columns

COUNTED = "recipe_costs.json"  # made by `count_recipes`: counting needs torch and some seconds
COUNTED_SIZE = (800, 1216)  # height, width of the picture that is counted for


class RecipeRow(NamedTuple):
    """What the list says about a recipe."""

    recipe: str
    val: str  # AP in percent as the paper prints it, box/mask
    test_dev: str
    parameters: int  # of the detector at inference
    training_parameters: int  # additional ones, only in training
    macs: int  # multiply-accumulates of one picture at inference
    tables: tuple[str, ...]  # of the paper
    notes: tuple[str, ...]


def recipe_rows(word: str = "") -> list[RecipeRow]:
    """The recipes whose name contains ``word``. Raises ``UserError`` where there is none."""
    found = [each for name, each in recipes.recipes().items() if word in name]
    if not found:
        raise UserError(f"no recipe has {word!r} in its name: `augfpn recipes` lists all.")
    return [
        RecipeRow(
            each.name,
            ap_of(each.rows, "Table 1", False),
            ap_of(each.rows, "Table 1", True),
            *counted_recipes()[each.name],
            tuple(sorted({row.table for row in each.rows})),
            each.notes,
        )
        for each in found
    ]


@cache
def counted_recipes() -> dict[str, list[int]]:
    """Each recipe's parameters, those only in training, and multiply-accumulates, by name."""
    known = json.loads(resources.files("augfpn.cli").joinpath(COUNTED).read_text())
    missing = [name for name in recipes.recipes() if name not in known]
    return known | count_recipes(missing) if missing else known


def count_recipes(names: list[str]) -> dict[str, list[int]]:
    """Count the costs of some recipes anew; those of all recipes are committed as JSON."""
    from augfpn.detectors import cost

    counted = {}
    for name in names:
        parts = cost.part_costs(recipes.named(name).model, COUNTED_SIZE)
        kept, macs = cost.at_inference(parts)
        counted[name] = [kept, cost.in_training(parts)[0] - kept, macs]
    return counted


def ap_of(rows: tuple[Result, ...], table: str, inside: bool) -> str:
    """The AP of the first row from ``table`` if ``inside``, or else from any other table."""
    found = [each for each in rows if (each.table == table) == inside]
    return cell_text(cells(found[0].row, ["AP"])["AP"]) if found else "-"


def of_recipes(rows: list[RecipeRow]) -> str:
    """A line for each recipe; below, the notes, unless all recipes are listed."""
    header = ("recipe", "val", "test-dev", "M params", "+training", "GMACs", "in the paper")
    lines = [
        (
            row.recipe,
            row.val,
            row.test_dev,
            f"{row.parameters / 1e6:.2f}",
            f"{row.training_parameters / 1e6:.2f}" if row.training_parameters else "-",
            f"{row.macs / 1e9:.1f}",
            ", ".join(row.tables) or "-",
        )
        for row in rows
    ]
    some = len(rows) < len(recipes.recipes())
    notes = [f"{row.recipe}: {note}" for row in rows for note in row.notes] if some else []
    about = (
        "AP in percent as the paper prints it, box/mask; multiply-accumulates of one picture of "
        "800 x 1216 at inference, with all proposals that the recipe keeps."
    )
    return "\n".join([columns(header, lines, left=(0, 6)), "", about, *notes])


# --- the cost of one detector ---------------------------------------------------------------------


def counted_cost(model: Model, size: tuple[int, int], rois: int | None) -> dict:
    """The parameters and multiply-accumulates of a detector, part by part, and their sums.

    ``size`` is height and width of the padded picture. Raises ``UserError`` for other sizes than
    multiples of 32.
    """
    from augfpn.detectors import cost

    parts = cost.part_costs(model, size, rois)
    totals = {"inference": cost.at_inference(parts), "training": cost.in_training(parts)}
    two_stages = model.detector in TWO_STAGE
    return {
        "size": list(size),
        "proposals": (rois or model.proposals[1]) if two_stages else None,
        "parts": [each._asdict() for each in parts],
        "sums": {use: {"parameters": n, "macs": macs} for use, (n, macs) in totals.items()},
    }


def of_cost(counted: dict) -> str:
    """The result of `counted_cost` as a table."""
    header = ("part", "parameters", "GMACs inference", "GMACs training")
    lines = [
        (each["part"], f"{each['parameters']:,}", giga(each["inference"]), giga(each["training"]))
        for each in counted["parts"]
    ]
    inference, training = counted["sums"]["inference"], counted["sums"]["training"]
    lines.append(("at inference", f"{inference['parameters']:,}", giga(inference["macs"]), ""))
    lines.append(("in training", f"{training['parameters']:,}", "", giga(training["macs"])))
    height, width = counted["size"]
    boxes = f", {counted['proposals']} proposals at inference" if counted["proposals"] else ""
    about = f"one picture of {height} x {width}{boxes}; forward pass; -: only in training"
    return f"{columns(header, lines)}\n\n{about}"


def giga(macs: int | None) -> str:
    """Billions, or a dash for a part that does not exist."""
    return "-" if macs is None else f"{macs / 1e9:.3f}"
