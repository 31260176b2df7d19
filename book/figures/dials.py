"""Draw dials.png: scenes with none of the dials turned up, and with each of the first two.

python book/figures/dials.py
"""

from pathlib import Path

from augfpn.figures import examples, plots

CHOSEN = slice(1, 8, 2)  # of the first eight: among them both classes of "context"
SHOWN = ("scenes", "detail", "context")  # a scene with "scale" looks like a plain one


def main() -> None:
    pictures = {name: some[CHOSEN] for name, some in examples.of_sets(SHOWN, "laptop", 8).items()}
    figure = plots.gallery({"plain": pictures.pop("scenes")} | pictures, width=12)
    figure.savefig(Path(__file__).parent / "dials.png", dpi=80)


if __name__ == "__main__":
    main()
