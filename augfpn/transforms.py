"""What is done to pictures before the backbone: torchvision's resize, batch and normalisation."""

from torch import Tensor
from torchvision.models.detection.transform import GeneralizedRCNNTransform

IMAGENET_MEAN, IMAGENET_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]  # RGB, of [0, 1]
CAFFE_MEAN = [102.9801, 115.9465, 122.7717]  # BGR, of [0, 255]; the authors' FCOS


class BGRTransform(GeneralizedRCNNTransform):
    """torchvision's transform for backbones that were trained on BGR pictures."""

    def normalize(self, image: Tensor) -> Tensor:
        return super().normalize(image.flip(0))


def rgb(short_side: int, long_side: int) -> GeneralizedRCNNTransform:
    """For backbones of PyTorch's style: RGB, mean and spread of ImageNet."""
    return GeneralizedRCNNTransform(short_side, long_side, IMAGENET_MEAN, IMAGENET_STD)


def bgr(short_side: int, long_side: int) -> BGRTransform:
    """For backbones of Caffe's style: BGR from 0 to 255, only the mean taken away."""
    mean = [value / 255 for value in CAFFE_MEAN]
    return BGRTransform(short_side, long_side, mean, [1 / 255] * 3)
