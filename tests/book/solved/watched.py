"""Solutions: the first training."""

import json
import math

from augfpn import records
from solved.table import run, solves


@solves("first_training", 1, "twenty classes", "in the first step")
def twenty_classes() -> list[str]:
    return [f"$\\ln 21 \\approx {math.log(21):.2f}$", f"$\\ln 2 \\approx {math.log(2):.2f}$"]


@solves("first_training", 2, "for each RoI that is an object")
def loss_of_each_object() -> list[str]:
    file = next(f / "first_training" / "runs.json" for f in records.COMMITTED if f.is_dir())
    _, printed = run("first_training", "solution-2", runs=json.loads(file.read_text())["runs"])
    values = [line.split()[-1] for line in printed.splitlines()]
    assert len(values) == 4
    return [f"{values[0]}, {values[1]}, {values[2]} and {values[3]}"]
