"""What was found in plain words: a question, its answer, how sure that is, and the numbers.

The words are typed; `tests/study/test_glance.py` holds each of them against the records.
"""

from collections.abc import Mapping

from augfpn.study.cells import effect_text, limits_text, page_table
from augfpn.study.evidence import Evidence
from augfpn.study.factorial import contrasts
from augfpn.study.side_by_side import images_called
from augfpn.study.spreads import own_effect
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
         "Probable: above zero with the shared spread, contains zero with AugFPN's own differences",
         f"scenes {twice(later, 'augfpn')}; blood cells {twice(cells, 'augfpn')}{papers}"),
        ("Does Consistent Supervision help?", "Yes, on scenes: it brings most of the gain.",
         "Confirmed, by both intervals", f"alone {twice(later, 'cs')}"),
        ("Does Residual Feature Augmentation?", "Not by a point of AP, nor does it harm by one.",
         "Confirmed, over all combinations of the parts",
         f"main effect {main_effect(later, 'rfa', 'AP')}"),
        ("Does Soft RoI Selection?",
         "It is a trade on scenes: small objects lose, medium ones gain. In the paper both gain.",
         "Confirmed, by both intervals",
         f"main effects: small {main_effect(later, 'srs', 'APs')}, medium "
         f"{main_effect(later, 'srs', 'APm')}"),
    ]  # fmt: skip


def other_terms(
    later: Evidence, photographs: Mapping[str, Evidence]
) -> list[tuple[str, str, str, str]]:
    """The rows about other terms than equal settings and steps from scratch."""
    return [
        ("And in the same training time?", "FPN is far better on scenes, where training is short. "
         "By the paper's numbers AugFPN is better on COCO.",
         "Sure, by both intervals: six seeds, not fixed beforehand",
         "AugFPN minus FPN with twice the steps, which takes 7 % longer: "
         f"{twice(later, 'augfpn', 'fpn_2x_steps')}"),
        ("And after longer training?",
         "With four times the steps AugFPN is probably better on scenes. Beyond that, not known.",
         "Probable, as in the first row: three seeds, not fixed beforehand",
         twice(later, "augfpn_4x_steps", "fpn_4x_steps")),
        ("And if both are tuned?", "No gain is shown.",
         "Open, by both intervals: six seeds, not fixed beforehand",
         twice(later, "augfpn_tuned", "fpn_tuned")),
        ("And on photographs, from pretrained weights?",
         "No gain is shown. On blood cells Soft RoI Selection costs AP.",
         "That loss is sure by both intervals: eight seeds, not fixed beforehand. AugFPN's is "
         "open: its own differences leave it undecided. Short runs, hardly tuned. AugFPN's "
         "losses on blood cells go with *gates*, Soft RoI Selection's weights, that begin shut. "
         "This was seen afterwards, and one such run loses nothing",
         f"{twice_on_each(photographs, 'augfpn')}; with even gates "
         f"{twice_on_each(photographs, 'augfpn_even')}; Soft RoI Selection alone "
         f"{twice_on_each(photographs, 'srs')}"),
    ]  # fmt: skip


def about_defects() -> list[tuple[str, str, str, str]]:
    """The rows about the three defects themselves."""
    return [
        ("Are the three defects there?",
         "Predictions jump where the size rule changes its level. Part of $C_5$ is lost on the way "
         "to $M_5$. Whether the jump or the loss costs AP is open; so is how far levels differ in "
         "meaning.",
         "The jump and the loss are sure on both sets, three seeds each", "–"),
        ("Does each part mend its own defect?",
         "Soft RoI Selection removes most of the jump, nearly by construction. Of the others it "
         "does not show.",
         "Open: no set of images drawn for it has shown that it can answer", "–"),
    ]  # fmt: skip


def twice(of: Evidence, variant: str, base: str = "fpn") -> str:
    """An effect on AP with the shared spread, then the interval of its own differences alone.

    Where both are one interval, as without other runs that share the spread, it is said once.
    """
    alone = own_effect(of, variant, base)
    if alone is None:
        return "–"
    first, again = effect_text(of.effects(variant, base)["AP"]), limits_text(alone)
    if first.endswith(again):
        return f"{first} by both intervals"
    return f"{first}, by its own differences {again}"


def twice_on_each(by_set: Mapping[str, Evidence], variant: str) -> str:
    """The same of a variant's gain on each set of images that has it, with its pairs of runs."""
    said = []
    for name, of in by_set.items():
        pairs = len(of.apart(variant, "fpn"))
        if pairs:
            said.append(f"{images_called(name)} {twice(of, variant)} ({pairs} pairs)")
    return "; ".join(said) or "not run"


def main_effect(of: Evidence, part: str, number: str) -> str:
    """A part's main effect with its interval."""
    return effect_text(of.contrast(contrasts()[(part,)], number))
