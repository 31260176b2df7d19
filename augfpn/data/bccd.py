"""BCCD: 364 photographs of blood smears with red cells, white cells and platelets.

Source: GitHub, Shenggan/BCCD_Dataset, MIT licence, at one pinned commit.
"""

import os
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

from augfpn.config import DATA_SETS
from augfpn.data.annotations import Coco, Entry, check_annotations
from augfpn.data.files import digest, expect_inside, file_sizes
from augfpn.data.pictures import Pictures
from augfpn.data.pinned import Pinned, content_of, place_of, remark_on
from augfpn.data.pixels import read_file
from augfpn.data.xml_files import number_in, parsed_xml
from augfpn.errors import UserError, one_of

BCCD = Pinned(
    title="BCCD",
    repository="Shenggan/BCCD_Dataset",
    commit="d272fb14cdff6e473fafeeeba32aba5f560e9e43",
    folder="BCCD",
    files=("Annotations/*.xml", "ImageSets/Main/*.txt", "JPEGImages/*.jpg"),
    layout="BCCD's Annotations/, ImageSets/Main/ and JPEGImages/",
    mark="Annotations",
    content="8f9e621afb418d7a590cf4be295f3532ba5dbf185a906b834552213c3b9ed6af",
)
CELLS = ("RBC", "WBC", "Platelets")  # categories 1, 2, 3
MOST_OBJECTS = 1000  # of a picture: annotation k = 1, 2 ... of picture n has the id 1000 n + k


def bccd(root: str | os.PathLike[str] | None, split: str, download: bool = True) -> Pictures:
    """One split of BCCD: from the user's folder, or downloaded once into pooch's cache.

    ``root`` is the folder BCCD/ of the repository, or the folder that contains it; without it the
    pinned commit is downloaded from GitHub, and its content checked. The fingerprint covers all
    annotations, split files and pictures. Picture ids are the numbers in the file names.

    Boxes: a box is xmax - xmin wide. In Pascal VOC it would be one pixel wider, because there xmax
    is the last pixel. BCCD was annotated with LabelImg, which writes the edges of a box. This shows
    in the ``truncated`` flags, which follow LabelImg's rule (xmin or ymin is 1, xmax the width or
    ymax the height) in all 4,888 boxes. Two boxes, from clicks without a drag, have xmin = xmax; in
    Pascal's convention they would be objects one pixel wide. For an edge at 0 LabelImg writes 1,
    too. Such a 1 cannot be distinguished from a real 1, so it stays.

    Raises: UserError if the folder, the split, a file or a class does not exist, if XML is broken,
    and if the download fails or is not what the commit contains.
    """
    one_of("split", split, DATA_SETS["bccd"].splits)
    folder = place_of(BCCD, root, download)
    content = content_of(folder, BCCD)
    annotations, report = check_annotations(_read(folder, split), str(folder / "Annotations"))
    return Pictures(
        name=f"bccd {split}",
        coco=annotations,
        read=partial(read_file, folder / "JPEGImages"),
        fingerprint=digest(content.encode(), split.encode()),
        report=(*remark_on(content, folder, BCCD), *report),
        folder=folder / "JPEGImages",
    )


# --- reading --------------------------------------------------------------------------------------


def _read(folder: Path, split: str) -> Coco:
    """The XML files of a split as one COCO instances dict."""
    listing = folder / "ImageSets" / "Main" / f"{split}.txt"
    if not listing.is_file():
        raise UserError(
            f"bccd: {listing} is missing; give the folder with {BCCD.layout} as data_root."
        )
    names = listing.read_text(encoding="utf-8").split()
    expect_inside(names, str(listing))
    file_sizes(folder / "JPEGImages", [f"{name}.jpg" for name in names], str(listing))
    file_sizes(folder / "Annotations", [f"{name}.xml" for name in names], str(listing))
    images, annotations = [], []
    for name in names:
        image, objects = _read_xml(folder / "Annotations" / f"{name}.xml")
        images.append(image)
        annotations += objects
    categories = [{"id": k, "name": name} for k, name in enumerate(CELLS, start=1)]
    return {"images": images, "annotations": annotations, "categories": categories}


def _read_xml(path: Path) -> tuple[Entry, list[Entry]]:
    """A picture's entry in "images", and its annotations."""
    root = parsed_xml(path)
    number = path.stem.rpartition("_")[2]
    if not number.isdecimal():
        raise UserError(f"{path} has no number after the last _, to be its id; rename the picture.")
    image = {
        "id": int(number),
        "file_name": f"{path.stem}.jpg",
        "width": number_in(root, "size/width", int, path),
        "height": number_in(root, "size/height", int, path),
    }
    objects = [
        {"id": image["id"] * MOST_OBJECTS + k, "image_id": image["id"], **_object(element, path)}
        for k, element in enumerate(root.iter("object"), start=1)
    ]
    return image, objects


def _object(element: ElementTree.Element, path: Path) -> Entry:
    name = one_of(f"{path}: class", element.findtext("name", ""), CELLS)
    left, top, right, bottom = (
        number_in(element, f"bndbox/{edge}", float, path)
        for edge in ("xmin", "ymin", "xmax", "ymax")
    )
    return {"category_id": CELLS.index(name) + 1, "bbox": [left, top, right - left, bottom - top]}
