"""Detections that any framework wrote in COCO's results format: runs without and with a part.

Here the detections are known, as for records. So the interval covers other seeds and other test
images, and each size of objects has its own; `augfpn.study.uncertainty.ap_lists` knows numbers
only.
"""

from collections.abc import Sequence
from pathlib import Path

from augfpn.data.annotations import check_annotations, count_by_size
from augfpn.data.coco import parse_json
from augfpn.data.fields import RESULT_RULES, wrong_field
from augfpn.errors import UserError, first_line
from augfpn.study.beside import Beside, mean_of, numbers_text, said_of_ap, said_of_sizes
from augfpn.study.evidence import paired
from augfpn.study.uncertainty import intervals
from augfpn.study.uncertainty.resampling import draws_of_ap
from augfpn.study.uncertainty.scoring import matches

MORE = "train both kinds with more, and give their files behind --without and --with"
WANTED = "give detections in COCO's results format"


def compare_files(
    annotations: Path, without: Sequence[Path], with_part: Sequence[Path]
) -> tuple[Beside, tuple[str, ...]]:
    """The runs with a part minus those without it, file by file, and what was repaired.

    ``annotations`` are those of the test images, in COCO's format; item i of both lists is a pair.

    Raises: UserError for a file that cannot be read, is given twice or fits no other, and for lists
    of two lengths.
    """
    expect_pairs(without, with_part)
    coco, repaired = check_annotations(read_json(annotations), str(annotations))
    found = [[detections(file, coco) for file in side] for side in (with_part, without)]
    for place, (one, other) in enumerate(zip(*found, strict=True)):
        if one == other:
            raise UserError(
                f"{without[place]} and {with_part[place]} hold the same detections: give those of "
                "two trainings, one of them with the part."
            )
    drawn = [dict(enumerate(draws_of_ap(matches(coco, each)) for each in side)) for side in found]
    means = [mean_of(list(side.values())) for side in drawn]
    return Beside(
        labels=("with", "without"),
        settings={},
        seeds=list(drawn[0]),
        test_images=len(coco["images"]),
        objects=count_by_size(coco["annotations"]),
        means=(means[0], means[1]),
        differences=intervals.single(list(paired(*drawn).values())),
    ), repaired


def expect_pairs(without: Sequence[Path], with_part: Sequence[Path]) -> None:
    """Raise ``UserError`` unless both lists have equally many files, each of them once."""
    if len(without) != len(with_part):
        raise UserError(
            f"the lists have different lengths (without: {len(without)}, with: {len(with_part)}), "
            "so they are no pairs: give one file of each for every seed, in the same order."
        )
    every = [*without, *with_part]
    twice = next((each for i, each in enumerate(every) if each in every[:i]), None)
    if twice is not None:
        raise UserError(f"{twice} is given twice: give each run's own file once.")


def read_json(file: Path) -> object:
    """What a JSON file holds. Raises ``UserError`` if it cannot be read."""
    try:
        return parse_json(file.read_bytes(), file)
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror or first_line(error)}.") from None


def detections(file: Path, coco: dict) -> list[dict]:
    """A file's boxes, checked against the annotations.

    Raises: UserError, one sentence with the file, for another format, for an image or a class that
    the annotations do not have, and for numbers that are no box or no score.
    """
    found = read_json(file)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise UserError(f"{file} is no list of dicts with {', '.join(RESULT_RULES)}: {WANTED}.")
    tables = {"image_id": "images", "category_id": "categories"}
    known = {name: {each["id"] for each in coco[table]} for name, table in tables.items()}
    for place, each in enumerate(found):
        if wrong := wrong_field(each, RESULT_RULES):
            raise UserError(f"{file}: detection {place} {wrong}.")
        for name, there in known.items():
            if each[name] not in there:
                raise UserError(
                    f"{file}: detection {place} has {name} {each[name]}, which is not in "
                    f"{tables[name]} of the annotations: give those that it was tested on."
                )
    return [{name: each[name] for name in RESULT_RULES} for each in found]


def files_text(of: Beside) -> str:
    """A table of both means and their difference, and what the intervals show."""
    pairs = len(of.seeds)
    return "\n\n".join(
        [
            f"A: with the part\nB: without it\n{pairs} pair{'s' * (pairs > 1)} of runs, "
            f"{of.test_images} test images",
            numbers_text(of, ""),
            "low, high: the 95 % interval of A - B, for other seeds and other test images",
            "\n".join([said_of_ap(of, MORE), *said_of_sizes(of)]),
        ]
    )
