"""`augfpn bench`: that it compares equals, and that its numbers are what they say."""

import json
import time
from dataclasses import replace

import pytest
import torch
from small_bench import SMALL_BENCH, ready
from torch import nn
from torchvision.models.detection import FCOS, FasterRCNN, MaskRCNN, RetinaNet

from augfpn.errors import UserError
from augfpn.study.bench import (
    contestants,
    detectors,
    measure,
    parts,
    report,
    work,
)
from augfpn.study.bench.settings import (
    VARIANTS,
    checked_settings,
    variants_of,
)

EXACT = replace(
    SMALL_BENCH,
    variants=("torchvision", "fpn"),
    fields=(("operators", "torchvision"), ("roi_align", "torchvision")),
)
THEIR_CLASSES = {
    "faster_rcnn": FasterRCNN,
    "mask_rcnn": MaskRCNN,
    "retinanet": RetinaNet,
    "fcos": FCOS,
}
LOSSES = {  # torchvision's names of losses that we name otherwise
    "classification": "loss_classifier",
    "bbox_regression": "loss_box_reg",
    "bbox_ctrness": "loss_centerness",
}


@pytest.fixture(scope="module")
def trained() -> dict[str, contestants.Contestant]:
    return ready(SMALL_BENCH, "training")


@pytest.fixture(scope="module")
def found() -> dict:
    return measure.bench(replace(SMALL_BENCH, variants=("torchvision", "fpn", "augfpn")))


# --- it compares equals ---------------------------------------------------------------------------


@pytest.mark.parametrize("detector", THEIR_CLASSES)
def test_torchvision_s_detector_has_our_losses_bit_for_bit(detector: str) -> None:
    """With the same weights and proposals, and torchvision's own operators in both."""
    settings = replace(EXACT, detector=detector)
    built = detectors.build_variants(settings, "training", variants_of(settings))
    given = work.make_work(settings, "training")
    images = [image / 255 for image in given.images]
    targets = [{k: v for k, v in t.items() if k != "image_id"} for t in given.targets]
    assert type(built["torchvision"]) is THEIR_CLASSES[detector]
    losses = []
    for each in built.values():
        if hasattr(each, "rpn"):
            work.force_proposals(each, given.proposals)
        torch.manual_seed(3)
        losses.append(each.train()(images, targets))
    theirs = {LOSSES.get(name, name): value.item() for name, value in losses[0].items()}
    assert {name: value.item() for name, value in losses[1].items()} == theirs


def test_all_variants_sample_equally_many_rois(trained: dict) -> None:
    """Exactly as many as the settings ask for, of each picture."""
    assert tuple(trained) == VARIANTS
    assert [each.rois for each in trained.values()] == [[40, 40]] * len(VARIANTS)


def test_the_same_parameters_are_frozen(trained: dict) -> None:
    """Where ImageNet's weights would be: the stages up to C2, as torchvision freezes them too."""
    settings = replace(
        SMALL_BENCH, budget="paper", backbone="resnet18", variants=("torchvision", "fpn")
    )
    built = detectors.build_variants(settings, "training", variants_of(settings))
    frozen = [
        {name for name, q in each.named_parameters() if not q.requires_grad}
        for each in built.values()
    ]
    assert frozen[0] == frozen[1]
    assert {name.split(".")[2] for name in frozen[0]} == {"conv1", "layer1"}
    assert all(q.requires_grad for q in trained["fpn"].detector.parameters())


@pytest.mark.parametrize("detector", THEIR_CLASSES)
def test_all_variants_detect_equally_many_objects(detector: str) -> None:
    """The post-processing has work, the same for all; the RoIs are those that were given."""
    settings = replace(SMALL_BENCH, detector=detector, batch=1)
    every = ready(settings, "testing")
    (image,) = work.make_work(settings, "testing").images
    with torch.no_grad():
        counts = {n: len(e.detector([image / 255])[0]["boxes"]) for n, e in every.items()}
    if detector == "fcos":  # decodes its own boxes, so that suppression differs a little
        assert min(counts.values()) > 20
    else:
        assert len(set(counts.values())) == 1, counts
        assert counts["augfpn"] > 20
    if hasattr(every["fpn"].detector, "rpn"):
        assert [each.rois for each in every.values()] == [[60]] * len(every)


def test_unequal_numbers_of_rois_are_refused() -> None:
    with pytest.raises(RuntimeError, match=r"different numbers of RoIs.*'fpn': \[60, 59\]"):
        contestants.check_equal_rois({"torchvision": [60, 60], "fpn": [60, 59]})


def test_proposals_of_another_form_are_refused() -> None:
    detector = nn.Module()
    detector.rpn = nn.Module()
    detector.rpn.forward = lambda: (torch.zeros(1, 5, 4), {})
    work.force_proposals(detector, [torch.zeros(5, 4)])
    with pytest.raises(RuntimeError, match="adapt force_proposals"):
        detector.rpn()


# --- time -----------------------------------------------------------------------------------------


def test_a_ratio_is_of_rounds() -> None:
    """By hand: 2, 3 and 4 times; the ratio of the medians would be 30 / 2 = 15."""
    assert measure.ratio_of_rounds([2.0, 30.0, 400.0], [1.0, 10.0, 100.0]) == {
        "median": 3.0,
        "low": 2.0,
        "high": 4.0,
    }
    assert measure.ratio_of_rounds([2.0, 1.0], [1.0, 2.0]) == {
        "median": 1.25, "low": 0.5, "high": 2.0
    }  # fmt: skip


def test_quartiles_by_hand() -> None:
    assert measure.quartiles([1.0, 2.0, 3.0, 4.0, 5.0]) == [2.0, 4.0]
    assert measure.quartiles([7.0]) == [7.0, 7.0]


def test_every_other_round_is_in_the_opposite_order() -> None:
    ran = []

    class Noted:
        def __init__(self, variant: str) -> None:
            self.variant, self.device = variant, "cpu"
            self.seconds, self.cpu_seconds = [], []

        def run(self, seed: int) -> None:
            ran.append(self.variant)

        def measure_parts(self, seed: int) -> None:
            """Nothing to measure."""

        def forget(self) -> None:
            """Nothing to forget."""

    measure.run_rounds([Noted("a"), Noted("b")], 3, time.monotonic() + 60, lambda: None)
    assert ran == ["a", "b", "b", "a", "a", "b"]
    ran.clear()
    measure.run_rounds([Noted("a")], 50, time.monotonic(), lambda: None)
    assert len(ran) == measure.FEWEST_ROUNDS  # no further round begins after the time is up


@pytest.mark.parametrize("variant", VARIANTS)
def test_parts_add_up_to_the_step(trained: dict, variant: str) -> None:
    """Nothing is hidden: the clock runs from the step's beginning to its end."""
    each = trained[variant]
    each.parts.clear()
    began = time.perf_counter()
    each.measure_parts(0)
    whole = time.perf_counter() - began
    seconds = parts.with_backward_whole(each.parts[0])
    assert 0.5 * whole < sum(seconds.values()) < whole
    assert seconds["other"] < 0.5 * sum(seconds.values())
    wanted = {"transform", "backbone", "pyramid", "proposals", "sampling", "RoI features", "heads"}
    wanted |= {"backward", "optimiser", "other"}
    wanted |= {"supervision"} if variant in ("cs", "augfpn") else set()
    wanted |= {"fusion"} if variant in ("srs", "augfpn") else set()
    assert wanted <= set(seconds), "a function that parts.py names is not called any more"
    of_backward = parts.backward_only(each.parts[0])
    assert sum(of_backward.values()) == pytest.approx(seconds["backward"])
    assert wanted & {"backbone", "pyramid", "RoI features", "supervision"} <= set(of_backward)


@pytest.mark.parametrize("detector", ["mask_rcnn", "retinanet", "fcos"])
def test_other_detectors_have_parts_too(detector: str) -> None:
    settings = replace(SMALL_BENCH, detector=detector, batch=1, variants=("torchvision", "augfpn"))
    for use in ("testing", "training"):
        for each in ready(settings, use).values():
            each.measure_parts(0)
            seconds = parts.with_backward_whole(each.parts[0])
            last = "backward" if use == "training" else "post-processing"
            assert {"backbone", "pyramid", "heads", last} <= set(seconds), (each.variant, use)


def test_a_function_that_is_gone_is_named(trained: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(parts.OUR_TWO_STAGE, "select.gone", "RoI features")
    with pytest.raises(RuntimeError, match=r"TwoStage has no select\.gone.*parts\.py"):
        trained["fpn"].measure_parts(0)


def test_measuring_parts_leaves_a_detector_as_it_was(trained: dict) -> None:
    before = dict(vars(trained["fpn"].detector.select)), torch.Tensor.backward
    trained["fpn"].measure_parts(0)
    assert (dict(vars(trained["fpn"].detector.select)), torch.Tensor.backward) == before


# --- what comes out -------------------------------------------------------------------------------


def test_a_bench_is_json_and_text_and_files(found: dict, tmp_path) -> None:
    assert json.loads(json.dumps(found)) == found
    for result in found["uses"].values():
        variants = result["variants"]
        assert list(variants) == ["torchvision", "fpn", "augfpn"]
        assert variants["torchvision"]["ratio"] == {"median": 1, "low": 1, "high": 1}
        assert all(len(each["seconds"]) == 2 for each in variants.values())
        assert all(each["floor"]["times"] > 1 for each in variants.values())
    text = report.bench_text(found)
    assert "inference, 2 images of 128 x 160, 60 RoIs each; 2 rounds" in text
    assert "training, 2 images of 128 x 160, 40 RoIs each; 2 rounds" in text
    assert "load average" in text
    written = report.write_files(found, tmp_path / "new")
    assert [file.name for file in written] == ["bench.json", "bench.svg"]
    assert json.loads(written[0].read_text())["uses"] == found["uses"]


def test_bfloat16_channels_last_and_one_thread() -> None:
    before = torch.get_num_threads()
    settings = replace(
        SMALL_BENCH, precision="bf16", layout="channels_last", threads=1, batch=1, size=(64, 96),
        variants=("torchvision", "augfpn"), uses=("testing",),
    )  # fmt: skip
    found = measure.bench(settings)
    assert found["environment"]["threads"] == 1
    assert torch.get_num_threads() == before
    built = detectors.build_variants(settings, "testing", variants_of(settings))
    for each in built.values():
        convolution = each.rpn.head.conv[0][0].weight
        assert convolution.is_contiguous(memory_format=torch.channels_last)


# --- what may be asked for ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"variants": ("augfnp",)}, "variant 'augfnp' is unknown; did you mean 'augfpn'"),
        ({"detector": "fcos", "variants": ("srs",)}, "'srs' is no fcos, which pools no RoIs"),
        ({"size": (100, 160)}, "size of 100 x 160: give multiples of 32"),
        ({"fields": (("roi_aling", "auto"),)}, "did you mean 'roi_align'"),
        ({"fields": (("roi_align", "fast"),)}, "roi_align = 'fast': Input should be"),
        ({"threads": 100_000}, r"threads = 100000: this machine has \d+ cores"),
        ({"backbone": "resnet51"}, "backbone = 'resnet51': expected"),
        ({"backbone": "timm/resnet18"}, "leave torchvision out of the variants"),
    ],
)
def test_what_cannot_be_measured_gets_a_sentence(changes: dict, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        checked_settings(replace(SMALL_BENCH, **changes))
