"""A run of two steps, trained by the command line, which tests of other commands use."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import SMOKE

from augfpn import records
from augfpn.data import load


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess]:
    """A folder of records, and the process that trained one into it."""
    folder = tmp_path_factory.mktemp("records")
    words = [sys.executable, "-m", "augfpn.cli", "train", *SMOKE, "--records", str(folder)]
    return folder, subprocess.run(words, capture_output=True, text=True)


@pytest.fixture(scope="session")
def record(trained) -> records.Record:
    (found,) = records.records_in([trained[0]])
    return found


@pytest.fixture(scope="session")
def scenes(record) -> list[np.ndarray]:
    """The record's test pictures."""
    test = load.load_pictures(record.experiment.data, "test")
    return [test[i][0].numpy().transpose(1, 2, 0) for i in range(len(test))]


@pytest.fixture
def copy(record, tmp_path) -> Path:
    """The record without its weights, to be changed."""
    return shutil.copytree(
        record.folder, tmp_path / "copy", ignore=shutil.ignore_patterns("weights.*")
    )
