"""torchvision's names for the same parameters: its COCO weights fit our detectors.

| torchvision                 | here                 | what                                     |
| --------------------------- | -------------------- | ---------------------------------------- |
| ``backbone.body.``          | ``backbone.body.``   | the backbone                             |
| ``backbone.fpn.inner_blocks.0..3.0.`` | ``fpn.lateral.2..5.`` | 1x1 convolutions of C2..C5    |
| ``backbone.fpn.layer_blocks.0..3.0.`` | ``fpn.output.2..5.``  | 3x3 convolutions to P2..P5    |
| ``rpn.``                    | ``rpn.``             | the proposal network                     |
| ``roi_heads.``              | ``heads.``           | box head and predictor                   |
"""

import re

from torch import Tensor, nn
from torchvision.ops import FrozenBatchNorm2d

from augfpn.detectors import TwoStage
from augfpn.errors import UserError

State = dict[str, Tensor]
PYRAMID = re.compile(r"backbone\.fpn\.(inner|layer)_blocks\.(\d)\.(?:0\.)?(weight|bias)")
OURS = {"inner": "lateral", "layer": "output"}
FIRST_LEVEL = 2


def our_name(name: str) -> str:
    """torchvision's name of a parameter to ours. Older files lack the ``.0`` in the pyramid."""
    found = PYRAMID.fullmatch(name)
    if found:
        kind, place, what = found.groups()
        return f"fpn.{OURS[kind]}.{int(place) + FIRST_LEVEL}.{what}"
    return re.sub(r"^roi_heads\.", "heads.", name)


def load_torchvision(detector: TwoStage, state: State, eps: float | None = None) -> list[str]:
    """Load torchvision's Faster R-CNN state dict; returns the names that it leaves as they are.

    Those are AugFPN's own parts. ``eps=0`` for torchvision's COCO_V1 weights, whose frozen
    normalisation was trained without one. Raises ``UserError`` for a state that does not fit.
    """
    ours = {our_name(name): value for name, value in state.items()}
    own = detector.state_dict()
    foreign = sorted(ours.keys() - own.keys())
    wrong = [n for n, value in ours.items() if n in own and own[n].shape != value.shape]
    if foreign or wrong:
        name = (foreign or wrong)[0]
        here = tuple(own[name].shape) if name in own else "absent"
        raise UserError(
            f"the weights do not fit this detector: {name} is {tuple(ours[name].shape)} there and "
            f"{here} here; build it with the same backbone, classes, channels and head width."
        )
    detector.load_state_dict(own | ours)
    if eps is not None:
        set_eps(detector, eps)
    return sorted(own.keys() - ours.keys())


def set_eps(module: nn.Module, eps: float) -> None:
    """Set the small number that every frozen normalisation adds to its variance."""
    for layer in module.modules():
        if isinstance(layer, FrozenBatchNorm2d):
            layer.eps = eps
