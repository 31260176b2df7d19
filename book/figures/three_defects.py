"""Draw FPN and AugFPN: python book/figures/three_defects.py writes fpn.svg and three_defects.svg.

A scene goes through the backbone (the thumbnails have each level's true number of places), FPN's
M, sums and P. From P come proposals, and for one of these boxes, drawn in the scene, too, the head
reads P. In the drawing of FPN it reads one level, and three empty spots are numbered; in that of
AugFPN, the landing page's picture, three parts in colour fill them.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Rectangle

from augfpn.data.scenes.scene import scene
from augfpn.data.scenes.settings import SceneSettings
from augfpn.figures.colours import BLUE, GREEN, ORANGE
from augfpn.figures.theme import INK, themed, write_svg

SCENE = scene(SceneSettings(), "train", 12)
LEVELS = (2, 3, 4, 5)
WIDTH = {2: 1.5, 3: 1.2, 4: 0.95, 5: 0.75}  # of a map in the drawing; its height is 0.8 of it
HEIGHT = {2: 0.75, 3: 2.35, 4: 3.7, 5: 4.85}  # of a map's middle
C, M, SUM, P, HEAD = 3.6, 5.6, 7.05, 8.4, 10.75  # middles of the columns
HEAD_Y, BOX_Y, PROPOSALS_Y = 2.35, 3.8, 4.85  # heights in the last column
OBJECT, BOX_LEVEL = 4, 3  # of the scene, whose box is drawn, and the level of its size
SHARED = M + 1.0  # where the levels' common head of Consistent Supervision is
SHARED_Y, RADIUS = -0.5, 0.19  # that head's height, and the radius of a sum's circle
GREY = "#8a8a8a"
ON_SCENE = "#111111"  # of lines on it; unlike `INK` it stays dark on dark pages
FACE = {"M": "#eeeeee", "P": "#e6e6e6"}  # of the maps; book/finish.py makes both dark on dark pages


def arrow(
    axis: Axes, start: tuple, end: tuple, colour: str = GREY, bend: float = 0, width: float = 1.8
) -> None:
    style = f"arc3,rad={bend}"
    axis.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=13, lw=width, color=colour,
            connectionstyle=style, shrinkA=0, shrinkB=0,
        )
    )  # fmt: skip


def box(
    axis: Axes, middle: tuple, width: float, height: float, edge: str, face: str, line: str = "-"
) -> None:
    x, y = middle[0] - width / 2, middle[1] - height / 2
    style = "round,pad=0,rounding_size=0.06"
    look = {"ec": edge, "fc": face, "lw": 1.8, "ls": line}
    axis.add_patch(FancyBboxPatch((x, y), width, height, style, **look, zorder=3))


def badge(axis: Axes, number: int, colour: str, at: tuple) -> None:
    axis.add_patch(Circle(at, 0.25, color=colour, zorder=5))
    axis.text(*at, str(number), color="white", size=19, weight="bold", zorder=6, **MIDDLE)


MIDDLE = {"ha": "center", "va": "center_baseline"}


def plus(axis: Axes, y: float, colour: str = GREY) -> None:
    """A sum, as a circle with a plus."""
    axis.add_patch(Circle((SUM, y), RADIUS, fill=False, ec=colour, lw=1.8, zorder=4))
    for x, z in ((0.6 * RADIUS, 0.0), (0.0, 0.6 * RADIUS)):
        axis.plot((SUM - x, SUM + x), (y - z, y + z), color=colour, lw=1.8, zorder=4)


def picture(axis: Axes, pixels: torch.Tensor, middle: tuple, width: float) -> None:
    x, y, height = middle[0] - width / 2, middle[1] - 0.4 * width, 0.8 * width
    extent = (x, x + width, y, y + height)
    axis.imshow(pixels, extent=extent, interpolation="nearest", zorder=2)


def spot(axis: Axes, number: int, at: tuple) -> None:
    """A place where FPN has nothing."""
    axis.add_patch(Circle(at, 0.25, fill=False, ec=INK, lw=1.6, ls=(0, (2.5, 1.5)), zorder=5))
    axis.text(*at, str(number), color=INK, size=19, zorder=6, **MIDDLE)


def pyramid(axis: Axes, sum_at_top: bool) -> None:
    """What FPN has: the scene, C, M, the sums, P and the head.

    Its M5 leads straight to P5; where something is added to it, there is ``sum_at_top``.
    """
    pixels = torch.from_numpy(SCENE.image).permute(2, 0, 1)[None].float()
    picture(axis, torch.from_numpy(SCENE.image), (1.15, HEIGHT[2] + 0.31), 2.3)
    x, y, width, height = (side * 2.3 / SCENE.image.shape[1] for side in SCENE.objects[OBJECT].box)
    outline(axis, (x, HEIGHT[2] + 0.31 + 0.92 - y - height), width, height, ON_SCENE)
    arrow(axis, (2.35, HEIGHT[2]), (C - 0.8, HEIGHT[2]))
    for k in LEVELS:
        y, w = HEIGHT[k], WIDTH[k]
        small = F.avg_pool2d(pixels, 2**k)[0].permute(1, 2, 0).byte()
        picture(axis, small, (C, y), w)
        for x, name in ((M, "M"), (P, "P")):
            box(axis, (x, y), w, 0.8 * w, GREY, FACE[name])
            axis.text(x, y, f"{name}$_{k}$", color=INK, size=20, zorder=4, **MIDDLE)
        axis.text(C - w / 2, y + 0.4 * w + 0.09, f"C$_{k}$", size=20, color=INK, va="bottom")
        arrow(axis, (C + w / 2 + 0.06, y), (M - w / 2 - 0.06, y))
        ends = (M + w / 2 + 0.06, y), (P - w / 2 - 0.06, y)
        if k < 5 or sum_at_top:
            arrow(axis, ends[0], (SUM - RADIUS, y))
            arrow(axis, (SUM + RADIUS, y), ends[1])
        else:
            arrow(axis, *ends)
        if k < 5:
            plus(axis, y)
            gap = RADIUS if k < 4 or sum_at_top else 0
            arrow(axis, (SUM, HEIGHT[k + 1] - gap), (SUM, y + RADIUS))
            above = HEIGHT[k + 1] - 0.4 * WIDTH[k + 1]
            arrow(axis, (C + 0.2, y + 0.4 * w + 0.05), (C + 0.2, above - 0.05))
    proposed(axis)
    box(axis, (HEAD, HEAD_Y), 1.05, 0.9, INK, "none")
    axis.text(HEAD, HEAD_Y, "head", size=19, color=INK, zorder=4, **MIDDLE)


def proposed(axis: Axes) -> None:
    """The proposals, which come from all of P, and one box, on its way to the head."""
    low, high = HEIGHT[2] - 0.69, HEIGHT[5] + 0.42
    axis.add_patch(Rectangle((P - 0.84, low), 1.68, high - low, fill=False, ec=GREY, lw=0.9))
    arrow(axis, (P + 0.86, PROPOSALS_Y), (HEAD - 0.92, PROPOSALS_Y))
    box(axis, (HEAD, PROPOSALS_Y), 1.76, 0.6, GREY, "none")
    axis.text(HEAD, PROPOSALS_Y, "proposals", size=17.5, color=INK, zorder=4, **MIDDLE)
    axis.plot((HEAD, HEAD), (PROPOSALS_Y - 0.32, BOX_Y + 0.2), color=GREY, lw=1.8)
    outline(axis, (HEAD - 0.2, BOX_Y - 0.2), 0.4, 0.4, INK)
    axis.text(HEAD + 0.3, BOX_Y, "box", size=17.5, color=INK, ha="left", va="center_baseline")
    arrow(axis, (HEAD, BOX_Y - 0.22), (HEAD, HEAD_Y + 0.48))


def outline(axis: Axes, corner: tuple, width: float, height: float, colour: str) -> None:
    """A bounding box."""
    axis.add_patch(Rectangle(corner, width, height, fill=False, ec=colour, lw=2.4, zorder=4))


def one_level(axis: Axes) -> None:
    """That FPN's head reads one level for the box, and the three places where FPN has nothing."""
    for k in LEVELS:
        to_head(axis, k, *((INK, 3.4) if k == BOX_LEVEL else (GREY, 0.9)))
    label = f"this box:\nP$_{BOX_LEVEL}$"
    axis.text(HEAD + 0.05, 1.35, label, color=INK, size=17.5, ha="center", va="center")
    for number, at in enumerate(((M + 0.97, 1.7), (SUM, HEIGHT[5] + 0.55), (9.61, 1.93)), start=1):
        spot(axis, number, at)


def to_head(axis: Axes, k: int, colour: str, width: float) -> None:
    """An arrow from level k of P to the head."""
    end = HEAD - 0.57, HEAD_Y + 0.12 * (k - 3.5)
    arrow(axis, (P + WIDTH[k] / 2 + 0.06, HEIGHT[k]), end, colour, width=width)


def parts(axis: Axes) -> None:
    """What AugFPN adds, and the number of the defect that each part mends."""
    for k in LEVELS:
        y, w = HEIGHT[k], WIDTH[k]
        axis.plot([M + w / 2, SHARED], [y - 0.22 * w] * 2, color=BLUE, lw=1.8, marker="o")
        to_head(axis, k, ORANGE, 1.8)
    arrow(axis, (SHARED, HEIGHT[5] - 0.22 * WIDTH[5]), (SHARED, SHARED_Y + 0.3), BLUE)
    box(axis, (SHARED, SHARED_Y), 2.8, 0.6, BLUE, "none", "--")
    axis.text(SHARED, SHARED_Y, "shared head", size=19, color=INK, zorder=4, **MIDDLE)
    beside = {"ha": "left", "va": "center_baseline"}
    axis.text(SHARED + 1.6, SHARED_Y, "training only", size=19, color=INK, **beside)
    badge(axis, 1, BLUE, (SHARED - 1.4, SHARED_Y + 0.3))
    plus(axis, HEIGHT[5], GREEN)
    w, y = WIDTH[5], HEIGHT[5] + 1.05
    top = HEIGHT[5] + 0.4 * w + 0.06
    arrow(axis, (C + 0.1, top), (SUM - w / 2 - 0.06, y), GREEN, -0.2)
    box(axis, (SUM, y), w, 0.8 * w, GREEN, FACE["M"])
    axis.text(SUM, y, "M$_6$", size=20, color=INK, zorder=4, **MIDDLE)
    arrow(axis, (SUM, y - 0.4 * w - 0.06), (SUM, HEIGHT[5] + RADIUS), GREEN)
    badge(axis, 2, GREEN, ((C + SUM) / 2 - 0.3, HEIGHT[5] + 0.95))
    badge(axis, 3, ORANGE, (HEAD - 0.55, 3.25))


@themed
def three_defects() -> Figure:
    """AugFPN."""
    figure, axis = canvas(5.5, (-0.9, 6.25))
    pyramid(axis, sum_at_top=True)
    parts(axis)
    return figure


@themed
def fpn() -> Figure:
    """FPN alone."""
    figure, axis = canvas(4.44, (-0.03, 5.74))
    pyramid(axis, sum_at_top=False)
    one_level(axis)
    return figure


def canvas(tall: float, heights: tuple) -> tuple[Figure, Axes]:
    """An empty drawing, so many inches tall, from one height to another."""
    figure = plt.figure(figsize=(9, tall), layout="none")
    axis = figure.add_axes((0, 0, 1, 1))
    axis.axis("off")
    axis.set(xlim=(0, 11.7), ylim=heights, aspect="equal", autoscale_on=False)
    return figure, axis


def write_card(file: Path) -> None:
    """Write the drawing as the picture of shared links: PNG of 1200 x 630 px."""
    figure = three_defects()
    figure.set_size_inches(12, 6.3)
    figure.savefig(file, dpi=100, facecolor="white")


if __name__ == "__main__":
    with plt.rc_context({"mathtext.fontset": "dejavusans"}):
        write_svg(fpn(), Path(__file__).with_name("fpn.svg"))
        write_svg(three_defects(), Path(__file__).with_suffix(".svg"))
        write_card(Path(__file__).parents[1] / "_static" / "card.png")
