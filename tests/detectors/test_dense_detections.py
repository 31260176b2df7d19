"""From predictions at every place to detections, on three places and two classes."""

import pytest
import torch
from torch import Tensor
from worked import with_option, worked

from augfpn.detectors.build import build_detector
from augfpn.detectors.dense_detections import (
    Limits,
    batched_detections,
    candidates,
    dense_detections,
)

SCORES = torch.tensor([[0.9, 0.8], [0.7, 0.04], [0.3, 0.6]])  # of three places and two classes
ANCHORS = torch.tensor([[0.0, 0, 10, 10], [50, 0, 60, 10], [0, 50, 10, 60]])
BOTH = "RETINANET FCOS"


class Head:
    """Boxes are shifted anchors; scores are the predictions, which also rank without ``rank``."""

    first_label = 1

    def scores(self, outputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        return outputs["score"], outputs.get("rank", outputs["score"])

    def decode(self, predicted: Tensor, anchors: Tensor) -> Tensor:
        return anchors + predicted


def chosen(kind: str, count: int, **more: Tensor) -> list[tuple[int, int]]:
    """The (place, label) pairs that become candidates, best first."""
    outputs = {"score": SCORES, "boxes": torch.zeros(3, 4)} | more
    limits = Limits(score=0.05, candidates=count, kind=kind, nms=0.5, keep=100)
    boxes, scores, labels = candidates(Head(), outputs, ANCHORS, limits)
    places = [(box == ANCHORS).all(dim=1).nonzero().item() for box in boxes]
    ranking = more.get("rank", SCORES)
    assert [ranking[i, k - 1] for i, k in zip(places, labels, strict=True)] == scores.tolist()
    return list(zip(places, labels.tolist(), strict=True))


@worked(BOTH, "candidates_are", torchvision=[(0, 1), (0, 2)], authors=[(0, 1), (0, 2), (1, 1)])
def test_the_best_two_of_a_level(value, expected) -> None:
    """Two pairs of place and class, or two places with all classes above the threshold."""
    assert sorted(chosen(value, 2)) == expected


@worked(BOTH, "supervision_rois", torchvision=[(0, 1), (1, 1)], authors=[(0, 1), (0, 2)])
def test_the_best_two_as_rois(value, expected) -> None:
    """The best class of each of two places, or the two best pairs: here the same box twice."""
    assert sorted(chosen(value, 2)) == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("pairs", [(0, 1), (0, 2), (1, 1), (2, 2), (2, 1)]),
        ("places", [(0, 1), (0, 2), (1, 1), (2, 1), (2, 2)]),
        ("best", [(0, 1), (1, 1), (2, 2)]),
    ],
)
def test_no_score_below_the_threshold_and_no_more_than_there_are(kind: str, expected: list) -> None:
    assert sorted(chosen(kind, 1000)) == sorted(expected)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("pairs", [(2, 1), (2, 2)]), ("places", [(1, 1), (2, 1), (2, 2)]), ("best", [(2, 1)])],
)
def test_one_number_ranks_and_another_passes(kind: str, expected: list) -> None:
    """FCOS ranks by class and centerness. Place 1 ranks first with a class that does not pass."""
    rank = torch.tensor([[0.1, 0.1], [0.2, 0.9], [0.8, 0.3]])
    assert sorted(chosen(kind, 2, rank=rank)) == expected


def test_nothing_above_the_threshold_is_no_candidate() -> None:
    for kind in ("pairs", "places", "best"):
        assert chosen(kind, 2, score=torch.full((3, 2), 0.05)) == []


def found(
    boxes: list, scores: list, labels: list, limits: Limits, size: tuple = (400, 400)
) -> dict[str, Tensor]:
    """Detections of one picture with one level, whose predictions are given one by one."""
    score = torch.zeros(len(boxes), max(labels))
    score[torch.arange(len(boxes)), torch.tensor(labels) - 1] = torch.tensor(scores)
    outputs = {"score": [score[None]], "boxes": [torch.zeros(1, len(boxes), 4)]}
    anchors = [torch.tensor(boxes, dtype=torch.float32)]
    return dense_detections(Head(), outputs, anchors, [size], limits)[0]


def of(group: str, field: str, value: object) -> Limits:
    """The limits of a detector with this value of an option."""
    return build_detector(with_option(group, field, value)).limits


def limits(score: float = 0.05, nms: float = 0.5, keep: int = 100) -> Limits:
    return Limits(score, 1000, "pairs", nms, keep)


SHIFTED = [[0, 0, 100, 100], [29, 0, 129, 100]]  # IoU 71 / 129 = 0.55


@worked("FCOS", "nms", torchvision=[0.9, 0.8], authors=[0.9])
def test_two_boxes_with_an_iou_of_055(value, expected) -> None:
    detections = found(SHIFTED, [0.8, 0.9], [1, 1], of("FCOS", "nms", value))
    assert detections["scores"].tolist() == pytest.approx(expected)


@worked("FCOS", "score", torchvision=[0.5], authors=[0.5, 0.1])
def test_a_detection_with_a_score_of_01(value, expected) -> None:
    detections = found(
        [[0, 0, 9, 9], [50, 50, 70, 70]], [0.1, 0.5], [1, 2], of("FCOS", "score", value)
    )
    assert detections["scores"].tolist() == pytest.approx(expected)


@worked("RETINANET", "detections", torchvision=150, authors=100)
def test_a_picture_with_150_objects(value, expected) -> None:
    boxes = [[20 * i, 20 * j, 20 * i + 9, 20 * j + 9] for i in range(15) for j in range(10)]
    scores = [0.2 + 0.005 * i for i in range(150)]
    detections = found(boxes, scores, [1] * 150, of("RETINANET", "detections", value))
    assert detections["scores"].tolist() == pytest.approx(scores[::-1][:expected])


def test_classes_do_not_suppress_each_other() -> None:
    detections = found([[0, 0, 9, 9]] * 3, [0.7, 0.8, 0.9], [1, 2, 1], limits())
    assert detections["labels"].tolist() == [1, 2]
    assert detections["scores"].tolist() == pytest.approx([0.9, 0.8])


def test_boxes_end_at_their_own_picture() -> None:
    """Two pictures of a batch; 40 x 60 and 100 x 100 px."""
    outputs = {"score": [torch.full((2, 1, 1), 0.9)], "boxes": [torch.zeros(2, 1, 4)]}
    sizes = [(40, 60), (100, 100)]
    both = dense_detections(Head(), outputs, [torch.tensor([[-5.0, 5, 90, 90]])], sizes, limits())
    assert [d["boxes"].tolist() for d in both] == [[[0, 5, 60, 40]], [[0, 5, 90, 90]]]


def test_levels_compete_and_pictures_do_not() -> None:
    """The same object on two levels: the better one stays; each level has its own anchors."""
    outputs = {
        "score": [torch.tensor([[[0.6]], [[0.2]]]), torch.tensor([[[0.3]], [[0.5]]])],
        "boxes": [torch.zeros(2, 1, 4), torch.ones(2, 1, 4)],
    }
    anchors = [torch.tensor([[0.0, 0, 10, 10]]), torch.tensor([[-1.0, -1, 11, 9]])]
    both = dense_detections(Head(), outputs, anchors, [(50, 50)] * 2, limits())
    assert [d["boxes"].tolist() for d in both] == [[[0, 0, 10, 10]], [[0, 0, 12, 10]]]
    assert [d["scores"].tolist() for d in both] == [pytest.approx([0.6]), pytest.approx([0.5])]


def test_the_unused_background_is_never_detected() -> None:
    """With a background logit, channel 0 is label 0, which is dropped whatever its score."""
    head = Head()
    head.first_label = 0
    outputs = {"score": [torch.tensor([[[0.9, 0.4]]])], "boxes": [torch.zeros(1, 1, 4)]}
    (detections,) = dense_detections(head, outputs, [ANCHORS[:1]], [(50, 50)], limits())
    assert detections["labels"].tolist() == [1]
    assert detections["scores"].tolist() == pytest.approx([0.4])


def test_a_picture_in_which_nothing_is_found() -> None:
    detections = found(SHIFTED, [0.01, 0.02], [1, 2], limits())
    assert {name: tuple(x.shape) for name, x in detections.items()} == {
        "boxes": (0, 4),
        "scores": (0,),
        "labels": (0,),
    }


@pytest.mark.parametrize("first_label", [0, 1])
@pytest.mark.parametrize("kind", ["pairs", "places", "best"])
@pytest.mark.parametrize(("count", "keep"), [(3, 1000), (1000, 5), (20, 12)])
def test_all_pictures_at_once_give_what_each_gives_alone(
    first_label: int, kind: str, count: int, keep: int
) -> None:
    """Three pictures, of which the second has nothing, two levels, and ranks unlike scores."""
    torch.manual_seed(0)
    head, places = Head(), (40, 10)
    head.first_label = first_label
    outputs = {
        "score": [torch.rand(3, n, 3) for n in places],
        "rank": [torch.rand(3, n, 3) for n in places],
        "boxes": [torch.rand(3, n, 4) * 5 for n in places],
    }
    for score in outputs["score"]:
        score[1] = 0.0
    corners = [torch.rand(n, 2) * 50 for n in places]
    anchors = [torch.cat([x, x + 20], dim=1) for x in corners]
    given = (head, outputs, anchors, [(60, 60), (64, 50), (40, 64)])
    limits = Limits(score=0.3, candidates=count, kind=kind, nms=0.4, keep=keep)
    expected = dense_detections(*given, limits)
    found = batched_detections(*given, limits)
    assert len(expected[0]["boxes"]) > 0
    assert len(expected[1]["boxes"]) == 0
    for a, b in zip(expected, found, strict=True):
        assert a.keys() == b.keys()
        assert all(torch.equal(a[key], b[key]) for key in a)
