"""Files are written whole and reach the disk; its faults and odd folders are one sentence."""

import errno
import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from augfpn.errors import UserError
from augfpn.support import files
from augfpn.support.files import check_digest, disk_faults_said, folder_of, whole, write_bytes

# --- folders --------------------------------------------------------------------------------------


def test_a_home_folder_is_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert folder_of("~/runs", "records") == tmp_path / "runs"
    assert folder_of("~", "records") == tmp_path
    assert folder_of("a/~b", "records") == Path("a/~b")
    assert folder_of(Path(), "records") == Path()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "records is empty: give a folder, or '.' for the current one."),
        ("a\0b", r"records = 'a\\x00b' has a character that no file name can have"),
        ("\ud800", r"records = '\\ud800' has a character that no file name can have"),
        ("~no_such_user/a", "this machine has no user 'no_such_user'; write ./~no_such_user"),
    ],
)
def test_what_can_be_no_folder_is_said(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        folder_of(text, "records")


@pytest.mark.parametrize("check", [files.check_readable, files.check_writable])
def test_a_name_that_is_too_long_is_said(check: object, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"\(File name too long\): give another folder"):
        check(tmp_path / ("x" * 300))


def test_a_disk_without_room_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        free: int

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1_500_000_000))
    files.check_room(tmp_path / "new", 1_500_000_000, "this run")
    with pytest.raises(UserError) as told:
        files.check_room(tmp_path / "new", 2_000_000_000, "this run")
    assert str(told.value) == (
        f"this run needs 2.00 GB in {tmp_path / 'new'}, whose disk has 1.50 GB free: make room, or "
        "give another folder."
    )


# --- files ----------------------------------------------------------------------------------------


def test_content_is_on_the_disk_before_its_name_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, sync, rename = [], os.fsync, os.replace

    def watched_sync(number: int) -> None:
        done.append(f"sync {Path(f'/proc/self/fd/{number}').resolve().name}")
        sync(number)

    def watched_rename(old: object, new: object) -> None:
        done.append(f"rename to {Path(new).name}")
        rename(old, new)

    monkeypatch.setattr(os, "fsync", watched_sync)
    monkeypatch.setattr(os, "replace", watched_rename)
    write_bytes(tmp_path / "a.txt", b"content")
    assert done == ["sync a.txt.partial", "rename to a.txt", f"sync {tmp_path.name}"]


def test_a_folder_that_cannot_be_synced_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sync(_: int) -> None:
        raise OSError(error, "says the file system")

    monkeypatch.setattr(os, "fsync", sync)
    error = errno.EINVAL
    files.sync_folder(tmp_path)
    error = errno.EIO
    with pytest.raises(OSError, match="says the file system"):
        files.sync_folder(tmp_path)


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    write_bytes(file, b"old")

    def write() -> None:
        with whole(file) as partial:
            partial.write_bytes(b"n")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write()
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_the_disks_error_is_found_behind_another() -> None:
    def write() -> None:
        try:
            raise OSError(errno.ENOSPC, "No space left on device", "/a/b")
        finally:
            raise RuntimeError("[enforce fail at inline_container.cc:671]")

    with pytest.raises(UserError) as told, disk_faults_said("it was not written", "try again."):
        write()
    assert str(told.value) == "No space left on device (/a/b): it was not written; try again."
    with pytest.raises(RuntimeError, match="another"), disk_faults_said("", ""):
        raise RuntimeError("another")


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="has no sha256sum")
def test_sha256sum_can_check_what_was_written(tmp_path: Path) -> None:
    file = tmp_path / "weights.bin"
    write_bytes(file, b"content")
    files.write_digest(file)
    check = ["sha256sum", "-c", files.digest_file(file).name]
    assert subprocess.run(check, cwd=tmp_path, check=False, capture_output=True).returncode == 0
    check_digest(file, "remove it.")
    file.write_bytes(b"Content")
    assert subprocess.run(check, cwd=tmp_path, check=False, capture_output=True).returncode == 1
    with pytest.raises(UserError, match=r"is damaged, its SHA-256 is not that of .*: remove it\."):
        check_digest(file, "remove it.")
