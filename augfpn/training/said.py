"""What a run says of its settings before it begins, where a reader would be surprised."""

from collections.abc import Iterator

from augfpn import config
from augfpn.data.load import split_for_choosing
from augfpn.settings.budgets import BUDGETS
from augfpn.training import precision


def decided(experiment: config.Experiment) -> Iterator[str]:
    """A sentence for each thing that was decided: rate, warm-up, parts, precision, splits."""
    settings, budget = experiment.train, BUDGETS[experiment.budget].train
    if settings.batch == budget.batch:
        pass
    elif settings.batch != settings.lr_batch:
        rate = settings.lr * settings.batch / settings.lr_batch
        yield (
            f"learning rate {rate:g} = {settings.lr:g} x {settings.batch}/{settings.lr_batch}, "
            "because it follows the number of images of a step; --lr sets it directly."
        )
    else:
        yield f"learning rate {settings.lr:g} as given, for {settings.batch} images a step."
    if settings.warmup_steps < budget.warmup_steps:
        yield (
            f"steps of warm-up: {settings.warmup_steps}, at most a tenth of this run; the budget's "
            f"own run has {budget.warmup_steps}."
        )
    if settings.accumulate > 1:
        yield (
            f"the {settings.batch} images of a step are computed in {settings.accumulate} parts: "
            "batch norm has the statistics of a part, and losses are averaged over parts."
        )
    precise = precision.said(experiment.device, settings)
    if precise:
        yield precise
    if settings.evaluate_every:
        yield from splits_said(experiment.data)


def splits_said(data: config.Data) -> Iterator[str]:
    """On which pictures the best weights are chosen, where that is not what one expects."""
    own, split = config.DATA_SETS[data.name], split_for_choosing(data)
    if split is None:
        other = "test" if "test" in own.splits else own.test
        yield (
            "the best weights are chosen by the test images themselves, so their AP is too high; "
            f"the record's AP is of the last weights. Another split needs --test-split {other}."
        )
    elif data.train != "train":
        yield (
            f"the best weights are chosen on the split {split}, so training uses only the split "
            f"{data.train}, which has none of its images."
        )
