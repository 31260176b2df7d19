"""Scores that lie beside the records that they are of: a report then needs to score nothing.

    records -> scored, each in a process -> scores/HASH.json.gz beside them

The hash says all that a score was computed from (`augfpn.study.uncertainty.kept_scores`), the code
included: after any change of it a kept score is not used, and this module replaces it.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from augfpn import records
from augfpn.config import DIALS, NEW_DIALS
from augfpn.errors import UserError
from augfpn.settings.components import components_of
from augfpn.study.running.processes import Say
from augfpn.study.running.workers import scoring_processes
from augfpn.study.uncertainty.kept_scores import SCORES, json_once, published_file
from augfpn.study.uncertainty.resampling import DRAWS
from augfpn.study.uncertainty.scores import Way, scored, scored_away
from augfpn.study.uncertainty.truth import truth_of
from augfpn.support.files import packed, write_bytes


def publish(folder: Path, say: Say) -> int:
    """Score all records in a folder and keep the scores beside them; returns how many there are.

    Older scores that no record has any more are removed. A record that cannot be scored, because it
    is damaged or its pictures' annotations are not there, is said and left out.
    """
    whole, problems = records.read_all([folder])
    for problem in problems:
        say(problem)
    wanted = files_wanted(whole, say)
    missing = [each for file, each in wanted.items() if not file.exists()]
    say(f"{len(missing)} of {len(wanted)} scores are missing in {folder / SCORES}.")
    score_missing(missing, say)
    there = set((folder / SCORES).glob("*.json.gz"))
    for file in there - wanted.keys():
        file.unlink()
    return len(there & wanted.keys())


def files_wanted(
    whole: Iterable[records.Record], say: Say
) -> dict[Path, tuple[records.Record, Way]]:
    """The scores of some records by their file; says which records' predictions cannot be read."""
    wanted = {}
    for record in whole:
        try:
            for way in ways_of(record):
                wanted[published_file(record, way=way)] = record, way
        except UserError as error:
            say(str(error))
    return wanted


def ways_of(record: records.Record) -> list[Way]:
    """How a record is scored: the gates of the dial of scale compare FPN away from home, too."""
    data = record.experiment.data
    others = [d for d in (*DIALS, *NEW_DIALS) if d != "scale" and getattr(data, d)]
    away = data.name == "scenes" and not others and not components_of(record.experiment.model)
    return [scored, scored_away] if away else [scored]


def score_missing(missing: Sequence[tuple[records.Record, Way]], say: Say) -> None:
    """Write some scores, one in each process at a time."""
    if not missing:
        return
    with scoring_processes() as pool:
        for done, fault in enumerate(pool.map(publish_score, *zip(*missing, strict=True)), 1):
            if fault or done % 20 == 0 or done == len(missing):
                say(fault or f"scored {done} of {len(missing)}")


def publish_score(record: records.Record, way: Way) -> str | None:
    """Score a record and write its score beside it; what is wrong, if it cannot be scored."""
    try:
        found = json_once(record, truth_of(record), DRAWS, way)
    except UserError as error:
        return f"not scored: {error}"
    file = published_file(record, way=way)
    file.parent.mkdir(exist_ok=True)
    write_bytes(file, packed(found))
    return None
