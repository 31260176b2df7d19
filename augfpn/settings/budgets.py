"""Five sizes of the same experiment, of which results are never compared.

``smoke`` is for tests and a first contact, ``laptop`` shows a result on two CPU cores in minutes,
``transfer`` starts from ImageNet's weights, for photographs on a CPU, ``gpu`` takes one GPU a few
minutes, ``paper`` is the paper's own setting.
"""

from dataclasses import replace

from augfpn.config import Data, Experiment, Model, Train

PAPER_SHORT_SIDE, PAPER_CANONICAL_SIZE = 800, 224

# FPN's rule of thumb is meant for images with a short side of 800 px; for smaller images its
# canonical size is reduced in proportion.
SMALL = Model(
    backbone="narrow_resnet",
    norm="batch",
    roi_align="sparse",
    channels=64,
    head_width=256,
    short_side=256,
    long_side=320,
    anchor_sizes=(16, 32, 64, 112, 176),
    anchor_ratios=(1.0,),
    canonical_size=PAPER_CANONICAL_SIZE * 256 / PAPER_SHORT_SIDE,
    rpn_candidates=(300, 300),
    proposals=(200, 200),
    rois=128,
    box_beta=1.0,
)
# Most objects stand upright and have their class's colour: a small network learns them in minutes.
EASY = Data(
    scene_objects=(4, 10),
    scene_classes=("disk", "triangle", "cross"),
    scene_tilt=0.25,
    own_colours=0.8,
)
QUICK = Train(
    steps=400,
    epochs=None,
    batch=4,
    optimizer="adamw",
    lr=1e-3,
    lr_batch=4,
    schedule="cosine",
    warmup_steps=50,
    warmup_from=0.01,
    workers=0,
    checkpoint_seconds=20,
)

BUDGETS = {
    "smoke": Experiment(
        model=SMALL,
        data=replace(EASY, train_scenes=16, test_scenes=8),
        train=replace(QUICK, steps=20, batch=2, warmup_steps=5, warmup_from=0.1),
        budget="smoke",
    ),
    "laptop": Experiment(model=SMALL, data=EASY, train=QUICK, budget="laptop"),
    "transfer": Experiment(
        model=replace(
            SMALL,
            backbone="efficientnet_lite0",
            weights="imagenet",
            norm="frozen_statistics",
            frozen=5,  # a backbone that learns takes twice as long
            short_side=320,
            long_side=427,
            anchor_sizes=(20, 40, 80, 140, 220),
            canonical_size=PAPER_CANONICAL_SIZE * 320 / PAPER_SHORT_SIDE,
        ),
        data=EASY,
        train=replace(QUICK, steps=300, fpn_start=True),
        budget="transfer",
    ),
    "gpu": Experiment(
        model=Model(
            norm="batch",
            box_beta=1.0,
            short_side=512,
            long_side=640,
            anchor_sizes=(24, 48, 96, 192, 352),
            canonical_size=PAPER_CANONICAL_SIZE * 512 / PAPER_SHORT_SIDE,
        ),
        data=Data(scene_size=(640, 512), train_scenes=2000, test_scenes=300),
        train=Train(
            steps=1000,
            epochs=None,
            batch=16,
            optimizer="adamw",
            lr=5e-4,
            lr_batch=16,
            schedule="cosine",
            warmup_steps=100,
            warmup_from=0.01,
            amp=True,
            workers=8,
        ),
        budget="gpu",
    ),
    "paper": Experiment(
        model=Model(weights="imagenet"),
        data=Data(name="coco"),
        train=Train(amp=True),
        budget="paper",
    ),
}
