"""The dials of scenes, each for one of FPN's defects, from 0 (a plain scene) to 1.

detail: this share of the objects is large and belongs to one of two classes that only fine texture
    tells apart: lines with a period of 3 px or of 5 px, on any silhouette, in any colours. FPN's
    rule sends such large objects to a coarse level; at an eighth of the resolution the lines are
    gone.
context: this share of the objects belongs to one of two classes that only the surroundings tell
    apart. Each picture has a strip of another material along its upper or its lower edge. Pills
    are "roofed" in pictures with an upper strip and "floored" in pictures with a lower one, and
    lie far from both edges.
scale: each plain class has a home: the smaller or the larger half of the sizes, classes by turns.
    In the split "train", and only there, an object whose size is outside of its class's home is
    given, with this probability, a size within it. At 1, a class is never trained on at half of the
    sizes at which it is tested.
arrangement: this share of the objects is large and belongs to one of two classes with the same four
    spots, two full ones and two rings: the full ones lie across from each other or side by side.
    C2 sees 23 px, which is less than the gap between two spots: what a place of M2 sees is the same
    in both classes. C5 sees the whole object.

A control shows that the loss is due to what tells the classes apart: with ``told_by_colour``, each
of the two classes that detail, context or arrangement adds has a colour of its own, which any place
of any level sees. Sizes, places, silhouettes and surfaces are those of the dial.
"""

from math import ceil, sqrt
from typing import NamedTuple

from numpy.random import Generator

from augfpn.data.scenes.settings import (
    ARRANGED,
    LARGEST_PILL,
    LEAST_LINED,
    LINED,
    PILLS,
    SceneSettings,
)
from augfpn.data.scenes.silhouettes import Point, Window, log_between, pick, turn_within

PILL = "pill"  # the silhouette of roofed and floored objects, which no plain class has
STRIP = 0.12  # of the picture's height: the strip that tells them apart
CONTROL_HUES = ("disk", "triangle")  # the colours of a dial's two classes: reddish, bluish
AWAY = 0.35  # of a pill's size: its least distance from where a strip may be


class Plan(NamedTuple):
    """What an object will be, before it has a place."""

    label: str  # its class
    name: str  # its silhouette
    surface: str
    size: float
    turn: Point
    in_own_colour: bool


def strip_above(rng: Generator, settings: SceneSettings) -> bool:
    """Whether the picture's strip is at its upper edge. Draws no random number if context is 0."""
    return bool(settings.context) and rng.random() < 0.5


def at_home(rng: Generator, settings: SceneSettings, split: str, plan: Plan) -> Plan:
    """The plan; in the split "train" its size may be replaced by one in its class's home."""
    if not settings.scale or split != "train":
        return plan
    home = home_of(settings, plan.name)
    if home[0] <= plan.size <= home[1] or rng.random() >= settings.scale:
        return plan
    return plan._replace(size=log_between(rng, *home))


def home_of(settings: SceneSettings, name: str) -> tuple[float, float]:
    """The half of the sizes that is a plain class's home: least and largest, px."""
    low, high = settings.smallest, settings.largest * settings.height
    middle = sqrt(low * high)
    return (low, middle) if settings.classes.index(name) % 2 == 0 else (middle, high)


def least_size(settings: SceneSettings, split: str, plan: Plan) -> float:
    """The size down to which an object is shrunk until there is room for it, px."""
    if plan.label in LINED + ARRANGED:
        return LEAST_LINED * settings.height
    if settings.scale and split == "train" and plan.label == plan.name:
        low, _ = home_of(settings, plan.name)
        return low if plan.size >= low else settings.smallest
    return settings.smallest


def recast(rng: Generator, settings: SceneSettings, plan: Plan, above: bool) -> Plan:
    """The plan, or instead the plan of an object of a class that a dial adds.

    ``above`` says whether the picture's strip is at its upper edge.
    """
    if not (settings.detail or settings.context or settings.arrangement):
        return plan
    drawn = rng.random()
    if drawn < settings.detail:
        label = LINED[int(rng.random() * len(LINED))]
        shares = LEAST_LINED, settings.largest
        size = log_between(rng, *(share * settings.height for share in shares))
        return plan._replace(label=label, surface=label, size=size)
    if drawn >= 1 - settings.arrangement:
        return spotted(rng, settings, plan)
    if drawn < settings.detail + settings.context:
        label = PILLS[0] if above else PILLS[1]
        largest = min(settings.largest, LARGEST_PILL) * settings.height
        size = log_between(rng, settings.smallest, largest)
        return plan._replace(label=label, name=PILL, size=size, in_own_colour=False)
    return plan


def spotted(rng: Generator, settings: SceneSettings, plan: Plan) -> Plan:
    """The plan of a disk of one of the classes that arrangement adds, turned by any angle."""
    label = pick(rng, ARRANGED)
    size = log_between(rng, LEAST_LINED * settings.height, settings.largest * settings.height)
    cosine, sine = turn_within(rng)
    turn = (cosine, sine) if rng.random() < 0.5 else (-cosine, -sine)
    return plan._replace(
        label=label, name="disk", surface=label, size=size, turn=turn, in_own_colour=False
    )


def hue_of(settings: SceneSettings, plan: Plan) -> str | None:
    """The plain class whose colour an object has; ``None`` if its colour is any other object's."""
    for pair in (LINED, PILLS, ARRANGED):
        if settings.told_by_colour and plan.label in pair:
            return CONTROL_HUES[pair.index(plan.label)]
    return plan.name if plan.in_own_colour else None


def room(plan: Plan, picture: Window) -> Window:
    """Where an object may lie: a pill far from the upper and the lower edge, others anywhere."""
    if plan.name != PILL:
        return picture
    rows, columns = picture
    away = ceil(STRIP * (rows.stop - rows.start) + AWAY * plan.size)
    return slice(rows.start + away, rows.stop - away), columns
