"""Changes of training pictures beyond the flip: torchvision's transforms, as functions of a draw.

None is in the paper's recipes. A detector resizes each picture to one size, so scale jitter keeps
the size of the picture and changes that of its content: it is cut off, or padded with grey.
"""

import numpy as np
import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

from augfpn.config import Augment
from augfpn.data.pictures import Target

JITTER = (0.5, 1.5)  # of the content of a picture
PADDING = 114  # of 255
SMALLEST = 8  # pixels: a picture with a shorter side stays as it is


def augmented(
    image: Tensor, target: Target, kind: Augment, seed: int, draw: int
) -> tuple[Tensor, Target]:
    """A picture and its objects after a random change, which seed and draw decide.

    Objects that are cut off to less than a pixel are left out. If none remained, the picture stays
    as it is. Shapes: image (3, H, W) uint8; its size is kept, except by "crop" and "strong".
    """
    height, width = image.shape[-2:]
    if kind == "flip" or min(height, width) < SMALLEST:
        return image, target
    sample = {
        "image": tv_tensors.Image(image),
        "boxes": tv_tensors.BoundingBoxes(
            target["boxes"], format="XYXY", canvas_size=(height, width)
        ),
        "labels": target["labels"],
    }
    if "masks" in target:
        sample["masks"] = tv_tensors.Mask(target["masks"])
    with torch.random.fork_rng(devices=[]):
        # Not torch.manual_seed, which would seed the GPUs, too.
        torch.default_generator.manual_seed(
            int(np.random.default_rng((seed, draw, 1)).integers(2**62))
        )
        sample = transform_of(kind, height, width)(sample)
    if not len(sample["boxes"]):
        return image, target
    plain = {name: value.as_subclass(Tensor) for name, value in sample.items()}
    return plain.pop("image").contiguous(), target | plain


def transform_of(kind: Augment, height: int, width: int) -> v2.Compose:
    """The transforms of one kind for a picture of this size."""
    colour = [v2.RandomPhotometricDistort()]
    crop = [v2.RandomIoUCrop()]
    jitter = [
        v2.ScaleJitter((height, width), JITTER, antialias=True),
        v2.RandomCrop(
            (height, width), pad_if_needed=True, fill={tv_tensors.Image: PADDING, "others": 0}
        ),
    ]
    chosen = {
        "scale_jitter": jitter,
        "crop": crop,
        "colour": colour,
        "strong": [*colour, v2.RandomApply(crop), *jitter],
    }
    return v2.Compose([*chosen[kind], v2.ClampBoundingBoxes(), v2.SanitizeBoundingBoxes()])
