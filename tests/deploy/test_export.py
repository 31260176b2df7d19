"""An exported file detects what the detector detects, on pictures of several sizes."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from new_part import with_new_part
from small import augfpn_of, talkative
from torch import Tensor

from augfpn.deploy import engine, export
from augfpn.detectors.one_stage import OneStage
from augfpn.detectors.two_stage import TwoStage
from augfpn.errors import UserError

onnx = pytest.importorskip("onnx", reason="export needs pip install 'augfpn[export]'")
pytest.importorskip("onnxruntime", reason="export needs pip install 'augfpn[export]'")
CATEGORIES = {3: "a", 7: "ü", 9: "c", 20: "d"}  # ids of a data set that are not its labels
LAST_WEIGHTS = (  # of the layer that scores: the new part's, if it is there
    *("refine.weight", "box_predictor.cls_score.weight", "classification_head.cls_logits.weight"),
)
SIZES = ((3, 120, 200), (3, 200, 120), (3, 256, 256))


def pictures() -> list[Tensor]:
    torch.manual_seed(1)
    return [torch.rand(size) for size in SIZES]


def exported(detector: TwoStage | OneStage, folder: Path) -> export.Report:
    """What `export.check_export` says of a file; OpenVINO, too, finds in it what is to be found."""
    export.export(detector, folder / "d.onnx", CATEGORIES)
    if importlib.util.find_spec("openvino") is not None:
        check_in_openvino(detector, folder / "d.onnx")
    return export.check_export(detector, folder / "d.onnx", pictures())


@torch.no_grad()
def check_in_openvino(detector: TwoStage | OneStage, file: Path) -> None:
    """The same detections; and none, of the same shapes, in a file whose classes are improbable."""
    found, categories = engine.detector_of(file, "cpu")
    assert categories == CATEGORIES
    own = [detector([picture])[0] for picture in pictures()]  # a batch would be padded
    report = export.report_on((), list(zip(own, found(pictures()), strict=True)))
    assert report.same > 20
    assert report.apart == 0, report
    none, _ = engine.detector_of(without_detections(file), "cpu")
    for each, other, picture in zip(own, none(pictures()), pictures(), strict=True):
        sizes = {"masks": (0, 1, *picture.shape[1:]), "boxes": (0, 4)}
        assert {name: (x.dtype, sizes.get(name, (0,))) for name, x in each.items()} == {
            name: (x.dtype, tuple(x.shape)) for name, x in other.items()
        }


def without_detections(file: Path) -> Path:
    """A copy of an exported file that finds nothing: its scores have another bias."""
    model = onnx.load(file)
    weights = {each.name: each for each in model.graph.initializer}
    last = next(name for end in LAST_WEIGHTS for name in weights if name.endswith(end))
    bias = np.full(weights[last].dims[0], -1e6, np.float32)
    if "cls_logits" not in last:
        bias[0] = 1e6  # the background
    model.graph.initializer.append(onnx.numpy_helper.from_array(bias, "bias"))
    for node in model.graph.node:
        if last in node.input:
            del node.input[2:]  # its own bias, which is not in the file if it is zero
            node.input.append("bias")
    onnx.save(model, file.with_name("none.onnx"))
    return file.with_name("none.onnx")


def test_faster_rcnn_in_a_file_is_the_detector(tmp_path: Path) -> None:
    """It has a part that export does not know: the graph is traced from the detector's forward."""
    detector = with_new_part(talkative(augfpn_of("faster_rcnn")))
    report = exported(detector, tmp_path)
    assert report.sizes == ((200, 120), (120, 200), (256, 256))
    assert report.same > 20
    assert report.apart == 0, report
    with pytest.raises(UserError, match="exists, and nothing is overwritten"):
        export.export(detector, tmp_path / "d.onnx", CATEGORIES)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["mask_rcnn", "retinanet", "fcos"])
def test_the_others_too(name: str, tmp_path: Path) -> None:
    if name != "mask_rcnn" and torch.__version__ < export.TRACES_ALL:
        pytest.skip(f"torch {torch.__version__} cannot trace P7, and export says so")
    report = exported(talkative(augfpn_of(name)), tmp_path)
    assert report.same > 20
    assert report.apart == 0, report


def test_a_torch_that_cannot_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(*_: object, **__: object) -> None:
        raise torch.onnx.OnnxExporterError("a guard")

    monkeypatch.setattr(torch.onnx, "export", cannot)
    monkeypatch.setattr(export, "TRACES_ALL", "99")
    with pytest.raises(UserError, match="use torch 99 or newer"):
        export.export(talkative(augfpn_of("fcos")), tmp_path / "d.onnx", CATEGORIES)
    assert not list(tmp_path.iterdir())


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
        export.need(["no_such_package"], "export")


@pytest.mark.parametrize("name", ["faster_rcnn", "retinanet", "fcos"])
def test_the_dense_part_compiles(name: str) -> None:
    detector = talkative(augfpn_of(name))
    picture = pictures()[0]
    with torch.no_grad():
        expected = detector([picture])[0]
        found = export.compile_dense(detector, backend="aot_eager")([picture])[0]
    report = export.report_on((), [(expected, found)])
    assert report.same > 5
    assert report.apart == 0
