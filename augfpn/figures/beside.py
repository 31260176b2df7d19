"""Names beside dots, where they cover nothing."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from augfpn.figures.theme import INK

GAP = 7  # points from the middle of a dot to its name
DOT = 4  # points: half a dot's width
ROUNDS_OF_NAMES = 4
SIDES = (  # horizontal, vertical alignment, and the direction of the name from its dot
    ("left", "center", (1, 0)),
    ("right", "center", (-1, 0)),
    ("center", "top", (0, -1)),
    ("center", "bottom", (0, 1)),
)


def name_dots(
    axis: Axes, dots: Sequence[tuple[float, float]], names: Sequence[str], size: float
) -> None:
    """Write each name beside its dot: right, left, below or above it.

    A name takes the first place where it covers no dot and no other text and stays inside the axis,
    or the one where it covers least; each may move again when all others have a place. All else
    must be drawn before: the layout is fixed here.
    """
    axis.figure.draw_without_rendering()
    points = axis.figure.dpi / 72
    half = DOT * points
    fixed = [
        Bbox([[x - half, y - half], [x + half, y + half]])
        for x, y in axis.transData.transform(dots)
    ]
    fixed += [text.get_window_extent() for text in axis.texts]
    look = {"textcoords": "offset points", "size": size, "color": INK}
    texts = [axis.annotate(*each, (0, 0), **look) for each in zip(names, dots, strict=True)]
    boxes: dict[int, Bbox] = {}
    for number, text in [*enumerate(texts)] * ROUNDS_OF_NAMES:
        taken = [*fixed, *(box for other, box in boxes.items() if other != number)]
        best = min(range(len(SIDES)), key=lambda i: hidden_area(axis, put(text, i), taken))
        boxes[number] = put(text, best)


def put(text: Annotation, side: int) -> Bbox:
    """Move a name to one of ``SIDES``; returns where it is then, in pixels."""
    across, down, (x, y) = SIDES[side]
    text.set(ha=across, va=down, position=(GAP * x, GAP * y))
    return text.get_window_extent()


def hidden_area(axis: Axes, box: Bbox, taken: Sequence[Bbox]) -> float:
    """How many square pixels of a box lie on others or outside the axis."""
    inside = Bbox.intersection(box, axis.bbox)
    outside = area(box) - (0 if inside is None else area(inside))
    shared = (Bbox.intersection(box, each) for each in taken)
    return outside + sum(area(each) for each in shared if each is not None)


def area(box: Bbox) -> float:
    """In square pixels."""
    return box.width * box.height
