"""Folders in Pascal VOC's layout: an XML file for each picture.

    Annotations/1.xml   JPEGImages/1.jpg   ImageSets/Main/train.txt
    train/1.xml and train/1.jpg            (as Roboflow exports it)

Boxes: Pascal VOC counts pixels from 1, and xmin and xmax are a box's first and last pixel, so its
edges are xmin - 1 and xmax. This is what the authors' code (mmdetection) reads, too. Many tools
write the edges themselves; their folders are known by a box that begins at 0. Objects that are
marked as difficult are neither learnt nor scored, like COCO's crowd regions.
"""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from reprlib import repr as short
from xml.etree.ElementTree import Element

from augfpn.data.annotations import Entry, check_annotations, number_of
from augfpn.data.coco import SPLIT_NAMES
from augfpn.data.files import digest, expect_inside, is_file, some, text_of
from augfpn.data.layouts import Layout, is_hidden, names_within, picture_files
from augfpn.data.pictures import Pictures
from augfpn.data.pixels import read_file, upright_size
from augfpn.data.xml_files import number_in, parsed_xml
from augfpn.errors import UserError

FOLDERS = ("JPEGImages", "images", "Images")  # of the pictures
EDGES = ("xmin", "ymin", "xmax", "ymax")


def voc_layout(root: Path) -> Layout | None:
    """The layout of a folder with Pascal VOC's XML files, or None."""
    for base in (root, *sorted(root.glob("VOC*")), *sorted(root.glob("VOCdevkit/VOC*"))):
        found = _files(base)
        if any(found.values()):
            return Layout("Pascal VOC", [s for s in found if found[s]], partial(_read, base, found))
    return None


def _files(base: Path) -> dict[str, list[Path]]:
    """The XML files of each split."""
    listings = {
        split: base / "ImageSets" / "Main" / f"{name}.txt"
        for split, names in SPLIT_NAMES.items()
        for name in names
        if (base / "ImageSets" / "Main" / f"{name}.txt").is_file()
    }
    if listings and (base / "Annotations").is_dir():
        return {split: _listed(base, file) for split, file in listings.items()}
    found = {
        split: [file for name in names for file in _xml_files((base / name).rglob("*.xml"))]
        for split, names in SPLIT_NAMES.items()
    }
    if any(found.values()):
        return found
    places = (base / "Annotations", base / "annotations", base)
    return {"train": next((f for place in places if (f := _xml_files(place.glob("*.xml")))), [])}


def _xml_files(found: Iterable[Path]) -> list[Path]:
    return sorted(path for path in found if is_file(path) and not is_hidden(path))


def _listed(base: Path, listing: Path) -> list[Path]:
    """The XML files that a file in ImageSets/Main/ names.

    A line is a name, and in a list of one class also 1, 0 or -1: whether the class is there.
    """
    names = [line.strip() for line in text_of(listing).splitlines() if line.strip()]
    expect_inside(names, str(listing))
    folder = base / "Annotations"
    names = [name if is_file(folder / f"{name}.xml") else name.split()[0] for name in names]
    files = [folder / f"{name}.xml" for name in names]
    missing = [file.name for file in files if not is_file(file)]
    if missing:
        raise UserError(
            f"{folder} lacks {len(missing)} of {len(files)} files that {listing} "
            f"names ({some(missing)}); add them there, or remove them here."
        )
    return files


def _read(base: Path, splits: dict[str, list[Path]], split: str) -> Pictures:
    """One split; the classes and the meaning of the boxes are those of all splits together."""
    files = splits[split]
    roots = {file: parsed_xml(file) for each in splits.values() for file in each}
    expect_annotations(roots)
    names = sorted({name_of(each, file) for file in roots for each in roots[file].iter("object")})
    first = first_pixel(roots)
    pictures = _pictures_of(base, files, roots)
    images: list[Entry] = []
    annotations: list[Entry] = []
    content = [str((names, first)).encode()]
    for file, picture, name in zip(files, pictures, names_within(base, pictures), strict=True):
        width, height = _size(roots[file], file, picture)
        images.append({"id": len(images) + 1, "file_name": name, "width": width, "height": height})
        content += [name.encode(), str(picture.stat().st_size).encode(), file.read_bytes()]
        for element in roots[file].iter("object"):
            annotations.append(
                {"id": len(annotations) + 1, "image_id": len(images)}
                | {"category_id": names.index(name_of(element, file)) + 1}
                | {"bbox": box_of(element, file, first)}
                | {"iscrowd": int(element.findtext("difficult", "0").strip() == "1")}
            )
    categories = [{"id": k, "name": name} for k, name in enumerate(names, start=1)]
    coco = {"images": images, "annotations": annotations, "categories": categories}
    clean, report = check_annotations(coco, f"{base} ({split})")
    how = "first and last pixels, counted from 1" if first else "edges, because one begins at 0"
    return Pictures(
        name=f"voc {split}",
        coco=clean,
        read=partial(read_file, base),
        fingerprint=digest(*content),
        report=(f"The boxes in {base} are read as {how}.", *report, *_unlabelled(files, pictures)),
        folder=base,
    )


def expect_annotations(roots: dict[Path, Element]) -> None:
    """Refuse XML that is something else: read as Pascal VOC's, it would have no object."""
    for file, root in roots.items():
        if root.tag != "annotation":
            raise UserError(
                f"{file} begins with <{short(root.tag)[1:-1]}>, but Pascal VOC's files begin with "
                "<annotation>: remove the file, or export the annotations in Pascal VOC's format."
            )


def name_of(element: Element, file: Path) -> str:
    """The class of an object. Raises: UserError if it has none."""
    name = element.findtext("name", "").strip()
    if not name:
        raise UserError(f"{file} has an object without a name; add it.")
    return name


def first_pixel(roots: dict[Path, Element]) -> int:
    """The number of a picture's first pixel: 1 in Pascal VOC, 0 if any box begins there."""
    starts = (
        number_in(element, f"bndbox/{edge}", float, file)
        for file, root in roots.items()
        for element in root.iter("object")
        for edge in EDGES[:2]
    )
    return int(not any(start < 1 for start in starts))


def box_of(element: Element, file: Path, first: int) -> list[float]:
    """An object's box x y w h in pixels: from its first and last pixel, or from its edges."""
    left, top, right, bottom = (number_in(element, f"bndbox/{edge}", float, file) for edge in EDGES)
    return [left - first, top - first, right - left + first, bottom - top + first]


def _pictures_of(base: Path, files: list[Path], roots: dict[Path, Element]) -> list[Path]:
    """The picture of each XML file: with its name, or as it says; beside it or in `FOLDERS`."""
    folders = {file.parent for file in files} | {base / name for name in FOLDERS}
    there = {p.stem: p for folder in folders if folder.is_dir() for p in picture_files(folder)}
    found, missing = [], []
    for file in files:
        name = (
            (roots[file].findtext("filename") or "").strip().replace("\\", "/").rpartition("/")[2]
        )
        picture = there.get(file.stem) or there.get(name.rpartition(".")[0])
        if picture is None:
            missing.append(file.name)
        else:
            found.append(picture)
    if missing:
        raise UserError(
            f"{base} lacks the pictures of {len(missing)} of {len(files)} XML files "
            f"({some(missing)}); add them, or remove these files."
        )
    return found


def _unlabelled(files: list[Path], pictures: list[Path]) -> list[str]:
    """What to report of pictures beside the used ones that have no XML file."""
    labelled = {xml.stem for folder in {f.parent for f in files} for xml in folder.glob("*.xml")}
    labelled |= {picture.stem for picture in pictures}
    there = (p for folder in {p.parent for p in pictures} for p in picture_files(folder, False))
    without = sorted(picture.name for picture in there if picture.stem not in labelled)
    count = number_of(without, "picture")
    return [f"Left out {count} without an XML file: {some(without)}."] if without else []


def _size(root: Element, file: Path, picture: Path) -> tuple[int, int]:
    """Width and height as annotated; the picture's own where a tool left them out, or at 0."""
    if root.find("size") is None or not root.findtext("size/width", "0").strip("0 \n"):
        return upright_size(picture)
    return number_in(root, "size/width", int, file), number_in(root, "size/height", int, file)
