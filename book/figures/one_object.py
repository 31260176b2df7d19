"""Draw one object at any size on one ground, and read it with three trained detectors.

    python book/figures/one_object.py RUN   writes one_object.svg and the interactive data

The object is drawn anew at each size, by the code that draws the scenes. FPN and AugFPN are those
of scenes whose weights the book keeps, and get the object's own box. RUN is a folder of a run of
Soft RoI Selection alone, whose weights the book does not keep: that of seed 0, repeated.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import torch
from interactive import HERE, STATIC, write
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.random import default_rng
from numpy.typing import NDArray
from pieces import shaded
from PIL import Image

from augfpn.data.scenes.drawing import colours, develop, ground, paint, palette
from augfpn.data.scenes.silhouettes import Floats32, Patch, axes, blur, distance, reach
from augfpn.detectors.two_stage import TwoStage
from augfpn.diagnostics.assignment import probabilities
from augfpn.diagnostics.objects import maps
from augfpn.figures.colours import BLUE, LEVEL_COLOURS
from augfpn.figures.theme import GREY, INK, WIDTH, themed, write_svg
from augfpn.study import gather
from augfpn.training import reopen

HEIGHT, ACROSS, MARGIN = 256, 320, 64  # px of the scene, and around it
SEED, NAME, SURFACE, CLASS = 5, "cross", "checked", 3  # of the scenes' classes, from 1
LIGHT = (0.6, -0.8)
SIDES = range(24, 151)  # px
BEFORE, AFTER = 71, 73  # on either side of a border of the rule
VIEW, LARGE = 112, 200  # px: of the scene in the static drawing; of the object on its own
LETTERS = 10.8  # points
PICTURE = slice(MARGIN, MARGIN + HEIGHT), slice(MARGIN, MARGIN + ACROSS)


class Read(NamedTuple):
    """The object at one size, and what the detectors say of its box."""

    image: NDArray[np.uint8]
    box: tuple[float, float, float, float]
    level: int  # by FPN's rule
    crop: NDArray[np.float32]  # what FPN's head gets: norms over channels
    chances: dict[str, float]  # of the object's class, by detector
    weights: list[float]  # of AugFPN, by level


def patch_at(size: float, centre: tuple[float, float], canvas: tuple[int, int]) -> Patch:
    """The object, upright, its longer side so many px, around a centre (x, y) of a canvas."""
    radius = size / (reach(NAME, 1, 0) + reach(NAME, -1, 0))
    room = size / 2 + 2 * blur(size) + 1  # for its shadow
    window = tuple(
        slice(max(0, int(at - room)), min(side, int(at + room) + 1))
        for at, side in zip(reversed(centre), canvas, strict=True)
    )
    x, y = axes(window, centre, (1.0, 0.0))
    return Patch(window, x, y, distance(NAME, x, y, radius), size, (1.0, 0.0))


def painted(canvas: Floats32, size: float, centre: tuple[float, float]) -> Patch:
    """Paint the object on a canvas: with the same inks and the same pattern at each size."""
    _, inks = palette(default_rng(SEED))
    rng, patch = default_rng(SEED + 1000), patch_at(size, centre, canvas.shape[1:])
    paint(rng, canvas, patch, SURFACE, colours(rng, inks, 2), LIGHT)
    return patch


def empty() -> Floats32:
    """The ground, with a margin for what reaches beyond the scene."""
    rng = default_rng(SEED)
    tints, _ = palette(rng)
    canvas = np.zeros((3, HEIGHT + 2 * MARGIN, ACROSS + 2 * MARGIN), np.float32)
    canvas[:, *PICTURE] = ground(rng, (HEIGHT, ACROSS), tints, LIGHT)
    return canvas


def developed(canvas: Floats32) -> NDArray[np.uint8]:
    return develop(default_rng(SEED + 2000), canvas)


def drawn(size: float) -> tuple[NDArray[np.uint8], tuple[float, float, float, float]]:
    """The scene with the object in its middle, and the object's box."""
    canvas = empty()
    patch = painted(canvas, size, (MARGIN + ACROSS / 2, MARGIN + HEIGHT / 2))
    covered = np.zeros(canvas.shape[1:], bool)
    covered[patch.window] = patch.distance <= 0
    rows, columns = (np.flatnonzero(covered[PICTURE].any(axis)) for axis in (1, 0))
    box = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    return developed(canvas[:, *PICTURE]), tuple(map(float, box))


def detectors(srs: Path | None = None) -> dict[str, TwoStage]:
    """FPN and AugFPN; with a folder of its run, Soft RoI Selection alone, too."""
    of = gather.committed("scenes")
    folders = {name: of.recorded(name)[0].folder for name in ("fpn", "augfpn")}
    folders |= {"srs": srs} if srs else {}
    return {name: reopen.load_detector(folder, "cpu")[0] for name, folder in folders.items()}


@torch.no_grad()
def read(size: float, nets: dict[str, TwoStage]) -> Read:
    """The object at one size, as the detectors see it."""
    image, box = drawn(size)
    pixels, boxes = torch.from_numpy(image).permute(2, 0, 1), torch.tensor([box])
    target = {"boxes": boxes, "labels": torch.tensor([CLASS])}
    seen = {name: maps(net, pixels, target, "cpu") for name, net in nets.items()}
    chances = {
        name: float(probabilities(net, net.select, seen[name].p, seen[name].boxes)[0, CLASS])
        for name, net in nets.items()
    }
    rule, soft = nets["fpn"].select, nets["augfpn"].select
    weights = soft.fusion.weights(soft.pool(seen["augfpn"].p, [seen["augfpn"].boxes]))
    crop = rule(seen["fpn"].p, [seen["fpn"].boxes])[0].norm(dim=0)
    level = int(rule.level_of(seen["fpn"].boxes))
    return Read(image, box, level, crop.numpy(), chances, weights.mean((0, 2, 3)).tolist())


def cut_out() -> Image.Image:
    """The object alone, large, with its shadow, on a transparent ground."""
    side = 2 * int(LARGE / 2 + 4 * blur(LARGE))  # its shadow falls beside it
    on = [np.full((3, side, side), shade, np.float32) for shade in (0.0, 1.0)]
    for canvas in on:
        painted(canvas, LARGE, (side / 2, side / 2))
    alpha = 1 - (on[1] - on[0]).mean(axis=0)  # what a white ground adds to a black one
    colour = np.clip(on[0] / np.maximum(alpha, 1e-3), 0, 1)
    pixels = np.dstack([*colour, np.clip(alpha, 0, 1)])
    return Image.fromarray((255 * pixels).round().astype(np.uint8))


def borders(nets: dict[str, TwoStage]) -> list[float]:
    """The sides at which the rule changes the level."""
    return [nets["fpn"].select.canonical_size * 2.0**k for k in (-1, 0, 1)]


@themed
def growing(every: dict[int, Read], limits: list[float]) -> Figure:
    """The object on either side of a border, what FPN's head gets, and all sizes below."""
    figure = plt.figure(figsize=(WIDTH, 4.5))
    grid = figure.add_gridspec(2, 4, height_ratios=(1, 1.25))
    for place, side in enumerate((BEFORE, AFTER)):
        of = every[side]
        two = [figure.add_subplot(grid[0, 2 * place + i]) for i in (0, 1)]
        twin(two, of, side)
    axis = figure.add_subplot(grid[1, :])
    axis.vlines(limits, 0, 1, color=GREY, lw=1.2, ls="--")
    for name, colour, line in (("AugFPN", BLUE, "-"), ("SRS alone", BLUE, ":"), ("FPN", INK, "-")):
        values = [of.chances[name.lower().removesuffix(" alone")] for of in every.values()]
        axis.plot([*every], values, line, color=colour, lw=2, label=name)
    axis.set(xlabel="side of the object, px", ylabel=f"probability\nof “{NAME}”", ylim=(0, 1.02))
    axis.set(xticks=[SIDES[0], *map(round, limits)], xlim=(SIDES[0], SIDES[-1]), yticks=(0, 0.5, 1))
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def twin(two: list[Axes], of: Read, side: int) -> None:
    """The object in its box, and what FPN's head gets of it."""
    colour = LEVEL_COLOURS[of.level]
    top, left = (HEIGHT - VIEW) // 2, (ACROSS - VIEW) // 2
    two[0].imshow(of.image[top : top + VIEW, left : left + VIEW])
    x1, y1, x2, y2 = of.box
    edge = {"fill": False, "lw": 2.5, "ec": colour}
    two[0].add_patch(Rectangle((x1 - left - 0.5, y1 - top - 0.5), x2 - x1, y2 - y1, **edge))
    two[0].set_title(f"{side} px", size=LETTERS)
    two[1].imshow(shaded(of.crop, colour).repeat(20, axis=0).repeat(20, axis=1))
    two[1].set_title(f"from P{of.level}", size=LETTERS)
    for axis in two:
        axis.set(xticks=[], yticks=[])
        axis.grid(False)
    two[1].set_xlabel(f"“{NAME}”: {of.chances['fpn']:.2f}", size=LETTERS)


if __name__ == "__main__":
    nets = detectors(Path(sys.argv[1]))
    every = {side: read(side, nets) for side in SIDES}
    STATIC.mkdir(parents=True, exist_ok=True)
    Image.fromarray(developed(empty()[:, *PICTURE])).save(STATIC / "ground.jpg", quality=88)
    alone = cut_out()
    alone.save(STATIC / "object.png", optimize=True)
    write("sizes", {
        "name": NAME, "width": ACROSS, "height": HEIGHT, "sides": [*SIDES],
        "canonical": nets["fpn"].select.canonical_size, "alone": alone.width / LARGE,
        "fpn": [round(of.chances["fpn"], 4) for of in every.values()],
        "augfpn": [round(of.chances["augfpn"], 4) for of in every.values()],
        "srs": [round(of.chances["srs"], 4) for of in every.values()],
        "weights": [[round(w, 2) for w in of.weights] for of in every.values()],
    })  # fmt: skip
    write_svg(growing(every, borders(nets)), HERE / "one_object.svg")
    for side in (BEFORE, AFTER):
        print(side, every[side].level, every[side].chances)
