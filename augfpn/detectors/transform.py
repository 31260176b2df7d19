"""Before the backbone and after the detections: pictures become a batch, boxes go back to pictures.

The results are torchvision's bit for bit. Its transform does one picture after the other, and
copies constants to the device for each of them; here, pictures of one size share every step.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from augfpn.detectors.boxes import borders
from augfpn.detectors.masks import paste_masks
from augfpn.detectors.targets import Detections, Targets
from augfpn.errors import UserError

Size = tuple[int, int]  # height, width


class Transform(GeneralizedRCNNTransform):
    """torchvision's transform for a batch: resize, normalise, pad; and back.

    With ``bgr`` the colours are put in the order blue, green, red before ``mean`` and ``std``.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        short_side: int,
        long_side: int,
        mean: Sequence[float],
        std: Sequence[float],
        bgr: bool = False,
    ) -> None:
        super().__init__(short_side, long_side, list(mean), list(std))
        self.register_buffer("mean", torch.tensor(mean)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(std)[:, None, None], persistent=False)
        self.bgr = bgr

    def forward(
        self, images: Sequence[Tensor], targets: Targets | None = None
    ) -> tuple[ImageList, Targets | None]:
        """Pictures (3, H_i, W_i) in [0, 1] -> a batch (N, 3, H, W); targets in pixels of the batch.

        H and W are multiples of 32. A picture is at the upper left; right of it and below are
        zeros. Raises: UserError for a picture of another shape, or of whole numbers.
        """
        check_images(images)
        old = [tuple(image.shape[-2:]) for image in images]
        new = [
            size_after_resize(size, side, self.max_size)
            for size, side in zip(old, self.short_sides(len(images)), strict=True)
        ]
        batch = ImageList(self.batched(images, old, new), new)
        return batch, None if targets is None else self.in_batch(targets, old, new)

    def short_sides(self, number: int) -> list[int]:
        """The length that each picture's short side gets: in training, drawn from several.

        torchvision draws picture by picture; the numbers are the same.
        """
        if not self.training:
            return [self.min_size[-1]] * number
        choices = len(self.min_size)
        return [self.min_size[int(u)] for u in torch.empty(number).uniform_(0, choices).tolist()]

    def padded_size(self, size: Size) -> Size:
        """The size of a batch of one picture of this size, when testing."""
        return self.padded([size_after_resize(size, self.min_size[-1], self.max_size)])

    def padded(self, sizes: Sequence[Size]) -> Size:
        """The least multiples of 32 that hold pictures of these sizes."""
        height, width = (
            -(-max(side) // self.size_divisible) * self.size_divisible
            for side in zip(*sizes, strict=True)
        )
        return height, width

    def normalize(self, image: Tensor) -> Tensor:
        """One picture (3, H, W) in [0, 1], or several of one size, as the backbone expects them."""
        image = image.flip(-3) if self.bgr else image
        return (image - self.mean.to(image.dtype)).div_(self.std.to(image.dtype))

    def batched(self, images: Sequence[Tensor], old: list[Size], new: list[Size]) -> Tensor:
        """The pictures, normalised and resized from ``old`` to ``new`` sizes: (N, 3, H, W)."""
        same: dict[tuple[Size, Size], list[int]] = {}  # pictures of the same sizes
        for i, sizes in enumerate(zip(old, new, strict=True)):
            same.setdefault(sizes, []).append(i)
        ready = {
            sizes: at_size(self.normalize(torch.stack([images[i] for i in those])), sizes[1])
            for sizes, those in same.items()
        }
        height, width = self.padded(new)
        first, *others = ready.values()
        if not others and first.shape[2:] == (height, width):
            return first
        batch = images[0].new_zeros(len(images), 3, height, width)
        for sizes, x in ready.items():
            for i, picture in zip(same[sizes], x, strict=True):
                batch[i, :, : x.shape[2], : x.shape[3]] = picture
        return batch

    def in_batch(self, targets: Targets, old: list[Size], new: list[Size]) -> Targets:
        """The targets with their boxes and masks in pixels of the batch."""
        if old == new:
            return [dict(target) for target in targets]
        moved = []
        scale = ratios(old, new, targets[0]["boxes"].device)
        for target, ratio, size in zip(targets, scale, new, strict=True):
            own = {"boxes": target["boxes"] * ratio}
            if "masks" in target:
                own["masks"] = masks_at_size(target["masks"], size)
            moved.append(target | own)
        return moved

    def postprocess(
        self,
        result: Detections,
        image_shapes: Sequence[Size],
        original_image_sizes: Sequence[Size],
    ) -> Detections:
        """Detections in pixels of the batch -> in pixels of their pictures, masks of their size."""
        scale = ratios(image_shapes, original_image_sizes, result[0]["boxes"].device)
        found = [
            each | {"boxes": each["boxes"] * ratio}
            for each, ratio in zip(result, scale, strict=True)
        ]
        for each, size in zip(found, original_image_sizes, strict=True):
            if "masks" in each:
                each["masks"] = paste_masks(each["masks"], each["boxes"], size)
        return found


def check_images(images: Sequence[Tensor]) -> None:
    """Raise ``UserError`` for what is not a picture (3, H, W) of floating-point numbers."""
    for place, image in enumerate(images):
        if image.dim() != 3 or not image.is_floating_point():
            raise UserError(
                f"picture {place} is {image.dtype} of shape {tuple(image.shape)}: give (3, H, W), "
                "floating-point numbers in [0, 1]."
            )


def size_after_resize(size: Size, short_side: int, long_side: int) -> Size:
    """The size that a picture gets: the short side as asked, unless the long one were too long.

    No side becomes shorter than a pixel, however long and thin the picture is.
    """
    scale = min(short_side / min(size), long_side / max(size))
    return max(1, int(size[0] * scale)), max(1, int(size[1] * scale))


def at_size(x: Tensor, size: Size) -> Tensor:
    """Pictures (N, 3, H, W) at another size, bilinear."""
    if tuple(x.shape[-2:]) == size:
        return x
    return F.interpolate(x, size, mode="bilinear", align_corners=False)


def masks_at_size(masks: Tensor, size: Size) -> Tensor:
    """Masks (R, H, W) of 0 and 1 at another size, each place that of the nearest: uint8."""
    return F.interpolate(masks[:, None].byte(), size)[:, 0]


def ratios(old: Sequence[Size], new: Sequence[Size], device: torch.device) -> Tensor:
    """What the x1 y1 x2 y2 of each picture are multiplied with from one size to another: (N, 4)."""
    return borders(new, device) / borders(old, device)
