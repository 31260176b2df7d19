"""Draw AugFPN's three parts at work on scenes: python book/figures/parts.py.

It writes part_cs.svg, part_rfa.svg and part_srs.svg. All maps are those of the detector whose
weights the book keeps (one_scene.py). A place shows the norm of its features over channels, in the
colour of the map's level. FPN's own steps are grey; what a part adds is black, and dashed if it
exists in training only.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray
from one_scene import Augmented, Computed, Selected, Values, computed
from pieces import (
    ACROSS,
    FPN_GREY,
    LINE,
    SHADE,
    Frame,
    arrow,
    boxed,
    canvas,
    mark,
    plus,
    scale,
    shaded,
    show,
    weighed,
    words,
)

from augfpn.figures.colours import LEVEL_COLOURS
from augfpn.figures.theme import INK, themed, write_svg

COLUMN, STEP, CROP = 2.26, 2.58, 1.5  # widths of a map and a crop; from one column to the next
TALL = COLUMN * 256 / 320  # of a map
ARROW, NEAR = 0.52, 0.06  # height of an arrow; between it and a map
MOST = 160  # pixels of a drawn image's width: finer ones would not be seen
FOUR, THREE = range(4), range(3)
FUSION = "Adaptive Spatial Fusion:{}two convolutions, then a sigmoid"


def column(i: int, top: float, width: float = COLUMN, height: float = TALL) -> Frame:
    """A frame in the middle of column i, from 0 to 3."""
    return Frame(i * STEP + (COLUMN - width) / 2, top, width, height)


def middle(i: int) -> float:
    """Where column i has its middle."""
    return column(i, 0).middle


def down(
    axis: Axes, columns: Iterable[int], top: float, colour: str = INK, dashed: bool = False
) -> float:
    """An arrow downwards in each column; returns where they end."""
    for i in columns:
        arrow(axis, (middle(i), top), (middle(i), top - ARROW), colour=colour, dashed=dashed)
    return top - ARROW - NEAR


def split(
    axis: Axes, start: int, top: float, columns: Iterable[int], colour: str, stem: float = ARROW / 2
) -> float:
    """A line down from column ``start``, arrows from it into columns; returns where they end."""
    turn = top - stem
    for i in columns:
        ends = (middle(i), turn), (middle(i), turn - ARROW)
        arrow(axis, (middle(start), top), (middle(start), turn), *ends, colour=colour)
    return turn - ARROW - NEAR


def joined(axis: Axes, columns: Iterable[int], top: float, end: tuple[float, float]) -> None:
    """Lines down from the columns that meet in one arrow to a point."""
    turn = top - ARROW / 2
    for i in columns:
        arrow(axis, (middle(i), top), (middle(i), turn), (end[0], turn), end)


def thinned(values: NDArray) -> NDArray:
    """Pixels, at most `MOST` across: the means of squares of them."""
    n = -(-values.shape[1] // MOST)
    h, w = (side // n for side in values.shape[:2])
    cells = values[: n * h, : n * w].reshape(h, n, w, n, -1).mean(axis=(1, 3))
    return cells.reshape(h, w, *values.shape[2:])


def titled(
    axis: Axes, values: Values, colour: str, place: Frame, title: str, *scale: float
) -> Frame:
    """A map under its name; ``place`` is that of the map, ``scale`` what has no and all colour."""
    words(axis, (place.middle, place.top + LINE / 2), title)
    return show(axis, shaded(values, colour, *scale), place)


def picture(axis: Axes, image: NDArray[np.uint8], place: Frame) -> Frame:
    return show(axis, thinned(image).round().astype(np.uint8), place)


def weight_maps(axis: Axes, maps: Iterable[Values], top: float, size: tuple[float, float]) -> float:
    """Weight maps in a row, each under its mean; returns where they end."""
    for i, values in enumerate(maps):
        place = column(i, top - LINE, *size)
        words(axis, (place.middle, top - LINE / 2), f"mean {values.mean():.2f}")
        show(axis, weighed(values), place)
    return top - LINE - size[1] - NEAR


def cut_out(axis: Axes, of: Computed, letter: str) -> float:
    """The scene, four of its maps and what RoIAlign cuts out of each; returns where it ends."""
    part = of.cs if letter == "M" else of.srs
    only_training = letter == "M"
    high, wide = of.image.shape[:2]
    scene = picture(axis, of.image, Frame(0, -0.1, 1.25 * COLUMN, 1.25 * TALL))
    mark(axis, of.box, (wide, high), scene)
    side = round(of.box[2] - of.box[0])
    about = (
        f"image: {high} × {wide} px\nRoI: {side} × {side} px\n"
        f"maps of a trained AugFPN, {of.channels} channels\n"
        "colour: norm over channels,\neach map on its own scale"
    )
    words(axis, (scene.right + 0.4, scene.centre[1]), about, "left")
    top = split(axis, 0, scene.bottom - NEAR, FOUR, FPN_GREY)
    for i, (k, values) in enumerate(part.maps.items()):
        rows, columns = values.shape
        name = f"${letter}_{k}$: {rows}×{columns}"
        place = titled(axis, values, LEVEL_COLOURS[k], column(i, top - LINE), name)
        mark(axis, of.box, (wide, high), place)
    end = top - LINE - TALL - NEAR
    words(axis, (middle(1.5), end - ARROW / 2), "RoIAlign, 7×7")
    top = down(axis, FOUR, end, dashed=only_training)
    for i, (k, values) in enumerate(part.crops.items()):
        show(axis, shaded(values, LEVEL_COLOURS[k]), column(i, top, CROP, CROP))
    return top - CROP - NEAR


@themed
def consistent_supervision(of: Computed) -> Figure:
    """One RoI on all levels of M, one head for all of them, and its losses."""
    figure, axis = canvas(12.25)
    top = down(axis, FOUR, cut_out(axis, of, "M"), dashed=True) + NEAR
    head = "one second box head,\nshared by the four levels"
    place = boxed(axis, Frame(0.05, top, ACROSS - 0.1, 0.95), head, dashed=True)
    words(axis, (middle(1.5), place.bottom - ARROW / 2), "losses")
    top = down(axis, FOUR, place.bottom, dashed=True) + NEAR
    for i, (of_class, of_box) in enumerate(of.cs.losses.values()):
        losses = f"class {of_class:.2f}\nbox {of_box:.2f}"
        place = boxed(axis, column(i, top, COLUMN - 0.1, 0.95), losses, dashed=True)
    top = down(axis, FOUR, place.bottom, dashed=True) + NEAR
    total = sum(sum(each) for each in of.cs.losses.values())
    weighted = f"sum of the losses, {total:.2f}, times λ = {of.cs.weight:g}:"
    place = Frame(0.05, top, ACROSS - 0.1, 0.95)
    boxed(axis, place, f"{weighted}\nadded to the detector's own loss", dashed=True)
    return figure


@themed
def residual_feature_augmentation(of: Computed) -> Figure:
    """C5 pooled to three sizes, enlarged, weighted and added to M5."""
    figure, axis = canvas(15.2)
    part = of.rfa
    top, colour = -0.05 - LINE, LEVEL_COLOURS[5]
    every = np.concatenate([values.ravel() for values in part.pooled])
    ends = every.min(), every.max()  # of one scale, as a map of 1 × 1 has none of its own
    scene = picture(axis, part.image, column(0, top))
    words(axis, (scene.middle, top + LINE / 2), "×".join(map(str, part.image.shape[:2])) + " px")
    c5 = titled(axis, part.c5, colour, column(1, top), f"$C_5$: {shape(part.c5)}")
    m5 = titled(axis, part.m5, colour, column(3, top), f"$M_5$: {shape(part.m5)}")
    arrow(axis, (scene.right, scene.centre[1]), (c5.left, c5.centre[1]), colour=FPN_GREY)
    arrow(axis, (c5.right, c5.centre[1]), (m5.left, m5.centre[1]), colour=FPN_GREY)
    words(axis, (middle(2), c5.centre[1] + 0.3), "1×1 conv.")
    words(axis, (c5.middle + 0.2, c5.bottom - 0.28), "pool, 1×1 conv.", "left")
    top = split(axis, 1, c5.bottom - NEAR, THREE, INK, stem=0.45) - LINE
    for i, (ratio, values) in enumerate(zip(part.ratios, part.pooled, strict=True)):
        name = f"α = {ratio}: {shape(values)}"
        place = titled(axis, values, colour, column(i, top), name, *ends)
    words(axis, (middle(0.5), place.bottom - ARROW / 2), "enlarged")
    words(axis, (middle(1.5), place.bottom - ARROW / 2), f"to {shape(part.c5)}")
    top = down(axis, THREE, place.bottom - NEAR)
    for i, values in enumerate(part.enlarged):
        place = show(axis, shaded(values, colour, *ends), column(i, top))
    top = down(axis, THREE, place.bottom - NEAR) + NEAR
    fused = boxed(axis, Frame(0.05, top, 2 * STEP + COLUMN - 0.1, 0.95), FUSION.format("\n"))
    top = down(axis, THREE, fused.bottom)
    scale(axis, Frame(column(3, 0).left + 0.1, top - LINE, 0.22, TALL))
    summed(axis, part, weight_maps(axis, part.weights, top, (COLUMN, TALL)), m5)
    return figure


def summed(axis: Axes, part: Augmented, top: float, m5: Frame) -> None:
    """The sum of the weighted maps, M6, and M5 + M6."""
    m6 = show(axis, shaded(part.m6, LEVEL_COLOURS[5]), column(2, top - ARROW))
    words(axis, (m6.middle, m6.bottom - LINE / 2), f"$M_6$: {shape(part.m6)}")
    level, radius = m6.centre[1], 0.22
    joined(axis, THREE, top, (middle(1), level + radius))
    words(axis, (middle(0), level), "each map\ntimes its\nweights")
    plus(axis, (middle(1), level), radius=radius)
    arrow(axis, (middle(1) + radius, level), (m6.left, level))
    arrow(axis, (m6.right, level), (m5.middle - radius, level))
    plus(axis, (m5.middle, level), radius=radius)
    above = (m5.middle, m5.bottom - NEAR), (m5.middle, level + radius)
    arrow(axis, *above, colour=FPN_GREY)
    end = level - radius - ARROW
    arrow(axis, (m5.middle, level - radius), (m5.middle, end), colour=FPN_GREY)
    words(axis, (m5.middle, end - LINE / 2 - 0.05), "FPN's sums")


def shape(values: Values) -> str:
    """A map's size in words, height first."""
    return "×".join(map(str, values.shape))


@themed
def soft_roi_selection(of: Computed) -> Figure:
    """One RoI on all levels of P, its weight maps, and the sum; beside it, FPN's rule."""
    figure, axis = canvas(14.8)
    part = of.srs
    top = down(axis, FOUR, cut_out(axis, of, "P")) + NEAR
    fused = boxed(axis, Frame(0.05, top, ACROSS - 0.1, 0.6), FUSION.format(" "))
    top = down(axis, FOUR, fused.bottom)
    scale(axis, Frame(9.76, top - LINE, 0.2, CROP))
    top = weight_maps(axis, part.weights.values(), top, (CROP, CROP))
    mixed = show(axis, mixture(part), column(1, top - 1.5 * ARROW, CROP, CROP))
    level = mixed.centre[1]
    joined(axis, FOUR, top, (mixed.middle, mixed.top + NEAR))
    words(axis, (middle(0), level), "each crop\ntimes its\nweights,\nsummed")
    head = boxed(axis, column(2, level + 0.5, 1.7, 1.0), "box\nhead", FPN_GREY)
    arrow(axis, (mixed.right + NEAR, level), (head.left, level))
    crop = shaded(part.crops[part.by_rule], LEVEL_COLOURS[part.by_rule])
    alone = show(axis, crop, column(3, mixed.top, CROP, CROP), FPN_GREY)
    arrow(axis, (alone.left - NEAR, level), (head.right, level), colour=FPN_GREY)
    words(axis, (mixed.middle, mixed.bottom - LINE / 2 - 0.05), "AugFPN")
    words(
        axis, (alone.middle, alone.bottom - LINE - 0.05), f"FPN's rule:\n$P_{part.by_rule}$ alone"
    )
    return figure


def mixture(part: Selected) -> NDArray:
    """The mixed crop as pixels: each bin in the colours of the levels that it is made of."""
    pixels = shaded(part.mixed, SHADE)
    colours = sum(
        part.shares[k][..., None] * np.array(to_rgb(LEVEL_COLOURS[k])) for k in part.shares
    )
    pixels[..., :3] = (255 * colours).round()
    return pixels


def printed(of: Computed) -> dict[str, list[float]]:
    """The numbers that the drawings print; they are kept in the files."""
    every = {
        "losses": [x for each in of.cs.losses.values() for x in each],
        "weights of M6": [values.mean() for values in of.rfa.weights],
        "weights of the crops": [values.mean() for values in of.srs.weights.values()],
    }
    return {name: [round(float(x), 3) for x in values] for name, values in every.items()}


PARTS = {
    "cs": consistent_supervision,
    "rfa": residual_feature_augmentation,
    "srs": soft_roi_selection,
}

if __name__ == "__main__":
    found = computed()
    numbers = json.dumps(printed(found))
    for name, draw in PARTS.items():
        write_svg(draw(found), Path(__file__).with_name(f"part_{name}.svg"), numbers)
