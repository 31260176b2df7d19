"""What was found in plain words: a question, its answer, how sure that is, and the numbers.

The words are typed; `tests/study/test_glance.py` holds each of them against the records. Intervals
are the wider of two (`augfpn.study.spreads.wider_effect`).
"""

from collections.abc import Mapping

from augfpn.study.cells import effect_text, page_table
from augfpn.study.evidence import Evidence
from augfpn.study.factorial import wider_main_effect
from augfpn.study.intervals import FEWEST_SEEDS
from augfpn.study.side_by_side import images_called
from augfpn.study.spreads import wider_text
from augfpn.study.tables import variant_row

HEADER = ["question", "answer", "how sure", "AP, in points"]
AFTERWARDS = "not fixed beforehand"


def glance_table(
    pilot: Mapping[str, Evidence], later: Evidence, photographs: Mapping[str, Evidence]
) -> str:
    """The page's questions and answers, as a table in Markdown.

    ``pilot`` has the evidence of the first seeds by set of images, ``later`` that of the seeds that
    confirm with the controls of the same seeds, ``photographs`` that of runs from pretrained
    weights by set of images.
    """
    rows = [
        *same_settings(pilot["bccd"], later),
        *other_terms(later, photographs),
        *about_defects(),
    ]
    return page_table(HEADER, rows)


def same_settings(cells: Evidence, later: Evidence) -> list[tuple[str, str, str, str]]:
    """The rows about runs of equal settings and steps: of scenes, and of blood ``cells``."""
    printed = variant_row("augfpn", later).printed_effect
    papers = "" if printed is None else f"; the paper, on COCO: {printed:+.1f}"
    return [
        ("Is AugFPN better than FPN?",
         "On scenes probably. On blood cells that is open, but a gain as large as the paper's is "
         "unlikely.", "scenes: probable",
         f"scenes {wider_text(later, 'augfpn')}; blood cells {wider_text(cells, 'augfpn')}{papers}"
         ),
        ("Does Consistent Supervision help?",
         "Yes, on scenes. That the other parts add to it is not shown.", "confirmed",
         f"alone {wider_text(later, 'cs')}"),
        ("Does Residual Feature Augmentation?",
         "On scenes it changes AP by less than a point, up or down. (Its pools have one to six "
         "bins there.)", "confirmed",
         f"main effect {main_effect(later, 'rfa', 'AP')}"),
        ("Does Soft RoI Selection?",
         "It is a trade on scenes: small objects lose, medium ones gain. In the paper both gain.",
         "confirmed",
         f"main effects: small {main_effect(later, 'srs', 'APs')}, medium "
         f"{main_effect(later, 'srs', 'APm')}"),
    ]  # fmt: skip


def other_terms(
    later: Evidence, photographs: Mapping[str, Evidence]
) -> list[tuple[str, str, str, str]]:
    """The rows about other terms than equal settings and steps from scratch."""
    return [
        ("And in the same training time?", "FPN is far better on scenes, where training is short. "
         "By the paper's numbers AugFPN is better on COCO.", f"scenes: sure, {AFTERWARDS}",
         "AugFPN minus FPN with twice the steps, which takes 7 % longer: "
         f"{wider_text(later, 'augfpn', 'fpn_2x_steps')}"),
        ("And after longer training?",
         "With four times the steps AugFPN is probably better on scenes. Beyond that, not known.",
         f"probable, {AFTERWARDS}", wider_text(later, "augfpn_4x_steps", "fpn_4x_steps")),
        ("And if both are tuned?", "On scenes no gain is shown.", "open",
         wider_text(later, "augfpn_tuned", "fpn_tuned")),
        ("And on photographs, from pretrained weights?",
         "No gain is shown. On blood cells Soft RoI Selection costs AP.",
         f"that loss: sure, {AFTERWARDS}; the rest is open",
         f"AugFPN: {on_each(photographs, 'augfpn')}; with even gates "
         f"{on_each(photographs, 'augfpn_even')}; Soft RoI Selection alone: "
         f"{on_each(photographs, 'srs')}"),
    ]  # fmt: skip


def about_defects() -> list[tuple[str, str, str, str]]:
    """The rows about the three defects themselves."""
    return [
        ("Are the three defects there?",
         "Predictions jump where the size rule changes its level. Part of $C_5$ is lost on the way "
         "to $M_5$. Whether the jump or the loss costs AP is open; so is how far levels differ in "
         "meaning.", f"jump and loss: sure, {AFTERWARDS}", "–"),
        ("Does each part mend its own defect?",
         "Soft RoI Selection removes most of the jump, nearly by construction. Of the others it "
         "does not show: no set of images drawn for it has shown that it can answer.", "open", "–"),
    ]  # fmt: skip


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
