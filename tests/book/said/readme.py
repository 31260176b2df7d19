"""The README."""

from statistics import mean, median

from augfpn.study.running import grid
from augfpn.training.distributed import World
from said.evidence import BOTH, ap, at, compared, gain, runs
from said.table import says


@says("README", "what AugFPN found after seven minutes on a CPU core")
def seconds_of_the_pictures_in_the_readme() -> None:
    shown_runs = [at(pictures).recorded("augfpn")[0] for pictures in BOTH]
    assert all(run.environment["threads"] == 1 for run in shown_runs)
    assert all(6 <= run.result["seconds"] / 60 <= 8 for run in shown_runs)


@says("README", "No recipe has been trained on COCO yet.")
@says("intro", "we ran nothing on a GPU or on all of COCO.")
@says("README", "Nothing was run on a GPU or on all of COCO.")
@says("claims", "**What nobody has run** are the headline rows on COCO with this code")
@says("coco_recipe", "We have not made that run, for want of eight GPUs.")
@says(
    "coco_recipe",
    "What is *not* shown: a COCO run, eight GPUs, mixed precision over a whole run.",
)
def no_run_on_coco() -> None:
    """Except overfitting a few images, which only shows that the code can learn them."""
    assert not [run for run in runs() if run.experiment.budget == "paper"]
    on_coco = [run.result["pictures"] for run in runs() if run.experiment.data.name == "coco"]
    assert all(each["train"] <= 10 for each in on_coco)
    assert len(World(0, 8).share(list(range(16)))) == 2


@says(
    "README",
    "| `laptop` | a small detector from scratch, scenes or your data | 2 CPU cores, minutes |",
)
def minutes_of_the_laptop_budget() -> None:
    of_study = [run for run in runs() if run.experiment.data.name in BOTH]
    assert {run.experiment.budget for run in of_study} <= {"laptop", "transfer", "gpu"}
    laptop = [run for run in of_study if run.experiment.budget == "laptop"]
    minutes = [run.result["seconds"] / 60 for run in laptop]
    assert median(minutes) < 10
    assert max(minutes) < 40  # with masks, beside other work


@says("intro", "we ran nothing on a GPU")
@says("README", "| `gpu` | the paper's ResNet-50, 512 x 640 | one GPU; not measured yet |")
def nothing_measured_on_a_gpu() -> None:
    assert not [run for run in runs() if run.environment["device"] != "cpu"]


@says("README", "most effects here are smaller than what another seed does")
def effects_are_smaller_than_what_a_seed_does() -> None:
    smaller = []
    for pictures in BOTH:
        variants = {v for part in ("table2", "table3", "table5") for v in compared(part, pictures)}
        values = [ap(pictures, v).values() for v in variants]
        moved = mean(max(each) - min(each) for each in values if len(each) >= 3)
        smaller += [abs(gain(pictures, v)) < moved for v in variants]
    assert mean(smaller) > 0.5


@says("README", "Here each is a mean over seeds, paired with FPN of the same seed")
@says("intro", "**We** trained small detectors with several seeds each")
def several_seeds_of_every_combination() -> None:
    for pictures in BOTH:
        seeds = [set(ap(pictures, v)) for v in grid.part("table2").variants]
        assert all(each == seeds[0] and len(each) >= 3 for each in seeds)


@says("reproducibility", "All runs of the study use one thread.")
def one_thread() -> None:
    of_study = [run for run in runs() if run.experiment.data.name in BOTH]
    assert {run.environment["threads"] for run in of_study} == {1}
