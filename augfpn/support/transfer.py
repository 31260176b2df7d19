"""Tensors between the host and a GPU: many in one copy, because each copy is a wait of its own."""

from collections.abc import Sequence

import torch
from torch import Tensor


def moved(tensors: Sequence[Tensor], device: str | torch.device) -> list[Tensor]:
    """The same tensors on a device, copied there in one piece.

    Types, shapes and bits stay as they are. The copies share one block of memory, which lives as
    long as one of them. Tensors that are on the device already are returned as they are. A copy to
    a GPU starts from pinned memory, so that the host does not wait for it.
    """
    device = torch.device(device)
    if all(tensor.device.type == device.type for tensor in tensors):
        return list(tensors)
    # Wide elements first: a view needs a start that is a multiple of its element's size.
    order = sorted(range(len(tensors)), key=lambda i: -tensors[i].element_size())
    parts = [tensors[i].detach().reshape(-1).view(torch.uint8) for i in order]
    sizes = [len(part) for part in parts]
    to_gpu = device.type == "cuda"
    block = torch.empty(
        sum(sizes), dtype=torch.uint8, device=parts[0].device,
        pin_memory=to_gpu and torch.cuda.is_available(),
    )  # fmt: skip
    torch.cat(parts, out=block)
    there = block.to(device, non_blocking=to_gpu).split(sizes)
    found = list(tensors)
    for i, part in zip(order, there, strict=True):
        found[i] = part.view(tensors[i].dtype).view(tensors[i].shape)
    return found


def as_fractions(images: Sequence[Tensor]) -> list[Tensor]:
    """Images of uint8, of any sizes, as float32 from 0 to 1, converted all at once."""
    values = torch.cat([image.reshape(-1) for image in images]).float().div_(255)
    parts = values.split([image.numel() for image in images])
    return [part.view(image.shape) for part, image in zip(parts, images, strict=True)]
