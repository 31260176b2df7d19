"""BCCD: its real folder, a made-up one that is broken in every way, and its download."""

import re
import zipfile
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from threading import Thread

import pytest
from PIL import Image

from augfpn.data.bccd import COMMIT, CONTENT, bccd, content_of
from augfpn.errors import UserError

module = import_module("augfpn.data.bccd")

OBJECT = """<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax>
<ymax>{}</ymax></bndbox></object>"""
SIZE = "<size><width>64</width><height>48</height></size>"


@pytest.fixture
def made_up(tmp_path) -> Path:
    """Two pictures in BCCD's layout."""
    folder = tmp_path / "copy" / "BCCD"
    for part in ("Annotations", "ImageSets/Main", "JPEGImages"):
        (folder / part).mkdir(parents=True)
    objects = OBJECT.format("WBC", 1, 2, 31, 42) + OBJECT.format("RBC", 30, 40, 64, 48)
    for name in ("BloodImage_00007", "BloodImage_00012"):
        Image.new("RGB", (64, 48)).save(folder / "JPEGImages" / f"{name}.jpg")
        xml = f"<annotation>{SIZE}{objects}</annotation>"
        (folder / "Annotations" / f"{name}.xml").write_text(xml)
    (folder / "ImageSets/Main/train.txt").write_text("BloodImage_00012\nBloodImage_00007\n")
    return folder


def message(root, split: str = "train", **more) -> str:
    with pytest.raises(UserError) as caught:
        bccd(root, split, **more)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- the real one ---------------------------------------------------------------------------------


def test_the_real_folder_is_what_the_repository_has(real_data):
    root = real_data("bccd")
    assert content_of(root / "BCCD") == CONTENT
    splits = [bccd(root, split) for split in ("train", "val", "test")]
    assert [len(split) for split in splits] == [205, 87, 72]
    assert len({entry["id"] for split in splits for entry in split.coco["images"]}) == 364
    kept = [annotation for split in splits for annotation in split.coco["annotations"]]
    assert len(kept) == 4888 - 2
    assert len({annotation["id"] for annotation in kept}) == len(kept)
    assert len({split.fingerprint for split in splits}) == 3
    assert splits[0].report == (
        "Left out 1 box without width or height: annotation 343004 in BloodImage_00343.jpg.",
    )
    assert splits[1].report == (
        "Left out 1 box without width or height: annotation 338013 in BloodImage_00338.jpg.",
    )
    assert splits[2].report == ()


def test_real_boxes_are_the_edges_in_the_files(real_data):
    root = real_data("bccd")
    data = bccd(root / "BCCD", "test")
    pattern = r"<name>(\w+)<.*?<xmin>(\d+)<.*?<ymin>(\d+)<.*?<xmax>(\d+)<.*?<ymax>(\d+)<"
    for image, target in data.subset(range(0, 72, 6)):
        name = f"BloodImage_{target['image_id']:05d}.xml"
        text = (root / "BCCD" / "Annotations" / name).read_text()
        found = re.findall(pattern, text, re.DOTALL)
        assert [data.classes[label - 1] for label in target["labels"]] == [row[0] for row in found]
        assert target["boxes"].tolist() == [[float(edge) for edge in row[1:]] for row in found]
        assert image.shape == (3, 480, 640)


# --- a made-up one --------------------------------------------------------------------------------


def test_root_may_be_bccd_or_hold_it(made_up):
    data = bccd(str(made_up), "train")
    assert bccd(made_up.parent, "train").fingerprint == data.fingerprint
    assert data.classes == ("RBC", "WBC", "Platelets")
    image, target = data[0]
    assert image.shape == (3, 48, 64)
    assert target["image_id"] == 12
    assert target["boxes"].tolist() == [[1, 2, 31, 42], [30, 40, 64, 48]]
    assert target["labels"].tolist() == [2, 1]
    assert data.report[0] == f"{made_up} differs from BCCD's commit d272fb1."


def test_the_fingerprint_sees_every_file(made_up):
    seen = {bccd(made_up, "train").fingerprint}
    for part in ("Annotations/BloodImage_00007.xml", "JPEGImages/BloodImage_00007.jpg"):
        file = made_up / part
        file.write_bytes(file.read_bytes() + b"\n")
        seen.add(bccd(made_up, "train").fingerprint)
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("</size>", "", "BloodImage_00007.xml is broken XML (mismatched tag: line 3"),
        ("WBC", "Wbc", "class 'Wbc' is unknown; did you mean"),
        ("<name>WBC</name>", "", "class '' is unknown"),
        ("<width>64</width>", "", "has size/width ''; make it a number"),
        ("<xmin>1<", "<xmin>one<", "has bndbox/xmin 'one'; make it a number"),
        ("<xmin>1<", "<xmin>nan<", "has bbox [nan, "),
    ],
)
def test_broken_annotations_are_named(made_up, old, new, expected):
    file = made_up / "Annotations" / "BloodImage_00007.xml"
    file.write_text(file.read_text().replace(old, new))
    assert expected in message(made_up)


def test_missing_files_are_named(made_up):
    assert f"{made_up / 'ImageSets/Main/val.txt'} is missing" in message(made_up, "val")
    (made_up / "JPEGImages" / "BloodImage_00012.jpg").unlink()
    assert "JPEGImages lacks 1 of 2 files" in message(made_up)
    (made_up / "Annotations" / "BloodImage_00012.xml").unlink()
    (made_up / "JPEGImages" / "BloodImage_00012.jpg").touch()
    assert "Annotations lacks 1 of 2 files" in message(made_up)


def test_a_folder_that_is_not_bccd_is_told_apart(tmp_path, made_up):
    assert "has Annotations/; it holds copy/; give the folder" in message(tmp_path)
    assert "split 'training' is unknown; did you mean 'train'" in message(made_up, "training")


def test_a_name_without_a_number_is_refused(made_up):
    (made_up / "Annotations" / "cells.xml").write_text("<annotation/>")
    (made_up / "JPEGImages" / "cells.jpg").touch()
    (made_up / "ImageSets/Main/val.txt").write_text("cells\n")
    assert "cells.xml has no number after the last _" in message(made_up, "val")


# --- the download ---------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache of pooch's, and no proxy between us and this machine."""
    monkeypatch.setattr(module.pooch, "os_cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache" / "augfpn"


@contextmanager
def serving(folder: Path):
    """The address of a server on this machine that hands out a folder's files."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/bccd.zip"
        server.shutdown()


def pack(source: Path, archive: Path) -> None:
    """An archive of the repository, laid out like GitHub's."""
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted(source.rglob("*")):
            packed.write(path, f"BCCD_Dataset-{COMMIT}" / path.relative_to(source.parent))


def test_the_download_is_checked_kept_and_used_again(real_data, tmp_path, cache, monkeypatch):
    root = real_data("bccd")
    pack(root / "BCCD", tmp_path / "bccd.zip")
    with serving(tmp_path) as address:
        monkeypatch.setattr(module, "ARCHIVE", address)
        data = bccd(None, "test")
    again = bccd(None, "test", download=False)  # the server is gone

    assert data.fingerprint == again.fingerprint == bccd(root, "test").fingerprint
    assert data[0][0].shape == (3, 480, 640)
    assert {path.name for path in cache.iterdir()} - {"bccd.lock"} == {"bccd-d272fb1"}


def test_without_a_network_one_sentence_says_what_to_do(cache, monkeypatch):
    with serving(cache.parent.parent) as address:
        pass  # the port is closed again
    monkeypatch.setattr(module, "ARCHIVE", address)
    text = message(None)
    assert text.startswith(f"bccd could not be fetched from {address} into {cache}")
    assert "there is no network, the server refused" in text
    assert text.endswith("or give the folder of a copy as data_root.")


def test_a_refusal_or_a_page_instead_of_the_archive_is_not_kept(tmp_path, cache, monkeypatch):
    with serving(tmp_path) as address:
        monkeypatch.setattr(module, "ARCHIVE", address)
        assert "(HTTPError)" in message(None)  # 404
        (tmp_path / "bccd.zip").write_text("<html>Please log in</html>")
        assert "(BadZipFile)" in message(None)
    assert {path.name for path in cache.iterdir()} <= {"bccd.lock"}


def test_another_content_is_refused_and_not_kept(made_up, tmp_path, cache, monkeypatch):
    pack(made_up, tmp_path / "bccd.zip")
    with serving(tmp_path) as address:
        monkeypatch.setattr(module, "ARCHIVE", address)
        assert "is not what the commit holds" in message(None)
    assert {path.name for path in cache.iterdir()} <= {"bccd.lock"}


def test_no_download_without_leave(cache):
    assert f"bccd is not in {cache}; allow the download" in message(None, download=False)
    assert not cache.exists()


def test_a_cache_that_cannot_be_written_is_one_sentence(tmp_path, cache):
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert f"into {cache} (NotADirectoryError)" in message(None)
