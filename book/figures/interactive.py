"""Write the interactive figures' data and static pictures, from trained records.

    python book/figures/interactive.py --cells BCCD --fpn RECORD --cs RECORD

The scene's gates come from the committed weights of AugFPN on scenes. The maps of blood cells need
BCCD and two records with weights, of FPN and of Consistent Supervision; without these options they
are left as they are.
"""

import argparse
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from augfpn.data import load
from augfpn.detectors import build
from augfpn.detectors.two_stage import TwoStage
from augfpn.diagnostics.objects import Maps, maps
from augfpn.figures import plots, theme
from augfpn.pyramid import ratio_invariant_pool
from augfpn.study import gather
from augfpn.training import reopen

HERE = Path(__file__).parent
STATIC = HERE.parent / "extra" / "interactive"  # which the built book has as interactive/
SCENE = 4  # of the test scenes
CELLS = 3  # of BCCD's test pictures
SHOWN = (2, 3)  # levels of M: on coarser ones cells cannot be told from the ground
STEPS = {"x": 17, "y": 13, "side": 21}
SMALLEST, LARGEST = 12, 224  # px of the box's side
RATIOS, PSP = (0.1, 0.2, 0.3), (1, 2, 3)
WIDE = (800, 1216)  # of the static picture of pooling
COLOURS = "The first three principal components of the features, as light and two tints, at"
TINTS = ((0, 0, 0), (0.34, 0.03, -0.31), (0.155, -0.248, 0.155))  # per component: red, green, blue
DARKEST, LIGHTER = 0.25, 0.6  # where the first component has its least value; the way to its most


def write(name: str, content: dict[str, Any]) -> None:
    """Data as a script, which a page may load from anywhere, from a disk too."""
    STATIC.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    (STATIC / f"{name}.js").write_text(f"window.augfpn.data.{name} = {text};\n")


# --- a box and its gates --------------------------------------------------------------------------


def trained() -> tuple[TwoStage, Any]:
    """The committed AugFPN of scenes and its record."""
    record = gather.committed("scenes").recorded("augfpn")[0]
    return reopen.load_detector(record.folder, "cpu")


def boxes_of(centres: Tensor, side: float, size: tuple[int, int]) -> Tensor:
    """Square boxes (n, 4) around centres (n, 2), cut at the picture's edges (height, width)."""
    height, width = size
    low, high = centres - side / 2, centres + side / 2
    limit = torch.tensor([width, height]).float()
    return torch.cat([low.clamp(min=0), torch.minimum(high, limit)], dim=1)


@torch.no_grad()
def gates(detector: TwoStage, of: Maps, boxes: Tensor) -> Tensor:
    """The mean weight of each level in each box: (n, 4)."""
    return detector.select.fusion.weights(detector.select.pool(of.p, [boxes])).mean(dim=(2, 3))


def levels() -> None:
    """Gates for boxes on a grid of places and sizes of a test scene."""
    detector, record = trained()
    pictures = load.load_pictures(replace(record.experiment.data, test_scenes=SCENE + 1), "test")
    image, target = pictures[SCENE]
    of, (height, width) = maps(detector, image, target, "cpu"), image.shape[-2:]
    rule = build.hard_selection(record.experiment.model, build.ROI_LEVELS, build.BOX_BINS)
    xs, ys = (
        np.linspace(0, n, STEPS[a] + 2)[1:-1].round() for a, n in (("x", width), ("y", height))
    )
    sides = np.geomspace(SMALLEST, LARGEST, STEPS["side"]).round()
    centres = torch.tensor([(x, y) for y in ys for x in xs]).float()
    scale = of.batch.image_sizes[0][1] / width  # of the picture in the batch
    found = [gates(detector, of, scale * boxes_of(centres, s, (height, width))) for s in sides]
    STATIC.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(STATIC / "scene.png", optimize=True)
    write("levels", {
        "width": width, "height": height, "canonical": rule.canonical_size / scale,
        "xs": xs.tolist(), "ys": ys.tolist(), "sides": sides.tolist(),
        "weights": [[round(w, 3) for w in row] for row in torch.cat(found).tolist()],
    })  # fmt: skip
    centre = torch.tensor([[width / 2, height / 2]])
    middle = scale * torch.cat([boxes_of(centre, s, (height, width)) for s in sides])
    steps, soft = F.one_hot(rule.level_of(middle) - 2, 4), gates(detector, of, middle)
    both = {"FPN's rule": steps.T.numpy(), "Soft RoI Selection, trained": soft.T.numpy()}
    borders = [rule.canonical_size / scale * 2.0 ** (k - 4) for k in (3, 4, 5)]
    figure = plots.level_weights(both, sides, [b for b in borders if b < LARGEST])
    theme.write_svg(figure, HERE / "levels.svg")


# --- what pooling keeps ---------------------------------------------------------------------------


def pooling() -> None:
    """A scene in as many colours as C5 of a large picture has places; pooled, as a picture."""
    _, record = trained()
    pictures = load.load_pictures(replace(record.experiment.data, test_scenes=SCENE + 1), "test")
    image = pictures[SCENE][0].float()[None]
    small = F.adaptive_avg_pool2d(image, (42, 42))[0]
    write("pooling", {"scene": small.permute(1, 2, 0).round().int().tolist()})
    c5 = F.adaptive_avg_pool2d(image, [n // 32 for n in WIDE])
    ours = {f"α = {r}": ratio_invariant_pool(c5, r) for r in RATIOS}
    psp = {f"PSP, {n} × {n}": F.adaptive_avg_pool2d(c5, n) for n in PSP}
    theme.write_svg(pooled_maps({"C5": c5} | ours, psp), HERE / "pooling.svg")


@theme.themed
def pooled_maps(above: dict[str, Tensor], below: dict[str, Tensor]) -> plt.Figure:
    """Maps (1, 3, h, w) of colours stretched to the picture's shape, the second row indented."""
    figure, axes = plt.subplots(2, 4, figsize=(theme.WIDTH, 2.9))
    for axis in axes.flat:
        axis.axis("off")
    for row, maps_by_name in ((axes[0], above), (axes[1, 1:], below)):
        for axis, (name, x) in zip(row, maps_by_name.items(), strict=True):
            rows, columns = x.shape[2:]
            axis.imshow(x[0].permute(1, 2, 0) / 255, aspect=WIDE[0] / WIDE[1] * columns / rows)
            axis.set_title(name if name in below else f"{name}\n{rows} × {columns}", size="small")
    return figure


# --- the levels of M ------------------------------------------------------------------------------


def coloured(m: dict[int, Tensor]) -> dict[int, np.ndarray]:
    """Maps (1, C, h, w) as pictures (h, w, 3) uint8, in one basis for all levels.

    Each level is brought to mean 0 and deviation 1 in each channel first, as in
    `augfpn.diagnostics.semantic_gap`, and weighs alike in the basis; equal colours on two levels
    mean equal directions of features. Red, green and blue themselves would be glaring: `tinted`.
    """
    flat = {k: x[0].flatten(1).T.double() for k, x in m.items()}
    flat = {k: (x - x.mean(0)) / x.std(0).clamp(min=1e-6) for k, x in flat.items()}
    covariance = sum(x.T @ x / len(x) for x in flat.values())
    basis = torch.linalg.eigh(covariance)[1][:, -3:].flip(1)  # (C, 3), the largest first
    seen = {k: x @ basis for k, x in flat.items()}
    limits = torch.quantile(torch.cat([x[:: max(1, len(x) // 500)] for x in seen.values()]),
                            torch.tensor([0.02, 0.98]).double(), dim=0)  # fmt: skip
    return {
        k: tinted(((x - limits[0]) / (limits[1] - limits[0])).clamp(0, 1))
        .reshape(*m[k].shape[-2:], 3).numpy()
        for k, x in seen.items()
    }  # fmt: skip


def tinted(x: Tensor) -> Tensor:
    """Three numbers from 0 to 1 (n, 3) as light, orange or blue, and purple or green: uint8."""
    light, tints = DARKEST + LIGHTER * x[:, :1], torch.tensor(TINTS, dtype=x.dtype)
    return (light + (x - 0.5) @ tints).clamp(0, 1).mul(255).round().byte()


def without_padding(x: Tensor, size: tuple[int, int], k: int) -> Tensor:
    """The part of a map (1, C, h, w) of level k that the picture of ``size`` px fills."""
    height, width = (math.ceil(n / 2**k) for n in size)
    return x[..., :height, :width]


@torch.no_grad()
def cells(root: str, records: dict[str, Path]) -> None:
    """The M levels of a picture of blood cells, of two detectors."""
    STATIC.mkdir(parents=True, exist_ok=True)
    image, target = load.load("bccd", "test", root)[CELLS]
    picture = Image.fromarray(image.permute(1, 2, 0).numpy()).resize((400, 300))
    picture.save(STATIC / "cells.png", optimize=True)
    for name, folder in records.items():
        detector, _ = reopen.load_detector(folder, "cpu")
        of = maps(detector, image, target, "cpu")
        m = {k: without_padding(x, of.batch.image_sizes[0], k) for k, x in of.m.items()}
        pixels = coloured(m)
        for k in SHOWN:
            Image.fromarray(pixels[k]).save(STATIC / f"{name}-m{k}.png", optimize=True)
    write("maps", {
        "variants": [["fpn", "FPN"], ["cs", "with Consistent Supervision"]],
        "sizes": {k: list(m[k].shape[-2:]) for k in SHOWN},
        "alt": "A microscope picture of blood cells", "colours": COLOURS,
    })  # fmt: skip


@theme.themed
def coloured_maps() -> plt.Figure:
    """The maps as `cells` has written them: a row for each detector."""
    figure, axes = plt.subplots(2, len(SHOWN), figsize=(theme.WIDTH, 4.2))
    for line, (name, label) in zip(axes, (("fpn", "FPN"), ("cs", "with CS")), strict=True):
        line[0].set_ylabel(label)
        for k, axis in zip(SHOWN, line, strict=True):
            pixels = Image.open(STATIC / f"{name}-m{k}.png")
            axis.imshow(pixels, aspect="auto", interpolation="nearest")
            axis.set(xticks=[], yticks=[], title=f"M{k}\nstride {2**k}" if name == "fpn" else "")
    return figure


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    for option in ("--cells", "--fpn", "--cs"):
        asked.add_argument(option)
    given = asked.parse_args()
    levels()
    pooling()
    if given.cells:
        cells(given.cells, {"fpn": Path(given.fpn), "cs": Path(given.cs)})
    theme.write_svg(coloured_maps(), HERE / "maps.svg")
