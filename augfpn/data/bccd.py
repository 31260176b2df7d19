"""BCCD: 364 photographs of blood smears with red cells, white cells and platelets.

Source: GitHub, Shenggan/BCCD_Dataset, MIT licence, at one pinned commit.
"""

import os
import tempfile
import zipfile
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import pooch
from filelock import FileLock

from augfpn.config import DATA_SETS
from augfpn.data.annotations import Coco, Entry, check_annotations
from augfpn.data.files import digest, existing_folder, expect_inside, file_sizes, holdings
from augfpn.data.pictures import Pictures
from augfpn.data.pixels import read_file
from augfpn.data.xml_files import number_in, parsed_xml
from augfpn.errors import UserError, one_of

COMMIT = "d272fb14cdff6e473fafeeeba32aba5f560e9e43"
# The result of `content_of` for that commit.
CONTENT = "8f9e621afb418d7a590cf4be295f3532ba5dbf185a906b834552213c3b9ed6af"
ARCHIVE = f"https://github.com/Shenggan/BCCD_Dataset/archive/{COMMIT}.zip"
TIMEOUT = 30  # seconds without an answer from the server

CELLS = ("RBC", "WBC", "Platelets")  # categories 1, 2, 3
CONTENT_FILES = ("Annotations/*.xml", "ImageSets/Main/*.txt", "JPEGImages/*.jpg")
BCCD_LAYOUT = "BCCD's Annotations/, ImageSets/Main/ and JPEGImages/"
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
    folder = _inside(existing_folder(root, "bccd", BCCD_LAYOUT)) if root else _fetch(download)
    content = content_of(folder)
    annotations, report = check_annotations(_read(folder, split), str(folder / "Annotations"))
    if content != CONTENT:
        report = (f"{folder} differs from BCCD's commit {COMMIT[:7]}.", *report)
    return Pictures(
        name=f"bccd {split}",
        coco=annotations,
        read=partial(read_file, folder / "JPEGImages"),
        fingerprint=digest(content.encode(), split.encode()),
        report=report,
        folder=folder / "JPEGImages",
    )


def content_of(folder: Path) -> str:
    """Sha256 of the paths and bytes of all annotations, split files and pictures, by path."""
    files = {
        path.relative_to(folder).as_posix(): path for p in CONTENT_FILES for path in folder.glob(p)
    }
    return digest(*(part for n in sorted(files) for part in (n.encode(), files[n].read_bytes())))


# --- download -------------------------------------------------------------------------------------


def _inside(folder: Path) -> Path:
    for candidate in (folder, folder / "BCCD"):
        if (candidate / "Annotations").is_dir():
            return candidate
    raise UserError(
        f"bccd: neither {folder} nor BCCD/ in it has Annotations/; it holds {holdings(folder)}; "
        f"give the folder with {BCCD_LAYOUT} as data_root."
    )


def _fetch(download: bool) -> Path:
    cache = Path(pooch.os_cache("augfpn"))
    folder = cache / f"bccd-{COMMIT[:7]}"
    if folder.is_dir():  # it was moved there in one step, after its content was checked
        return folder
    if not download:
        raise UserError(f"bccd is not in {cache}; allow the download or give its data_root.")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / "bccd.lock"):  # one process downloads, the others wait
            if not folder.is_dir():
                _download(cache, folder)
    except (OSError, zipfile.BadZipFile) as error:  # the errors of requests are OSErrors
        raise UserError(
            f"bccd could not be fetched from {ARCHIVE} into {cache} ({type(error).__name__}): "
            "there is no network, the server refused, or the cache cannot be written; try again "
            "later, or give the folder of a copy as data_root."
        ) from error
    return folder


def _download(cache: Path, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=cache) as temporary:
        archive = Path(temporary) / "bccd.zip"
        pooch.HTTPDownloader(timeout=TIMEOUT)(ARCHIVE, str(archive), None)
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(temporary)
        unpacked = Path(temporary) / f"BCCD_Dataset-{COMMIT}" / "BCCD"
        content = content_of(unpacked)
        if content != CONTENT:
            raise UserError(
                f"bccd from {ARCHIVE} is not what the commit holds: the sha256 of its content is "
                f"{content}, not {CONTENT}; try again, or give the folder of a copy as data_root."
            )
        unpacked.rename(folder)


# --- reading --------------------------------------------------------------------------------------


def _read(folder: Path, split: str) -> Coco:
    """The XML files of a split as one COCO instances dict."""
    listing = folder / "ImageSets" / "Main" / f"{split}.txt"
    if not listing.is_file():
        raise UserError(
            f"bccd: {listing} is missing; give the folder with {BCCD_LAYOUT} as data_root."
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
