"""Poolings of C5 as matrix products equal PyTorch's, and have the gradients of PyTorch's."""

from functools import partial

import pytest
import torch
from torch import Tensor

from augfpn.detectors.averages import as_products
from augfpn.detectors.variants import fixed_pool, global_max_pool
from augfpn.pyramid import ratio_invariant_pool


@pytest.mark.parametrize("shape", [(7, 10), (3, 2), (25, 34)])
@pytest.mark.parametrize(
    "pool",
    [
        *(partial(ratio_invariant_pool, ratio=ratio) for ratio in (0.1, 0.3, 0.55, 1.0)),
        *(partial(fixed_pool, side=side) for side in (1, 2, 3)),
        global_max_pool,
    ],
    ids=[*(f"ratio-{ratio}" for ratio in (0.1, 0.3, 0.55, 1.0)), *"123", "max"],
)
def test_products_are_the_pooling(pool, shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    c5 = torch.randn(2, 3, *shape, dtype=torch.float64, requires_grad=True)
    expected, found = pool(c5), as_products(pool)(c5)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)
    given = torch.randn_like(expected)
    gradients = [torch.autograd.grad(x, c5, given)[0] for x in (found, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-6, atol=1e-6)


def corner(c5: Tensor) -> Tensor:
    """A pooling that is not the package's: the upper left quarter."""
    return c5[:, :, : c5.shape[2] // 2, : c5.shape[3] // 2]


def test_a_pooling_of_ones_own_stays_as_it_is() -> None:
    own = partial(corner)
    assert as_products(own) is own
    assert as_products(corner) is corner
    assert as_products(global_max_pool) is not global_max_pool
