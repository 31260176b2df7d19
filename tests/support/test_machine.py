"""How torch's threads wait, and what keeps a user's own choice."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from augfpn import notebook
from augfpn.cli.program import main
from augfpn.support import machine

CHILD = """
from augfpn.support.machine import let_waiting_threads_sleep
let_waiting_threads_sleep()
import torch
torch.ones(2)
"""


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in machine.WAITING:
        monkeypatch.setenv(name, "")  # so that it is removed again after the test
        monkeypatch.delenv(name)


def test_the_command_line_and_notebooks_let_waiting_threads_sleep(nothing_set, capsys) -> None:
    assert main(["completion", "bash"]) == 0
    assert os.environ.pop("GOMP_SPINCOUNT") == str(machine.SPINS)
    notebook.load_ipython_extension(
        SimpleNamespace(
            input_transformers_cleanup=[], user_ns={}, set_custom_exc=lambda *given: None
        )
    )
    assert os.environ["GOMP_SPINCOUNT"] == str(machine.SPINS)


@pytest.mark.parametrize("name", machine.WAITING)
def test_what_a_user_has_set_stays(nothing_set, monkeypatch, name: str) -> None:
    monkeypatch.setenv(name, "7")
    machine.let_waiting_threads_sleep()
    assert {each: os.environ.get(each) for each in machine.WAITING} == dict.fromkeys(
        machine.WAITING
    ) | {name: "7"}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere torch has another OpenMP")
def test_torch_s_own_openmp_says_that_it_obeys() -> None:
    kept = {k: v for k, v in os.environ.items() if k not in machine.WAITING}
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        env=kept | {"OMP_DISPLAY_ENV": "verbose"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"GOMP_SPINCOUNT = '{machine.SPINS}'" in done.stderr
