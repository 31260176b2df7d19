"""Write the interactive figures' data and static pictures of boxes and of pooling.

    python book/figures/interactive.py

The scene's gates come from the committed weights of AugFPN on scenes.
"""

import json
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
STEPS = {"x": 17, "y": 13, "side": 21}
SMALLEST, LARGEST = 12, 224  # px of the box's side
RATIOS, PSP = (0.1, 0.2, 0.3), (1, 2, 3)
WIDE = (800, 1216)  # of the static picture of pooling


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


if __name__ == "__main__":
    levels()
    pooling()
