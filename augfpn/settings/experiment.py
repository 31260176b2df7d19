"""From parameters to an experiment: a budget's sizes, with the user's choices put in.

Nothing here needs torch or looks at the machine: `augfpn.training.prepare` finds out which device
there is and whether pretrained weights are available.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from augfpn import config
from augfpn.errors import UserError
from augfpn.settings import dialects
from augfpn.settings.any_setting import with_settings
from augfpn.settings.budgets import BUDGETS
from augfpn.settings.components import without_components
from augfpn.settings.parameters import Parameters

# What torchvision's detectors have; a small budget's own sizes would not fit their COCO weights.
OF_COCO_WEIGHTS = {
    "backbone": "resnet50",
    "channels": config.FPN.channels,
    "head_width": config.FPN.head_width,
    "anchor_ratios": config.FPN.anchor_ratios,
}

GIVEN = (  # parameters that are settings of `augfpn.config.Train` by the same name; None: budget's
    *("accumulate", "workers", "checkpoint_seconds", "ema", "augment", "evaluate_every"),
    *("patience", "tensorboard"),
)


def experiment(
    chosen: Parameters,
    device: config.Device,
    weights: config.InitialWeights | None = None,
    half: config.Half = "bf16",
) -> config.Experiment:
    """The whole experiment.

    ``device`` is the device to run on; this machine need not have it. ``weights`` are the initial
    weights of the backbone, ``half`` is the device's 16-bit type; they count only if the user chose
    "auto". A batch of "auto" is the budget's: `augfpn.training.memory` finds the parts that fit.
    Raises ``UserError`` for data that need a folder and have none, for what does not go with the
    device or the budget, and for a value of ``settings`` that does not fit.
    """
    budget = budget_of(chosen, device)
    base = BUDGETS[budget]
    start = weights if chosen.weights == "auto" else chosen.weights
    if start is None:
        raise ValueError("weights = 'auto': pass `weights`, as training.prepare does.")
    made = replace(
        base,
        model=the_model(base, chosen, start),
        data=the_data(base.data, chosen),
        train=the_training(base, chosen, device, half),
        budget=budget,
        seed=chosen.seed,
        device=device,
    )
    return with_settings(made, chosen.settings)


def budget_of(chosen: Parameters, device: config.Device) -> str:
    """The budget that was asked for, or the device's own."""
    if chosen.budget != "auto":
        return chosen.budget
    return "gpu" if device == "cuda" else "laptop"


def backbone_of(chosen: Parameters, device: config.Device) -> str:
    """The backbone that was asked for, or that of the COCO weights, or the budget's."""
    if chosen.weights == "coco":
        return chosen.backbone or OF_COCO_WEIGHTS["backbone"]
    return chosen.backbone or BUDGETS[budget_of(chosen, device)].model.backbone


def the_dialect(budget: str, chosen: Parameters) -> dialects.Dialect:
    """The dialect that was asked for, or the budget's."""
    if chosen.dialect != "auto":
        return chosen.dialect
    if chosen.weights == "coco":
        return "torchvision"  # the detector that has learnt these weights
    return "authors" if budget == "paper" else "ours"


def the_model(
    budget: config.Experiment, chosen: Parameters, weights: config.InitialWeights
) -> config.Model:
    """A budget's detector with the chosen parts."""
    dialect = the_dialect(budget.budget, chosen)
    own = budget.model.weights == weights and dialect == "ours"  # norms of pretrained weights
    pretrained = budget.model.norm if own else dialects.norm_of_pretrained(chosen.detector, dialect)
    plain = for_image_size(replace(budget.model, detector=chosen.detector), chosen)
    if weights == "coco":
        plain = replace(plain, **OF_COCO_WEIGHTS)
    return replace(
        dialects.in_dialect(plain, dialect, sizes=budget.budget == "paper"),
        lam=chosen.lam if chosen.cs else 0.0,
        supervision=chosen.supervision,
        ratios=chosen.ratios if chosen.rfa else (),
        context_pooling=chosen.context_pooling,
        context_fusion=chosen.context_fusion,
        roi_selection=chosen.roi_selection,
        mask_supervision=chosen.mask_supervision,
        neck=chosen.neck,
        backbone=chosen.backbone or plain.backbone,
        weights=weights,
        norm="batch" if weights == "scratch" else pretrained,
    )


def the_data(base: config.Data, chosen: Parameters) -> config.Data:
    """A budget's data with the chosen source. Raises ``UserError`` for a folder that is missing."""
    data_set = config.DATA_SETS[chosen.data]
    if data_set.needs_root and chosen.data_root is None:
        raise UserError(
            f"data = {chosen.data!r} needs data_root, the folder that holds annotations/ and the "
            "pictures."
        )
    root = None if chosen.data_root is None else str(Path(chosen.data_root).resolve())
    test = chosen.test_split or data_set.test
    tuned = test == data_set.tune or (data_set.tune is not None and chosen.evaluate_every)
    return replace(
        base,
        name=chosen.data,
        root=root,
        limit=chosen.limit,
        test=test,
        train=data_set.fit if tuned else "train",
        **{name: getattr(chosen, name) for name in config.DIALS},
    )


def the_training(
    budget: config.Experiment, chosen: Parameters, device: config.Device, half: config.Half
) -> config.Train:
    """A budget's schedule with what was chosen.

    The budget's learning rate is for its own batch and is scaled to another one; a chosen rate is
    used as it is. Raises ``UserError`` for more parts than pictures, and for fp16 on a CPU.
    """
    schedule = replace(budget.train, deterministic=chosen.deterministic)
    if budget.budget == "paper":
        dialect = the_dialect(budget.budget, chosen)
        schedule = dialects.schedule(schedule, chosen.detector, dialect)
    if chosen.steps not in (None, schedule.steps):
        schedule = with_short_warmup(schedule, chosen.steps)
    if chosen.steps is not None or chosen.epochs is not None:
        schedule = replace(schedule, steps=chosen.steps, epochs=chosen.epochs)
    batch = chosen.batch if isinstance(chosen.batch, int) else schedule.batch
    if (chosen.accumulate or 1) > batch:
        raise UserError(
            f"accumulate = {chosen.accumulate} is more than the {batch} images of a step: give "
            f"{batch} at most, or a larger batch."
        )
    if chosen.lr is not None:
        schedule = replace(schedule, lr=chosen.lr, lr_batch=batch)
    given = {name: getattr(chosen, name) for name in GIVEN if getattr(chosen, name) is not None}
    return replace(schedule, batch=batch, **given, **the_precision(schedule, chosen, device, half))


def with_short_warmup(schedule: config.Train, steps: int) -> config.Train:
    """The schedule with a warm-up of at most a tenth of so many steps.

    The budgets' own warm-ups are for their own numbers of steps: a run of 40 would end before it
    reached its learning rate. Steps are known here if they were chosen; those of a run in epochs
    follow from its pictures, in `augfpn.training.prepare`.
    """
    return replace(schedule, warmup_steps=min(schedule.warmup_steps, steps // 10))


def the_precision(
    schedule: config.Train, chosen: Parameters, device: config.Device, half: config.Half
) -> dict[str, Any]:
    """Whether 16-bit numbers are used, and which. Raises ``UserError`` for fp16 on a CPU."""
    if chosen.amp == "fp16" and device == "cpu":
        raise UserError(
            "amp = 'fp16' needs a GPU, and this run is on the CPU: use amp='off', or 'bf16', which "
            "is slow on most CPUs."
        )
    if chosen.amp == "auto":
        on = schedule.amp and device == "cuda"  # bfloat16 is emulated, and slow, on most CPUs
        return {"amp": on, "half": half if on else "bf16"}
    return {"amp": False} if chosen.amp == "off" else {"amp": True, "half": chosen.amp}


def for_image_size(model: config.Model, chosen: Parameters) -> config.Model:
    """The detector for images of the chosen size.

    Anchors and the canonical size follow the shorter side in proportion, as they do from budget to
    budget: an object keeps its anchor and its pyramid level when all images are made smaller. So
    does the longest side, if none was chosen. Raises ``UserError`` if it would be the shorter one.
    """
    ratio = (chosen.short_side or model.short_side) / model.short_side
    short = chosen.short_side or model.short_side
    long = chosen.long_side or round(model.long_side * ratio)
    if short > long:
        raise UserError(
            f"long_side = {long} is shorter than short_side, which is {short}: give a smaller "
            "short_side too."
        )
    return replace(
        model,
        short_side=short,
        long_side=long,
        anchor_sizes=tuple(max(1, round(size * ratio)) for size in model.anchor_sizes),
        canonical_size=model.canonical_size * ratio,
    )


def fpn_of(settings: config.Experiment) -> config.Experiment:
    """The same experiment with plain FPN: what an AugFPN run is compared with."""
    return replace(settings, model=without_components(settings.model))
