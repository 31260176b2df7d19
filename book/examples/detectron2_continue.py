"""More steps for a trained detectron2 detector."""

import sys

from detectron2.config import get_cfg
from detectron2.engine import DefaultTrainer, default_setup
from detectron2.evaluation import COCOEvaluator

import detectron2_supervision as supervision


class Trainer(DefaultTrainer):
    @classmethod
    def build_evaluator(cls, cfg, dataset_name):
        folder = cfg.OUTPUT_DIR
        return COCOEvaluator(dataset_name, output_dir=folder)


def configured(file, checkpoint, kind, seed):
    """Your configuration; "without" is the control."""
    cfg = get_cfg()
    cfg.merge_from_file(file)
    cfg.MODEL.WEIGHTS = checkpoint
    cfg.SEED = int(seed)
    cfg.OUTPUT_DIR = f"runs/{kind}-{seed}"
    if kind == "with":
        backbone = supervision.build_fpn_with_m_backbone
        heads = supervision.SupervisedROIHeads
        cfg.MODEL.BACKBONE.NAME = backbone.__name__
        cfg.MODEL.ROI_HEADS.NAME = heads.__name__
    return cfg


if __name__ == "__main__":
    cfg = configured(*sys.argv[1:])
    default_setup(cfg, None)  # the seed, a log, the folder
    trainer = Trainer(cfg)
    trainer.resume_or_load(resume=False)
    trainer.train()  # ends in a table with AP
