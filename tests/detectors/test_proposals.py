"""The proposal network: which anchors it trains on, and how many boxes it proposes."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torchvision.models.detection.image_list import ImageList
from worked import TINY, with_option, worked

from augfpn.detectors.build import proposal_network
from augfpn.detectors.proposals import ProposalNetwork
from augfpn.detectors.two_stage import with_p6
from augfpn.settings.dialects import in_dialect

OBJECT = {"boxes": torch.tensor([[0.0, 10.0, 50.0, 60.0]])}
NOTHING = {"boxes": torch.zeros(0, 4)}
ANCHORS = torch.tensor(
    [
        [-10.0, 10.0, 50.0, 60.0],  # crosses the border; IoU with the object 2500 / 3000
        [0.0, 40.0, 50.0, 90.0],  # inside; 1000 / 4000
        [60.0, 60.0, 100.0, 100.0],  # inside; 0
    ]
)


def built(field: str, value: object) -> ProposalNetwork:
    return proposal_network(with_option("PROPOSALS", field, value))


def labels(network: ProposalNetwork, objects: dict, *sizes: tuple[int, int]) -> list[list[int]]:
    """The label of each anchor in pictures of these sizes: 1 object, 0 background, -1 unused."""
    match = network.match([objects["boxes"]] * len(sizes), ANCHORS, sizes)
    return (match + 1).clamp(max=1).tolist()


@worked("PROPOSALS", "border_anchors", torchvision=[1, 0, 0], authors=[-1, 1, 0])
def test_an_anchor_over_the_border(value, expected) -> None:
    """It is matched to the object; or it is ignored, and the object has the best other anchor."""
    network = built("border_anchors", value)
    assert labels(network, OBJECT, (100, 100)) == [expected]


@worked("PROPOSALS", "border_anchors", torchvision=[0, 0, 0], authors=[-1, 0, 0])
def test_a_picture_without_objects_is_background(value, expected) -> None:
    assert labels(built("border_anchors", value), NOTHING, (100, 100)) == [expected]


def test_borders_are_those_of_the_picture_not_of_the_batch() -> None:
    network = built("border_anchors", False)
    assert labels(network, NOTHING, (100, 100), (95, 100)) == [[-1, 0, 0], [-1, 0, -1]]


def test_an_object_near_border_anchors_only_takes_none() -> None:
    """Its best IoU with the other anchors is 0, and so is its IoU with each of them."""
    network = built("border_anchors", False)
    target = {"boxes": torch.tensor([[0.0, 10.0, 8.0, 20.0]])}
    assert labels(network, target, (100, 100)) == [[-1, 0, 0]]


def maps(height: int, width: int) -> dict[int, Tensor]:
    torch.manual_seed(0)
    return with_p6(
        {k: torch.randn(1, 32, -(-height // 2**k), -(-width // 2**k)) for k in (2, 3, 4, 5)}
    )


def test_a_picture_too_thin_for_any_anchor_trains_on() -> None:
    """All anchors cross the border of a strip of 12 px: there is nothing to take a mean of."""
    network = proposal_network(in_dialect(TINY, "authors"))
    batch = ImageList(torch.zeros(1, 3, 32, 128), [(12, 128)])
    proposals, losses = network(batch, maps(32, 128), [OBJECT])
    assert len(proposals[0]) > 0
    assert {name: loss.item() for name, loss in losses.items()} == {
        "loss_objectness": 0,
        "loss_rpn_box_reg": 0,
    }
    sum(losses.values()).backward()
    assert all(q.grad is not None for q in network.parameters())


@worked("PROPOSALS", "least_proposal", torchvision=[3], authors=[0, 1, 2, 3])
def test_how_small_a_proposal_may_be(value, expected) -> None:
    """Sides of 0 px, of 0.0005 px, a height of 0 px, and 5 px."""
    network = built("least_proposal", value).eval()
    boxes = torch.tensor(
        [
            [1.0, 1.0, 1.0, 1.0],
            [0.0, 0.0, 0.0005, 0.0005],
            [20.0, 20.0, 30.0, 20.0],
            [40.0, 40.0, 45.0, 45.0],
        ]
    )
    logits = torch.tensor([[4.0, 3.0, 2.0, 1.0]])
    (found,), _ = network.filter_proposals(boxes[None], logits, [(64, 64)], [4])
    assert found.tolist() == boxes[expected].tolist()


@worked("PROPOSALS", "rpn_candidates", torchvision=(2000, 1000), authors=(2000, 2000))
def test_candidates_of_a_level_in_training_and_in_testing(value, expected) -> None:
    network = built("rpn_candidates", value)
    numbers = network.train().pre_nms_top_n(), network.eval().pre_nms_top_n()
    assert numbers == expected


@worked("PROPOSALS", "proposals", torchvision=(2000, 1000), authors=(2000, 2000))
def test_proposals_of_a_picture_in_training_and_in_testing(value, expected) -> None:
    network = built("proposals", value)
    numbers = network.train().post_nms_top_n(), network.eval().post_nms_top_n()
    assert numbers == expected


@pytest.mark.parametrize(("candidates", "proposals", "expected"), [(3, 100, 6), (100, 4, 4)])
def test_the_best_of_each_level_then_of_the_picture(
    candidates: int, proposals: int, expected: int
) -> None:
    """Two levels of five boxes that do not overlap, the second level's with the higher scores."""
    model = replace(TINY, rpn_candidates=(1, candidates), proposals=(1, proposals))
    network = proposal_network(model).eval()
    corner = torch.arange(10.0)[:, None] * 10
    boxes = torch.cat([corner, corner, corner + 5, corner + 5], dim=1)
    scores = torch.arange(10.0)[None]
    found, scores, counts = network.candidates(scores, torch.zeros(1, 10, 4), boxes.split([5, 5]))
    (found,), _ = network.filter_proposals(found, scores, [(200, 200)], counts)
    first = {6: [9, 8, 7, 4, 3, 2], 4: [9, 8, 7, 6]}[expected]
    assert found.tolist() == boxes[first].tolist()
