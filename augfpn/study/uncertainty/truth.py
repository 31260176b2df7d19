"""The ground truth of test pictures, which scoring needs.

Scenes are made anew from a record's settings. For other data, `keep_truth` writes the annotations
(not the pictures) into ``truth/`` beside the records: one file for each set of test pictures.
"""

import gzip
import json
import zlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from augfpn import records
from augfpn.data.load import load_pictures
from augfpn.errors import UserError
from augfpn.study.uncertainty.kept import hash_of_code, remembered
from augfpn.support.files import packed, write_bytes

if TYPE_CHECKING:
    from augfpn.data.pictures import Pictures

TRUTH = "truth"  # folder beside records that holds annotations
IN_IMAGE = ("id", "width", "height")
IN_ANNOTATION = ("id", "image_id", "category_id", "bbox", "area", "iscrowd")


def truth_file(records_folder: Path, fingerprint: str) -> Path:
    """Where the annotations of some pictures are kept."""
    return records_folder / TRUTH / f"{fingerprint[:12]}.json.gz"


def has_kept_truth(record: records.Record) -> bool:
    """Whether the annotations of a record's test pictures lie beside it."""
    return truth_file(record.folder.parent, record.fingerprints["test"]).exists()


def keep_truth(pictures: "Pictures", records_folder: Path) -> Path:
    """Write the pictures' annotations beside records, if they are not there yet."""
    file = truth_file(records_folder, pictures.fingerprint)
    if not file.exists():
        fields = IN_ANNOTATION + (("segmentation",) if pictures.masks else ())
        coco = pictures.coco
        kept = {
            "images": [{name: entry[name] for name in IN_IMAGE} for entry in coco["images"]],
            "categories": coco["categories"],
            "annotations": [{name: each[name] for name in fields} for each in coco["annotations"]],
        }
        file.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(file, packed({"fingerprint": pictures.fingerprint} | kept))
    return file


def truth_of(record: records.Record) -> dict:
    """The annotations of a record's test pictures, in COCO's format.

    Raises ``UserError`` if the record's settings give different scenes today, and, for other data,
    if the file of annotations is missing or damaged.
    """
    wanted = record.fingerprints["test"]
    if record.experiment.data.name == "scenes":
        made_of = [wanted, hash_of_code("augfpn.data.scenes", libraries=("numpy", "pillow"))]
        return remembered("truths", made_of, partial(drawn_truth, record))
    file = truth_file(record.folder.parent, wanted)
    try:
        coco = json.loads(gzip.decompress(file.read_bytes()))
    except FileNotFoundError:
        raise UserError(
            f"the annotations that {record.folder.name} was tested with are not at {file}: "
            "`augfpn study run` keeps them there."
        ) from None
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise UserError(
            f"{file} is damaged ({error}): delete it, and `augfpn study run` writes it again."
        ) from None
    if coco.pop("fingerprint", None) != wanted:
        raise UserError(f"{file} is not for the pictures of {record.folder.name}: delete it.")
    return coco


def drawn_truth(record: records.Record) -> dict:
    """The annotations of a record's test scenes, which are drawn anew to be sure of them."""
    pictures = load_pictures(record.experiment.data, "test")
    if pictures.fingerprint != record.fingerprints["test"]:
        raise UserError(f"{record.folder.name} has scenes of another version: run it again.")
    return pictures.coco
