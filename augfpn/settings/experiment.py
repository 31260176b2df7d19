"""From parameters to an experiment: a budget's sizes, with the user's choices put in.

Nothing here needs torch or looks at the machine: `augfpn.training.prepare` finds out which device
there is and whether pretrained weights are available.
"""

from dataclasses import replace
from pathlib import Path

from augfpn import config
from augfpn.errors import UserError
from augfpn.settings import dialects
from augfpn.settings.budgets import BUDGETS
from augfpn.settings.components import without_components
from augfpn.settings.parameters import Parameters


def experiment(
    chosen: Parameters, device: config.Device, weights: config.InitialWeights | None = None
) -> config.Experiment:
    """The whole experiment.

    ``device`` is the device to run on; this machine need not have it. ``weights`` are the initial
    weights of the backbone; they count only if the user chose "auto".
    Raises ``UserError`` for data that need a folder and have none.
    """
    budget = budget_of(chosen, device)
    base = BUDGETS[budget]
    start = weights if chosen.weights == "auto" else chosen.weights
    if start is None:
        raise ValueError("weights = 'auto': pass `weights`, as training.prepare does.")
    return replace(
        base,
        model=the_model(base, chosen, start),
        data=the_data(base.data, chosen),
        train=the_training(base, chosen, device),
        budget=budget,
        seed=chosen.seed,
        device=device,
    )


def budget_of(chosen: Parameters, device: config.Device) -> str:
    """The budget that was asked for, or the device's own."""
    if chosen.budget != "auto":
        return chosen.budget
    return "gpu" if device == "cuda" else "laptop"


def backbone_of(chosen: Parameters, device: config.Device) -> str:
    """The backbone that was asked for, or the budget's."""
    return chosen.backbone or BUDGETS[budget_of(chosen, device)].model.backbone


def the_dialect(budget: str, chosen: Parameters) -> dialects.Dialect:
    """The dialect that was asked for, or the budget's."""
    if chosen.dialect != "auto":
        return chosen.dialect
    return "authors" if budget == "paper" else "ours"


def the_model(
    budget: config.Experiment, chosen: Parameters, weights: config.InitialWeights
) -> config.Model:
    """A budget's detector with the chosen parts."""
    dialect = the_dialect(budget.budget, chosen)
    pretrained = dialects.norm_of_pretrained(chosen.detector, dialect)
    plain = replace(budget.model, detector=chosen.detector)
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
        backbone=chosen.backbone or budget.model.backbone,
        weights=weights,
        norm=pretrained if weights == "imagenet" else "batch",
    )


def the_data(base: config.Data, chosen: Parameters) -> config.Data:
    """A budget's data with the chosen source. Raises ``UserError`` for a folder that is missing."""
    data_set = config.DATA_SETS[chosen.data]
    if data_set.needs_root and chosen.data_root is None:
        raise UserError(
            f"data = {chosen.data!r} needs data_root, the folder that holds annotations/ and the "
            "pictures."
        )
    root = None if chosen.data_root is None else str(Path(chosen.data_root).expanduser().resolve())
    return replace(
        base,
        name=chosen.data,
        root=root,
        limit=chosen.limit,
        test=chosen.test_split or data_set.test,
        **{name: getattr(chosen, name) for name in config.DIALS},
    )


def the_training(
    budget: config.Experiment, chosen: Parameters, device: config.Device
) -> config.Train:
    """A budget's schedule with the chosen length."""
    schedule = replace(budget.train, deterministic=chosen.deterministic)
    if budget.budget == "paper":
        dialect = the_dialect(budget.budget, chosen)
        schedule = dialects.schedule(schedule, chosen.detector, dialect)
    if device == "cpu":
        schedule = replace(schedule, amp=False)  # bfloat16 is emulated, and slow, on most CPUs
    if chosen.steps is not None or chosen.epochs is not None:
        schedule = replace(schedule, steps=chosen.steps, epochs=chosen.epochs)
    return schedule


def fpn_of(settings: config.Experiment) -> config.Experiment:
    """The same experiment with plain FPN: what an AugFPN run is compared with."""
    return replace(settings, model=without_components(settings.model))
