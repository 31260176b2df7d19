"""Many tensors in one copy: the same bits on the other side, and one copy counted."""

import pytest
import torch
from pretend_gpu import GPU, needs_cuda_build, pretend_gpu

from augfpn.support.transfer import as_fractions, moved

KINDS = (torch.uint8, torch.int64, torch.float32, torch.bfloat16, torch.bool, torch.float64)


def various() -> list[torch.Tensor]:
    """Tensors of all kinds and odd sizes: empty, with no dimension, not contiguous."""
    torch.manual_seed(0)
    sizes = ((3, 5, 7), (0, 4), (), (1,), (5, 3))
    bits = [torch.randint(0, 2, size) for size in sizes]
    found = [part.to(kind) for part in bits for kind in KINDS]
    return [*found, torch.rand(4, 6).T, torch.arange(24, dtype=torch.uint8).view(4, 6)[:, 1:3]]


def test_what_is_there_already_is_returned() -> None:
    tensors = various()
    assert all(a is b for a, b in zip(moved(tensors, "cpu"), tensors, strict=True))


def test_the_bits_arrive_on_another_device() -> None:
    # "meta" has no values, but the way there goes through the same packing.
    for before, after in zip(various(), moved(various(), "meta"), strict=True):
        assert (after.shape, after.dtype, after.device.type) == (before.shape, before.dtype, "meta")


@needs_cuda_build
def test_there_and_back_is_one_copy_each_way() -> None:
    tensors = various()
    with pretend_gpu() as gpu:
        there = moved(tensors, GPU)
        assert all(each.device.type == "cuda" for each in there)
        assert (len(gpu.transfers), len(gpu.synchronisations)) == (1, 0)
        gpu.clear()
        back = moved(there, "cpu")
        assert (len(gpu.transfers), len(gpu.synchronisations)) == (0, 1)
    for before, after in zip(tensors, back, strict=True):
        assert after.dtype == before.dtype
        assert torch.equal(after, before)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_gets_the_same_bits() -> None:
    tensors = various()
    for before, after in zip(tensors, moved(moved(tensors, "cuda"), "cpu"), strict=True):
        assert torch.equal(after, before)


def test_images_become_fractions_bit_for_bit() -> None:
    images = [torch.arange(256, dtype=torch.uint8).view(1, 16, 16), various()[0], various()[-1]]
    for image, fraction in zip(images, as_fractions(images), strict=True):
        assert torch.equal(fraction, image.float() / 255)
