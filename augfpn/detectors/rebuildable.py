"""The parts of AugFPN that a reader builds again: ours, the inputs of the comparison, the probes.

Each is built from the same arguments as a reader's class and is called with the same inputs. The
chapter *Build the three parts yourself* says what goes in and what comes out.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead

from augfpn.detectors.two_stage import roi_loss
from augfpn.pyramid import (
    AdaptiveSpatialFusion,
    ConsistentSupervision,
    ResidualFeatureAugmentation,
    Samples,
    SoftRoISelection,
    ratio_invariant_pool,
)
from augfpn.speed.roi_align import torchvision_roi_align

Builder = Callable[..., nn.Module]
RATIOS = (0.1, 0.2, 0.3)
LEVELS = (2, 3, 4, 5)
SOFTMAX = "(a softmax gives 1, because its gates add up to one)"


class Probe(NamedTuple):
    """A setting in which one mistake shows, and what it then says.

    ``prepare`` changes our module's weights, which are then copied; ``inputs`` are both modules'.
    ``symptom`` is formatted with ``yours`` and ``ours``, the means of the outputs.
    """

    prepare: Callable[[nn.Module], None]
    inputs: tuple
    symptom: str


class Rebuildable(NamedTuple):
    """A part that a reader builds: ours, its sizes, inputs and probes."""

    ours: Builder
    small: tuple  # arguments of ours and of the reader's class in the comparison
    large: Callable[[int], tuple]  # the same at the paper's size, with so many channels
    inputs: tuple[tuple, ...]
    probes: tuple[Probe, ...]
    otherwise: str  # if outputs differ and no probe shows it
    xavier: bool | None = True  # first weights; False: PyTorch's own; None: not compared
    named: Callable[[Any], Iterable[tuple[str, Tensor]]] = lambda of: [("output", of)]
    of_output: Mapping[str, str] = {}  # what to say if the output of this name differs first


# --- ours, called as a reader's class is ----------------------------------------------------------


class SupervisionOfPooled(nn.Module):
    """Our Consistent Supervision behind its pooling: the sum of both losses (0-d).

    Shapes: L x (R, C, 7, 7), labels (R,), targets (R, 4).
    """

    def __init__(self, channels: int, classes: int, width: int) -> None:
        super().__init__()
        head = TwoMLPHead(channels * 7**2, width)
        self.head = nn.Sequential(head, FastRCNNPredictor(width, classes))

    def forward(
        self, pooled: Sequence[Tensor], labels: Tensor, targets: Tensor, lam: float
    ) -> Tensor:
        part = ConsistentSupervision(self.head, lam, [], partial(roi_loss, beta=1.0))
        samples = Samples([], [labels], [targets], [])
        return sum(part.losses([self.head(x) for x in pooled], samples).values())


def our_augmentation(in_channels: int, channels: int, ratios: Sequence[float]) -> nn.Module:
    """Residual Feature Augmentation with ratio-invariant pooling and Adaptive Spatial Fusion."""
    pools = [partial(ratio_invariant_pool, ratio=ratio) for ratio in ratios]
    fusion = AdaptiveSpatialFusion(channels, len(ratios))
    return ResidualFeatureAugmentation(in_channels, channels, pools, fusion)


def our_selection(channels: int, levels: Sequence[int]) -> nn.Module:
    """Soft RoI Selection of 7 x 7 bins with Adaptive Spatial Fusion."""
    fusion = AdaptiveSpatialFusion(channels, len(levels))
    return SoftRoISelection(levels, 7, torchvision_roi_align, fusion)


# --- settings of weights --------------------------------------------------------------------------


def as_drawn(module: nn.Module) -> None:
    """Leave the weights as they are."""


@torch.no_grad()
def at_zero(module: nn.Module) -> None:
    """All weights and biases at zero: each gate is then one half."""
    for q in module.parameters():
        q.zero_()


@torch.no_grad()
def contexts_of_one(module: nn.Module) -> None:
    """Weights for which each context map is one everywhere, and each gate one half."""
    at_zero(module)
    for reduce in module.reduce:
        reduce.bias.fill_(1)


@torch.no_grad()
def negative_inside(module: nn.Module) -> None:
    """Weights for which what a ReLU sees is negative everywhere."""
    module.reduce.weight.zero_()
    module.reduce.bias.fill_(-1)
    module.score.bias.zero_()


# --- the parts ------------------------------------------------------------------------------------


def same_numbers(*shape: int) -> Tensor:
    """The same normal numbers for the same shape, in double precision."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@cache
def supervision_part() -> Rebuildable:
    """Consistent Supervision's head and loss, on twelve RoIs of which five are objects."""
    pooled = list(same_numbers(4, 12, 2, 7, 7))
    labels = torch.tensor([1, 2, 0, 2, 1, 2, *[0] * 6])
    targets = 2 * same_numbers(12, 4)
    background, nowhere = torch.zeros_like(labels), torch.zeros_like(targets)
    return Rebuildable(
        ours=SupervisionOfPooled,
        small=(2, 3, 24),
        large=lambda channels: (channels, 81, 1024),
        inputs=((pooled, labels, targets, 0.25), (pooled, labels, targets, 1.0)),
        probes=(
            Probe(at_zero, (pooled, background, nowhere, 0.25),
                  "with all weights at zero and background RoIs only, each of four levels has loss "
                  "ln 3, and lambda = 1/4 makes {ours} of their sum. Yours is {yours} (a mean over "
                  "levels gives 0.275, a loss without lambda 4.39)"),
            Probe(at_zero, (pooled, background, targets, 0.25),
                  "background has no box to learn, so the loss is still {ours}. Yours is {yours}"),
            Probe(at_zero, (pooled, labels, targets, 0.25),
                  "with 5 objects the loss is {ours}, yours is {yours}: smooth L1 (beta 1) is "
                  "summed over the objects, to 29.5, and divided by the number of all RoIs, 12"),
        ),
        otherwise="the losses agree at zero weights only: does each RoI learn its own class's box?",
        xavier=False,
    )  # fmt: skip


@cache
def fusion_part() -> Rebuildable:
    """Adaptive Spatial Fusion of three maps."""
    ones = [torch.ones(1, 16, 4, 4, dtype=torch.float64)] * 3
    return Rebuildable(
        ours=AdaptiveSpatialFusion,
        small=(16, 3),
        large=lambda channels: (channels, 3),
        inputs=((list(same_numbers(3, 2, 16, 5, 7)),),),
        probes=(
            Probe(at_zero, (ones,),
                  "with all weights at zero each gate is 1/2, so three maps of ones give {ours}. "
                  f"Yours give {{yours}} {SOFTMAX}"),
            Probe(negative_inside, (ones,),
                  "with negative numbers behind the 1x1 convolution a ReLU leaves nothing, and the "
                  "gates are 1/2: {ours}. Yours give {yours}: is the ReLU missing?"),
        ),
        otherwise="the probes agree: is each gate multiplied with its own map?",
    )  # fmt: skip


@cache
def augmentation_part() -> Rebuildable:
    """Residual Feature Augmentation, on C5 of several shapes."""
    maps = {size: same_numbers(1, 20, *size) for size in ((10, 10), (10, 20), (15, 38), (4, 6))}
    return Rebuildable(
        ours=our_augmentation,
        small=(20, 6, RATIOS),
        large=lambda channels: (2048, channels, RATIOS),
        inputs=tuple((c5,) for c5 in maps.values()),
        probes=(
            Probe(contexts_of_one, (maps[10, 10],),
                  "with context maps of ones and gates of 1/2, M6 is {ours}. "
                  f"Yours is {{yours}} {SOFTMAX}"),
            Probe(as_drawn, (maps[10, 10],),
                  "they differ already on a C5 of 10 x 10: the interpolation is bilinear and "
                  "aligns corners"),
            Probe(as_drawn, (maps[10, 20],),
                  "equal on a C5 of 10 x 10 and not on one of 10 x 20: do your pools have a fixed "
                  "number of bins? Ours are fractions of both sides"),
            Probe(as_drawn, (maps[15, 38],),
                  "equal on sides of 10 and 20, not on 15 x 38: fractions are truncated"),
        ),
        otherwise="equal on large maps, not on 4 x 6: a pooled side is at least 1",
    )  # fmt: skip


@cache
def selection_part() -> Rebuildable:
    """Soft RoI Selection, on a batch of two images of 128 x 160 pixels."""
    sizes = {k: (128 // 2**k, 160 // 2**k) for k in LEVELS}
    boxes = [[[20.0, 20, 90, 70], [40, 30, 60, 80]], [[64.0, 50, 120, 100]]]
    boxes = [torch.tensor(each, dtype=torch.float64) for each in boxes]
    ones = torch.ones(2, 8, 130, 130, dtype=torch.float64)  # no stride leads out of it
    places = torch.arange(130, dtype=torch.float64)
    only = [{k: ones * (k == one) for k in LEVELS} for one in LEVELS]
    return Rebuildable(
        ours=our_selection,
        small=(8, LEVELS),
        large=lambda channels: (channels, LEVELS),
        inputs=(({k: same_numbers(2, 8, *size) for k, size in sizes.items()}, boxes),),
        probes=(
            *(Probe(at_zero, (p, boxes),
                    f"with all weights at zero, ones in P{k} and zeros elsewhere give {{ours}}. "
                    "Yours give {yours} (a level that is not pooled gives 0, one pooled twice 1, "
                    "a softmax 0.25)")
              for k, p in zip(LEVELS, only, strict=True)),
            Probe(at_zero, ({k: ones * places * 2**k for k in LEVELS}, boxes),
                  "constant maps agree; a map of x coordinates gives {ours}, yours {yours}: pass "
                  "RoIAlign 1 / 2**k, 2 samples a bin, and no half-pixel shift"),
        ),
        otherwise="pooling agrees: do the gates come from all four pooled maps, in order?",
    )  # fmt: skip


REBUILDABLE: dict[str, Callable[[], Rebuildable]] = {
    "supervision": supervision_part,
    "fusion": fusion_part,
    "augmentation": augmentation_part,
    "selection": selection_part,
}
