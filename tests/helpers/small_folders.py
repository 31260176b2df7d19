"""Small folders in YOLO's and Pascal VOC's layouts: a white rectangle on black in each picture."""

from pathlib import Path

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 100, 60
# The rectangle has columns 20 to 49 and rows 10 to 39, so its edges are 20 10 50 40.
EDGES = [20.0, 10.0, 50.0, 40.0]


def picture(path: Path, **options) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[10:40, 20:50] = 255
    Image.fromarray(pixels).save(path, **options)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def unsplit(root: Path, count: int) -> Path:
    for i in range(count):
        picture(root / "images" / f"{i}.png")
        write(root / "labels" / f"{i}.txt", yolo_line())
    write(root / "data.yaml", "names: [cat]\n")
    return root


def yolo_line(number: int = 0) -> str:
    """The rectangle: its centre is at 35 of 100 and 25 of 60, it is 30 wide and 30 high."""
    return f"{number} 0.35 {25 / 60:.6f} 0.3 0.5\n"


def xml(name: str = "cat", box: tuple = (21, 11, 50, 40), more: str = "") -> str:
    """The rectangle in Pascal VOC: its first column is the 21st, its last the 50th."""
    x1, y1, x2, y2 = box
    return (
        f"<annotation><filename>1.png</filename><size><width>{WIDTH}</width>"
        f"<height>{HEIGHT}</height></size><object><name>{name}</name>{more}<bndbox>"
        f"<xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
        "</annotation>"
    )


def yolo(root: Path, pattern: str = "{kind}/{split}", yaml: str | None = None) -> Path:
    for split in ("train", "val"):
        picture(root / pattern.format(kind="images", split=split) / "1.png")
        write(root / pattern.format(kind="labels", split=split) / "1.txt", yolo_line(1))
    write(root / "data.yaml", yaml or "names: [cat, dog]\ntrain: images/train\nval: images/val\n")
    return root


def voc(root: Path, split: str = "train", name: str = "1", **more) -> Path:
    write(root / "Annotations" / f"{name}.xml", xml(**more))
    picture(root / "JPEGImages" / f"{name}.png")
    listing = root / "ImageSets" / "Main" / f"{split}.txt"
    before = listing.read_text() if listing.exists() else ""
    write(listing, f"{before}{name}\n")
    return root
