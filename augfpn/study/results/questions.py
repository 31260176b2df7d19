"""The questions of the page *What we found*: effects that an interval can decide.

Each has a sentence for an effect above zero and one for an effect below.
`augfpn.study.results.findings` asks them of the records.
"""

from dataclasses import dataclass
from typing import Literal

from augfpn.study.evidence import Evidence
from augfpn.study.factorial import FACTORS, contrasts
from augfpn.study.tables import variant_label
from augfpn.study.uncertainty.cells import SIZE_OF
from augfpn.study.uncertainty.intervals import FEWEST_OBJECTS, Interval

QuestionKind = Literal["effect", "main effect", "measured"]
PART_NAMES = {
    "cs": "Consistent Supervision",
    "rfa": "Residual Feature Augmentation",
    "srs": "Soft RoI Selection",
}


@dataclass(frozen=True)
class Question:
    """A question, and how each answer is said.

    ``plus`` and ``minus`` are variants; a main effect has the component as ``plus``. ``number`` is
    an AP number or one of `augfpn.diagnostics`.
    """

    topic: str
    above: str
    below: str
    kind: QuestionKind
    plus: tuple[str, ...]
    minus: tuple[str, ...] = ()
    number: str = "AP"

    def found(self, of: Evidence) -> Interval | None:
        """The effect with its interval; ``None`` if it is not recorded, or of too few objects."""
        if self.kind == "measured":
            return of.measured(self.plus, self.minus, self.number)
        objects = of.fewest_objects(self.number)
        if objects is not None and objects < FEWEST_OBJECTS:
            return None
        if self.kind == "main effect":
            return of.contrast(contrasts()[self.plus], self.number)
        return of.combination(self.plus, self.minus, self.number)

    def label(self) -> str:
        """The question in a few words, for a figure."""
        if self.kind == "main effect":
            return f"{self.plus[0].upper()}, {SIZE_OF.get(self.number, 'all')} objects"
        return variant_label(self.plus[0])

    def runs(self) -> str:
        """The variants whose records the answer rests on."""
        if self.kind == "main effect":
            return "the eight combinations of CS, RFA and SRS"
        return ", ".join(dict.fromkeys((*self.plus, *self.minus)))


def of_parts() -> list[Question]:
    """The main effects of the three components, on AP and by the size of objects."""
    objects = {"AP": "AP", **{n: f"the AP of {size} objects" for n, size in SIZE_OF.items()}}
    return [
        Question(
            topic=f"{PART_NAMES[part]}'s main effect on {what}",
            above=f"{PART_NAMES[part]} raises {what} (main effect).",
            below=f"{PART_NAMES[part]} lowers {what} (main effect).",
            kind="main effect",
            plus=(part,),
            number=number,
        )
        for part in reversed(FACTORS)
        for number, what in objects.items()
    ]


OF_DETECTORS = (
    Question(
        topic="AugFPN's gain over FPN",
        above="AugFPN is better than FPN.",
        below="AugFPN is worse than FPN.",
        kind="effect",
        plus=("augfpn",),
        minus=("fpn",),
    ),
    Question(
        topic="what AugFPN brings RetinaNet",
        above="What is left of AugFPN makes RetinaNet better.",
        below="What is left of AugFPN makes RetinaNet worse.",
        kind="effect",
        plus=("retinanet:augfpn",),
        minus=("retinanet:fpn",),
    ),
    Question(
        topic="what AugFPN brings FCOS",
        above="What is left of AugFPN makes FCOS better.",
        below="What is left of AugFPN makes FCOS worse.",
        kind="effect",
        plus=("fcos:augfpn",),
        minus=("fcos:fpn",),
    ),
    Question(
        topic="context from a global maximum",
        above="Context from a global maximum helps.",
        below="Context from a global maximum harms.",
        kind="effect",
        plus=("rfa_gmp_sum",),
        minus=("fpn",),
    ),
    Question(
        topic="all levels supervised or one, at equal total weight",
        above="Supervising all levels is better than one level of the same total weight.",
        below="Supervising all levels is *worse* than one level of the same total weight.",
        kind="effect",
        plus=("cs",),
        minus=("cs_single_lam1",),
    ),
)
MECHANISMS = (
    Question(
        topic="the jump at a border of the size rule",
        above="FPN's predictions jump where its size rule changes the level.",
        below="FPN's predictions jump less where its size rule changes the level.",
        kind="measured",
        plus=("fpn",),
        number="change across a border minus change elsewhere",
    ),
    Question(
        topic="the jump with Soft RoI Selection",
        above="Soft RoI Selection makes that jump larger.",
        below="Soft RoI Selection makes that jump smaller.",
        kind="measured",
        plus=("srs",),
        minus=("fpn",),
        number="change across a border",
    ),
    Question(
        topic="whether Residual Feature Augmentation restores C5",
        above="In the same RFA runs, a linear readout loses *more* of C5 in M5 + M6 than in M5.",
        below="In the same RFA runs, a linear readout loses less of C5 in M5 + M6 than in M5.",
        kind="measured",
        plus=("rfa",),
        number="C5 lost in M5 + M6 minus C5 lost in M5",
    ),
    Question(
        topic="what P5 keeps of C5 in AugFPN",
        above="AugFPN's P5 has lost *more* of C5 than FPN's.",
        below="AugFPN's P5 has lost less of C5 than FPN's.",
        kind="measured",
        plus=("augfpn",),
        minus=("fpn",),
        number="C5 lost in P5",
    ),
    Question(
        topic="what a level of M knows with Consistent Supervision",
        above="With Consistent Supervision a level of M tells classes apart better.",
        below="With Consistent Supervision a level of M tells classes apart less well.",
        kind="measured",
        plus=("cs",),
        minus=("fpn",),
        number="own level",
    ),
    Question(
        topic="how far the levels of M lie apart with Consistent Supervision",
        above="Consistent Supervision widens the distance between the best and the worst level.",
        below="Consistent Supervision narrows the distance between the best and the worst level.",
        kind="measured",
        plus=("cs",),
        minus=("fpn",),
        number="spread of levels",
    ),
    Question(
        topic="the gap between levels with Consistent Supervision",
        above="Consistent Supervision widens the gap between own and other levels.",
        below="Consistent Supervision narrows the gap between own and other levels.",
        kind="measured",
        plus=("cs",),
        minus=("fpn",),
        number="gap",
    ),
    Question(
        topic="what training adds to the gap in FPN",
        above="Training FPN widens the gap between own and other levels.",
        below="Training FPN narrows the gap between own and other levels.",
        kind="measured",
        plus=("fpn",),
        number="gap minus gap before training",
    ),
)


def questions() -> tuple[Question, ...]:
    """All questions, in the order in which the page asks them."""
    first, *others = OF_DETECTORS
    return (first, *of_parts(), *others, *MECHANISMS)
