"""Whatever ends a command, its cause comes first, on one line, and soon."""

import os
import subprocess
import sys

import pytest
import torch
from command_line import SMOKE

from augfpn.cli import doctor
from augfpn.cli.doctor import Finding
from augfpn.cli.program import main
from augfpn.training import train

CAUSES = [
    (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB."), "GPU's memory", 1),
    (RuntimeError("[enforce fail at alloc_cpu.cpp:1] DefaultCPUAllocator: can't"), "memory", 1),
    (MemoryError(), "the memory is full", 1),
    (RuntimeError("PytorchStreamWriter failed writing file data/1"), "disk", 1),
    (RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed."), "ended from", 1),
    (RecursionError("maximum recursion depth exceeded"), "nested too deeply", 1),
    (OSError(28, "No space left on device", "runs/x"), "disk", 2),
    (PermissionError(13, "Permission denied", "runs/x"), "Permission denied: 'runs/x'", 2),
    (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "not text in UTF-8", 1),
    (FloatingPointError("the loss is not a number."), "the loss is not a number.", 2),
    (ModuleNotFoundError("No module named 'shtab'", name="shtab"), "pip install shtab", 1),
    (KeyError("boxes"), "KeyError: 'boxes'; the whole traceback is in ", 1),
    (RuntimeError("shapes cannot be multiplied"), "RuntimeError: shapes cannot", 1),
    (ValueError("one\ntwo"), "ValueError: one", 1),
    (AssertionError(), "AssertionError; the whole", 1),
]


@pytest.fixture
def fails(monkeypatch):
    """A function that lets training end in an error."""

    def with_error(error: BaseException) -> None:
        def raise_it(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr(train, "train", raise_it)

    return with_error


@pytest.mark.parametrize(("error", "said", "status"), CAUSES, ids=lambda each: str(each)[:30])
def test_a_cause_is_said_first_and_nothing_is_probed(
    error, said, status, fails, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(doctor, "installation", lambda: pytest.fail("the doctor was called"))
    fails(error)
    assert main(["train", *SMOKE]) == status
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("augfpn: error: ")
    assert said in line


def test_a_torchvision_that_does_not_fit_is_said_and_then_examined(fails, monkeypatch, capsys):
    monkeypatch.setattr(doctor, "installation", lambda: [Finding("problem", "torch", "broken")])
    fails(RuntimeError("operator torchvision::nms does not exist"))
    assert main(["train", *SMOKE]) == 1
    printed = capsys.readouterr()
    assert "RuntimeError: operator torchvision::nms does not exist" in printed.err
    assert printed.out.endswith("problem  torch  broken\n")


def test_control_characters_of_a_name_are_not_sent_to_the_terminal(capsys) -> None:
    assert main(["evaluate", "\x1b[2Jnowhere"]) == 2
    printed = capsys.readouterr().err
    assert "\x1b" not in printed
    assert "\\x1b[2Jnowhere" in printed


# --- processes of their own -----------------------------------------------------------------------


def shell(line: str, **more: str) -> subprocess.CompletedProcess:
    """Run a line of a shell in which $augfpn is the command."""
    command = f'"{sys.executable}" -m augfpn.cli'
    environment = os.environ | {"PYTHONWARNINGS": "ignore"} | more
    return subprocess.run(
        ["sh", "-c", line.replace("augfpn", command, 1)],
        capture_output=True,
        text=True,
        env=environment,
    )


@pytest.mark.parametrize("words", ["recipes", "recipes fcos_r50", "--help"])
def test_a_full_disk_behind_stdout_is_one_sentence(words: str) -> None:
    done = shell(f"augfpn {words} > /dev/full")
    assert done.returncode in (1, 2)
    (line,) = done.stderr.splitlines()
    assert "could not be written" in line
    assert "No space left on device" in line


@pytest.mark.parametrize("streams", ["2> /dev/full", "> /dev/full 2>&1", "> /dev/full 2>&-"])
def test_a_full_disk_behind_stderr_leaves_the_exit_status(streams: str) -> None:
    assert shell(f"augfpn evaluate nowhere {streams}").returncode == 2


@pytest.mark.parametrize("closed", [">&-", "<&-", "2>&-", ">&- <&- 2>&-"])
def test_closed_streams_end_no_command(closed: str) -> None:
    done = shell(f"augfpn recipes fcos_r50 {closed}")
    assert done.returncode == 0
    assert done.stderr == ""
    assert ("fcos_r50_augfpn_1x" in done.stdout) == (not closed.startswith(">"))


def test_a_file_never_gets_the_number_of_a_closed_stream(tmp_path) -> None:
    code = (
        "import os\nfrom augfpn.cli.program import main\nmain(['recipes', 'fcos_r50'])\n"
        f"file = open({str(tmp_path / 'kept')!r}, 'w')\n"
        "os.write(1, b'a library prints')\nfile.close()"
    )
    subprocess.run(["sh", "-c", f'"{sys.executable}" -c "$0" >&-', code], check=True)
    assert (tmp_path / "kept").read_text() == ""


def test_letters_that_the_terminal_lacks_end_no_command() -> None:
    done = shell("augfpn train --lam собака", PYTHONIOENCODING="ascii")
    assert done.returncode == 2
    assert "\\u0441" in done.stderr


@pytest.mark.parametrize(
    "given", [{"RANK": "1"}, {"RANK": "x"}, {"WORLD_SIZE": "2"}, {"WORLD_SIZE": "two"}], ids=str
)
def test_half_of_torchruns_variables_is_one_sentence(given: dict[str, str]) -> None:
    done = shell("augfpn recipes", **given)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "start several with torchrun" in line
