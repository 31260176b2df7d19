"""A record: the folder that a run leaves behind. All tables and figures are made from records.

    settings.json        the experiment, and the fingerprints of its pictures
    environment.json     versions, device, commit
    curve.jsonl          losses and learning rate, a row for each logged step
    result.json          COCO's numbers, by size and by class
    predictions.json.gz  detections on the test pictures in COCO's format: enough to re-score
    weights.safetensors  the detector's weights, and in weights.safetensors.sha256 their SHA-256
                         (the two records that chapters load have an older weights.pt)
    diagnostics.json     measurements of the three defects, if they were made

A run works in a hidden folder that is renamed when the run is done, so that a record is complete or
does not exist. Nothing is overwritten. The folder's name ends in the run's id, a hash of settings
and fingerprints: equal experiments on equal pictures are the same run. The part of the name before
the id is for people (`augfpn.settings.components.record_name`); this module does not read it.
"""

import gzip
import hashlib
import json
import math
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from augfpn import config
from augfpn.errors import UserError
from augfpn.record_files import (
    CurveRow,
    Diagnostics,
    Environment,
    MeasuredResult,
    Prediction,
    Settings,
    UnknownSettingError,
    checked,
    experiment_in,
    object_in,
    parsed,
)
from augfpn.settings.components import components_of, variant_of
from augfpn.support.files import check_readable, packed, write_bytes, write_json
from augfpn.support.lease import attempts_in
from augfpn.support.machine import environment

if TYPE_CHECKING:
    import pandas

COMMITTED = (
    Path(__file__).parent / "_records",  # in an installed wheel
    Path(__file__).parents[1] / "experiments" / "records",  # in a clone
)
PREDICTIONS, RESULT, WEIGHTS = "predictions.json.gz", "result.json", "weights.safetensors"
FILES = ("settings.json", "environment.json", RESULT, "curve.jsonl", PREDICTIONS)
DIAGNOSTICS = "diagnostics.json"
DIAGNOSTICS_VERSION = 1  # increase it when a measurement changes


@dataclass(frozen=True)
class Record:
    """A finished run, read from its folder. See the module's docstring for the files."""

    folder: Path
    experiment: config.Experiment
    fingerprints: dict[str, str]  # of the pictures, "train" and "test"
    classes: tuple[str, ...]  # the names of labels 1..K
    report: tuple[str, ...]  # what the check of the annotations found and repaired
    environment: dict
    result: dict
    diagnostics: dict | None = None  # what `augfpn.diagnostics` measured
    category_ids: tuple[int, ...] | None = None  # of the classes in the data set; None: an old one

    @property
    def id(self) -> str:
        return run_id(self.experiment, self.fingerprints)

    @cached_property
    def curve(self) -> list[dict]:
        """A row for each logged step. Raises ``UserError`` if they are damaged."""
        file = self.folder / "curve.jsonl"
        try:
            rows = [parsed(line, file.name) for line in file.read_bytes().splitlines()]
            return checked(rows, list[CurveRow], file.name)
        except (OSError, ValueError) as error:
            raise UserError(f"{file} is damaged ({error}): delete or repair the record.") from None

    @cached_property
    def predictions(self) -> list[dict]:
        return self.read_predictions()

    def read_predictions(self) -> list[dict]:
        """Read the predictions without caching. Raises ``UserError`` if they are damaged."""
        return read_predictions(self.folder)

    @property
    def weights(self) -> Path:
        """The file with the weights, which may be missing; older records have ``weights.pt``."""
        newer, older = self.folder / WEIGHTS, self.folder / "weights.pt"
        return older if older.exists() and not newer.exists() else newer

    @property
    def is_measured(self) -> bool:
        """Whether it has diagnostics, made by the current version of `augfpn.diagnostics`."""
        if self.diagnostics is None:
            return False
        return self.diagnostics.get("version") == DIAGNOSTICS_VERSION


def run_id(experiment: config.Experiment, fingerprints: dict[str, str]) -> str:
    """Twelve hexadecimal digits that two runs share only if they compute the same.

    The content of the pictures counts, but not their folder or how many processes read them.
    Settings at their default do not count, so that a new setting does not change old ids.
    """
    settings = config.to_dict(experiment)
    settings["data"].pop("root")
    for field in ("workers", "checkpoint_seconds", "tensorboard"):
        settings["train"].pop(field)
    for part, default in config.DEFAULTS.items():
        settings[part] = not_default(settings[part], default)
    text = json.dumps([settings, fingerprints], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def not_default(settings: dict, default: dict) -> dict:
    """The settings that differ from their default."""
    return {
        name: not_default(value, default[name]) if isinstance(value, dict) else value
        for name, value in settings.items()
        if value != default[name]
    }


def read(folder: Path) -> Record:
    """The record in ``folder``. Raises ``UserError`` if it is damaged or is not a record."""
    try:
        settings = object_in(folder / "settings.json", Settings)
        around = object_in(folder / "environment.json", Environment)
        return Record(
            folder=folder,
            experiment=experiment_in(settings["experiment"], around["versions"].get("augfpn")),
            fingerprints=settings["fingerprints"],
            classes=tuple(settings["classes"]),
            report=tuple(settings["report"]),
            environment=around,
            result=object_in(folder / RESULT, MeasuredResult),
            diagnostics=diagnostics_in(folder / DIAGNOSTICS),
            category_ids=tuple(settings.get("category_ids") or ()) or None,
        )
    except UnknownSettingError as error:
        raise UserError(f"{folder} {error}") from None
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{folder} is not a complete record ({reason}): delete or repair it."
        ) from None


def diagnostics_in(file: Path) -> dict | None:
    """What was measured, if it was; the values are checked if this version measures the same."""
    if not file.exists():
        return None
    found = object_in(file, dict[str, Any])
    current = found.get("version") == DIAGNOSTICS_VERSION
    return checked(found, Diagnostics, file.name) if current else found


def records_in(folders: Iterable[Path]) -> Iterator[Record]:
    """All records directly in the given folders, except damaged ones."""
    yield from read_all(folders)[0]


def with_committed(folder: Path) -> list[Path]:
    """The user's folder of records, and those with the records that come with augfpn."""
    return [folder, *COMMITTED]


def read_all(folders: Iterable[Path]) -> tuple[list[Record], list[str]]:
    """All records directly in the given folders, and a sentence for each that cannot be read.

    A folder that contains any of a record's files counts as a record. Hidden folders, in which runs
    are in progress, do not. Raises ``UserError`` if one of the given folders is a file.
    """
    whole, problems = [], []
    for parent in folders:
        check_readable(parent)
        there = {path.parent for name in FILES for path in Path(parent).glob(f"[!.]*/{name}")}
        for folder in sorted(there):
            try:
                whole.append(read(folder))
            except UserError as error:
                problems.append(str(error))
    return whole, problems


def frame(whole: Iterable[Record]) -> "pandas.DataFrame":
    """Some records as a tidy table for pandas and seaborn: a row for each run, in their order.

    Columns: ``id`` and ``record`` (the folder's name); ``data``, ``budget``, ``detector``,
    ``backbone``; ``variant``, the word for all components ("cs_lam0.5_rfa"); ``cs``, ``rfa`` and
    ``srs``, whether a component is on; ``seed``, by which runs are paired; ``AP``, ``AP50``,
    ``AP75``, ``APs``, ``APm``, ``APl`` and, of masks, ``mask AP`` ... as fractions, nan without
    objects; ``processor``, ``commit``, ``seconds``; and each other setting under its own name, such
    as ``model.channels``.
    """
    import pandas

    return pandas.DataFrame([frame_row(each) for each in whole])


def frame_row(record: Record) -> dict[str, Any]:
    """A record's row in `frame`."""
    own, parts = record.experiment, config.to_dict(record.experiment)
    settings = {f"{p}.{n}": v for p in ("model", "data", "train") for n, v in parts[p].items()}
    row = {"id": record.id, "record": record.folder.name, "data": settings.pop("data.name")}
    row |= {"budget": own.budget, "detector": settings.pop("model.detector")}
    row |= {"backbone": settings.pop("model.backbone"), "variant": variant_of(own.model)}
    on = {each.title for each in components_of(own.model)}
    row |= {title.lower(): title in on for title in ("CS", "RFA", "SRS")} | {"seed": own.seed}
    for prefix, numbers in (("", record.result), ("mask ", record.result.get("mask", {}))):
        there = {name: x for name, x in numbers.items() if name.startswith("AP")}
        row |= {prefix + n: math.nan if x is None or x < 0 else x for n, x in there.items()}
    made = {"processor": str(record.environment["device_name"])}
    made |= {"commit": record.environment["commit"], "seconds": record.result["seconds"]}
    return row | made | settings


def find(wanted: str, folders: Iterable[Path]) -> Record | None:
    """The first record with this run id, or ``None``."""
    for parent in folders:
        for settings in sorted(Path(parent).glob(f"[!.]*{wanted}*/settings.json")):
            record = read(settings.parent)
            if record.id == wanted:
                return record
    return None


def read_predictions(folder: Path) -> list[dict]:
    """The predictions in a record's folder. Raises ``UserError`` if they are damaged."""
    try:
        rows = parsed(gzip.decompress((folder / PREDICTIONS).read_bytes()), PREDICTIONS)
        return checked(rows, list[Prediction], PREDICTIONS)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise damaged_predictions(folder, error) from None


def damaged_predictions(folder: Path, error: Exception) -> UserError:
    """What to say of a record whose predictions cannot be read."""
    return UserError(
        f"the predictions in {folder} are damaged ({error}): delete the folder, and run it again."
    )


def has_predictions(folder: Path) -> bool:
    """Whether a run's working folder has its predictions, which no error has damaged."""
    try:
        return (folder / PREDICTIONS).exists() and read_predictions(folder) is not None
    except UserError:
        return False


def has_result(folder: Path) -> bool:
    """Whether a run's working folder has its COCO numbers."""
    return (folder / RESULT).exists()


def write_predictions(folder: Path, predictions: list[dict]) -> None:
    """Write a record's predictions into a run's working folder."""
    write_bytes(folder / PREDICTIONS, packed(predictions))


def write(folder: Path, settings: dict, curve: list[dict]) -> None:
    """Write what a record has beside predictions, result and weights: the settings at last."""
    write_bytes(folder / "curve.jsonl", "".join(one_line(row) for row in curve).encode())
    where = environment(settings["experiment"]["device"]) | {"attempts": attempts_in(folder)}
    write_json(folder / "environment.json", where)
    write_json(folder / "settings.json", settings)


def write_result(folder: Path, result: dict) -> None:
    """Write COCO's numbers into a run's working folder."""
    write_json(folder / RESULT, result)


def clear(folder: Path) -> None:
    """Remove a record's files from a working folder whose training goes on."""
    for name in FILES:
        (folder / name).unlink(missing_ok=True)


def one_line(row: dict) -> str:
    """A row of the curve as a line of JSON; numbers have six significant digits."""
    short = {k: float(f"{v:.6g}") if isinstance(v, float) else v for k, v in row.items()}
    return json.dumps(short) + "\n"
