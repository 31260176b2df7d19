"""What was found in plain words: a question, its answer, how sure that is, and the numbers.

The words are typed; `tests/study/test_glance.py` holds each of them against the records.
"""

from collections.abc import Mapping

from augfpn.study.advice import gain_text, gains_beside
from augfpn.study.cells import effect_text, limits_text, page_table
from augfpn.study.evidence import Evidence
from augfpn.study.factorial import contrasts
from augfpn.study.tables import variant_row

HEADER = ["question", "answer", "how sure", "AP, in points"]


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
         "unlikely.",
         "Not certain: confirmed if all runs estimate the spread together, open by its own",
         f"scenes {twice(later, 'augfpn')}; blood cells {gain_text(cells, 'augfpn')}{papers}"),
        ("Does Consistent Supervision help?", "Yes, on scenes: it brings most of the gain.",
         "Confirmed, by either way of counting", f"alone {twice(later, 'cs')}"),
        ("Does Residual Feature Augmentation?", "Not by a point of AP, nor does it harm by one.",
         "Confirmed, over all combinations of the parts",
         f"main effect {main_effect(later, 'rfa', 'AP')}"),
        ("Does Soft RoI Selection?",
         "It is a trade on scenes: small objects lose, medium ones gain. In the paper both gain.",
         "Confirmed, by either way of counting",
         f"main effects: small {main_effect(later, 'srs', 'APs')}, medium "
         f"{main_effect(later, 'srs', 'APm')}"),
    ]  # fmt: skip


def other_terms(
    later: Evidence, photographs: Mapping[str, Evidence]
) -> list[tuple[str, str, str, str]]:
    """The rows about other terms than equal settings and steps from scratch."""
    twice_the_steps = gain_text(later, "augfpn", base="fpn_2x_steps")
    return [
        ("And in the same training time?", "FPN is far better on scenes, where training is short. "
         "By the paper's numbers AugFPN is better on COCO.",
         "Sure: six seeds, not fixed beforehand",
         f"AugFPN minus FPN with twice the steps, which takes 7 % longer: {twice_the_steps}"),
        ("And after longer training?", "Not known.",
         "Three seeds with four times the steps, not fixed beforehand",
         twice(later, "augfpn_4x_steps", "fpn_4x_steps")),
        ("And if both are tuned?", "No gain is shown.", "Six seeds, not fixed beforehand",
         twice(later, "augfpn_tuned", "fpn_tuned")),
        ("And on photographs, from pretrained weights?", "Probably not: it is behind on both sets.",
         "Few runs, short and not tuned. On blood cells gates that begin shut decide which lose",
         f"{gains_beside(photographs, 'augfpn')}; with even gates "
         f"{gains_beside(photographs, 'augfpn_even')}"),
    ]  # fmt: skip


def about_defects() -> list[tuple[str, str, str, str]]:
    """The rows about the three defects themselves."""
    return [
        ("Are the three defects there?",
         "Two are: predictions jump where the size rule changes its level, and part of $C_5$ is "
         "lost. How far levels differ in meaning is open.",
         "Sure on both sets, three seeds each", "–"),
        ("Does each part mend its own defect?",
         "Soft RoI Selection removes most of the jump, nearly by construction. Of the others it "
         "does not show.",
         "Open: no set of images drawn for it has shown that it can answer", "–"),
    ]  # fmt: skip


def twice(of: Evidence, variant: str, base: str = "fpn") -> str:
    """An effect on AP by the spread of all runs, then by its own differences alone."""
    alone = of.combination([variant], [base], "AP", pooled=False)
    shown = limits_text(alone) if alone else "–"
    return f"{gain_text(of, variant, base=base)}, by its own differences {shown}"


def main_effect(of: Evidence, part: str, number: str) -> str:
    """A part's main effect with its interval."""
    return effect_text(of.contrast(contrasts()[(part,)], number))
