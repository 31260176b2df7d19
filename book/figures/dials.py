"""Draw dials.png: scenes with no dial turned up, and with each of the first two dials.

python book/figures/dials.py
"""

from dataclasses import replace
from pathlib import Path

from augfpn.data.load import load_pictures
from augfpn.figures import plots
from augfpn.figures.pictures import examples
from augfpn.study import grid

CHOSEN = slice(1, 8, 2)  # of the first eight: among them both classes of "context"
SHOWN = {"plain": "scenes", "detail": "detail", "context": "context"}  # "scale" looks like plain


def main() -> None:
    rows = {}
    for title, name in SHOWN.items():
        data = grid.Run("fpn", name, "laptop", 0).experiment.data
        pictures = load_pictures(replace(data, test_scenes=16), "test")
        rows[title] = examples(pictures, None, 8)[CHOSEN]
    plots.gallery(rows, width=12).savefig(Path(__file__).parent / "dials.png", dpi=80)


if __name__ == "__main__":
    main()
