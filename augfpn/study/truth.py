"""What is right on a record's test pictures: enough to score its predictions again.

Scenes are made anew from the record's settings. For other pictures `keep` writes their annotations,
not the pictures, into ``truth/`` beside the records, a file for each set of test pictures.
"""

import gzip
import json
from pathlib import Path

from augfpn import records
from augfpn.data.pictures import Pictures
from augfpn.errors import UserError
from augfpn.support.files import packed, write_bytes
from augfpn.training import train

FOLDER = "truth"
ENTRY = ("id", "width", "height")
ANNOTATION = ("id", "image_id", "category_id", "bbox", "area", "iscrowd")


def file_of(records_folder: Path, fingerprint: str) -> Path:
    """Where the annotations of some pictures are kept."""
    return records_folder / FOLDER / f"{fingerprint[:12]}.json.gz"


def is_kept(record: records.Record) -> bool:
    """Whether the annotations of a record's test pictures lie beside it."""
    return file_of(record.folder.parent, record.fingerprints["test"]).exists()


def keep(pictures: Pictures, records_folder: Path) -> Path:
    """Write the pictures' annotations beside records, if they are not there yet."""
    file = file_of(records_folder, pictures.fingerprint)
    if not file.exists():
        fields = ANNOTATION + (("segmentation",) if pictures.masks else ())
        coco = pictures.coco
        kept = {
            "images": [{name: entry[name] for name in ENTRY} for entry in coco["images"]],
            "categories": coco["categories"],
            "annotations": [{name: each[name] for name in fields} for each in coco["annotations"]],
        }
        file.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(file, packed({"fingerprint": pictures.fingerprint} | kept))
    return file


def truth_of(record: records.Record) -> dict:
    """The annotations of a record's test pictures, in COCO's format.

    Raises ``UserError`` where neither the record's settings nor a kept file give them.
    """
    wanted = record.fingerprints["test"]
    if record.experiment.data.name == "scenes":
        pictures = train.load_pictures(record.experiment.data, "test")
        if pictures.fingerprint != wanted:
            raise UserError(f"{record.folder.name} is of scenes of another version: run it again.")
        return pictures.coco
    file = file_of(record.folder.parent, wanted)
    try:
        coco = json.loads(gzip.decompress(file.read_bytes()))
    except (OSError, EOFError, ValueError):
        raise UserError(
            f"the annotations that {record.folder.name} was tested with are not at {file}: "
            "`augfpn study run` keeps them there."
        ) from None
    if coco.pop("fingerprint", None) != wanted:
        raise UserError(f"{file} is not of the pictures of {record.folder.name}: delete it.")
    return coco
