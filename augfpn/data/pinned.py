"""Data sets of public repositories: downloaded once at a pinned commit, and their content checked.

What is downloaded is kept in pooch's cache. A user without a network gives a folder instead.
"""

import os
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import pooch
from filelock import FileLock

from augfpn.data.files import digest, existing_folder, holdings
from augfpn.errors import UserError

ANSWER_LIMIT = 30  # seconds without an answer from the server


class Pinned(NamedTuple):
    """A folder of a repository on GitHub at one commit."""

    title: str
    repository: str  # as owner/name
    commit: str
    folder: str  # in the repository
    files: tuple[str, ...]  # patterns of the files that count
    layout: str  # what they are, for a sentence ...
    mark: str  # ... and a folder among them that no other data set has
    content: str  # the result of `content_of` for the commit

    @property
    def name(self) -> str:
        """The name of the data set."""
        return self.title.lower()

    @property
    def archive(self) -> str:
        """The address of the commit's ZIP file."""
        return f"https://github.com/{self.repository}/archive/{self.commit}.zip"


def place_of(source: Pinned, root: str | os.PathLike[str] | None, download: bool) -> Path:
    """The folder of a data set: the user's or, without a ``root``, the downloaded one.

    ``root`` is the folder of the repository that is used, or contains it. Raises: UserError if it
    is neither, and if the download fails, is not wanted or is not what the commit contains.
    """
    if root:
        return inside(existing_folder(root, source.name, source.layout), source)
    return fetched(source, download)


def content_of(folder: Path, source: Pinned) -> str:
    """Sha256 of the paths and bytes of all files that count, by path."""
    files = {
        path.relative_to(folder).as_posix(): path for p in source.files for path in folder.glob(p)
    }
    return digest(*(part for n in sorted(files) for part in (n.encode(), files[n].read_bytes())))


def remark_on(content: str, folder: Path, source: Pinned) -> tuple[str, ...]:
    """For a report: a sentence if a folder does not have the commit's content."""
    if content == source.content:
        return ()
    return (f"{folder} differs from {source.title}'s commit {source.commit[:7]}.",)


def inside(folder: Path, source: Pinned) -> Path:
    """The folder, or the one in it that is called as in the repository."""
    for candidate in (folder, folder / source.folder):
        if (candidate / source.mark).is_dir():
            return candidate
    raise UserError(
        f"{source.name}: neither {folder} nor {source.folder}/ in it has {source.mark}/; it "
        f"holds {holdings(folder)}; give the folder with {source.layout} as data_root."
    )


def fetched(source: Pinned, download: bool) -> Path:
    """The folder in pooch's cache, after the download if it is not there yet."""
    name, cache = source.name, Path(pooch.os_cache("augfpn"))
    folder = cache / f"{name}-{source.commit[:7]}"
    if folder.is_dir():  # it was moved there in one step, after its content was checked
        return folder
    if not download:
        raise UserError(f"{name} is not in {cache}; allow the download or give its data_root.")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f"{name}.lock"):  # one process downloads, the others wait
            if not folder.is_dir():
                fetch(source, cache, folder)
    except (OSError, zipfile.BadZipFile) as error:  # the errors of requests are OSErrors
        raise UserError(
            f"{name} could not be fetched from {source.archive} into {cache} "
            f"({type(error).__name__}): there is no network, the server refused, or the cache "
            "cannot be written; try again later, or give the folder of a copy as data_root."
        ) from error
    return folder


def fetch(source: Pinned, cache: Path, folder: Path) -> None:
    """Download and unpack the commit, and move its folder into the cache if its content fits."""
    with tempfile.TemporaryDirectory(dir=cache) as temporary:
        archive = Path(temporary) / f"{source.name}.zip"
        pooch.HTTPDownloader(timeout=ANSWER_LIMIT)(source.archive, str(archive), None)
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(temporary)
        top = f"{source.repository.rpartition('/')[2]}-{source.commit}"
        unpacked = Path(temporary) / top / source.folder
        content = content_of(unpacked, source)
        if content != source.content:
            raise UserError(
                f"{source.name} from {source.archive} is not what the commit holds: the sha256 of "
                f"its content is {content}, not {source.content}; try again, or give the folder of "
                "a copy as data_root."
            )
        unpacked.rename(folder)
