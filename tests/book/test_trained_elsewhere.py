"""The command with which the page on a trained detector trains detectron2's runs, on stand-ins."""

import sys
from types import ModuleType

import foreign_detectron2 as detectron2
from chapters import BOOK

EXAMPLES = BOOK / "examples"
CHECKPOINT = "my_model.pth"


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
