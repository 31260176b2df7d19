"""What to try in some situations, by what the records and the paper say of them."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from augfpn.study.cells import effect_text, page_table
from augfpn.study.evidence import Evidence
from augfpn.study.side_by_side import EffectRow, effects_drawn, images_called
from augfpn.study.tables import variant_row

PLAIN_FPN = "`--cs false` `--rfa false` `--roi-selection hard`"
EVEN_GATES = "`--settings model.gates=even`"
CS_ONLY, CS_SRS = "`--rfa false` `--roi-selection hard`", "`--rfa false`"


def advice_table(later: Evidence, photographs: Mapping[str, Evidence]) -> str:
    """What to try in some situations: the gain in AP over FPN, its price and the evidence.

    ``later`` is the evidence of the seeds that confirm, with the controls of the same seeds;
    ``photographs`` has that of runs from pretrained weights, by set of images.
    """
    header = ["your situation", "try", "gain to expect", "price", "evidence"]
    return page_table(header, [*on_photographs(photographs), *from_scratch(later)])


def on_photographs(by_set: Mapping[str, Evidence]) -> list[tuple[str, ...]]:
    """The rows of `advice_table` for who starts from weights that somebody has trained."""
    return [
        ("photographs, ImageNet's weights, a CPU",
         f"plain FPN: `--budget transfer` `--steps 900` {PLAIN_FPN}", "–", "–",
         "AugFPN's means lie below FPN's there: see the next row"),
        ("the same, and you want to test parts",
         f"all three, with even gates: {EVEN_GATES}; or Consistent Supervision: {CS_ONLY}",
         f"all three with even gates: {gains_beside(by_set, 'augfpn_even')}; with random gates: "
         f"{gains_beside(by_set, 'augfpn')}; Consistent Supervision: {gains_beside(by_set, 'cs')}",
         "with all three a run takes 1.5 to 1.7 times as long",
         "300 steps on blood cells, 900 on Aquarium; not tuned for each"),
        ("photographs, COCO's weights, a GPU",
         "AugFPN and FPN: `--weights coco` `--batch auto` `--baseline train`",
         "not known", "–", "nobody has compared them here"),
    ]  # fmt: skip


def from_scratch(later: Evidence) -> list[tuple[str, ...]]:
    """The rows of `advice_table` that scenes, and the paper, have something to say of."""
    control, confirmed = "scenes, six seeds", "scenes, nine seeds that were fixed beforehand"
    return [
        ("from scratch, and twice the steps still help",
         f"FPN with twice the steps: {PLAIN_FPN} `--steps 800`",
         gain_text(later, "fpn_2x_steps"), "training takes twice as long", control),
        ("settings were never searched",
         "nine tries for FPN: three learning rates, `--lr`, by three box sizes of its rule, "
         "`--settings model.canonical_size=…`",
         gain_text(later, "fpn_tuned"), "nine trainings", control),
        ("inference must not slow down", f"Consistent Supervision: {CS_ONLY}",
         f"{gain_text(later, 'cs')}; on COCO {printed_gain_text(later, 'cs')}",
         "a training step takes 1.5 times as long",
         f"{confirmed}; not known after long or tuned training"),
        ("medium objects matter more than small ones",
         f"Consistent Supervision and Soft RoI Selection: {CS_SRS}",
         f"medium {gain_text(later, 'cs_srs', 'APm')}, small {gain_text(later, 'cs_srs', 'APs')}",
         "training and inference are slower; the two together were not timed",
         f"{confirmed}; the paper has gains at all sizes"),
        ("small objects matter most", f"Consistent Supervision: {CS_ONLY}",
         f"small {gain_text(later, 'cs', 'APs')}: no part is shown to help them",
         "a training step takes 1.5 times as long",
         f"{confirmed}; photographs leave small objects undecided"),
        ("long training on data like COCO",
         "all three parts: `--recipe faster_rcnn_r50_augfpn_1x`",
         printed_gain_text(later, "augfpn"),
         "by the paper a training step takes 1.2 times as long, on our CPU 1.5 times; inference is "
         "slower, too",
         "the paper: one run, no interval; not run here"),
    ]  # fmt: skip


def situations_figure(later: Evidence, photographs: Mapping[str, Evidence]) -> Figure | None:
    """What AugFPN and Consistent Supervision bring over FPN in each situation that was run."""
    drawn = [
        EffectRow("AugFPN, scenes", later, "augfpn"),
        EffectRow("AugFPN, scenes, both tuned", later, "augfpn_tuned", "fpn_tuned"),
        EffectRow("AugFPN, scenes, 4 × the steps", later, "augfpn_4x_steps", "fpn_4x_steps"),
        EffectRow("CS, scenes", later, "cs"),
        EffectRow("CS on one level, scenes", later, "cs_single_lam1"),
    ]
    ends = (("AugFPN", "augfpn"), ("AugFPN, even gates", "augfpn_even"), ("CS", "cs"))
    for name, of in photographs.items():
        drawn += [
            EffectRow(f"{label}, {images_called(name)}", of, variant) for label, variant in ends
        ]
    return effects_drawn(sorted(drawn, key=lambda each: each.label.startswith("CS")))


def gains_beside(by_set: Mapping[str, Evidence], variant: str) -> str:
    """A variant's gain on each set of images that has it, with the number of pairs of runs."""
    said = []
    for name, of in by_set.items():
        found = of.effects(variant, "fpn").get("AP")
        if found is not None:
            pairs = "one pair" if found.seeds == 1 else f"{found.seeds} pairs"
            said.append(f"{images_called(name)} {effect_text(found)}, {pairs}")
    return "; ".join(said) or "not run"


def gain_text(of: Evidence, variant: str, number: str = "AP", base: str = "fpn") -> str:
    """A variant's gain over FPN, or another, with its interval; a dash without records."""
    return effect_text(of.effects(variant, base).get(number))


def printed_gain_text(of: Evidence, variant: str) -> str:
    """The gain over FPN that the paper prints; a dash if it prints none."""
    printed = variant_row(variant, of).printed_effect
    return "–" if printed is None else f"{printed:+.1f} by the paper"
