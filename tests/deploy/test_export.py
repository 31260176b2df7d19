"""An exported file detects what the detector detects, on pictures of several sizes."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from augfpn.config import ONE_STAGE, Model
from augfpn.deploy import export
from augfpn.detectors.build import build_detector
from augfpn.errors import UserError
from augfpn.settings.budgets import BUDGETS
from augfpn.settings.dialects import in_dialect

pytest.importorskip("onnxruntime", reason="export needs pip install 'augfpn[export]'")
SMALL = replace(BUDGETS["smoke"].model, classes=4, short_side=128, long_side=192)
SIZES = ((3, 120, 200), (3, 200, 120), (3, 256, 256))


def pictures() -> list[Tensor]:
    torch.manual_seed(1)
    return [torch.rand(size) for size in SIZES]


def settings_of(name: str) -> Model:
    selection = "hard" if name in ONE_STAGE else "soft"
    model = replace(SMALL, detector=name, lam=0.25, ratios=(0.1, 0.3), roi_selection=selection)
    return in_dialect(model, "ours", sizes=False)


def detector_of(name: str) -> nn.Module:
    """A detector with random weights that detects something."""
    torch.manual_seed(0)
    detector = build_detector(settings_of(name)).eval()
    last = (
        detector.dense.classification_head.cls_logits
        if name in ONE_STAGE
        else detector.heads.box_predictor.cls_score
    )
    nn.init.normal_(last.weight, std=0.3)
    nn.init.zeros_(last.bias)
    return detector


def exported(name: str, folder: Path) -> export.Report:
    detector = detector_of(name)
    export.export(detector, folder / "d.onnx", ["a", "b", "c", "d"])
    return export.check_export(detector, folder / "d.onnx", pictures())


@pytest.mark.timeout(300)
def test_faster_rcnn_in_a_file_is_the_detector(tmp_path: Path) -> None:
    report = exported("faster_rcnn", tmp_path)
    assert report.sizes == ((200, 120), (120, 200), (256, 256))
    assert report.same > 20
    assert report.apart == 0, report
    with pytest.raises(UserError, match="exists, and nothing is overwritten"):
        export.export(detector_of("faster_rcnn"), tmp_path / "d.onnx")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["mask_rcnn", "retinanet", "fcos"])
def test_the_others_too(name: str, tmp_path: Path) -> None:
    if name != "mask_rcnn" and torch.__version__ < export.TRACES_ALL:
        pytest.skip(f"torch {torch.__version__} cannot trace P7, and export says so")
    report = exported(name, tmp_path)
    assert report.same > 20
    assert report.apart == 0, report


def test_a_torch_that_cannot_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(*_: object, **__: object) -> None:
        raise torch.onnx.OnnxExporterError("a guard")

    monkeypatch.setattr(torch.onnx, "export", cannot)
    monkeypatch.setattr(export, "TRACES_ALL", "99")
    with pytest.raises(UserError, match="use torch 99 or newer"):
        export.export(detector_of("fcos"), tmp_path / "d.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["faster_rcnn", "mask_rcnn", "retinanet", "fcos"])
def test_what_is_exported_is_the_detector_before_it_is_a_graph(name: str) -> None:
    detector = detector_of(name)
    pairs = []
    for picture in pictures():
        with torch.no_grad():
            alone = export.OnePicture(detector)
            names = alone.names
            pairs.append((detector([picture])[0], dict(zip(names, alone(picture), strict=True))))
    report = export.report_on((), pairs)
    assert report.same > 20
    assert report.apart == 0, report


def test_a_report_counts_what_only_one_has() -> None:
    box = torch.tensor([[0.0, 0, 10, 10], [50, 50, 60, 60]])
    a = {"boxes": box, "labels": torch.tensor([1, 2]), "scores": torch.tensor([0.9, 0.5])}
    b = {"boxes": box[:1] + 0.05, "labels": torch.tensor([1]), "scores": torch.tensor([0.9])}
    report = export.report_on(((9, 9),), [(a, b)])
    assert (report.same, report.apart) == (1, 1)
    assert report.box == pytest.approx(0.05, abs=1e-5)
    wrong = b | {"labels": torch.tensor([2])}
    assert export.report_on(((9, 9),), [(a, wrong)]).apart == 3


def test_a_missing_package_is_named() -> None:
    with pytest.raises(UserError, match=r"no_such_package missing.*pip install 'augfpn\[export\]'"):
        export.need(["no_such_package"])


@pytest.mark.parametrize("name", ["faster_rcnn", "retinanet", "fcos"])
def test_the_dense_part_compiles(name: str) -> None:
    detector = detector_of(name)
    picture = pictures()[0]
    with torch.no_grad():
        expected = detector([picture])[0]
        found = export.compile_dense(detector, backend="aot_eager")([picture])[0]
    report = export.report_on((), [(expected, found)])
    assert report.same > 5
    assert report.apart == 0
