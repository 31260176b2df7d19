"""What to try in some situations, by what the records and the paper say of them."""

from collections.abc import Iterable, Mapping
from statistics import median

from augfpn.settings import paper
from augfpn.study import reported
from augfpn.study.cells import effect_text, page_table
from augfpn.study.evidence import Evidence
from augfpn.study.situations import pretrained
from augfpn.study.spreads import wider_effect, wider_text
from augfpn.study.tables import variant_row
from augfpn.study.tries import PILOT_TRIES, RATES, Tuning

PLAIN_FPN, CS_ONLY, CS_SRS = "`--parts none`", "`--parts cs`", "`--parts cs+srs`"
EVEN_GATES = "`--settings model.gates=even`"
FROM_IMAGENET = "`--budget transfer` `--steps 900`"
FROM_COCO = "`--weights coco` `--batch auto` `--epochs 12` `--short-side 800`"
LARGER = {FROM_COCO: 1200, FROM_IMAGENET: 640}  # short sides for small objects, in pixels
SMALLER_ANCHORS = "`--settings model.anchor_sizes=[16,32,64,128,256]`"
NEWER_FPN = {12: 37.4, 24: 38.4}  # AP by epochs: mmdetection 2, configs/faster_rcnn/README.md
BREAK = "<br>"  # between the lines of a cell
NINE, SIX = "scenes, nine seeds fixed beforehand", "scenes, six seeds, run later"
SIZES_LATER = f"{NINE}, the question was not"  # of AP by size of objects


def your_case_table(later: Evidence, photographs: Mapping[str, Evidence]) -> str:
    """What to try on images of one's own, from trained weights: gain with evidence, and price.

    ``later`` is the evidence of the seeds that confirm, with the controls of the same seeds;
    ``photographs`` has that of runs from pretrained weights, by set of images.
    """
    from_coco, *from_imagenet = on_photographs(photographs)
    return situations_table([from_coco, *for_small_objects(later), *from_imagenet])


def other_cases_table(later: Evidence, photographs: Mapping[str, Evidence]) -> str:
    """The same for detectors from scratch, and for long training on data like COCO."""
    return situations_table(from_scratch(later, photographs))


def situations_table(rows: Iterable[tuple[str, str, str, str]]) -> str:
    """A table of situations, what to try there, and the gain in AP over FPN with its price."""
    cells = [
        (situation, what, lines(gain, price and f"price: {price}"))
        for situation, what, gain, price in rows
    ]
    return page_table(["your situation", "try", "gain with its evidence, and price"], cells)


def on_photographs(by_set: Mapping[str, Evidence]) -> list[tuple[str, str, str, str]]:
    """Situation, what to try, gain and price where one starts from trained weights."""
    return [
        ("COCO's weights, a GPU",
         lines(f"plain FPN: {FROM_COCO} {PLAIN_FPN}",
               f"then, at most, Consistent Supervision: {FROM_COCO} {CS_ONLY}"),
         "not known: nobody has compared them here", "not measured on a GPU"),
        ("ImageNet's weights, a CPU", f"plain FPN: {FROM_IMAGENET} {PLAIN_FPN}",
         lines("AugFPN with random gates minus FPN:", *gains_on(by_set, "augfpn")), ""),
        ("ImageNet's weights, and you want to test a part",
         f"Consistent Supervision first: {FROM_IMAGENET} {CS_ONLY}",
         lines(*gains_on(by_set, "cs")), times_text(by_set, "cs")),
        ("ImageNet's weights, and you want to test all three",
         f"all three parts, even gates: {FROM_IMAGENET} {EVEN_GATES}",
         lines(*gains_on(by_set, "augfpn_even")), times_text(by_set, "augfpn")),
    ]  # fmt: skip


def for_small_objects(later: Evidence) -> list[tuple[str, str, str, str]]:
    """The same where small objects matter most: what was measured first, then the parts."""

    def on_small(variant: str, base: str = "fpn") -> str:
        return wider_text(later, variant, base, number="APs")

    coco, imagenet = LARGER.values()
    return [
        ("small objects matter most",
         lines("plain FPN with twice the steps: `--epochs 24`",
               "plain FPN, searched: `--lr`, `--settings model.canonical_size`",
               f"not measured: `--short-side {coco}`, or {imagenet} where the short side is 320, "
               f"with {SMALLER_ANCHORS}"),
         f"AP of small objects, on scenes: twice the steps {on_small('fpn_2x_steps')}, searched "
         f"{on_small('fpn_tuned')} ({SIX})",
         "twice the time; nine trainings for the search"),
        ("the same, and you want a part", "none: keep plain FPN",
         lines(f"AP of small objects: AugFPN {on_small('augfpn')}, Consistent Supervision "
               f"{on_small('cs')}, Soft RoI Selection {on_small('srs')} ({SIZES_LATER})",
               f"AugFPN, both searched: {on_small('augfpn_tuned', 'fpn_tuned')} ({SIX})",
               f"COCO, the paper: {printed_gain_text(later, 'augfpn', 'APs')} on val, "
               f"{gain_on_test_dev('APs'):+.1f} on test-dev, one run each"), ""),
    ]  # fmt: skip


def from_scratch(
    later: Evidence, photographs: Mapping[str, Evidence]
) -> list[tuple[str, str, str, str]]:
    """The same where scenes, and the paper, have something to say of it."""
    return [
        ("from scratch, and twice the steps still help",
         f"plain FPN with twice the steps: {PLAIN_FPN} `--steps 800`, where scenes had 400",
         f"{wider_text(later, 'fpn_2x_steps')} ({SIX})", "training takes twice as long"),
        ("from scratch, and settings were never searched",
         lines(f"plain FPN, nine times: {PLAIN_FPN}", *searched_text()),
         f"{wider_text(later, 'fpn_tuned')} ({SIX})",
         "nine trainings, and images to choose on that nothing is tested on"),
        ("from scratch, and inference must not slow down", f"Consistent Supervision: {CS_ONLY}",
         lines(f"{wider_text(later, 'cs')} ({NINE})", longer_text(later),
               f"COCO, the paper: {printed_gain_text(later, 'cs')}"),
         "a training step takes 1.5 times as long (small detector, a CPU)"),
        ("from scratch, and medium objects matter more than small ones",
         f"Consistent Supervision and Soft RoI Selection: {CS_SRS}",
         lines(f"medium {wider_text(later, 'cs_srs', number='APm')}, small "
               f"{wider_text(later, 'cs_srs', number='APs')} ({SIZES_LATER}; the paper has gains "
               "at all sizes)",
               "but blood cells, pretrained: medium "
               f"{wider_text(photographs['bccd'], 'cs_srs', number='APm')} (random gates)"),
         "training and inference are slower; the two together were not timed"),
        ("long training on data like COCO",
         "all three parts: `--recipe faster_rcnn_r50_augfpn_1x`"
         f"{BREAK}Its gates begin random, as the authors' do",
         f"{printed_gain_text(later, 'augfpn')} by the paper: one run, no interval, not run here. "
         + newer_text(), "by the paper a training step takes 1.2 times as long, on our CPU 1.5 "
         "times; inference is slower, too"),
    ]  # fmt: skip


def gains_on(by_set: Mapping[str, Evidence], variant: str) -> list[str]:
    """A variant's gain on each set of images that has it, with its pairs of runs."""
    found = []
    for name, of in by_set.items():
        number = len(of.apart(variant, "fpn"))
        if number:
            pairs = "one pair" if number == 1 else f"{number} pairs"
            found.append(f"{pretrained(name)}: {wider_text(of, variant)}; {pairs}")
    return found or ["not run"]


def searched_text() -> tuple[str, str]:
    """The options of the nine tries by which FPN was tuned on scenes."""
    tries = [each for each in PILOT_TRIES["laptop"] if isinstance(each, Tuning)]
    sizes = dict.fromkeys(each.canonical_size for each in tries if each.canonical_size)
    rates, rules = ([f"{each:g}" for each in of] for of in (RATES, sizes))
    return (
        f"with `--lr {rates[0]}`, {' or '.join(rates[1:])}",
        f"and `--settings model.canonical_size={rules[0]}`, {' or '.join(rules[1:])}",
    )


def lines(*each: str) -> str:
    """Some lines in one cell; empty ones are left out."""
    return BREAK.join(filter(None, each))


def times_text(by_set: Mapping[str, Evidence], variant: str) -> str:
    """How many times as long as FPN's a variant's runs took: the medians over pairs, of sets."""
    ratios = []
    for of in by_set.values():
        runs, base = of.recorded(variant), of.recorded("fpn")
        both = runs.keys() & base.keys()
        if both:
            seconds = [runs[x].result["seconds"] / base[x].result["seconds"] for x in both]
            ratios.append(median(seconds))
    if not ratios:
        return ""
    ends = dict.fromkeys(f"{end(ratios):.1f}" for end in (min, max))
    return f"a run took {' to '.join(ends)} times as long (beside other work)"


def longer_text(later: Evidence) -> str:
    """What Consistent Supervision brings after four times the steps; empty without records."""
    found = wider_effect(later, "cs_4x_steps", "fpn_4x_steps")
    if found is None:
        return ""
    return f"four times the steps: {effect_text(found)} ({found.seeds} seeds, run later)"


def newer_text() -> str:
    """How far the paper's AugFPN is from an FPN that others trained better."""
    table = {(x["CS"], x["RFA"], x["SRS"]): x["AP"] for x in paper.tables()["table2"]}
    fpn, augfpn = table[False, False, False], table[True, True, True]
    return (
        f"mmdetection's FPN is {NEWER_FPN[12] - fpn:.1f} above the paper's, and with 24 epochs "
        f"only {augfpn - NEWER_FPN[24]:.1f} below the paper's AugFPN"
    )


def printed_gain_text(of: Evidence, variant: str, number: str = "AP") -> str:
    """The gain over FPN that the paper prints; a dash if it prints none."""
    gain = variant_row(variant, of).printed_gain(number)
    return "–" if gain is None else f"{gain:+.1f}"


def gain_on_test_dev(number: str) -> float:
    """What AugFPN adds to FPN in the paper's Table 1: Faster R-CNN, ResNet-50, COCO's test-dev."""
    (pair,) = (each for each in reported.pairs() if each.label == "Faster R-CNN, ResNet-50")
    return pair.gain(number)
