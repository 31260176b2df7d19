"""The commands with which the page on a trained detector trains and reads detectron2's and
MMDetection's runs, on stand-ins."""

import csv
import json
import sys
from pathlib import Path
from types import ModuleType

import foreign_detectron2 as detectron2
import pytest
from chapters import BOOK

EXAMPLES = BOOK / "examples"
CHECKPOINT = "my_model.pth"


@pytest.mark.parametrize("library", ["detectron2", "mmdet"])
def test_the_last_ap_of_each_run_becomes_a_file(library: str, monkeypatch, tmp_path) -> None:
    """Of logs as the libraries write them."""
    monkeypatch.chdir(tmp_path)
    for seed in range(8):
        for kind, ap in (("without", 0.31), ("with", 0.32)):
            ap += seed / 100
            if library == "detectron2":
                file = Path(f"runs/{kind}-{seed}/metrics.json")
                lines = [{"bbox/AP": 1.0, "iteration": 9}, {"total_loss": 2.0, "iteration": 19}]
                logged = map(json.dumps, [*lines, {"bbox/AP": 100 * ap, "iteration": 20}])
            else:
                file = Path(f"tested/{kind}-{seed}/20260102_000000/20260102_000000.json")
                logged = [json.dumps({"coco/bbox_mAP": ap, "coco/bbox_mAP_50": 0.5})]
                older = file.parents[1] / "20260101_000000" / "20260101_000000.json"
                older.parent.mkdir(parents=True)
                older.write_text('{"coco/bbox_mAP": 0.1}')
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("\n".join(logged))
    exec((EXAMPLES / f"{library}_rows.py").read_text(), {})
    (head, *rows) = csv.reader(Path("runs.csv").read_text().splitlines())
    assert head == ["without", "with"]
    wanted = [pytest.approx([31 + seed, 32 + seed]) for seed in range(8)]
    assert [[float(ap) for ap in row] for row in rows] == wanted


def test_detectron2_is_given_the_checkpoint_the_seed_and_the_part(monkeypatch) -> None:
    class Settings(ModuleType):
        def merge_from_file(self, file: str) -> None:
            self.file = file

    def settings() -> Settings:
        cfg = Settings("cfg")
        cfg.MODEL = ModuleType("MODEL")
        cfg.MODEL.BACKBONE, cfg.MODEL.ROI_HEADS = ModuleType("B"), ModuleType("H")
        cfg.MODEL.BACKBONE.NAME, cfg.MODEL.ROI_HEADS.NAME = "yours", "yours"
        return cfg

    theirs = detectron2.modules()
    for name in ("detectron2.engine", "detectron2.evaluation"):
        theirs[name] = ModuleType(name)
    theirs["detectron2.config"].get_cfg = settings
    theirs["detectron2.engine"].DefaultTrainer = object
    theirs["detectron2.engine"].default_setup = None
    theirs["detectron2.evaluation"].COCOEvaluator = None
    for name, module in theirs.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.syspath_prepend(str(EXAMPLES))
    for name in ("detectron2_supervision", "detectron2_continue"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import detectron2_continue

    found = [
        detectron2_continue.configured("c.yaml", CHECKPOINT, x, "4") for x in ("without", "with")
    ]
    assert {(cfg.file, cfg.MODEL.WEIGHTS, cfg.SEED) for cfg in found} == {("c.yaml", CHECKPOINT, 4)}
    assert [cfg.OUTPUT_DIR for cfg in found] == ["runs/without-4", "runs/with-4"]
    names = [(cfg.MODEL.BACKBONE.NAME, cfg.MODEL.ROI_HEADS.NAME) for cfg in found]
    assert names == [("yours", "yours"), ("build_fpn_with_m_backbone", "SupervisedROIHeads")]
    for name in ("detectron2_supervision", "detectron2_continue"):
        sys.modules.pop(name)
