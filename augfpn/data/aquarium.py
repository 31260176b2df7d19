"""Aquarium: 638 photographs from two aquariums, with fish and six other kinds of animals.

Source: Roboflow (public.roboflow.com/object-detection/aquarium), CC BY 4.0: pictures of the Henry
Doorly Zoo in Omaha and the National Aquarium in Baltimore, of October and November 2020. They are
taken from GitHub, Chandra0804/Underwater-Object-Detection-YOLO-V8, at one pinned commit.
"""

import json
import os
from dataclasses import replace
from functools import cache
from importlib.resources import files as resources
from pathlib import Path

from augfpn.config import DATA_SETS
from augfpn.data.files import digest, some
from augfpn.data.pictures import Pictures
from augfpn.data.pinned import Pinned, content_of, place_of, remark_on
from augfpn.data.yolo import read_labelled
from augfpn.errors import UserError, one_of

AQUARIUM = Pinned(
    title="Aquarium",
    repository="Chandra0804/Underwater-Object-Detection-YOLO-V8",
    commit="a54dbe6961dd8cea077fe673ef9e50f779a46afb",
    folder="aquarium_pretrain",
    files=("*/images/*.jpg", "*/labels/*.txt"),
    layout="Aquarium's train/, valid/ and test/, each with images/ and labels/",
    mark="train/images",
    content="93de4c56715dfacb33329d3ee94f3bfa6e32333ed3895552b35d9b98d4689904",
)
ANIMALS = ("fish", "jellyfish", "penguin", "puffin", "shark", "starfish", "stingray")
PARTS_OF_SPLIT = {"train": ("fit", "between", "tune")}  # the others are one part each


def aquarium(root: str | os.PathLike[str] | None, split: str, download: bool = True) -> Pictures:
    """One split of Aquarium: from the user's folder, or downloaded once into pooch's cache.

    ``root`` is the folder aquarium_pretrain/ of the repository, or the folder that contains it;
    any export of Roboflow's for YOLO has the same files under other names, which is fine, too.

    The data set's own split is random over series of shots, so that most of its test pictures were
    taken seconds after a training picture. `parts_of_aquarium` has a split without such leaks:
    "train" and "val", and "fit" and "tune" in "train", for choosing settings without "val".

    Raises: UserError if the folder, the split or a picture does not exist, if a label is wrong,
    and if the download fails or is not what the commit contains.
    """
    one_of("split", split, DATA_SETS["aquarium"].splits)
    folder = place_of(AQUARIUM, root, download)
    content = content_of(folder, AQUARIUM)
    found = read_labelled(folder, split, pictures_of_split(folder, split), dict(enumerate(ANIMALS)))
    return replace(
        found,
        name=f"aquarium {split}",
        fingerprint=digest(content.encode(), split.encode()),
        report=(*remark_on(content, folder, AQUARIUM), *found.report),
    )


@cache
def parts_of_aquarium() -> dict[str, list[str]]:
    """The names of the pictures of each part, without what an export adds to them.

    Shots were numbered by the camera. Of every 48, 12 are in "val" and 2 on either side are left
    out; films are whole in one part. Within the training pictures 7 of the 10 runs of 32 shots that
    this leaves were drawn, and 12 shots at one end of each of them, drawn too, are the part "tune".
    The next 2 are in no part but "train", and the rest is "fit". The draw is that of the first seed
    with which both have all classes.
    """
    file = resources("augfpn.data") / "aquarium.json"
    return json.loads(file.read_text("utf-8"))


def pictures_of_split(folder: Path, split: str) -> list[Path]:
    """The picture files of a split, by name. Raises: UserError if one is missing."""
    parts = parts_of_aquarium()
    names = sorted(name for part in PARTS_OF_SPLIT.get(split, (split,)) for name in parts[part])
    there = {short_name(path): path for path in folder.glob("*/images/*.jpg")}
    missing = [name for name in names if name not in there]
    if missing:
        raise UserError(
            f"{folder} lacks {len(missing)} of {len(names)} pictures of the split {split} "
            f"({some(missing)}); give the folder with {AQUARIUM.layout} as data_root."
        )
    return [there[name] for name in names]


def short_name(picture: Path) -> str:
    """The name of a picture without what Roboflow adds at each export: ".rf." and a hash."""
    return picture.stem.partition(".rf.")[0]
