"""The JSON of a record's files: which values each may have, checked before anything uses them.

Names that are not listed may have any value: a newer version may write more.
"""

import json
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from augfpn import __version__, config

UnitValue = Annotated[float, Field(ge=0, le=1)]
MaybeUnitValue = UnitValue | None  # None: no object has such a size or class
Finite = Annotated[float, Field(allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
Fingerprint = Annotated[str, Field(min_length=1)]
Row = TypeVar("Row")


class JSONObject(BaseModel):
    """A JSON object, which may have more names."""

    model_config = ConfigDict(extra="allow", strict=True, protected_namespaces=())


class Fingerprints(JSONObject):
    """Of the pictures."""

    train: Fingerprint
    test: Fingerprint


class Settings(JSONObject):
    """settings.json, but for the experiment."""

    experiment: dict[str, Any]
    fingerprints: Fingerprints
    classes: Annotated[list[str], Field(min_length=1)]
    report: list[str]
    category_ids: list[int] | None = None
    initial_weights: dict[str, str] | None = None  # `augfpn.training.initial.origin_of`


class Environment(JSONObject):
    """environment.json: what tables need of it."""

    device_name: str
    versions: dict[str, str | None]
    commit: str | None


class Numbers(JSONObject):
    """COCO's numbers of boxes or masks."""

    AP: MaybeUnitValue
    by_class: dict[str, MaybeUnitValue]
    AP50: MaybeUnitValue = None
    AP75: MaybeUnitValue = None
    APs: MaybeUnitValue = None
    APm: MaybeUnitValue = None
    APl: MaybeUnitValue = None
    AR1: MaybeUnitValue = None
    AR10: MaybeUnitValue = None
    AR100: MaybeUnitValue = None
    ARs: MaybeUnitValue = None
    ARm: MaybeUnitValue = None
    ARl: MaybeUnitValue = None


class PictureCounts(JSONObject):
    """How many pictures were trained on and tested."""

    train: Count
    test: Count


class MeasuredResult(Numbers):
    """result.json."""

    pictures: PictureCounts
    steps: Count
    seconds: NotNegative
    memory_mb: NotNegative | None
    mask: Numbers | None = None


class CurveRow(BaseModel):
    """A row of curve.jsonl: the step, and numbers by name."""

    model_config = ConfigDict(extra="allow", strict=True)
    __pydantic_extra__: dict[str, float | None]
    step: Count
    lr: NotNegative


class Mask(JSONObject):
    """A mask as a run-length code."""

    size: Annotated[list[Count], Field(min_length=2, max_length=2)]  # height, width
    counts: str


class Prediction(JSONObject):
    """A detection in COCO's results format."""

    image_id: int
    category_id: int
    bbox: Annotated[list[Finite], Field(min_length=4, max_length=4)]
    score: UnitValue
    segmentation: Mask | None = None


# --- diagnostics ----------------------------------------------------------------------------------

Values = dict[str, Finite | None]
Column = list[Finite | None]


class Gap(JSONObject):
    """The semantic gap: squares, a row and a column for each level."""

    cka: list[list[Finite]]
    probe: list[list[Finite]]

    @model_validator(mode="after")
    def is_square(self) -> "Gap":
        for name, rows in (("cka", self.cka), ("probe", self.probe)):
            if len(rows) < 2 or {len(row) for row in rows} != {len(rows)}:
                raise ValueError(f"{name} is not a square of numbers")
        return self


class TopLevel(JSONObject):
    """What probes read from the maps of the top level."""

    c5: dict[str, Finite]
    content: Values
    classes: Values
    surroundings: Values


class Scaled(JSONObject):
    """How far a prediction changes when an object changes its level."""

    across: Finite | None
    elsewhere: Finite | None


class ByDistance(JSONObject):
    """The loss near a border between levels, and far from one."""

    near: Finite | None
    far: Finite | None


class Oracle(JSONObject):
    """The loss of each level for the objects of each level."""

    loss: list[Column]
    table: list[list[Count]]
    loss_assigned: Finite | None
    loss_best: Finite | None
    right_assigned: Finite | None
    right_best: Finite | None


class Mixture(JSONObject):
    """How levels are mixed for the RoIs of each level."""

    share: list[Column]
    entropy: Column


class Assignment(JSONObject):
    """What FPN's rule for levels costs."""

    levels: list[int]
    scaled: Scaled
    by_distance: ByDistance
    oracle: Oracle | None = None
    mixture: Mixture | None = None

    @model_validator(mode="after")
    def has_a_row_for_each_level(self) -> "Assignment":
        tables = [self.oracle and self.oracle.loss, self.oracle and self.oracle.table]
        tables.append(self.mixture and self.mixture.share)
        count = len(self.levels)
        for rows in (rows for rows in tables if rows is not None):
            if len(rows) != count or {len(row) for row in rows} != {count}:
                raise ValueError("a table has not a row and a column for each level")
        if self.mixture is not None and len(self.mixture.entropy) != count:
            raise ValueError("mixture.entropy has not a number for each level")
        return self


class Diagnostics(JSONObject):
    """diagnostics.json, if it is of the current version."""

    semantic_gap: Gap
    semantic_gap_before: Gap
    top_level: TopLevel
    assignment: Assignment | None = None


# --- reading --------------------------------------------------------------------------------------


class UnknownSettingError(ValueError):
    """A setting that this version or installation does not know; nothing is damaged."""


def parsed(text: bytes | str, name: str) -> Any:
    """JSON's value. Raises ``ValueError`` that names the file, for text that is not JSON."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError(f"{name} is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def checked(value: Any, kind: type, name: str) -> Any:
    """The value itself, if it is what a file may hold; otherwise ``ValueError`` names the key."""
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise ValueError(f"{name}: {first_fault(error)}") from None
    return value


def object_in(file: Path, kind: type) -> dict:
    """A file's JSON object. Raises ``ValueError`` that names the file and what is wrong in it."""
    return checked(parsed(file.read_bytes(), file.name), kind, file.name)


def first_fault(error: ValidationError) -> str:
    """Where the first fault is and what it is: "by_class.disk: Input should be a valid number"."""
    fault = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in fault["loc"] if not str(part).startswith("constrained"))
    return f"{where}: {fault['msg']}" if where else fault["msg"]


def experiment_in(settings: dict, written_by: str | None) -> config.Experiment:
    """The experiment in the content of settings.json.

    Raises ``ValueError`` for wrong values, and `UnknownSettingError` for what another version or a
    changed installation of this package has written; ``written_by`` is that version.
    """
    try:
        return config.EXPERIMENT.validate_json(json.dumps(settings), strict=True)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(map(str, fault["loc"][:2]))
        if fault["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
            raise UnknownSettingError(
                f"has the setting {'.'.join(map(str, fault['loc']))}, which this version of augfpn "
                f"({__version__}) does not know: it was made by a newer version "
                f"({written_by or 'unknown'}); update augfpn to read it."
            ) from None
        choice = fault["type"] == "literal_error" or where == "model.backbone"
        if choice and isinstance(fault["input"], str):
            raise UnknownSettingError(
                f"has {where} {fault['input']!r}, which this installation of augfpn does not have: "
                "update augfpn, or add it as the record's author did."
            ) from None
        raise ValueError(f"settings.json: experiment.{first_fault(error)}") from None
