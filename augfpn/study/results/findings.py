"""What the records decide: effects with intervals on each set of images, decided ones first.

`augfpn.study.results.questions` has the questions. Those that are decided on some set of images
become sentences of the page *What we found*; the others are named.
"""

from collections.abc import Collection, Mapping

from augfpn.study.evidence import Evidence
from augfpn.study.factorial import contrasts
from augfpn.study.results.questions import Question, QuestionKind, questions
from augfpn.study.results.side_by_side import images_called
from augfpn.study.running import grid
from augfpn.study.tables import variant_rows
from augfpn.study.uncertainty.cells import effect_text, limiting_text, page_table
from augfpn.study.uncertainty.intervals import (
    LIMITS,
    SMALL_EFFECT,
    Interval,
    at_level,
    is_probable,
    shared_level,
    verdict,
    wider,
)
from augfpn.study.uncertainty.verdict_words import SIGNS

Answers = dict[tuple[Question, str], Interval | None]  # by question and set of images
OF_GAINS = ("table2", "one_stage")  # the parts of the study whose gains the page speaks of
EFFECTS: tuple[QuestionKind, ...] = ("effect", "main effect")
ASKED_SETS = ("scenes", "bccd")  # the sets of images that the page compares


def answers(by_set: Mapping[str, Evidence]) -> Answers:
    """The interval of each question on the sets of images that the page compares.

    ``by_set`` maps a set of images to its evidence.
    """
    return {
        (question, pictures): question.found(by_set[pictures])
        for question in questions()
        for pictures in ASKED_SETS
        if pictures in by_set
    }


def judged_again(pilot: Answers, later: Mapping[str, Evidence]) -> Answers:
    """The pilot's answers; where later seeds are recorded, theirs instead.

    ``later`` is the evidence of these seeds by set of images.
    """
    again = {
        (question, pictures): question.found(of)
        for question in questions()
        for pictures, of in later.items()
    }
    return pilot | {key: found for key, found in again.items() if found is not None}


def wider_answers(pilot: Answers, later: Mapping[str, Evidence]) -> Answers:
    """As `judged_again`, where later seeds have the wider of their two intervals, as is printed."""
    return pilot | {
        (question, pictures): wider(found, own_interval(question, later[pictures]))
        if question.kind in EFFECTS
        else found
        for (question, pictures), found in judged_again({}, later).items()
    }


def intervals_in(of: Answers) -> int:
    """How many intervals there are."""
    return sum(found is not None for found in of.values())


def answer_text(question: Question, found: Interval | None) -> str:
    """What an interval says; empty if it contains zero, or rests on too few seeds."""
    said = "undecided" if found is None else verdict(found)
    return {"holds": question.above, "does not hold": question.below}.get(said, "")


def answer_texts(
    question: Question,
    found: Mapping[str, Interval | None],
    alone: Mapping[str, Interval | None] | None = None,
) -> str:
    """What the intervals say by set of images; once if all sets say the same.

    *Probably* stands before what ``alone``, the intervals of own differences, leave open.
    """
    said = {name: answer_text(question, each) for name, each in found.items()}
    probable = {name for name in found if is_probable(found[name], (alone or {}).get(name))}
    if len(set(said.values())) == 1 and not probable:
        return said.popitem()[1]
    named = {
        images_called(name).capitalize() + (", probably" if name in probable else ""): text
        for name, text in said.items()
        if text
    }
    return " ".join(f"{name}: {text}" for name, text in named.items())


def interval_cell(found: Interval | None, comparisons: int) -> str:
    """An interval; bold if it excludes zero at its share of the level, too (Bonferroni)."""
    if found is None:
        return "–"
    shared = verdict(at_level(found, shared_level(comparisons)))
    text = effect_text(found)
    return text if shared == "undecided" else f"**{text}**"


def decided_table(
    of: Answers,
    measured: bool = False,
    alone: Answers | None = None,
    printed: Answers | None = None,
) -> str:
    """A row for each question that is decided on some set of images; empty if none is.

    They are about AP, or, if ``measured``, about numbers from inside detectors. ``alone`` has the
    intervals of own differences, as `own_answers`: a row says which effects they leave open. The
    cells have the intervals ``of``, or those ``printed``, as `wider_answers`.
    """
    shown, many = list(dict.fromkeys(pictures for _, pictures in of)), intervals_in(of)
    lines = []
    asked = dict.fromkeys(question for question, _ in of)
    for question in (each for each in asked if (each.kind == "measured") == measured):
        here = {pictures: of[question, pictures] for pictures in shown}
        if any(answer_text(question, found) for found in here.values()):
            own = {name: (alone or {}).get((question, name)) for name in here}
            cells = [interval_cell((printed or of)[question, name], many) for name in here]
            lines.append([answer_texts(question, here, own), *cells, question.runs()])
    header = ["", *map(images_called, shown), "records of"]
    return page_table(header, lines) if lines else ""


def undecided_text(of: Answers, alone: Answers | None = None) -> str:
    """The questions that no set of images decides; of a small effect, the sets that say so.

    For ``alone`` see `decided_table`.
    """
    closed = {question for (question, _), found in of.items() if answer_text(question, found)}
    asked = {question: list[str]() for (question, _), found in of.items() if found is not None}
    for (question, pictures), found in of.items():
        about_ap = found is not None and question.kind != "measured"
        if about_ap and verdict(found, small=SMALL_EFFECT) == LIMITS[0]:
            open_alone = is_probable(found, (alone or {}).get((question, pictures)), SMALL_EFFECT)
            asked[question].append("probably " * open_alone + images_called(pictures))
    open_ = {question: small for question, small in asked.items() if question not in closed}
    said = []
    for head, lines in (
        (
            "Of either sign, but within 1 AP of zero:",
            [f"{each.topic} ({', '.join(small)})" for each, small in open_.items() if small],
        ),
        ("Undecided wherever it was asked:", [q.topic for q, small in open_.items() if not small]),
    ):
        said += ["\n".join([head, "", *(f"- {line}" for line in lines)])] if lines else []
    return "\n\n".join(said)


def limited_text(by_set: Mapping[str, Evidence], wider_on: Collection[str] = ()) -> str:
    """The gains in AP that may have either sign but have a limit, for each of `LIMITS`.

    On the sets ``wider_on`` the limits are those of the wider of two intervals.
    Only the first of these limits has two sides: an effect that is below the paper's gain may be
    a loss of any size.
    """
    said = []
    for limit in LIMITS:
        named = {
            images_called(pictures): [
                f"{row.label}{', probably' * row.probable} "
                f"{limiting_text((row.wider if pictures in wider_on else row.effect)['AP'])}"
                for part in OF_GAINS
                for row in variant_rows(part, by_set[pictures])
                if row.effect and row.verdict == limit
            ]
            for pictures in ASKED_SETS
            if pictures in by_set
        }
        where = [f"on {name} {'; '.join(labels)}" for name, labels in named.items() if labels]
        said.append(f"*{limit[0].upper()}{limit[1:]}*: {', and '.join(where) or 'none'}.")
    return "\n".join(f"- {each}" for each in said)


def confirmed_table(pilot: Evidence, later: Evidence) -> str:
    """AugFPN's gain and the main effects of its parts on scenes: later seeds beside the pilot.

    The verdict is that of the later seeds, whose claims and tests were fixed before their runs.
    Their interval is the wider of two; the next one is pooled (`augfpn.study.uncertainty.pooling`),
    as the pilot's.
    """
    lines = []
    for question in of_table2():
        before, found = (question.found(of) for of in (pilot, later))
        alone = None if found is None else own_interval(question, later)
        texts = map(effect_text, (wider(found, alone), found, before))
        lines.append([question.label(), verdict_cell(found, alone), *texts])
    header = ["", "confirmation says", "confirmation", "by the shared spread", "pilot"]
    return page_table(header, lines)


def own_answers(pilot: Mapping[str, Evidence], later: Mapping[str, Evidence]) -> Answers:
    """The intervals of own differences behind `judged_again`, of effects on AP."""
    found = {}
    for question in (each for each in questions() if each.kind in EFFECTS):
        for pictures in (name for name in ASKED_SETS if name in pilot):
            again = later.get(pictures)
            alone = None if again is None else own_interval(question, again)
            found[question, pictures] = alone or own_interval(question, pilot[pictures])
    return found


def own_interval(question: Question, of: Evidence) -> Interval | None:
    """The effect of a question with the variance of its own differences between seeds alone."""
    if question.kind == "main effect":
        return of.contrast(contrasts()[question.plus], question.number, pooled=False)
    return of.combination(question.plus, question.minus, question.number, pooled=False)


def verdict_cell(found: Interval | None, alone: Interval | None = None) -> str:
    """On which side of zero an effect lies, or its limit, and the interval that decides the latter.

    *Probably* stands before what ``alone``, the interval of its own differences, leaves open.
    """
    if found is None:
        return "not recorded"
    said = verdict(found, small=SMALL_EFFECT)
    limit = f" {limiting_text(wider(found, alone) or found)}" if said in LIMITS else ""
    return "probably " * is_probable(found, alone, SMALL_EFFECT) + SIGNS.get(said, said) + limit


def of_table2() -> list[Question]:
    """The questions that the runs of the paper's Table 2 decide alone."""
    there = set(grid.part("table2").variants)
    asked = sorted(questions(), key=lambda each: each.kind != "effect")
    return [
        question
        for question in asked
        if question.kind == "main effect"
        or (question.kind == "effect" and {*question.plus, *question.minus} <= there)
    ]


def effect_rows(
    of: Answers, first: str, end: str = ""
) -> list[tuple[str, float, float, float, None]]:
    """The effects on AP of a variant or a component, in points, a row for each set of images.

    For `augfpn.figures.plots.effects`; ``end`` ends each label.
    """
    return [
        (f"{question.label()}, {images_called(pictures)}{end}", *(100 * x for x in found[:3]), None)
        for (question, pictures), found in of.items()
        if found is not None and question.plus[0] == first and question.kind in EFFECTS
    ]
