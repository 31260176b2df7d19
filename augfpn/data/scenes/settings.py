"""What the scenes of a set have in common: sizes, numbers of objects, classes, dials."""

from dataclasses import dataclass

from augfpn.config import DIALS, NEW_DIALS
from augfpn.data.scenes.drawing import HUES, LINES, SPOTS

CLASSES = tuple(HUES)  # those of plain scenes, each with its own silhouette
LINED = tuple(LINES)  # the classes that the dial "detail" adds ...
PILLS = ("roofed", "floored")  # ... those of "context" ...
ARRANGED = tuple(SPOTS)  # ... and those of "arrangement"
LEAST_LINED = 0.4  # of the picture's height: lined and spotted objects are no smaller ...
LARGEST_PILL = 0.3  # ... and pills no larger, so that they can lie far from both edges


@dataclass(frozen=True, kw_only=True)
class SceneSettings:
    """The size of the pictures, and how many objects of which sizes and classes they show.

    Shapes: `width`, `height`, `smallest`: px; `largest`: fraction of the height. The longer side
        of an object is drawn log-uniformly between `smallest` and `largest`. A scene gets from
        `fewest` to `most` objects; an object for which there is no room is left out.
        `classes` are some of CLASSES, in the order of their labels. An object is turned by up to
        2 atan(`tilt`) to either side: at 0 it stands upright, at 1 it turns up to a right angle.
        `own_colours` is the share of objects that have the colour of their class; at 0 the colour
        says nothing about the class. `detail`, `context`, `scale` and `arrangement`
        are the dials that `augfpn.data.scenes.dials` explains, from 0 to 1; with `told_by_colour`,
        colour tells the classes that they add, too.
    Raises: ValueError for a value out of range.
    """

    width: int = 320
    height: int = 256
    smallest: int = 12
    largest: float = 0.65
    fewest: int = 3
    most: int = 8
    classes: tuple[str, ...] = CLASSES
    tilt: float = 1.0
    own_colours: float = 0.0
    detail: float = 0.0
    context: float = 0.0
    scale: float = 0.0
    arrangement: float = 0.0
    told_by_colour: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"width": 64, "height": 64, "smallest": 10, "fewest": 1, "seed": 0}
        for name, low in least.items():
            expect_whole(name, getattr(self, name), low)
        expect_whole("smallest", self.smallest, 10, min(self.width, self.height) // 2)
        room = min(100, self.width * self.height // (4 * self.smallest * self.smallest))
        expect_whole("fewest", self.fewest, 1, room)
        expect_whole("most", self.most, self.fewest, room)
        if not self.classes or len(set(self.classes) & set(CLASSES)) != len(self.classes):
            raise ValueError(f"classes={self.classes!r}: give some of {CLASSES}, each once.")
        for name in ("tilt", "own_colours", *DIALS, *NEW_DIALS):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}={getattr(self, name)!r}: give a number from 0 to 1.")
        low, high = self.smallest / self.height, 0.9 * min(1, self.width / self.height)
        if not (isinstance(self.largest, int | float) and low <= self.largest <= high):
            raise ValueError(
                f"largest={self.largest!r} does not fit a scene: give a fraction of the height "
                f"from {low:.3g} to {high:.3g}."
            )
        self._expect_dials_that_fit()

    def _expect_dials_that_fit(self) -> None:
        """Raise ValueError for dials that do not fit each other or the sizes."""
        if self.detail + self.context + self.arrangement > 1:
            raise ValueError(
                f"detail={self.detail}, context={self.context} and arrangement={self.arrangement} "
                "are shares of the same objects: their sum may be 1 at most."
            )
        if (self.detail or self.arrangement) and self.largest < LEAST_LINED:
            name = "detail" if self.detail else "arrangement"
            raise ValueError(f"largest={self.largest!r}: with {name}, give {LEAST_LINED} or more.")
        if self.context and self.smallest > LARGEST_PILL * self.height:
            limit = int(LARGEST_PILL * self.height)
            raise ValueError(f"smallest={self.smallest!r}: with context, give {limit} at most.")

    @property
    def all_classes(self) -> tuple[str, ...]:
        """The classes in the order of their labels, those that dials add last."""
        added = LINED * bool(self.detail) + PILLS * bool(self.context)
        return self.classes + added + ARRANGED * bool(self.arrangement)


def expect_whole(name: str, value: object, low: int, high: int | None = None) -> None:
    """Raise ValueError for a value that is no whole number, or is out of range."""
    if isinstance(value, int) and low <= value and (high is None or value <= high):
        return
    limits = f"of {low} or more" if high is None else f"from {low} to {high}"
    raise ValueError(f"{name}={value!r} does not fit a scene: give a whole number {limits}.")
