"""What the package's docstring expects of a GPU follows from sizes and from recorded counts."""

import pytest

import augfpn.speed
from augfpn.config import FPN
from augfpn.study.bench import pages
from augfpn.study.bench.goals import RUNS

OPERATIONS, BYTES = 989e12, 3.35e12  # a second, of an H100: bf16 without sparsity, and memory
READS_AND_WRITE = 16 + 1  # of a bin: 2 x 2 samples of 4 places each, and itself


def test_the_docstring_says_what_follows_from_the_sizes() -> None:
    bench = RUNS["large"]
    recorded = pages.committed_bench("goals")["benches"]["large"]["uses"]["training"]["variants"]
    macs = recorded["augfpn"]["floor"]["macs"]
    rois, levels, bins = bench.batch * FPN.rois, 4 + 4, 7 * 7
    moved = rois * levels * bins * READS_AND_WRITE * FPN.channels * 4
    said = " ".join(augfpn.speed.__doc__.split())
    assert f"{macs / 1e12:.2f}e12 multiply-accumulates" in said
    assert f"{1e3 * 2 * macs / OPERATIONS:.1f} ms in bf16" in said
    assert f"{moved / 1e9:.1f}e9 bytes" in said
    assert f"{1e3 * moved / BYTES:.1f} ms, and as much again" in said
    assert bench.size == (800, 1216)
    assert rois == pytest.approx(2 * 512)
