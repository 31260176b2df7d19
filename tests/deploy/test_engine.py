"""OpenVINO runs an exported file without the record; `test_export` compares it with detectors."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from augfpn.cli.program import main
from augfpn.deploy import engine, export
from augfpn.errors import UserError
from augfpn.training import reopen

onnx = pytest.importorskip("onnx", reason="needs pip install 'augfpn[export]'")
pytest.importorskip("openvino", reason="needs pip install 'augfpn[openvino]'")
CATEGORIES = {7: "left", 3: "größte"}
CONSTANTS = {
    "halves": np.array([[0, 0, 0.5, 0.5]], np.float32),
    "pixel": np.array([[0, 0, 0.5, 0.5]], np.float32),
    "sides": np.array([2, 1, 2, 1]),
    "the_scores": np.array([0.75, 0.25], np.float32),
    "the_labels": np.array([2, 1]),
}


def written(path: Path, categories: dict[int, str] | None = CATEGORIES) -> Path:
    """A file in export's form: in each picture it finds two objects whose boxes are known.

    The second class covers the picture's upper left quarter with a score of 0.75; the first has
    0.25 and half a pixel.
    """
    node, value = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    kinds = onnx.TensorProto
    nodes = [
        node("Shape", ["picture"], ["shape"]),
        node("Gather", ["shape", "sides"], ["whwh"]),
        node("Cast", ["whwh"], ["real"], to=kinds.FLOAT),
        node("Mul", ["halves", "real"], ["quarter"]),
        node("Concat", ["quarter", "pixel"], ["boxes"], axis=0),
        node("Identity", ["the_scores"], ["scores"]),
        node("Identity", ["the_labels"], ["labels"]),
    ]
    outputs = [
        value("boxes", kinds.FLOAT, [2, 4]),
        value("scores", kinds.FLOAT, [2]),
        value("labels", kinds.INT64, [2]),
    ]
    graph = onnx.helper.make_graph(
        nodes,
        "two",
        [value("picture", kinds.FLOAT, [3, "h", "w"])],
        outputs,
        [onnx.numpy_helper.from_array(array, name) for name, array in CONSTANTS.items()],
    )
    opset = onnx.helper.make_opsetid("", export.OPSET)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=10)
    if categories is not None:
        lists = list(categories), list(categories.values())
        texts = dict(zip(export.METADATA, map(json.dumps, lists), strict=True))
        onnx.helper.set_model_props(model, texts)
    onnx.save(model, path)
    return path


def test_a_file_is_a_detector_with_its_categories(tmp_path: Path) -> None:
    detector, categories = engine.detector_of(written(tmp_path / "two.onnx"), "auto")
    assert categories == CATEGORIES
    for height, width in ((40, 60), (33, 70), (1, 1)):
        (found,) = detector([torch.rand(3, height, width)])
        assert found["boxes"].tolist() == [[0, 0, width / 2, height / 2], [0, 0, 0.5, 0.5]]
        assert (found["scores"].tolist(), found["labels"].tolist()) == ([0.75, 0.25], [2, 1])


def test_predict_runs_a_file_without_a_record(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(reopen, "load_detector", None)
    file = written(tmp_path / "two.onnx")
    for name, size in (("a", (60, 40)), ("b", (35, 70))):
        (tmp_path / "in").mkdir(exist_ok=True)
        Image.new("RGB", size).save(tmp_path / "in" / f"{name}.png")
    out = tmp_path / "out"
    assert main(["predict", str(file), str(tmp_path / "in"), "--out", str(out)]) == 0
    assert "category ids are the data set's: 7 left, 3 größte" in capsys.readouterr().out
    found = json.loads((out / "detections.json").read_text())
    assert found["categories"] == [{"id": 7, "name": "left"}, {"id": 3, "name": "größte"}]
    rows = [(row["category_id"], row["bbox"], row["score"]) for row in found["annotations"]]
    assert rows == [(3, [0, 0, 30, 20], 0.75), (3, [0, 0, 17.5, 35], 0.75)]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: None, "does not exist: give a file that `augfpn export` has written"),
        (lambda path: path.write_bytes(b"no graph"), "not a whole file of this version's"),
        (lambda path: written(path, None), "not a whole file of this version's"),
        (lambda path: path.write_bytes(written(path).read_bytes()[:200]), "not a whole file"),
    ],
    ids=["missing", "no graph", "no classes", "cut"],
)
def test_another_file_is_refused_in_a_sentence(make, sentence, tmp_path, capfd) -> None:
    make(tmp_path / "it.onnx")
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    words = [str(tmp_path / "it.onnx"), str(tmp_path / "a.png"), "--out", str(tmp_path / "out")]
    assert main(["predict", *words]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert sentence in line
    assert not (tmp_path / "out").exists()


def test_a_file_does_not_run_on_a_gpu(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"two.onnx runs on a CPU only: leave --device out"):
        engine.detector_of(written(tmp_path / "two.onnx"), "cuda")


def test_a_missing_engine_is_named_first(tmp_path: Path, monkeypatch) -> None:
    own = importlib.util.find_spec
    monkeypatch.setattr(export, "find_spec", lambda name: None if name == "openvino" else own(name))
    with pytest.raises(UserError, match=r"openvino missing.*pip install 'augfpn\[openvino\]'"):
        engine.detector_of(tmp_path / "any.onnx", "cpu")


def test_a_signal_is_handled_after_detectors_are_deleted(tmp_path: Path) -> None:
    """In the order in which they were made: the process ended by a segmentation fault."""
    code = (
        "import signal, sys\n"
        "from pathlib import Path\n"
        "from augfpn.deploy.engine import detector_of\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('handled'))\n"
        "made = [detector_of(Path(sys.argv[1]), 'cpu') for _ in range(2)]\n"
        "while made:\n"
        "    del made[0]\n"
        "signal.raise_signal(signal.SIGTERM)\n"
    )
    command = [sys.executable, "-c", code, str(written(tmp_path / "d.onnx"))]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "handled\n"


def test_onnxruntime_is_not_to_report_what_it_runs(tmp_path: Path) -> None:
    """By default it writes what it ran into a data base in the user's folder, and sends it."""
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from augfpn.deploy.export import onnxruntime_session\n"
        "onnxruntime_session(Path(sys.argv[1]))\n"
    )
    command = [sys.executable, "-c", code, str(written(tmp_path / "d.onnx"))]
    home = tmp_path / "home"
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    places = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    subprocess.run(command, env=kept | places, check=True)
    assert list(home.rglob("onnxruntime*")) == []
