"""How far an exported file's detections are from the detector's own, on real pictures."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from augfpn.data.pictures import Pictures
from augfpn.deploy.export import PACKAGES, need
from augfpn.detectors.two_stage import OneStage, TwoStage

SAME_BOX, SAME_SCORE = 0.1, 1e-3  # pixels and score by which equal detections may differ
CHECKED = 3  # pictures, each of another size


class Report(NamedTuple):
    """How far an exported file's detections are from the detector's own.

    Two detections are the same if their labels are, their corners differ by at most ``SAME_BOX``
    and their scores by at most ``SAME_SCORE``.
    """

    sizes: tuple[tuple[int, int], ...]  # of the pictures: width, height
    same: int  # detections that both have
    apart: int  # that only one of them has
    box: float  # the largest differences of the same detections: of a corner in pixels ...
    score: float  # ... of a score ...
    mask: float | None  # ... of a mask: the share of its pixels that are on the other side of 0.5

    def __str__(self) -> str:
        sizes = ", ".join(f"{width} x {height}" for width, height in self.sizes)
        mask = "" if self.mask is None else f", {100 * self.mask:.2g} % of a mask's pixels"
        return (
            f"pictures of {sizes}: {self.same} equal detections, up to {self.box:.1g} px, "
            f"{self.score:.1g} of a score{mask} apart (allowed: {SAME_BOX} px, {SAME_SCORE}); "
            f"{self.apart} that only one of the two has"
        )


@torch.no_grad()
def check(detector: TwoStage | OneStage, path: Path, pictures: Sequence[Tensor]) -> Report:
    """Run a file with onnxruntime, and the detector, on pictures (3, H_i, W_i), on the CPU."""
    need(PACKAGES)
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    own = copy.deepcopy(detector).cpu().eval()
    pairs = []
    for picture in pictures:
        ran = session.run(names, {"picture": picture.cpu().numpy()})
        other = {name: torch.from_numpy(x) for name, x in zip(names, ran, strict=True)}
        pairs.append((own([picture.cpu()])[0], other))
    sizes = tuple((picture.shape[2], picture.shape[1]) for picture in pictures)
    return compare(sizes, pairs)


def compare(
    sizes: tuple[tuple[int, int], ...], pairs: Sequence[tuple[dict[str, Tensor], dict[str, Tensor]]]
) -> Report:
    """A report of two lists of detections for each picture."""
    same = apart = 0
    box, score, mask = [0.0], [0.0], []
    for a, b in pairs:
        i, j = matched(a, b)
        same += len(i)
        apart += len(a["boxes"]) + len(b["boxes"]) - 2 * len(i)
        box += (a["boxes"][i] - b["boxes"][j]).abs().flatten().tolist()
        score += (a["scores"][i] - b["scores"][j]).abs().tolist()
        for m, n in zip(i, j, strict=True) if "masks" in a else ():
            x, y = a["masks"][m] >= 0.5, b["masks"][n] >= 0.5
            mask.append(((x ^ y).sum() / (x | y).sum().clamp(min=1)).item())
    share = max(mask, default=0.0) if "masks" in pairs[0][0] else None
    return Report(sizes, same, apart, max(box), max(score), share)


def matched(a: dict[str, Tensor], b: dict[str, Tensor]) -> tuple[list[int], list[int]]:
    """Places of the same detections in both: the closest boxes first, each used once."""
    far = torch.cdist(a["boxes"], b["boxes"], p=torch.inf)  # (D_a, D_b), pixels
    alike = (a["labels"][:, None] == b["labels"]) & (far <= SAME_BOX)
    alike &= (a["scores"][:, None] - b["scores"]).abs() <= SAME_SCORE
    rows, columns = torch.where(alike)
    i: list[int] = []
    j: list[int] = []
    for at in far[rows, columns].argsort().tolist():
        m, n = int(rows[at]), int(columns[at])
        if m not in i and n not in j:
            i.append(m)
            j.append(n)
    return i, j


def pictures_of(test: Pictures) -> list[Tensor]:
    """Pictures (3, H_i, W_i) in [0, 1] of three sizes: where all are alike, two are cut smaller."""
    first = test[0][0].float() / 255
    by_size = {first.shape: first}
    for entry, i in zip(test.coco["images"], range(len(test)), strict=True):
        shape = torch.Size((3, entry["height"], entry["width"]))
        if len(by_size) < CHECKED and shape not in by_size:
            by_size[shape] = test[i][0].float() / 255
    height, width = first.shape[1:]
    for cut in (first[:, : height // 4 * 3], first[:, :, : width // 2]):
        if len(by_size) < CHECKED:
            by_size[cut.shape] = cut
    return list(by_size.values())
