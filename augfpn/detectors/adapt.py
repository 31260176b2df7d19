"""AugFPN's pyramid and RoI selection in a torchvision `FasterRCNN` or `MaskRCNN` of one's own.

    model = FasterRCNN(PyramidBackbone(body, fpn), num_classes)
    model.roi_heads.box_roi_pool = RoIPool(select)
    model.roi_heads.mask_roi_pool = RoIPool(another_select)  # Mask R-CNN: 14 bins, its own fusion

The pools are assigned afterwards because torchvision's constructors take none but their own.
Consistent Supervision cannot be had in this way: it shares the RoIs that the box head learns from,
and torchvision keeps those to itself. `augfpn.build_detector` has all three parts.
"""

from collections import OrderedDict

from torch import Tensor, nn
from torchvision.ops import FeaturePyramidNetwork

from augfpn.detectors.two_stage import with_p6
from augfpn.errors import UserError
from augfpn.pyramid import FPN, Boxes

LEVELS = (2, 3, 4, 5)  # of C, M and P, in the order of the maps
NAMES = {2: "0", 3: "1", 4: "2", 5: "3", 6: "pool"}  # torchvision's, for P2..P6


class PyramidBackbone(nn.Module):
    """A backbone with our pyramid on it, called as torchvision's detectors call theirs.

    ``body`` returns a dict of C2..C5, the finest first, whatever their names: `augfpn.detectors.backbones`'s
    do, and so does the ``backbone.body`` of a torchvision detector.
    Shapes: pictures (N, 3, H, W) -> "0".."3", which are P2..P5, and "pool", which is P6, every
    second place of P5: (N, out_channels, H/2^k, W/2^k) at level k.
    M is not among them: torchvision's proposal network looks at every map that it gets.
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
        return OrderedDict((NAMES[k], p_k) for k, p_k in with_p6(p).items())


class RoIPool(nn.Module):
    """A RoI selection of `augfpn.pyramid`, called as torchvision calls its RoI pools.

    Shapes: features "0".."3" of `PyramidBackbone`, boxes N x (R_i, 4) pixels of the batch
    -> (R, C, S, S), S the bins of ``select``.
    Differs: torchvision guesses each map's stride from the first batch that it sees; here level k
    has stride 2^k. So pictures' sizes are not looked at.
    """

    def __init__(self, select: nn.Module) -> None:
        super().__init__()
        self.select = select

    def forward(
        self, features: dict[str, Tensor], boxes: Boxes, image_shapes: list[tuple[int, int]]
    ) -> Tensor:
        return self.select({k: features[NAMES[k]] for k in LEVELS}, boxes)


def our_pyramid(theirs: FeaturePyramidNetwork, augment: nn.Module | None = None) -> FPN:
    """Our pyramid with the weights of a torchvision pyramid on C2..C5, which stays as it is.

    ``augment`` is Residual Feature Augmentation, or nothing: then P2..P5 are equal bit for bit.
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
