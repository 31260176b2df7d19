"""Draw pyramids before and since FPN in one style: python book/figures/pyramids.py.

It writes an SVG for each, such as pyramid_fpn.svg. A box is a map: its vertical position is its
level, and its colour, as in all figures, the level's. A circle is a sum of maps. Grey arrows are
FPN's moves; what a design adds is coloured. A frame holds maps that are all read by what its arrow
leads to. A black box is a head: a tall one reads each level by itself, one in which arrows meet
combines the levels.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from augfpn.figures.colours import BLUE, GREEN, LEVEL_COLOURS, ORANGE
from augfpn.figures.theme import INK, themed, write_svg

GREY = "#8a8a8a"
LEVELS, UPPER = (2, 3, 4, 5), (3, 4, 5, 6, 7)
WIDTH, HEIGHT, STEP = 0.74, 0.5, 1.45  # of a box, and from one column to the next
SUM, RADIUS = 1.5, (0.13, 0.2)  # where FPN's sums are, between M and P; their half width and height
INCHES = 0.5  # of a level
LINE, ROOM, FRAMED_HEAD = 0.4, 0.1, 1.45  # in levels: of a note, around all, below a frame
Place = tuple[float, float]  # a column and a level


class Arrow(NamedTuple):
    """From one map to another."""

    start: Place
    end: Place
    colour: str = GREY
    bend: float = 0.0


class Pyramid(NamedTuple):
    """Columns of maps by their letter, the heads' column, and what leads where."""

    columns: dict[str, Iterable[int]]
    arrows: list[Arrow]
    head: float
    heads: Literal["one", "tall", "own"] = "tall"  # one for all levels at once, or for each level
    notes: tuple[tuple[Place, str, str], ...] = ()  # place, words, colour
    sums: tuple[tuple[int, str], ...] = ()  # level, colour
    framed: tuple[int, str] | None = None  # column, colour; its arrow leads down to a head below
    loop: tuple[Place, str] | None = None  # a map that is made from itself, colour


def across(a: float, b: float, colour: str = GREY, levels: Iterable[int] = LEVELS) -> list[Arrow]:
    """From each level of a column to the same level of another."""
    return [Arrow((a, k), (b, k), colour) for k in levels]


def down(column: float, colour: str = GREY, levels: Iterable[int] = LEVELS) -> list[Arrow]:
    """From each level of a column to the one below."""
    every = sorted(levels)
    return [Arrow((column, k + 1), (column, k), colour) for k in every[:-1]]


def up(column: float, colour: str = GREY, levels: Iterable[int] = LEVELS) -> list[Arrow]:
    """From each level of a column to the one above."""
    every = sorted(levels)
    return [Arrow((column, k), (column, k + 1), colour) for k in every[:-1]]


def to_head(column: float, head: float, colour: str = GREY) -> list[Arrow]:
    """From each level of a column to one head."""
    return [Arrow((column, k), (head, 3.5), colour) for k in LEVELS]


FPN = [
    *up(0), *across(0, 1), *across(1, SUM, levels=(2, 3, 4)), *across(SUM, 2, levels=(2, 3, 4)),
    Arrow((1, 5), (2, 5)), *down(SUM, levels=(2, 3, 4)), Arrow((SUM, 5 + RADIUS[1]), (SUM, 4)),
]  # fmt: skip
SUMS = tuple((k, GREY) for k in (2, 3, 4))
THREE = {"C": LEVELS, "M": LEVELS, "P": LEVELS}
PYRAMIDS = {
    "ssd": Pyramid({"C": LEVELS}, [*up(0), *across(0, 1)], head=1, heads="own"),
    "fpn": Pyramid(THREE, [*FPN, *across(2, 3)], head=3, sums=SUMS),
    "panet": Pyramid(
        THREE | {"N": LEVELS},
        [*FPN, *across(2, 3, BLUE), *up(3, BLUE), *to_head(3, 4, ORANGE)],
        head=4,
        heads="one",
        sums=SUMS,
    ),
    "nas_fpn": Pyramid(
        {"M": LEVELS, "N": LEVELS, "P": LEVELS},
        [
            *(Arrow(start, end, BLUE) for start, end in (
                ((0, 5), (1, 3)), ((0, 3), (1, 3)), ((0, 2), (1, 2)), ((1, 3), (1, 2)),
                ((0, 4), (1, 4)), ((0, 5), (1, 5)), ((1, 2), (2, 2)), ((1, 4), (2, 3)),
                ((1, 2), (2, 3)), ((1, 5), (2, 4)), ((2, 3), (2, 4)), ((1, 5), (2, 5)),
                ((2, 4), (2, 5)), ((1, 2), (2, 4)), ((1, 3), (2, 5)),
            )),
            *across(2, 3),
        ],
        head=3,
    ),
    "bifpn": Pyramid(
        {"P": UPPER, "N": UPPER[1:-1], "P'": UPPER},
        [
            *across(0, 1, levels=UPPER[1:-1]), Arrow((0, 7), (1, 6)), *down(1, GREY, UPPER[1:-1]),
            Arrow((1, 4), (2, 3)), *across(1, 2, BLUE, UPPER[1:-1]), *up(2, BLUE, UPPER),
            Arrow((0, 3), (2, 3)), Arrow((0, 7), (2, 7)),
            *(Arrow((0, k), (2, k), BLUE, -0.35) for k in UPPER[1:-1]), *across(2, 3, GREY, UPPER),
        ],
        head=3,
    ),
    "libra": Pyramid(
        THREE | {"N": (4,), "P'": LEVELS},
        [*FPN, *(Arrow((2, k), (3, 4), BLUE) for k in LEVELS),
         *(Arrow((3, 4), (4, k), BLUE) for k in LEVELS), *across(4, 5)],
        head=5,
        sums=SUMS,
    ),
    "augfpn": Pyramid(
        THREE,
        [*FPN, Arrow((0, 5), (SUM, 5), GREEN, -0.5), *to_head(2, 3, ORANGE)],
        head=3,
        heads="one",
        notes=(((2.1, 0.55), "1 shared head,\nin training only", BLUE),
               ((0.75, 6.05), "2 context", GREEN), ((3, 2.7), "3 gates", ORANGE)),
        sums=(*SUMS, (5, GREEN)),
        framed=(1, BLUE),
    ),
    "vitdet": Pyramid(
        {"C": (4,), "P": LEVELS},
        [*(Arrow((0, 4), (1, k), BLUE) for k in LEVELS), *across(1, 2)],
        head=2,
    ),
    "deformable": Pyramid(
        {"C": (3, 4, 5), "M": (3, 4, 5, 6)},
        [*up(0, levels=(3, 4, 5)), *across(0, 1, levels=(3, 4, 5)), Arrow((0, 5), (1, 6)),
         *(Arrow((1, k), (2, 4.5), ORANGE) for k in (3, 4, 5, 6))],
        head=2,
        heads="one",
        notes=(((2.15, 3.0), "queries\nsample\nall levels", ORANGE),),
    ),
    "rtdetr": Pyramid(
        {"C": (3, 4, 5), "M": (3, 4, 5), "P": (3, 4, 5), "N": (3, 4, 5)},
        [*up(0, levels=(3, 4, 5)), *across(0, 1, levels=(3, 4, 5)), *across(1, 2, GREY, (3, 4, 5)),
         *down(2, levels=(3, 4, 5)), *across(2, 3, BLUE, (3, 4, 5)), *up(3, BLUE, (3, 4, 5)),
         *(Arrow((3, k), (4, 3.9), ORANGE) for k in (3, 4, 5))],
        head=4,
        heads="one",
        loop=((1, 5), GREEN),
        notes=(((1.62, 5.75), "attention", GREEN),
               ((3.95, 2.75), "queries\nsample\nall levels", ORANGE)),
    ),
}  # fmt: skip


@themed
def drawn(pyramid: Pyramid) -> Figure:
    """One pyramid."""
    last = pyramid.head
    every = sorted({k for levels in pyramid.columns.values() for k in levels})
    low, high = extent(pyramid, every)
    figure = plt.figure(figsize=(min(5.2, 1.4 + 1.15 * last), INCHES * (high - low)), layout="none")
    axis = figure.add_axes((0, 0, 1, 1))  # without a margin, which a phone would show as a gap
    axis.axis("off")
    if pyramid.framed is not None:
        draw_frame(axis, *pyramid.framed, every)
    for arrow in pyramid.arrows:
        draw_arrow(axis, arrow)
    if pyramid.loop is not None:
        draw_loop(axis, *pyramid.loop)
    for column, (letter, levels) in enumerate(pyramid.columns.items()):
        for k in levels:
            draw_map(axis, (column, k), f"{letter}{k}", LEVEL_COLOURS[k])
    for k, colour in pyramid.sums:
        draw_sum(axis, k, colour)
    draw_heads(axis, pyramid)
    for (x, y), words, colour in pyramid.notes:
        axis.text(x * STEP, y, words, color=colour, ha="center", va="center", size=11)
    axis.set(xlim=(-0.6, last * STEP + 0.8), ylim=(low, high))
    return figure


def extent(pyramid: Pyramid, levels: list[int]) -> Place:
    """The lowest and the highest place, in levels, of what is drawn."""
    half = HEIGHT / 2 + ROOM
    lows = [levels[0] - half - (FRAMED_HEAD if pyramid.framed else 0)]
    highs = [levels[-1] + half]
    for (_, y), words, _ in pyramid.notes:
        tall = LINE * (1 + words.count("\n")) / 2 + ROOM
        lows.append(y - tall)
        highs.append(y + tall)
    return min(lows), max(highs)


def draw_heads(axis: Axes, pyramid: Pyramid) -> None:
    """One head for each level, a tall one beside all levels, or one in which arrows meet."""
    ends = sorted({a.end[1] for a in pyramid.arrows if a.end[0] == pyramid.head})
    if pyramid.heads == "tall":
        tall = ends[-1] - ends[0] + HEIGHT
        draw_map(axis, (pyramid.head, (ends[0] + ends[-1]) / 2), "head", "black", tall)
        return
    for level in ends:
        draw_map(axis, (pyramid.head, level), "head", "black")


def draw_map(axis: Axes, place: Place, name: str, colour: str, tall: float = HEIGHT) -> None:
    """A map, or a head, as a box."""
    x, y = place[0] * STEP - WIDTH / 2, place[1] - tall / 2
    style = "round,pad=0,rounding_size=0.08"
    axis.add_patch(
        FancyBboxPatch((x, y), WIDTH, tall, style, ec=colour, fc="none", lw=1.8, zorder=3)
    )
    middle = {"ha": "center", "va": "center_baseline", "size": 11}
    axis.text(place[0] * STEP, place[1], name, color=INK, zorder=4, **middle)


def draw_frame(axis: Axes, column: int, colour: str, levels: list[int]) -> None:
    """A dashed frame around a column, and an arrow from it to a head below."""
    room, foot = 0.17, levels[0] - HEIGHT / 2 - 0.17
    size = WIDTH + 2 * room, levels[-1] - levels[0] + HEIGHT + 2 * room
    axis.add_patch(
        FancyBboxPatch(
            (column * STEP - size[0] / 2, foot), *size, "round,pad=0,rounding_size=0.12",
            ec=colour, fc="none", lw=1.3, ls="--",
        )
    )  # fmt: skip
    head = levels[0] - FRAMED_HEAD
    draw_map(axis, (column, head), "head", colour)
    ends = (column * STEP, foot), (column * STEP, head + HEIGHT / 2)
    axis.add_patch(FancyArrowPatch(*ends, arrowstyle="-|>", mutation_scale=9, lw=1.3, color=colour,
                                   shrinkA=0, shrinkB=1))  # fmt: skip


def draw_loop(axis: Axes, place: Place, colour: str) -> None:
    """An arrow from the upper edge of a map back to it."""
    (x, y), half = (place[0] * STEP, place[1] + HEIGHT / 2), WIDTH / 4
    axis.add_patch(
        FancyArrowPatch(
            (x - half, y), (x + half, y), arrowstyle="-|>", mutation_scale=9, lw=1.3, color=colour,
            connectionstyle="arc3,rad=-1.5", shrinkA=1, shrinkB=1,
        )
    )  # fmt: skip


def draw_sum(axis: Axes, level: int, colour: str) -> None:
    """A sum between M and P as a circle with a plus."""
    for marker, size in (("o", 10), ("+", 6)):
        look = {"mfc": "none", "mec": colour, "mew": 1.3, "ms": size}
        axis.plot(SUM * STEP, level, marker, **look, zorder=3)


def draw_arrow(axis: Axes, arrow: Arrow) -> None:
    """An arrow from one box's edge to another's."""
    (a, low), (b, high) = arrow.start, arrow.end
    sideways, upright = (0, 1 if high > low else -1) if a == b else (1, 0)
    (wide, tall), (wide_end, tall_end) = (
        RADIUS if column == SUM else (WIDTH / 2, HEIGHT / 2) for column in (a, b)
    )
    start = (a * STEP + sideways * wide, low + upright * tall)
    end = (b * STEP - sideways * wide_end, high - upright * tall_end)
    axis.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=9, lw=1.3, color=arrow.colour,
            connectionstyle=f"arc3,rad={arrow.bend}", shrinkA=1, shrinkB=1,
        )
    )  # fmt: skip


if __name__ == "__main__":
    for name, pyramid in PYRAMIDS.items():
        write_svg(drawn(pyramid), Path(__file__).with_name(f"pyramid_{name}.svg"))
