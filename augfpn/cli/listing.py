"""Recipes and costs as text for a terminal."""

from augfpn.config import Model
from augfpn.detectors import cost
from augfpn.errors import UserError
from augfpn.settings import recipes
from augfpn.settings.paper import Result
from augfpn.study.one_run import cell_text, cells


def of_recipes(word: str = "") -> str:
    """A line for each recipe whose name holds ``word``: the paper's AP, what it costs, the tables.

    Raises ``UserError`` where there is none.
    """
    found = [each for name, each in recipes.recipes().items() if word in name]
    if not found:
        raise UserError(f"no recipe has {word!r} in its name: `augfpn recipes` lists all.")
    header = ("recipe", "val", "test-dev", "M params", "+training", "GMACs", "in the paper")
    lines = [header, *(line_of(each) for each in found)]
    notes = [f"{each.name}: {note}" for each in found for note in each.notes] if word else []
    about = (
        "AP in percent as the paper prints it, box/mask; multiply-accumulates of one picture of "
        "800 x 1216 in testing, with all proposals that the recipe keeps."
    )
    return "\n".join([aligned(lines), "", about, *notes])


def line_of(recipe: recipes.Recipe) -> tuple[str, ...]:
    """What the list says of a recipe."""
    parts = cost.cost(recipe.model)
    kept, macs = cost.in_testing(parts)
    extra = cost.in_training(parts)[0] - kept
    return (
        recipe.name,
        ap_of(recipe.rows, "Table 1", False),
        ap_of(recipe.rows, "Table 1", True),
        f"{kept / 1e6:.2f}",
        f"{extra / 1e6:.2f}" if extra else "-",
        f"{macs / 1e9:.1f}",
        ", ".join(sorted({row.table for row in recipe.rows})) or "-",
    )


def ap_of(rows: tuple[Result, ...], table: str, inside: bool) -> str:
    """The AP of the first row that is, or is not, of a table."""
    found = [each for each in rows if (each.table == table) == inside]
    return cell_text(cells(found[0].row, ["AP"])["AP"]) if found else "-"


def of_cost(model: Model, size: cost.Size, rois: int | None) -> str:
    """Parameters and multiply-accumulates of a detector, part by part."""
    parts = cost.cost(model, size, rois)
    lines = [("part", "parameters", "GMACs testing", "GMACs training")]
    lines += [
        (each.part, f"{each.parameters:,}", giga(each.testing), giga(each.training))
        for each in parts
    ]
    in_testing, in_training = cost.in_testing(parts), cost.in_training(parts)
    lines.append(("in testing", f"{in_testing[0]:,}", giga(in_testing[1]), ""))
    lines.append(("in training", f"{in_training[0]:,}", "", giga(in_training[1])))
    counted = rois or model.proposals[1]
    boxes = "" if model.detector in ("retinanet", "fcos") else f", {counted} proposals in testing"
    about = f"one picture of {size[0]} x {size[1]}{boxes}; forward passes; - is only in training"
    return f"{aligned(lines)}\n\n{about}"


def giga(macs: int | None) -> str:
    """Billions, or a dash for what is not there."""
    return "-" if macs is None else f"{macs / 1e9:.3f}"


def aligned(lines: list[tuple[str, ...]]) -> str:
    """Columns: the first and the last to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            word.ljust(w) if i in (0, 6) else word.rjust(w)
            for i, (word, w) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
