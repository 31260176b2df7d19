"""Draw dials.png: scenes with no dial turned up, and with each of the first two dials.

python book/figures/dials.py
"""

from pathlib import Path

from augfpn.figures import plots
from augfpn.study.results import defects

CHOSEN = slice(1, 8, 2)  # of the first eight: among them both classes of "context"
SHOWN = ("scenes", "detail", "context")  # a scene with "scale" looks like a plain one


def main() -> None:
    rows = defects.example_scenes(SHOWN, "laptop", range(8))
    rows = {"plain" if name == "scenes" else name: some[CHOSEN] for name, some in rows.items()}
    plots.gallery(rows, width=12).savefig(Path(__file__).parent / "dials.png", dpi=80)


if __name__ == "__main__":
    main()
