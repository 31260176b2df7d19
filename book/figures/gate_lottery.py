"""Draw AugFPN's gates before training, for many first weights and sizes of the maps.

    python book/figures/gate_lottery.py   writes gate_lottery.svg and the interactive data

A gate's value before its sigmoid grows with the maps, because its convolutions begin without biases
and a ReLU only cuts at zero. So one set of values, of maps with a standard deviation of 1, has the
gates of maps of any size.
"""

from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from interactive import write
from matplotlib.figure import Figure

from augfpn.data.load import load_pictures
from augfpn.detectors.build import build_detector
from augfpn.diagnostics.objects import maps
from augfpn.figures.colours import LEVEL_COLOURS
from augfpn.figures.theme import GREY, WIDTH, themed, write_svg
from augfpn.study.running.grid import Run

DRAWS, SHOWN, BOXES = 24, 8, 12
DEVIATIONS = (1.5, 8.0)  # of the maps: as from scratch, and as from ImageNet's weights
MIDDLE = 3  # of the 7 x 7 bins of a box
EDGE = 0.05  # from 0 or 1: a gate beyond hardly learns
SCENES = 6  # more than BOXES objects


@torch.no_grad()
def first_values(draws: int = DRAWS) -> np.ndarray:
    """Gates before their sigmoid, (draws, 4 levels, boxes), of maps with a deviation of 1.

    The maps are those of AugFPN from ImageNet's weights on objects of drawn scenes; each draw has
    other first weights of pyramid and gates.
    """
    scenes = Run("augfpn", "scenes", "laptop", 0).experiment
    pretrained = Run("augfpn", "bccd", "transfer", 0).experiment
    pictures = load_pictures(replace(scenes.data, test_scenes=SCENES), "test")
    found = []
    for seed in range(draws):
        torch.manual_seed(seed)
        detector = build_detector(replace(pretrained.model, classes=5)).eval()
        pooled = []
        for image, target in pictures:
            of = maps(detector, image, target, "cpu")
            pooled.append(torch.stack(detector.select.pool(of.p, [of.boxes])))
        boxes = torch.cat(pooled, dim=1)[:, :BOXES]  # (4, boxes, C, 7, 7)
        gates = detector.select.fusion
        hidden = gates.reduce(torch.cat(list(boxes / boxes.std()), dim=1)).relu()
        found.append(gates.score(hidden)[..., MIDDLE, MIDDLE].T.numpy())
    return np.stack(found)


@themed
def lottery(values: np.ndarray) -> Figure:
    """The gates of the first draws: a panel for each deviation, a dot for each box and level."""
    figure, axes = plt.subplots(2, 1, figsize=(WIDTH, 4.6), sharex=True)
    for axis, deviation in zip(axes, DEVIATIONS, strict=True):
        gates = 1 / (1 + np.exp(-deviation * values[:SHOWN]))
        for edge in (0, 1 - EDGE):
            axis.axhspan(edge, edge + EDGE, color=GREY, alpha=0.25, lw=0)
        for place, (level, colour) in enumerate(LEVEL_COLOURS.items()):
            if level > 5:
                continue
            across = np.arange(SHOWN)[:, None] + 1 + 0.18 * (place - 1.5) + 0 * gates[:, place]
            label = f"P{level}" if axis is axes[0] else None
            axis.scatter(across, gates[:, place], s=9, color=colour, label=label)
        axis.set(ylim=(-0.03, 1.03), yticks=(0, 0.5, 1), ylabel="gate", xticks=range(1, SHOWN + 1))
        axis.set_title(f"maps with a deviation of {deviation:g}", size="medium", loc="left")
    axes[1].set_xlabel("draw of the first weights")
    figure.legend(loc="outside upper center", ncols=4, handletextpad=0)
    return figure


if __name__ == "__main__":
    drawn = first_values()
    write("gates", {"values": np.round(drawn, 4).tolist()})
    write_svg(lottery(drawn), Path(__file__).with_suffix(".svg"))
