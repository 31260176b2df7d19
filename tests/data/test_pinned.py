"""Data sets of repositories: the download at a pinned commit, from a server on this machine."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from threading import Thread

import pytest

from augfpn.data.aquarium import AQUARIUM, aquarium
from augfpn.data.bccd import BCCD, bccd
from augfpn.data.pictures import Pictures
from augfpn.data.pinned import Pinned, content_of, place_of
from augfpn.errors import UserError

module = import_module("augfpn.data.pinned")
READERS = {"bccd": (BCCD, bccd, "test"), "aquarium": (AQUARIUM, aquarium, "val")}


@pytest.fixture
def source(tmp_path) -> Pinned:
    """A data set of two files, which its repository keeps in a folder."""
    folder = tmp_path / "repository" / "Fruit"
    (folder / "Labels").mkdir(parents=True)
    (folder / "Labels" / "1.txt").write_text("apple")
    (folder / "notes.md").write_text("does not count")
    made = Pinned(
        "Fruit", "someone/fruit", "0123456789", "Fruit", ("Labels/*",), "Labels/", "Labels", ""
    )
    return made._replace(content=content_of(folder, made))


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache of pooch's, and no proxy between us and this machine."""
    monkeypatch.setattr(module.pooch, "os_cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache" / "augfpn"


@contextmanager
def serving(folder: Path, monkeypatch) -> Iterator[str]:
    """The address from which a server on this machine hands out a folder's archive.zip."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/archive.zip"
        monkeypatch.setattr(Pinned, "archive", address)
        yield address
        server.shutdown()


def pack(folder: Path, source: Pinned, archive: Path) -> None:
    """An archive of the repository, laid out like GitHub's."""
    top = f"{source.repository.rpartition('/')[2]}-{source.commit}"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted(folder.rglob("*")):
            packed.write(path, Path(top, source.folder, path.relative_to(folder)))


def message(source: Pinned, root: object = None, download: bool = True) -> str:
    with pytest.raises(UserError) as caught:
        place_of(source, root, download)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", READERS)
def test_the_real_download_is_checked_kept_and_used_again(
    name, real_data, tmp_path, cache, monkeypatch
):
    source, read, split = READERS[name]
    root = real_data(name)
    pack(root / "BCCD" if name == "bccd" else root, source, tmp_path / "archive.zip")
    with serving(tmp_path, monkeypatch):
        data: Pictures = read(None, split)
    again = read(None, split, download=False)  # the server is gone

    assert data.fingerprint == again.fingerprint == read(root, split).fingerprint
    assert data[0][0].shape[0] == 3
    kept = {path.name for path in cache.iterdir()} - {f"{name}.lock"}
    assert kept == {f"{name}-{source.commit[:7]}"}


def test_addresses_are_those_of_the_commits():
    for source, start in ((BCCD, "Shenggan/BCCD_Dataset"), (AQUARIUM, "Chandra0804/Underwater")):
        assert source.archive.startswith(f"https://github.com/{start}")
        assert source.archive.endswith(f"/archive/{source.commit}.zip")


def test_a_download_is_kept(source, tmp_path, cache, monkeypatch):
    pack(tmp_path / "repository" / "Fruit", source, tmp_path / "archive.zip")
    with serving(tmp_path, monkeypatch):
        place = place_of(source, None, True)
    assert place == cache / "fruit-0123456"
    assert (place / "Labels" / "1.txt").read_text() == "apple"
    assert place_of(source, None, False) == place


def test_the_user_gives_the_folder_or_the_one_around_it(source, tmp_path):
    folder = tmp_path / "repository" / "Fruit"
    assert place_of(source, folder, False) == place_of(source, folder.parent, False) == folder
    text = message(source, tmp_path)
    assert text.startswith(f"fruit: neither {tmp_path} nor Fruit/ in it has Labels/; it holds rep")


def test_without_a_network_one_sentence_says_what_to_do(source, cache, monkeypatch):
    with serving(cache.parent.parent, monkeypatch) as address:
        pass  # the port is closed again
    text = message(source)
    assert text.startswith(f"fruit could not be fetched from {address} into {cache}")
    assert "there is no network, the server refused" in text
    assert text.endswith("or give the folder of a copy as data_root.")


def test_a_refusal_or_a_page_instead_of_the_archive_is_not_kept(
    source, tmp_path, cache, monkeypatch
):
    with serving(tmp_path, monkeypatch):
        assert "(HTTPError)" in message(source)  # 404
        (tmp_path / "archive.zip").write_text("<html>Please log in</html>")
        assert "(BadZipFile)" in message(source)
    assert {path.name for path in cache.iterdir()} <= {"fruit.lock"}


def test_another_content_is_refused_and_not_kept(source, tmp_path, cache, monkeypatch):
    folder = tmp_path / "repository" / "Fruit"
    (folder / "Labels" / "1.txt").write_text("pear")
    pack(folder, source, tmp_path / "archive.zip")
    with serving(tmp_path, monkeypatch):
        assert "is not what the commit holds" in message(source)
    assert {path.name for path in cache.iterdir()} <= {"fruit.lock"}


def test_no_download_without_leave(source, cache):
    assert f"fruit is not in {cache}; allow the download" in message(source, download=False)
    assert not cache.exists()


def test_a_cache_that_cannot_be_written_is_one_sentence(source, tmp_path, cache):
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert f"into {cache} (NotADirectoryError)" in message(source)
