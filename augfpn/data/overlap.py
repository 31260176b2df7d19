"""Pictures that are in two splits: a detector remembers them, so AP on them is too high."""

import filecmp
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from augfpn.data.annotations import number_of
from augfpn.data.files import some
from augfpn.data.pictures import Pictures


def telling_shared(test: Pictures, train: Pictures) -> Pictures:
    """The test pictures; their report names those that are among the training pictures, too."""
    found = shared_files(test, train)
    if not found:
        return test
    remark = (
        f"{number_of(found, 'picture')} also used for training: {some(found)}; AP on such pictures "
        "is too high, so take them out of one of the two."
    )
    return replace(test, report=(*test.report, remark))


def shared_files(test: Pictures, train: Pictures) -> list[str]:
    """The names of test pictures whose file is a training picture's, or has its name and bytes.

    Copies under another name are not looked for: that would need the bytes of all files.
    """
    by_name: dict[str, list[Path]] = defaultdict(list)
    for file in _files(train):
        by_name[file.name].append(file)
    return sorted(
        file.name
        for file in _files(test)
        if any(file.samefile(each) or filecmp.cmp(file, each, False) for each in by_name[file.name])
    )


def _files(pictures: Pictures) -> list[Path]:
    if pictures.folder is None:  # made on the spot
        return []
    return [pictures.folder / entry["file_name"] for entry in pictures.coco["images"]]
