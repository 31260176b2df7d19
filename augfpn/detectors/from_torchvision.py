"""Exchange with torchvision: its weights for our detectors, our pyramid for its detectors.

torchvision's weights fit our detectors. The parameters have other names:

| torchvision                 | here                 | what                                     |
| --------------------------- | -------------------- | ---------------------------------------- |
| ``backbone.body.``          | ``backbone.body.``   | the backbone                             |
| ``backbone.fpn.inner_blocks.0..3.0.`` | ``fpn.lateral.2..5.`` | 1x1 convolutions of C2..C5    |
| ``backbone.fpn.layer_blocks.0..3.0.`` | ``fpn.output.2..5.``  | 3x3 convolutions to P2..P5    |
| ``backbone.fpn.extra_blocks.``        | ``fpn.extra.``        | those to P6 and P7            |
| ``rpn.``                    | ``rpn.``             | the proposal network                     |
| ``roi_heads.mask_head.``    | ``masks.head.``      | the mask branch ...                      |
| ``roi_heads.mask_predictor.`` | ``masks.predictor.`` | ... and its last layers                |
| ``roi_heads.``              | ``heads.``           | box head and predictor                   |
| ``head.``                   | ``dense.``           | RetinaNet's or FCOS's head               |

One-stage pyramids begin at level 3: there ``0..2`` are our ``3..5``.

AugFPN's pyramid and RoI selection fit a torchvision `FasterRCNN` or `MaskRCNN`:

    model = FasterRCNN(PyramidBackbone(body, fpn), num_classes)
    model.roi_heads.box_roi_pool = RoIPool(select)
    model.roi_heads.mask_roi_pool = RoIPool(another_select)  # Mask R-CNN: 14 bins, its own fusion

The pools are assigned afterwards because torchvision's constructors take none but their own.
Consistent Supervision is added by `augfpn.detectors.supervised_torchvision`.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Collection

import torchvision
from torch import Tensor, nn
from torchvision.ops import FeaturePyramidNetwork, FrozenBatchNorm2d

from augfpn.detectors.backbones import LEVELS
from augfpn.detectors.downloads import State, Weights, weights_at
from augfpn.detectors.two_stage import with_p6
from augfpn.errors import UserError, one_of
from augfpn.pyramid import FPN, Boxes

PYRAMID = re.compile(r"backbone\.fpn\.(inner|layer)_blocks\.(\d)\.(?:0\.)?(weight|bias)")
OURS = {"inner": "lateral", "layer": "output"}
RENAMED = {
    "backbone.fpn.extra_blocks.": "fpn.extra.",
    "roi_heads.mask_head.": "masks.head.",
    "roi_heads.mask_predictor.": "masks.predictor.",
    "roi_heads.": "heads.",
    "head.": "dense.",
}
# Files older than torchvision 0.13, such as COCO_V1 weights, number convolutions differently.
OLDER: tuple[tuple[str, Callable[..., str]], ...] = (
    (r"(rpn\.head\.conv)\.(\w+)", lambda conv, what: f"{conv}.0.0.{what}"),
    (r"(masks\.head)\.mask_fcn(\d)\.(\w+)", lambda head, n, what: f"{head}.{int(n) - 1}.0.{what}"),
    (
        r"(dense\.\w+_head\.conv)\.(\d)\.(\w+)",  # RetinaNet; these are today's names in FCOS
        lambda conv, n, what: f"{conv}.{int(n) // 2}.0.{what}",
    ),
)
# The layers with outputs for each class, in torchvision's names and in ours.
OF_CLASSES = re.compile(r"(box_predictor\.\w+|mask_fcn_logits|classification_head\.cls_logits)\.")
COCO = {
    "faster_rcnn": "fasterrcnn_resnet50_fpn",
    "mask_rcnn": "maskrcnn_resnet50_fpn",
    "retinanet": "retinanet_resnet50_fpn",
    "fcos": "fcos_resnet50_fpn",
}
MAP_NAMES = {2: "0", 3: "1", 4: "2", 5: "3", 6: "pool"}  # torchvision's, for P2..P6


# --- their weights in our detectors ---------------------------------------------------------------


def our_name(name: str, own: Collection[str]) -> str:
    """Our name of a parameter, from its name in torchvision, today's or an older one.

    ``own`` are all names in the state dict of the detector that will get the parameter.
    """
    found = PYRAMID.fullmatch(name)
    if found:
        kind, place, what = found.groups()
        first = min(int(n.split(".")[2]) for n in own if n.startswith("fpn.lateral."))
        return f"fpn.{OURS[kind]}.{int(place) + first}.{what}"
    for theirs, ours in RENAMED.items():
        if name.startswith(theirs):
            name = ours + name.removeprefix(theirs)
            break
    for pattern, newer in OLDER:
        found = re.fullmatch(pattern, name)
        if found and name not in own:
            return newer(*found.groups())
    return name


def load_torchvision(
    detector: nn.Module, state: State, eps: float | None = None, own_classes: bool = False
) -> list[str]:
    """Load a torchvision detector's state dict; returns the names that keep their values.

    These names belong to AugFPN's own parts and, with ``own_classes``, to the layers with outputs
    for each class, which you then train for classes of your own. Give ``eps=0`` for the COCO_V1
    weights of Faster R-CNN, Mask R-CNN and RetinaNet: their frozen normalisation was trained
    without an epsilon. Raises ``UserError`` for a state that does not fit, before anything is
    loaded.
    """
    own = detector.state_dict()
    ours = {our_name(name, own): value for name, value in state.items()}
    ours = {
        name: value
        for name, value in ours.items()
        if not (own_classes and OF_CLASSES.search(name))
        # FrozenBatchNorm2d has no counter of batches.
        and (name in own or not name.endswith(".num_batches_tracked"))
    }
    foreign = sorted(ours.keys() - own.keys())
    wrong = [n for n, value in ours.items() if n in own and own[n].shape != value.shape]
    if foreign or wrong:
        name = (foreign or wrong)[0]
        here = tuple(own[name].shape) if name in own else "absent"
        raise UserError(
            f"the weights do not fit this detector: {name} is {tuple(ours[name].shape)} there and "
            f"{here} here; build it with the same backbone, classes, channels and head width, or "
            "leave the weights of other classes out with own_classes=True."
        )
    detector.load_state_dict(own | ours)
    if eps is not None:
        set_eps(detector, eps)
    return sorted(own.keys() - ours.keys())


def coco_weights(detector: str) -> State:
    """torchvision's COCO_V1 weights of a ResNet-50 detector, cut down to COCO's 80 classes.

    ``detector`` is a detector's name in `augfpn.config.Model`. torchvision's labels are COCO's
    category ids, 1 to 90, ten of which have no category; here label k is the k-th category, as in
    `augfpn.data` and for ``classes=80``. Label 0 stays the background. The parameters' names are
    torchvision's.
    Raises ``UserError`` for another name, and when the weights cannot be downloaded or the file on
    this machine is damaged.
    """
    return coco_file(detector).load()


def coco_file(detector: str) -> Weights:
    """Where `coco_weights` come from. Raises ``UserError`` for a name without COCO weights."""
    weights = torchvision.models.get_model_weights(COCO[one_of("detector", detector, COCO)])
    v1 = weights["COCO_V1"]
    categories = v1.meta["categories"]
    kept = [i for i, category in enumerate(categories) if category != "N/A"]

    def state() -> State:
        read = {"check_hash": True, "progress": False, "map_location": "cpu", "weights_only": True}
        return {
            name: rows_of(value, name, kept, len(categories)) if OF_CLASSES.search(name) else value
            for name, value in v1.get_state_dict(**read).items()
        }

    return weights_at(f"torchvision's COCO weights of {detector}", v1.url, state)


def rows_of(value: Tensor, name: str, kept: list[int], count: int) -> Tensor:
    """The rows of the classes ``kept`` from (anchors x count x numbers per class, ...)."""
    numbers = 4 if "bbox_pred" in name else 1
    return value.unflatten(0, (-1, count, numbers))[:, kept].flatten(0, 2)


def new_parts_only(detector: nn.Module, own: Collection[str]) -> list[nn.Parameter]:
    """Freeze all parameters except those named in ``own``; returns the latter, for an optimiser.

    ``own`` is what `load_torchvision` returns; names of buffers in it are ignored. Raises
    ``UserError`` if no parameter has a name in it.
    """
    parameters = dict(detector.named_parameters())
    learn = [parameter for name, parameter in parameters.items() if name in own]
    if not learn:
        raise UserError(
            f"none of {len(own)} names is a parameter of this detector, so nothing would learn: "
            "give what load_torchvision returned for it, and build it with a part of AugFPN's."
        )
    detector.requires_grad_(False)
    for parameter in learn:
        parameter.requires_grad_(True)
    return learn


def set_eps(module: nn.Module, eps: float) -> None:
    """Set the epsilon that every frozen normalisation adds to its variance."""
    for layer in module.modules():
        if isinstance(layer, FrozenBatchNorm2d):
            layer.eps = eps


# --- our pyramid in their detectors ---------------------------------------------------------------


class PyramidBackbone(nn.Module):
    """A backbone with our pyramid, with the interface of torchvision's backbones with FPN.

    ``body`` returns a dict of C2..C5 under any names, the finest first, like
    `augfpn.detectors.backbones.Backbone` and like the ``backbone.body`` of a torchvision detector.
    Shapes: pictures (N, 3, H, W) -> "0".."3", which are P2..P5, and "pool", which is P6, every
    second place of P5: (N, out_channels, H/2^k, W/2^k) at level k.
    M is not returned: torchvision's proposal network would use every map that it gets.
    Raises ``UserError`` when the body does not return a map for each level of the pyramid.
    """

    def __init__(self, body: nn.Module, fpn: FPN) -> None:
        super().__init__()
        self.body = body
        self.fpn = fpn
        self.out_channels = next(iter(fpn.output.values())).out_channels

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        maps = list(self.body(x).values())
        if len(maps) != len(LEVELS):
            raise UserError(
                f"the body returns {len(maps)} maps where the pyramid takes {len(LEVELS)}: let it "
                "return C2 to C5, of strides 4, 8, 16 and 32, the finest first."
            )
        _, p = self.fpn(dict(zip(LEVELS, maps, strict=True)))
        return OrderedDict((MAP_NAMES[k], p_k) for k, p_k in with_p6(p).items())


class RoIPool(nn.Module):
    """A RoI selection of `augfpn.pyramid` with the interface of torchvision's RoI poolers.

    Shapes: features "0".."3" of `PyramidBackbone`, boxes N x (R_i, 4) pixels of the batch
    -> (R, C, S, S), S the bins of ``select``.
    Differs: torchvision guesses each map's stride from the first batch that it sees; here level k
    has stride 2^k. Therefore ``image_shapes`` is not used.
    """

    def __init__(self, select: nn.Module) -> None:
        super().__init__()
        self.select = select

    def forward(
        self, features: dict[str, Tensor], boxes: Boxes, image_shapes: list[tuple[int, int]]
    ) -> Tensor:
        return self.select({k: features[MAP_NAMES[k]] for k in LEVELS}, boxes)


def our_pyramid(theirs: FeaturePyramidNetwork, augment: nn.Module | None = None) -> FPN:
    """Our pyramid with a copy of the weights of torchvision's pyramid on C2..C5.

    ``augment`` is Residual Feature Augmentation or None; without it, P2..P5 equal torchvision's bit
    for bit.
    Raises ``UserError`` for other levels, and for convolutions with a normalisation.
    """
    sizes = [len(block) for block in theirs.inner_blocks]
    if sizes != [1] * len(LEVELS):
        raise UserError(
            f"the pyramid's {len(sizes)} levels have {sizes} layers where ours are 4 plain "
            "convolutions: give the pyramid of a detector like fasterrcnn_resnet50_fpn (the _v2 "
            "models normalise in theirs), or train ours anew."
        )
    lateral, output = (
        {k: block[0] for k, block in zip(LEVELS, blocks, strict=True)}
        for blocks in (theirs.inner_blocks, theirs.layer_blocks)
    )
    fpn = FPN(
        {k: conv.in_channels for k, conv in lateral.items()}, lateral[2].out_channels, augment
    )
    for ours, conv in ((fpn.lateral, lateral), (fpn.output, output)):
        for k, each in conv.items():
            ours[str(k)].load_state_dict(each.state_dict())
    return fpn
