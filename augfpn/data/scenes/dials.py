"""Three dials of scenes, one for each defect of FPN, from 0 (a plain scene) to 1.

detail: this share of objects is large and of one of two classes that only fine texture tells
    apart, lines of 3 px or of 5 px on any silhouette, in any colours. FPN's rule of thumb sends
    such objects to a coarse level; at an eighth of the resolution nothing is left to tell.
context: this share of objects is of one of two classes that only the surroundings tell apart. Each
    picture has a strip of another material along its upper or its lower edge. Pills are "roofed"
    where it is above and "floored" where it is below, and lie far from either edge.
scale: each plain class has a home, the smaller or the larger half of the sizes in turn. In the
    split "train", and only there, an object away from home gets a size of its home with this
    probability. At 1 no class has been seen at half of the sizes that it is tested at.
"""

from math import ceil, sqrt
from typing import TYPE_CHECKING, NamedTuple

from numpy.random import Generator

from augfpn.data.scenes.drawing import LINES
from augfpn.data.scenes.silhouettes import Point, Window, log_between

if TYPE_CHECKING:
    from augfpn.data.scenes.scene import SceneSettings

NAMES = ("detail", "context", "scale")
LINED = tuple(LINES)
PILLS = ("roofed", "floored")
PILL = "pill"  # their silhouette, which no plain class has
BAND = 0.12  # of the picture's height: the strip that tells them apart
LARGE = 0.4  # of the picture's height: lined objects are no smaller ...
LARGEST_PILL = 0.3  # ... and pills no larger, so that they can lie far from both edges
AWAY = 0.35  # of its size: how far a pill stays from where a strip may be


class Plan(NamedTuple):
    """What an object will be, before it has a place."""

    label: str  # its class
    name: str  # its silhouette
    surface: str
    size: float
    turn: Point
    in_own_colour: bool


def check(settings: "SceneSettings") -> None:
    """Raise ValueError for dials that are right alone and wrong together."""
    if settings.detail + settings.context > 1:
        raise ValueError(
            f"detail={settings.detail} and context={settings.context} are shares of the same "
            "objects: together give 1 at most."
        )
    if settings.detail and settings.largest < LARGE:
        raise ValueError(f"largest={settings.largest!r}: with detail, give {LARGE} or more.")
    if settings.context and settings.smallest > LARGEST_PILL * settings.height:
        limit = int(LARGEST_PILL * settings.height)
        raise ValueError(f"smallest={settings.smallest!r}: with context, give {limit} at most.")


def classes(settings: "SceneSettings") -> tuple[str, ...]:
    """The classes that the dials add."""
    return LINED * bool(settings.detail) + PILLS * bool(settings.context)


def roofed(rng: Generator, settings: "SceneSettings") -> bool:
    """Whether the picture's strip is above. Draws nothing while there is none."""
    return bool(settings.context) and rng.random() < 0.5


def at_home(rng: Generator, settings: "SceneSettings", split: str, plan: Plan) -> Plan:
    """The plan, in training perhaps with a size of its class's home."""
    if not settings.scale or split != "train":
        return plan
    home = home_of(settings, plan)
    if home[0] <= plan.size <= home[1] or rng.random() >= settings.scale:
        return plan
    return plan._replace(size=log_between(rng, *home))


def home_of(settings: "SceneSettings", plan: Plan) -> tuple[float, float]:
    """The half of the sizes that a plain class is at home in, px."""
    low, high = settings.smallest, settings.largest * settings.height
    middle = sqrt(low * high)
    return (low, middle) if settings.classes.index(plan.name) % 2 == 0 else (middle, high)


def least(settings: "SceneSettings", split: str, plan: Plan) -> float:
    """How small an object may become where there is no room for it, px."""
    if plan.label in LINED:
        return LARGE * settings.height
    if settings.scale and split == "train" and plan.label == plan.name:
        low, _ = home_of(settings, plan)
        return low if plan.size >= low else settings.smallest
    return settings.smallest


def turned_up(rng: Generator, settings: "SceneSettings", plan: Plan, roofed: bool) -> Plan:
    """The plan, or in its place one of a class that detail or context adds."""
    if not settings.detail and not settings.context:
        return plan
    share = rng.random()
    if share < settings.detail:
        label = LINED[int(rng.random() * len(LINED))]
        size = log_between(rng, *(part * settings.height for part in (LARGE, settings.largest)))
        return plan._replace(label=label, surface=label, size=size)
    if share < settings.detail + settings.context:
        label = PILLS[0] if roofed else PILLS[1]
        largest = min(settings.largest, LARGEST_PILL) * settings.height
        size = log_between(rng, settings.smallest, largest)
        return plan._replace(label=label, name=PILL, size=size, in_own_colour=False)
    return plan


def room(plan: Plan, picture: Window) -> Window:
    """Where an object may be: anywhere, but pills far from the upper and the lower edge."""
    if plan.name != PILL:
        return picture
    rows, columns = picture
    away = ceil(BAND * (rows.stop - rows.start) + AWAY * plan.size)
    return slice(rows.start + away, rows.stop - away), columns
