"""`%load_ext augfpn.notebook`: faults are one sentence; other errors keep their traceback."""

import os
from types import SimpleNamespace

import pytest

from augfpn import notebook

interactive = pytest.importorskip("IPython.core.interactiveshell")


@pytest.fixture
def shell():
    """A shell of IPython with the guard."""
    made = interactive.InteractiveShell()
    notebook.load_ipython_extension(made)
    return made


FAULTS = [
    ("raise RuntimeError('CUDA out of memory. Tried to')", "the GPU's memory is full"),
    ("raise MemoryError", "the memory is full"),
    ("raise RuntimeError('DataLoader worker (pid 7) is killed by signal: Killed.')", "workers"),
    ("raise OSError(28, 'No space left on device', 'runs')", "the disk"),
    ("import augfpn.errors\nraise augfpn.errors.UserError('Oh.')", "UserError: Oh."),
    ("raise FloatingPointError('the loss is not a number.')", "the loss is not a number."),
]


@pytest.mark.parametrize(("cell", "said"), FAULTS)
def test_a_fault_is_one_sentence(cell: str, said: str, shell, capsys) -> None:
    capsys.readouterr()
    result = shell.run_cell(cell)
    (line,) = capsys.readouterr().out.splitlines()
    assert said in line
    assert result.error_in_exec is not None, "papermill stops where a cell failed"


def test_any_other_error_keeps_its_traceback(shell, capsys) -> None:
    capsys.readouterr()
    shell.run_cell("{}['boxes']")
    shown = capsys.readouterr().out
    assert "Traceback" in shown
    assert "KeyError" in shown.splitlines()[-1]


def test_each_cell_s_first_line_stands_apart_from_papermills_bar(tmp_path) -> None:
    parent = {"header": {"msg_id": "first"}}
    terminal = notebook.Terminal(SimpleNamespace(get_parent=lambda: parent))
    with (tmp_path / "it").open("w") as file:
        terminal.descriptor = file.fileno()
        terminal.write("one\n")
        terminal.write("two \ud800\n")
        parent["header"] = {"msg_id": "second"}
        terminal.write("three\n")
    assert (tmp_path / "it").read_text() == "\none\ntwo \\ud800\n\nthree\n"


def test_a_terminal_that_is_gone_ends_nothing() -> None:
    terminal = notebook.Terminal(SimpleNamespace(get_parent=dict))
    reader, terminal.descriptor = os.pipe()
    os.close(reader)
    terminal.write("nobody hears this")
    os.close(terminal.descriptor)
