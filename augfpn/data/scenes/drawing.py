"""How scenes are drawn: grounds, surfaces, shadows, strokes and blobs.

A seed gives the same bytes in every process and on every platform. To this end the code uses only
integers, `Generator.random`, and + - * / sqrt and comparisons of single elements, which IEEE 754
rounds correctly everywhere. It uses no sin, exp, pow, normal, `Generator.uniform` (a compiler may
fuse its a + b * u), floating-point sum, matrix product or resampling. The cosine and sine of an
angle come from a number t as ((1 - t^2) / (1 + t^2), 2t / (1 + t^2)).

Lengths are in pixels; x runs right, y runs down, and pixel i covers [i, i + 1). Colours are
(3, 1, 1) float32 from 0 to 1, a canvas is (3, H, W), and `light` points towards the light.
"""

from math import ceil, floor

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from augfpn.data.scenes.silhouettes import (
    Floats32,
    Patch,
    Point,
    Window,
    axes,
    between,
    blur,
    log_between,
    pick,
    turn_within,
    turned,
)

SURFACES = ("plain", "striped", "dotted", "checked")
LINES = {"fine-lined": 3.0, "coarse-lined": 5.0}  # surfaces of lines, and their period in px
# Surfaces with four spots, two full ones and two rings, one in each quarter: where the full ones
# are, as signs of x and y. Spots are so far apart that what sees only one of them sees no class.
SPOTS = {"crossed": ((1, 1), (-1, -1)), "sided": ((1, 1), (1, -1))}
SPOT_AT, SPOT_RADIUS = 0.225, 0.1  # of an object's size: from each axis, and of a spot

# Textures: number of bands (0: none), then octaves of noise: height and width of a cell in px,
# and weight.
TEXTURES = (
    (0, ((72, 72, 0.6), (24, 24, 0.3), (3, 3, 0.12))),  # paper
    (0, ((56, 56, 0.5), (3, 72, 0.35), (2, 30, 0.2))),  # wood
    (0, ((56, 56, 0.5), (72, 3, 0.35), (30, 2, 0.2))),  # curtain
    (0, ((64, 64, 0.5), (2, 24, 0.3), (24, 2, 0.3))),  # linen
    (0, ((40, 40, 0.4), (9, 9, 0.4), (4, 4, 0.25))),  # felt
    (2, ((80, 80, 0.8), (30, 30, 0.2), (9, 9, 0.06))),  # marble
    (2, ((20, 110, 0.8), (8, 60, 0.15), (2, 24, 0.1))),  # dunes
)
# Palettes: three related tints of the ground, then six inks that stand out from all of them.
PALETTES = (
    "f3e8d2 e3d1ac d2ba8c | b3392c 1f5f6b 3b6b3f 2f2b35 7a3f7d 2a6fb0",
    "dfe8ea c3d4d8 a9c1c6 | d1492e 23395b 8a2f5c 2f6b4f 3b3a36 e0930f",
    "22313f 2c4152 3a5368 | f2b134 ed553b 6fd6c2 f4efe4 ee8fae a6d854",
    "2e2a33 3f3947 524a5c | f6c85f 6fb1fc ff7a5c 9dd866 f1ece0 f29ac4",
    "dde5c8 c6d3a5 aebf86 | c0392b 27496d 6b2d5c 2f3e2c e07a1f 1b7f79",
    "f0dcd5 e2c2b7 cfa598 | 285e61 7b2335 2d3a6b 3f5d2a b8336a 5b3a8c",
    "234038 2f5347 3f6a59 | f4d35e ee964b f7f3e3 f28fa0 8fd3f4 c7f0a0",
    "cfc9c0 b8b0a4 a0978a | 9c2f2f 1f4e79 f0b429 2e5e3e 5e2a66 2b2b2b",
    "5b3a29 6f4a35 855c43 | f5e6c4 f2a541 7fd1c7 f08a7b c3e88d a9c9ff",
    "cfe3ef b2d0e3 93bad4 | d95f30 7a1f3d 2b2d5b 2c5f3a f7e04b 3a3a3a",
    "e9e3f2 d3c8e4 b9aad2 | 20706a c8442f 3a2a5e 2f4f8f 4f6b1e 8f2457",
    "3a2340 4b2f52 5f3f66 | ffd166 7ee0d0 ff8c69 f6f0ff 9fd356 8fb8ff",
)


# Each class's own colour, for settings with `own_colours`: weights of red, green and blue.
HUES = {
    "disk": (1.0, -0.5, -0.5),
    "square": (0.5, -1.0, 0.5),
    "triangle": (-0.5, -0.5, 1.0),
    "star": (0.5, 0.5, -1.0),
    "cross": (-0.5, 1.0, -0.5),
}


def palette(rng: Generator) -> tuple[list[Floats32], list[Floats32]]:
    """A palette's three tints for the ground, and its six inks, starting at a random ink."""
    tints, inks = (
        [np.array([*bytes.fromhex(code)], np.float32).reshape(3, 1, 1) / 255 for code in half]
        for half in (half.split() for half in pick(rng, PALETTES).split("|"))
    )
    start = int(rng.random() * len(inks))
    return tints, inks[start:] + inks[:start]


def blend(canvas: Floats32, window: Window, colour: Floats32, share: Floats32) -> None:
    """Mix a colour into a window of the canvas; ``share``, 0 to 1, is the weight of the colour."""
    under = canvas[:, *window]
    under += (colour - under) * share


def noise(rng: Generator, shape: tuple[int, int], cells: tuple[int, int]) -> Floats32:
    """Smooth noise around 0, rarely beyond 1: quadratic B-splines over a grid of random values."""
    grid = [length // cell + 4 for length, cell in zip(shape, cells, strict=True)]
    values = rng.random(grid, dtype=np.float32) * 4 - 2
    for length, cell in zip(shape, cells, strict=True):  # each pass transposes: rows, then columns
        t = ((np.arange(cell, dtype=np.float32) + 0.5) / cell)[:, None]
        before, after = (1 - t) * (1 - t) / 2, t * t / 2
        knots = values[:, None]
        fine = knots[:-2] * before
        fine += knots[1:-1] * (1 - before - after)
        fine += knots[2:] * after
        start = int(rng.random() * cell)
        rows = fine.reshape(-1, values.shape[1])[start : start + length]
        values = np.ascontiguousarray(rows.T)
    return values


def slope(field: Floats32, light: Point) -> Floats32:
    """The slope of a field in the direction of the light, per px."""
    rise = np.empty_like(field)
    here = field[1:, 1:]
    rise[1:, 1:] = (here - field[1:, :-1]) * light[0] + (here - field[:-1, 1:]) * light[1]
    rise[0], rise[:, 0] = rise[1], rise[:, 1]
    return rise


def material(
    rng: Generator, shape: tuple[int, int], tints: list[Floats32], light: Point
) -> Floats32:
    """A texture in two tints, in relief: (3, H, W)."""
    bands, octaves = pick(rng, TEXTURES)
    relief = np.zeros(shape, np.float32)
    for height, width, weight in octaves:
        relief += noise(rng, shape, (height, width)) * weight
    if bands:
        relief *= bands
        relief = np.abs(relief - np.floor(relief) - 0.5) * 4 - 1
    shade = 1 - slope(relief, light) * 0.25
    first = int(rng.random() * 3)
    colour = np.clip(relief * 0.5 + 0.5, 0, 1) * (tints[first - 1] - tints[first])
    colour += tints[first]
    colour *= shade
    return colour


def ground(rng: Generator, shape: tuple[int, int], tints: list[Floats32], light: Point) -> Floats32:
    """One material, or two with a soft border, brighter towards the light: (3, H, W)."""
    canvas = material(rng, shape, tints, light)
    everywhere = slice(0, shape[0]), slice(0, shape[1])
    centre = shape[1] / 2, shape[0] / 2
    if rng.random() < 0.45:
        border = axes(everywhere, centre, turn_within(rng))[0] / shape[0]
        border += noise(rng, shape, (70, 70)) * between(rng, 0.02, 0.2)
        share = np.clip(border * between(rng, 3, 30) + 0.5, 0, 1)
        blend(canvas, everywhere, material(rng, shape, tints, light), share)
    towards = axes(everywhere, centre, light)[0]
    canvas *= 1 + towards * (between(rng, 0.08, 0.3) / max(shape))
    return canvas


def strip(
    rng: Generator,
    canvas: Floats32,
    picture: Window,
    share: float,
    tints: list[Floats32],
    light: Point,
) -> None:
    """Draw a strip of another material along the upper edge of the picture, or the lower one.

    ``share`` is the strip's share of the picture's height, negative for the lower edge.
    """
    rows, columns = picture
    height = ceil(abs(share) * (rows.stop - rows.start))
    top = rows.start if share > 0 else rows.stop - height
    canvas[:, top : top + height, columns] = material(
        rng, (height, columns.stop - columns.start), tints, light
    )


def clutter(rng: Generator, canvas: Floats32, picture: Window, inks: list[Floats32]) -> None:
    """Draw something that is no object: a bent stroke or a soft blob."""
    down, across = (between(rng, side.start, side.stop) for side in picture)
    length = log_between(rng, 12, 0.35 * (picture[0].stop - picture[0].start))
    half = length / 2 + 4
    window = tuple(slice(floor(at - half), ceil(at + half)) for at in (down, across))
    x, y = axes(window, (across, down), turn_within(rng))
    if rng.random() < 0.6:
        off = np.abs(y - x * x * (between(rng, -0.6, 0.6) / length)) - between(rng, 0.5, 1.6)
        share = np.clip(0.5 - np.maximum(off, np.abs(x) - length / 2), 0, 1) * 0.8
    else:
        inside = 1 - (x * x + y * y * between(rng, 1, 5)) * (6 / (length * length))
        share = np.maximum(inside, 0)
        share = share * share * between(rng, 0.3, 0.7)
    blend(canvas, window, pick(rng, inks), share)


def pattern(surface: str, x: Floats32, y: Floats32, period: float) -> Floats32 | float:
    """The share of an object's second colour at each pixel, 0 to 1."""
    if surface == "plain":
        return 0.0
    # Distances to the nearest of parallel lines, a period apart.
    u, v = (np.abs(w - np.floor(w / period + 0.5) * period) for w in (x, y))
    if surface == "dotted":
        return np.clip(0.3 * period + 0.5 - np.sqrt(u * u + v * v), 0, 1)
    stripes, across = (np.clip(w - (0.25 * period - 0.5), 0, 1) for w in (u, v))
    if surface == "striped" or surface in LINES:
        return stripes
    return stripes + across - 2 * stripes * across


def spots(surface: str, x: Floats32, y: Floats32, size: float) -> Floats32:
    """The share of an object's second colour where it has spots, 0 to 1."""
    radius = SPOT_RADIUS * size
    u, v = np.abs(x) - SPOT_AT * size, np.abs(y) - SPOT_AT * size
    away = np.sqrt(u * u + v * v)
    spot = np.clip(radius + 0.5 - away, 0, 1)
    hole = np.clip(0.6 * radius + 0.5 - away, 0, 1)
    full = sum(((x * a > 0) & (y * b > 0) for a, b in SPOTS[surface]), np.zeros(x.shape, bool))
    return np.where(full, spot, spot - hole).astype(np.float32)


def colours(rng: Generator, inks: list[Floats32], number: int) -> tuple[Floats32, Floats32]:
    """An object's two colours: the ink of this number, and one that contrasts with it."""
    number %= len(inks)
    ink = inks[number] * between(rng, 0.88, 1.08)
    others = (ink * 0.5, 1 - (1 - ink) * 0.35, inks[number - 1], inks[number - 2])
    clear = [other for other in others if np.abs(other - ink).max() > 0.3]
    return ink, pick(rng, clear)


def own_ink(name: str, inks: list[Floats32]) -> int:
    """The number of the ink that is closest to a class's own colour."""
    red, green, blue = HUES[name]
    shares = [float(r * red + g * green + b * blue) for r, g, b in (ink[:, 0, 0] for ink in inks)]
    return shares.index(max(shares))


def paint(
    rng: Generator,
    canvas: Floats32,
    patch: Patch,
    surface: str,
    inks: tuple[Floats32, Floats32],
    light: Point,
) -> None:
    """Draw an object: drop shadow, pattern, and a rounded edge that the light falls on."""
    size, edge, soft = patch.size, patch.distance, blur(patch.size)
    shadow = np.clip(0.5 - edge / (4 * soft), 0, 1)
    down, right = (floor(0.5 - 1.4 * soft * towards) for towards in reversed(light))
    rows, columns = patch.window
    fallen = (
        slice(rows.start + down, rows.stop + down),
        slice(columns.start + right, columns.stop + right),
    )
    canvas[:, *fallen] *= 1 - shadow * shadow * (1.5 - shadow)
    period = LINES.get(surface) or max(5.0, size * between(rng, 0.14, 0.3))
    x, y = (w + between(rng, 0, period) for w in (patch.x, patch.y))
    if surface in SPOTS:
        second = spots(surface, patch.x, patch.y, size)
    else:
        second = pattern(surface, x, y, period)
    colour = inks[0] + (inks[1] - inks[0]) * second
    rim = np.clip(1 + edge / (1 + 0.13 * size), 0, 1)
    a, b = turned(*light, patch.turn)
    lit = 1 + (patch.x * a + patch.y * b) * (0.3 / size) + slope(edge, light) * rim * rim * 0.35
    blend(canvas, patch.window, colour * lit, np.clip(0.5 - edge, 0, 1))


def develop(rng: Generator, canvas: Floats32) -> NDArray[np.uint8]:
    """A canvas (3, H, W) as a picture (H, W, 3) uint8, with a fine grain added."""
    grain = rng.random(canvas.shape[1:], dtype=np.float32)
    levels = canvas * (grain * 15 + 247.5)
    levels += 0.5
    return np.clip(levels, 0, 255, out=levels).transpose(1, 2, 0).astype(np.uint8, order="C")
