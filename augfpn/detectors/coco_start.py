"""Start from torchvision's COCO detector of the same kind: every tensor that fits is taken over.

What AugFPN adds, and the layers with outputs for each class if there are other than 80 classes,
keep their random weights.
"""

import torch
import torchvision
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torchvision.ops import FrozenBatchNorm2d

from augfpn.config import Model
from augfpn.detectors.from_torchvision import COCO, State, coco_weights, our_name
from augfpn.errors import UserError

# Their frozen normalisation was trained without an epsilon.
WITHOUT_EPS = ("faster_rcnn", "mask_rcnn", "retinanet")


def start_from_coco(detector: nn.Module, model: Model) -> None:
    """Load torchvision's COCO weights wherever they fit, and freeze the backbone up to C2.

    Raises ``UserError`` for a backbone other than ResNet-50 in torchvision's style, and when the
    weights are damaged or cannot be downloaded.
    """
    if (model.backbone, model.style) != ("resnet50", "pytorch"):
        raise UserError(
            f"weights='coco' does not go with backbone={model.backbone!r} and style="
            f"{model.style!r}: torchvision's COCO weights are of backbone='resnet50' with "
            "style='pytorch'."
        )
    taken = that_fit(detector, coco_weights(model.detector))
    detector.load_state_dict(detector.state_dict() | taken)
    if model.frozen > 1:
        detector.backbone.freeze_up_to(model.frozen)


def that_fit(detector: nn.Module, state: State) -> State:
    """The tensors of torchvision's state dict that have a place of their shape, by our names."""
    own = detector.state_dict()
    ours = {our_name(name, own): value for name, value in state.items()}
    return {n: value for n, value in ours.items() if n in own and own[n].shape == value.shape}


def coco_sentence(detector: nn.Module, model: Model) -> str:
    """How many tensors `start_from_coco` takes over, and which parts of a detector are new."""
    with torch.device("meta"):
        their = torchvision.models.get_model(
            COCO[model.detector], weights=None, weights_backbone=None, num_classes=81
        )
    taken = that_fit(detector, their.state_dict())
    own = [n for n in detector.state_dict() if not n.endswith("num_batches_tracked")]
    new = [n for n in own if n not in taken]
    parts = dict.fromkeys(".".join(n.split(".")[:2]) for n in new)
    from_scratch = f"; these start from scratch: {', '.join(parts)}" if parts else ""
    return (
        f"{len(own) - len(new)} of {len(own)} tensors start from torchvision's COCO weights of "
        f"{COCO[model.detector]}{from_scratch}."
    )


def normalise_as_coco(detector: nn.Module, model: Model) -> None:
    """Give the backbone's fixed normalisations the epsilon that the COCO weights need.

    No weights file holds it, so a detector that is only read needs this, too.
    """
    if model.detector not in WITHOUT_EPS:
        return
    fixed = (FrozenBatchNorm2d, _BatchNorm) if detector.backbone.fixed_statistics else ()
    for layer in detector.backbone.modules():
        if isinstance(layer, fixed):
            layer.eps = 0.0
