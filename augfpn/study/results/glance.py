"""What was found in plain words: a question, its answer, the numbers, and how sure that is.

How sure is one of the words that the page defines in *How to read it*.

The words are typed; `tests/study/test_glance.py` holds each of them against the records. Intervals
are the wider of two (`augfpn.study.spreads.wider_effect`).
"""

from collections.abc import Mapping

from augfpn.study.evidence import Evidence
from augfpn.study.factorial import wider_main_effect
from augfpn.study.results.side_by_side import images_called
from augfpn.study.spreads import wider_text
from augfpn.study.tables import VariantRow, variant_row
from augfpn.study.uncertainty.cells import effect_text, page_table
from augfpn.study.uncertainty.intervals import FEWEST_SEEDS, LIMITS

AnswerRow = tuple[str, str, str, str]
HEADER = ["", "question", "answer", "AP, in points", "how sure"]
PAGES = (  # of each question: the page of the runs that answer it
    *("putting_it_together",) * 5,
    *("fair_baselines",) * 4,
    *("photographs",) * 4,
    *("all_effects", "dials"),
)
CONFIRMED, AFTERWARDS, PROBABLY = "confirmed", "found afterwards", "probably"
WITHIN_A_POINT, LIMITED = LIMITS
UNDECIDED = "undecided"
JUMP, LOST = "change across a border", "C5 lost in M5"


def glance_table(pilot: Evidence, later: Evidence, photographs: Mapping[str, Evidence]) -> str:
    """The page's questions and answers, numbered, as a table in Markdown.

    A question links to the page of its experiment.

    ``pilot`` has the evidence of the first seeds on scenes, ``later`` that of the seeds that
    confirm with the controls of the same seeds, ``photographs`` that of runs from pretrained
    weights by set of images.
    """
    rows = [
        *same_settings(later),
        *other_terms(later),
        *pretrained_answers(photographs),
        *about_defects(pilot),
    ]
    numbered = [
        [str(number), f"{{doc}}`{question} <{page}>`", *answer]
        for number, (page, (question, *answer)) in enumerate(zip(PAGES, rows, strict=True), 1)
    ]
    return page_table(HEADER, numbered)


def same_settings(later: Evidence) -> list[AnswerRow]:
    """The rows about runs of equal settings and steps, on scenes."""
    augfpn = variant_row("augfpn", later)
    return [
        ("Is AugFPN better than FPN?",
         "On scenes probably, with settings that were not tuned.",
         f"{wider_text(later, 'augfpn')}{papers_gain(augfpn, 'AP')}", PROBABLY),
        ("Does it help small objects?",
         "No: on scenes, with random gates, they lose AP. In the paper they gain.",
         f"small objects {wider_text(later, 'augfpn', number='APs')}{papers_gain(augfpn, 'APs')}",
         AFTERWARDS),
        ("Does Consistent Supervision help?", "Yes, on scenes.",
         f"main effect {main_effect(later, 'cs', 'AP')}", CONFIRMED),
        ("Does Residual Feature Augmentation?",
         "On scenes it changes AP by less than a point, up or down. But its pools have one to six "
         "bins there, and on larger images they have more.",
         f"main effect {main_effect(later, 'rfa', 'AP')}", WITHIN_A_POINT),
        ("Does Soft RoI Selection?",
         "It is a trade on scenes: small objects lose, medium ones gain. In the paper both gain.",
         f"main effects: small objects {main_effect(later, 'srs', 'APs')}, medium "
         f"{main_effect(later, 'srs', 'APm')}", CONFIRMED),
    ]  # fmt: skip


def other_terms(later: Evidence) -> list[AnswerRow]:
    """The rows about other terms than equal settings and steps, on scenes."""
    return [
        ("And in the same training time?", "FPN is far better on scenes, where training is short. "
         "By the paper's numbers AugFPN is better on COCO.",
         "AugFPN minus FPN with twice the steps, which takes 7 % longer, in six seeds: "
         f"{wider_text(later, 'augfpn', 'fpn_2x_steps')}", AFTERWARDS),
        ("And after longer training?",
         "With four times the steps AugFPN is probably better on scenes. Longer training was not "
         "run.",
         wider_text(later, "augfpn_4x_steps", "fpn_4x_steps"), PROBABLY),
        ("And if both are tuned?", "On scenes no gain is shown.",
         wider_text(later, "augfpn_tuned", "fpn_tuned"), LIMITED),
        ("And if gates begin even?", "On scenes AugFPN is then better than FPN.",
         wider_text(later, "augfpn_even"), AFTERWARDS),
    ]  # fmt: skip


def pretrained_answers(by_set: Mapping[str, Evidence]) -> list[AnswerRow]:
    """The rows about runs from pretrained weights."""
    first = {name: of for name, of in by_set.items() if name != "bccd_again"}
    cells, again, animals = (by_set[name] for name in ("bccd", "bccd_again", "aquarium"))
    return [
        ("On photographs, with random gates?",
         "No gain is shown.",
         on_each(first, "augfpn"), LIMITED),
        ("On Aquarium, with even gates?",
         "AugFPN is better than FPN. Three pairs alone were undecided; three were added.",
         on_each({"aquarium": animals}, "augfpn_even"), AFTERWARDS),
        ("On blood cells, with even gates?", "No gain is shown.",
         on_each({"bccd": cells}, "augfpn_even"), LIMITED),
        ("Does a part lose AP on photographs?",
         "On blood cells Soft RoI Selection loses, with random gates. Even ones are better there, "
         "and on Aquarium.",
         f"the part alone: {wider_text(cells, 'srs')}; even minus random gates "
         f"{wider_text(again, 'srs_even', 'srs')}, aquarium "
         f"{wider_text(animals, 'srs_even', 'srs')}", AFTERWARDS),
    ]  # fmt: skip


def about_defects(pilot: Evidence) -> list[AnswerRow]:
    """The rows about the three defects themselves, with numbers of the pilot on scenes."""

    def percent(variant: str, number: str) -> str:
        return effect_text(pilot.measured([variant], [], number)).replace("+", "")

    return [
        ("Are the three defects there?",
         "Predictions jump where the size rule changes its level. Part of $C_5$ is lost on the way "
         "to $M_5$. Whether that costs AP is not known, nor how far levels differ in meaning.",
         f"no AP: class probabilities of FPN move by {percent('fpn', JUMP)} % across a border; of "
         f"the variance of $C_5$ {percent('fpn', LOST)} % is lost", AFTERWARDS),
        ("Does each part mend its own defect?",
         "Soft RoI Selection removes most of the jump, nearly by construction. For the other two "
         "parts no set of images that we drew can answer.",
         f"no AP: class probabilities then move by {percent('srs', JUMP)} %", UNDECIDED),
    ]  # fmt: skip


def papers_gain(row: VariantRow, number: str) -> str:
    """The paper's effect on COCO, to stand behind ours: "; the paper, on COCO: +2.4"."""
    gain = row.printed_gain(number)
    return "" if gain is None else f"; the paper, on COCO: {gain:+.1f}"


def on_each(by_set: Mapping[str, Evidence], variant: str) -> str:
    """A variant's gain in AP on each set of images with enough pairs of its runs, and how many."""
    said = []
    for name, of in by_set.items():
        pairs = len(of.apart(variant, "fpn"))
        if pairs >= FEWEST_SEEDS:
            said.append(f"{images_called(name)} {wider_text(of, variant)} ({pairs} pairs)")
    return "; ".join(said) or "not run"


def main_effect(of: Evidence, part: str, number: str) -> str:
    """A part's main effect with its wider interval, as text."""
    return effect_text(wider_main_effect(of, part, number))
