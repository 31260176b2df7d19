"""Draw the finished case of a trained detector: python book/figures/finished_case.py.

It is made of the detections in experiments/worked, as `augfpn interval` reads them.
"""

import gzip
import json
import tempfile
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from augfpn.figures.colours import BLUE, ORANGE
from augfpn.figures.theme import GREY, INK, WIDTH, themed, write_svg
from augfpn.study.result_files import compare_files, detections, read_json
from augfpn.study.uncertainty.intervals import Interval
from augfpn.study.uncertainty.resampling import draws_of_ap
from augfpn.study.uncertainty.scoring import matches

WORKED = Path(__file__).parents[2] / "experiments" / "worked"
KINDS = {"without": ORANGE, "with": BLUE}
LETTERS = 10.8  # points: some 9.8 px on a phone


class Finished(NamedTuple):
    """AP of each run, in percent, by kind and seed; and with minus without."""

    ap: dict[str, dict[int, float]]
    difference: Interval

    def text(self) -> str:
        """Its numbers, which the drawing's file holds, too."""
        ap = {kind: [round(x, 2) for x in of.values()] for kind, of in self.ap.items()}
        interval = [round(100 * x, 2) for x in self.difference[:3]]
        return json.dumps(ap | {"difference, low, high": interval})


def unpacked(folder: Path) -> dict[str, list[Path]]:
    """The committed files as a run of the page leaves them, written into a folder."""
    for packed in WORKED.glob("*.json.gz"):
        (folder / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
    return {kind: sorted(folder.glob(f"{kind}-*.json")) for kind in KINDS}


def finished() -> Finished:
    """What the committed detections say."""
    with tempfile.TemporaryDirectory() as made:
        files = unpacked(Path(made))
        annotations = Path(made) / "test.json"
        compared, _ = compare_files(annotations, files["without"], files["with"])
        coco = read_json(annotations)
        ap = {
            kind: {
                seed: 100 * draws_of_ap(matches(coco, detections(file, coco))).observed["AP"]
                for seed, file in enumerate(files[kind])
            }
            for kind in KINDS
        }
    return Finished(ap, compared.differences["AP"])


@themed
def finished_case(of: Finished) -> Figure:
    """On the left both AP of each pair, joined; on the right the differences and their interval."""
    figure, (runs, apart) = plt.subplots(1, 2, figsize=(WIDTH, 3.3), width_ratios=(3, 2))
    without, with_part = of.ap["without"], of.ap["with"]
    for seed in without:
        runs.plot([0, 1], [without[seed], with_part[seed]], color=GREY, lw=1.2, zorder=1)
    for place, (kind, colour) in enumerate(KINDS.items()):
        runs.scatter([place] * len(without), of.ap[kind].values(), color=colour, s=42, zorder=2)
    runs.set_xticks([0, 1], [*KINDS], size=LETTERS)
    runs.set_title("AP of both runs", size=LETTERS, loc="left")
    runs.set(xlim=(-0.3, 1.3))
    differences = [with_part[seed] - without[seed] for seed in without]
    draw_difference(apart, differences, of.difference)
    for axis in (runs, apart):
        axis.tick_params(labelsize=LETTERS)
        axis.grid(visible=False, axis="x")
    return figure


def draw_difference(axis: Axes, differences: list[float], found: Interval) -> None:
    """A dot for each pair, and beside them the mean with its interval."""
    axis.axhline(0, color=INK, lw=1)
    axis.scatter([0] * len(differences), differences, color=GREY, s=30)
    low, high = 100 * found.low, 100 * found.high
    axis.vlines(1, low, high, color=INK, lw=2)
    axis.scatter([1], [100 * found.mean], color=INK, s=42, marker="D")
    axis.set_xticks([0, 1], ["pairs", "mean"], size=LETTERS)
    axis.set_title("with − without", size=LETTERS, loc="left")
    axis.set(xlim=(-0.5, 1.5))


if __name__ == "__main__":
    made = finished()
    write_svg(finished_case(made), Path(__file__).with_suffix(".svg"), made.text())
