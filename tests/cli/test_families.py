"""Each family of backbones goes through every command, from the first step to an exported file."""

from pathlib import Path

import numpy as np
import pytest
from nets import needs_timm
from PIL import Image

from augfpn import records
from augfpn.cli.program import main
from augfpn.training import checkpoints

FAMILIES = (
    *("narrow_resnet", "resnet18", "mobilenet_v2", "mobilenet_v2_320"),
    pytest.param("timm/resnet18", marks=needs_timm),
    pytest.param("efficientnet_lite0", marks=needs_timm),
)


@pytest.mark.slow
@pytest.mark.parametrize("backbone", FAMILIES)
def test_a_backbone_goes_through_every_command(backbone: str, tmp_path: Path, monkeypatch) -> None:
    runs = str(tmp_path / "runs")
    words = ["train", "--backbone", backbone, "--weights", "scratch", "--budget", "smoke"]
    words += ["--steps", "3", "--limit", "4", "--device", "cpu", "--baseline", "none"]
    words += ["--records", runs, "--checkpoint-seconds", "0.001"]
    save = checkpoints.save_checkpoint

    def once(*given: object, **named: object) -> None:
        save(*given, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr("augfpn.training.train.save_checkpoint", once)
        assert main(words) != 0
    assert list(Path(runs).glob(".*.running"))
    assert main(words) == 0  # goes on from the checkpoint
    (record,) = records.records_in([Path(runs)])
    assert record.result["steps"] == 3
    assert not list(Path(runs).glob(".*.running"))
    folder = str(record.folder)
    assert main(["evaluate", folder, "--device", "cpu"]) == 0
    picture = tmp_path / "a.png"
    Image.fromarray(np.full((64, 80, 3), 90, np.uint8)).save(picture)
    out = str(tmp_path / "found")
    assert main(["predict", folder, str(picture), "--out", out, "--device", "cpu"]) == 0
    pytest.importorskip("onnxruntime")
    assert main(["export", folder, "--out", str(tmp_path / "detector.onnx")]) == 0
