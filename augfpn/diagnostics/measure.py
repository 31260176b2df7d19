"""The paper's three defects, measured on a record's detector: numbers, no figures.

    semantic_gap  how similar M2..M5 are for the same objects          (Consistent Supervision)
    top_level     what P5 knows of C5 and of the image          (Residual Feature Augmentation)
    assignment    what FPN's rule for levels costs, and how levels are mixed (Soft RoI Selection)

`measure_record` needs a record's weights and pictures, and writes ``diagnostics.json`` into the
record. All tables and figures are made from that file; `augfpn.diagnostics.numbers` reads it.

Measurements are made on the record's test pictures. A probe is never fitted and tested on the same
picture.
"""

from pathlib import Path
from typing import Any

import torch

from augfpn import records
from augfpn.data.pictures import Pictures
from augfpn.detectors import build
from augfpn.detectors.one_stage import OneStage
from augfpn.detectors.two_stage import TwoStage
from augfpn.diagnostics import assignment, semantic_gap, top_level
from augfpn.diagnostics.objects import Seen, look
from augfpn.errors import UserError
from augfpn.support.files import write_json
from augfpn.support.progress import Progress
from augfpn.training import reopen

FEWEST_PICTURES, MOST_PICTURES = 10, 800  # with objects


def measure_record(folder: Path, root: str | None = None, device: str = "cpu") -> Path:
    """Measure a record's detector and write ``diagnostics.json`` beside its weights.

    ``root`` is the folder of its pictures, if they were moved. An existing file of the current
    version is kept. Raises: UserError for a record without weights, and for changed pictures.
    """
    record = reopen.open_record(folder)
    file = folder / records.DIAGNOSTICS
    if record.is_measured:
        return file
    detector, record = reopen.load_detector(folder, device)
    test, learned = (reopen.recorded_pictures(record, use, root) for use in ("test", "train"))
    found = diagnostics_of(record, detector, test, learned, device)
    write_json(file, {"version": records.DIAGNOSTICS_VERSION, **found})
    return file


def diagnostics_of(
    record: records.Record,
    detector: TwoStage | OneStage,
    test: Pictures,
    learned: Pictures,
    device: str,
) -> dict[str, Any]:
    """All measurements of a record's detector, ready for JSON; see the module of each defect."""
    test, learned = useful(test), useful(learned)
    seen = seen_by(detector, test, device, "looking at test pictures")
    before = seen_by(untrained(record, device), test, device, "the same before training")
    after_all = seen_by(detector, learned, device, "looking at training pictures")
    found = {
        "semantic_gap": semantic_gap.semantic_gap(seen),
        "semantic_gap_before": semantic_gap.semantic_gap(before),
        "top_level": top_level.top_level(seen, after_all, len(test.classes))
        | top_level.surroundings(detector, test, device),
    }
    if isinstance(detector, TwoStage):
        rule = build.hard_selection(record.experiment.model, build.ROI_LEVELS, build.BOX_BINS)
        found["assignment"] = assignment.assignment(detector, rule, test, device)
    return found


def untrained(record: records.Record, device: str) -> TwoStage | OneStage:
    """A record's detector as it was before its first training step."""
    torch.manual_seed(record.experiment.seed)
    return build.build_detector(record.experiment.model).to(device).eval()


def useful(pictures: Pictures) -> Pictures:
    """The first pictures with objects, at most 800. Raises: UserError if they are fewer than 10."""
    chosen = pictures.with_objects()[:MOST_PICTURES]
    if len(chosen) < FEWEST_PICTURES:
        raise UserError(
            f"{pictures.name} has {len(chosen)} pictures with objects: diagnostics need "
            f"{FEWEST_PICTURES} or more, to fit probes on some and test them on others."
        )
    return pictures.subset(chosen)


def seen_by(
    detector: TwoStage | OneStage, pictures: Pictures, device: str, what: str
) -> list[Seen]:
    """The features of each picture, with a progress bar."""
    found = []
    with Progress(len(pictures), what) as tell:
        for each in look(detector, pictures, device):
            found.append(each)
            tell(len(found))
    return found
