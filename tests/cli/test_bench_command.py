"""The command `augfpn bench`."""

import json
import subprocess
import sys

import pytest

from augfpn.cli.program import main

TINY = ["--budget", "laptop", "--size", "64x96", "--batch", "1", "--rois", "20", "--sampled", "16"]
QUICK = [*TINY, "--rounds", "2", "--seconds", "1", "--variants", "torchvision", "augfpn"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--variants", "augfnp"], "did you mean 'augfpn'?"),
        (["--use", "train"], "did you mean 'training'?"),
        (["--size", "100x100"], "give multiples of 32 pixels"),
        (["--rounds", "1"], "give a whole number, 2 or more"),
        (["--set", "roi_align"], "give NAME=VALUE"),
        (["--goals", "--size", "64x64"], "--goals has its own --size: leave it out"),
        (["--engines", "--batch", "2"], "--engines has its own --batch: leave it out"),
        (["--engines", "--goals"], "--goals and --engines are different measurements"),
        (["--threads", "100000"], "give at most so many"),
        (["--precison", "bf16"], "did you mean '--precision'?"),
    ],
)
def test_wrong_use_gets_one_line(words: list[str], sentence: str, capsys) -> None:
    assert main(["bench", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert sentence in line


def test_wrong_use_is_answered_without_torch() -> None:
    code = (
        "import sys\nfrom augfpn.cli.program import main\n"
        "print(main(['bench', '--size', '100x100']), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "False"]


def test_a_bench_prints_tables_and_writes_files(tmp_path, capsys) -> None:
    assert main(["bench", *QUICK, "--out", str(tmp_path / "new")]) == 0
    printed = capsys.readouterr().out
    assert "bench, percent" in printed  # the progress line
    assert "inference, 1 image of 64 x 96, 20 RoIs each; 2 rounds" in printed
    assert "milliseconds by part" in printed
    assert (tmp_path / "new/bench.svg").exists()
    kept = json.loads((tmp_path / "new/bench.json").read_text())
    assert kept["uses"]["training"]["variants"]["augfpn"]["rois"] == [16]


def test_json_is_all_that_is_printed(capsys) -> None:
    assert main(["bench", *QUICK, "--use", "testing", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found["uses"]) == ["testing"]
    assert found["environment"]["device_name"]
