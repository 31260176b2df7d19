"""What is done to pictures before the backbone: torchvision's resize, batch and normalisation."""

from collections.abc import Sequence

from torch import Tensor
from torchvision.models.detection.transform import GeneralizedRCNNTransform

CAFFE_MEAN = [102.9801, 115.9465, 122.7717]  # BGR, of [0, 255]; the authors' FCOS


class BGRTransform(GeneralizedRCNNTransform):
    """torchvision's transform for backbones that were trained on BGR pictures."""

    def normalize(self, image: Tensor) -> Tensor:
        return super().normalize(image.flip(0))


def rgb(
    short_side: int, long_side: int, mean: Sequence[float], std: Sequence[float]
) -> GeneralizedRCNNTransform:
    """For backbones of PyTorch's style: RGB from 0 to 1, their mean and spread."""
    return GeneralizedRCNNTransform(short_side, long_side, list(mean), list(std))


def bgr(short_side: int, long_side: int) -> BGRTransform:
    """For backbones of Caffe's style: BGR from 0 to 255, only the mean taken away."""
    mean = [value / 255 for value in CAFFE_MEAN]
    return BGRTransform(short_side, long_side, mean, [1 / 255] * 3)
