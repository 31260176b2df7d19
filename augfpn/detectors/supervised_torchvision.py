"""Consistent Supervision in a torchvision detector: its own forward, and two more losses.

    model = fasterrcnn_resnet50_fpn(weights="DEFAULT")
    add_consistent_supervision(model, weight=0.25)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.005)  # made after the line above

torchvision's RoI heads sample the RoIs in a method of their own, which the subclass here extends.
The maps M reach it by forward hooks on the pyramid's 1x1 convolutions. In our own detectors M is a
value that the forward passes on; a forward that is not ours has no such place.
"""

from copy import deepcopy
from functools import partial

from torch import Tensor, nn
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN
from torchvision.models.detection.roi_heads import RoIHeads

from augfpn.detectors.backbones import LEVELS
from augfpn.detectors.two_stage import roi_loss
from augfpn.errors import UserError
from augfpn.pyramid import Boxes, ConsistentSupervision, HardRoISelection, Levels, Samples
from augfpn.speed.roi_align import torchvision_roi_align


def add_consistent_supervision(
    model: GeneralizedRCNN, weight: float = 0.25, size: int = 7, beta: float = 1.0
) -> GeneralizedRCNN:
    """Give a built torchvision Faster or Mask R-CNN Consistent Supervision, in place; returns it.

    Source: paper 3.1; chapter "Consistent Supervision" of the book.
    In training mode the model returns two losses more, ``loss_supervision_class`` and
    ``loss_supervision_box``, already weighted by lambda = ``weight``. In evaluation mode it
    computes what it did before, bit for bit. The names of its parameters stay; those of the second
    head begin with ``roi_heads.supervision.``. With a ``weight`` of 0 nothing is changed.
    The pyramid is torchvision's or that of `PyramidBackbone`; M2..M5 are the outputs of its 1x1
    convolutions, (N, C, H/2^k, W/2^k), with their normalisation if they have one.
    The second head is a copy of the model's box head and predictor with fresh weights, PyTorch's
    default; ``size`` are the bins that this head takes. ``beta`` is that of the smooth L1 of the
    supervision's box loss: 1, as in the authors' code and in all runs of the book's study. The main
    head keeps torchvision's 1/9, with which box losses outweigh class losses early in training.
    Make the optimizer afterwards. `augfpn.detectors.two_stage.without_supervision` takes the second
    head out of ``model.roi_heads`` again.
    Raises ``UserError`` for a pyramid without four levels, and for RoI heads of another class.
    """
    if weight == 0:
        return model
    laterals = laterals_of(model.backbone)
    expect_plain_heads(model)
    pools = [HardRoISelection((k,), size, torchvision_roi_align) for k in LEVELS]
    second, criterion = second_head(model.roi_heads), partial(roi_loss, beta=beta)
    supervision = ConsistentSupervision(second, weight, pools, criterion)
    heads = SupervisedRoIHeads(model.roi_heads, supervision)
    for k, convolution in laterals.items():
        convolution.register_forward_hook(partial(heads.keep, k))
    model.roi_heads = heads.train(model.training)
    return model


def expect_plain_heads(model: GeneralizedRCNN) -> None:
    """Raise ``UserError`` unless the RoI heads are torchvision's own."""
    if type(model.roi_heads) is not RoIHeads:
        raise UserError(
            f"the RoI heads are a {type(model.roi_heads).__name__} and not torchvision's RoIHeads: "
            "call this once, on a model as torchvision builds it."
        )


class SupervisedRoIHeads(RoIHeads):
    """torchvision's RoI heads, which learn on M too.

    It takes the parts of ``heads``, and ``supervision`` beside them. `keep` is called by the
    pyramid, before the forward; maps and samples are dropped when the step's losses are there.
    """

    def __init__(self, heads: RoIHeads, supervision: ConsistentSupervision) -> None:
        super().__init__(
            heads.box_roi_pool,
            heads.box_head,
            heads.box_predictor,
            heads.proposal_matcher.high_threshold,
            heads.proposal_matcher.low_threshold,
            heads.fg_bg_sampler.batch_size_per_image,
            heads.fg_bg_sampler.positive_fraction,
            heads.box_coder.weights,
            heads.score_thresh,
            heads.nms_thresh,
            heads.detections_per_img,
            heads.mask_roi_pool,
            heads.mask_head,
            heads.mask_predictor,
            heads.keypoint_roi_pool,
            heads.keypoint_head,
            heads.keypoint_predictor,
        )
        self.supervision = supervision
        self.m: Levels = {}
        self.samples: Samples | None = None

    def keep(self, level: int, module: nn.Module, inputs: tuple, output: Tensor) -> None:
        """A forward hook of the 1x1 convolution of ``level``: its output is M."""
        if self.training and self.supervision is not None:
            self.m[level] = output

    def select_training_samples(self, proposals: Boxes, targets: list[dict[str, Tensor]]) -> tuple:
        sampled = super().select_training_samples(proposals, targets)
        boxes, matches, labels, deltas = sampled
        self.samples = Samples(boxes, labels, deltas, matches)
        return sampled

    def forward(
        self,
        features: dict[str, Tensor],
        proposals: Boxes,
        image_shapes: list[tuple[int, int]],
        targets: list[dict[str, Tensor]] | None = None,
    ) -> tuple[list[dict[str, Tensor]], dict[str, Tensor]]:
        found, losses = super().forward(features, proposals, image_shapes, targets)
        if self.training and self.supervision is not None:
            losses |= self.supervision(self.m, self.samples)
        self.m, self.samples = {}, None
        return found, losses


def second_head(heads: RoIHeads) -> nn.Module:
    """A head like the box head with its predictor, with PyTorch's default weights."""
    second = nn.Sequential(deepcopy(heads.box_head), deepcopy(heads.box_predictor))
    second.requires_grad_(True)
    for layer in second.modules():
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    return second


def laterals_of(backbone: nn.Module) -> dict[int, nn.Module]:
    """The 1x1 convolutions of a pyramid on C2..C5, by level. Raises ``UserError`` without them."""
    fpn = getattr(backbone, "fpn", None)
    if hasattr(fpn, "lateral"):
        found = {int(k): convolution for k, convolution in fpn.lateral.items()}
    else:
        found = dict(enumerate(getattr(fpn, "inner_blocks", ()), start=LEVELS[0]))
    if tuple(found) != LEVELS:
        raise UserError(
            f"the backbone has a pyramid of {len(found)} levels where Consistent Supervision takes "
            "four, on C2 to C5: give a detector like fasterrcnn_resnet50_fpn."
        )
    return found
