"""The command `augfpn study`: an action on the study's grid of runs."""

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from augfpn import records
from augfpn.cli import options
from augfpn.cli.options import argument
from augfpn.cli.output import DONE, FAILED, as_json, say
from augfpn.errors import UserError
from augfpn.study.running import grid, recorded, sets
from augfpn.study.running.cluster import CLUSTERS
from augfpn.study.running.processes import Outcome
from augfpn.support.files import check_writable

if TYPE_CHECKING:
    from augfpn.study.gates import Pilot


def run_study(given: argparse.Namespace) -> int:
    """Show which runs of the study are recorded, make the missing ones, and report on all."""
    if given.budget is None:
        given.budget = "gpu" if given.action == "gpu-day" else "laptop"
    for asked in [[name] for name in given.parts] or [list(grid.parts())]:
        grid.check_pictures(asked, given.budget, given.pictures)
    for option in ("cluster", "cluster_options"):
        if getattr(given, option) is not None and given.action not in ON_CLUSTER:
            name, others = options.dashed(f"--{option}"), " and study ".join(ON_CLUSTER)
            raise UserError(f"study {given.action} takes no {name}: study {others} do.")
    return ACTIONS[given.action](given)


def names_of(given: argparse.Namespace) -> list[str]:
    """The parts that were asked for, or all."""
    return given.parts or list(grid.parts())


def folders_of(given: argparse.Namespace) -> list[Path]:
    """Where records are looked for: the user's folder, and those that come with the package."""
    return records.with_committed(given.records)


def found_by(given: argparse.Namespace) -> recorded.Found:
    """What is recorded. Prints a note if the folder that was named does not exist."""
    if given.records != options.RECORDS and not given.records.exists():
        say(f"there is no folder {given.records}: only the repository's records count.")
    return recorded.collect(folders_of(given))


def wanted_by(given: argparse.Namespace) -> list[grid.Run]:
    """The runs that were asked for."""
    return grid.runs(names_of(given), given.budget, given.pictures, given.seeds)


def show_status(given: argparse.Namespace) -> int:
    """show which runs are recorded, which are missing, and how long these would take"""
    found = found_by(given)
    rows = recorded.status(names_of(given), given.budget, given.pictures, given.seeds, found)
    timings = recorded.read_timings(folders_of(given), given.budget)
    timed = [each["environment"]["device_name"] for each in timings]
    pilots = pilots_asked_for(given, found)
    if given.json:
        known = {"timed_on": timed, "problems": found.problems}
        known |= {"pilots": [{**p._asdict(), "passes": p.passes} for p in pilots]} if pilots else {}
        print(as_json({"parts": [row._asdict() for row in rows]} | known))
        return DONE
    print(recorded.status_text(rows, found))
    for pilot in pilots:
        print(f"pilot of {pilot}")
    print(f"run time: {'timed on ' + ', '.join(timed) if timed else 'not timed'}")
    return DONE


def pilots_asked_for(given: argparse.Namespace, found: recorded.Found) -> list["Pilot"]:
    """The pilots of the dials, if a part that is about them was named: some need to be scored."""
    if not set(given.parts) & set(grid.PARTS_OF_DIALS):
        return []
    from augfpn.study import gates

    asked = [dial for dial in sets.GATES if given.pictures is None or dial in given.pictures]
    return list(gates.pilots_of(asked, given.budget, found).values())


def train_missing_runs(given: argparse.Namespace) -> int:
    """train the missing runs; a run that was stopped goes on"""
    check_writable(given.records)
    of_cluster = cluster_options(given)
    wanted, found = wanted_by(given), recorded.collect(folders_of(given))
    missing = [each for each in wanted if found.record(each) is None]
    say(f"{len(missing)} of {len(wanted)} runs are missing.")
    from augfpn.study import gates, gather

    missing = gates.allowed(missing, found, named=given.pictures is not None, say=say)
    ended = gather.run_missing(
        missing, given.records, given.jobs, given.data_root, say, given.cluster, of_cluster
    )
    gather.keep_truths(wanted, recorded.collect(folders_of(given)), given.data_root)
    return status_of(ended)


def cluster_options(given: argparse.Namespace) -> dict[str, object]:
    """submitit's options from words like slurm_partition=gpu. Raises ``UserError`` for others."""
    if given.cluster_options and given.cluster is None:
        raise UserError("--cluster-options needs --cluster slurm.")
    found: dict[str, object] = {}
    for word in given.cluster_options or ():
        name, sign, value = word.partition("=")
        if not name or not sign:
            raise UserError(f"--cluster-options {word!r}: write NAME=VALUE, as timeout_min=600.")
        found[name] = int(value) if value.isdecimal() else value
    return found


def measure_missing_records(given: argparse.Namespace) -> int:
    """measure the three defects on records that have weights"""
    check_writable(given.records)
    of_cluster = cluster_options(given)
    wanted, found = wanted_by(given), found_by(given)
    from augfpn.study import gather

    where = given.records, given.jobs, given.data_root, say, given.cluster, of_cluster
    return status_of(gather.measure_missing(wanted, found, *where))


def status_of(ended: Sequence[Outcome]) -> int:
    """The exit status after some jobs: 1 if one failed or was killed. A busy one did not fail."""
    wrong = [each for each in ended if each.kind in ("failed", "interrupted")]
    if len(ended) > 1:
        kinds = Counter(each.kind for each in ended)
        say(f"{len(ended)} jobs: {', '.join(f'{n} {kind}' for kind, n in kinds.items())}.")
    return FAILED if wrong else DONE


def choose_settings(given: argparse.Namespace) -> int:
    """make the runs that chose a budget's settings, on pictures that no table is made of"""
    check_writable(given.records)
    from augfpn.study.running import pilots

    print(pilots.pilot(given.budget, given.pictures, given.records, given.data_root, say))
    return DONE


def time_both(given: argparse.Namespace) -> int:
    """time FPN, AugFPN and its parts in turns on this machine"""
    check_writable(given.records)
    from augfpn.study import tables, timing
    from augfpn.training import prepare

    device = prepare.the_device("auto")
    found = timing.time_in_turns(given.budget, given.rounds, given.batch, device)
    print(tables.run_times([found]))
    print(timing.write_timing(found, given.records))
    return DONE


def use_gpu(given: argparse.Namespace) -> int:
    """do what is worth most in a GPU's half hour, and pack it for sending in"""
    if given.parts or given.pictures or given.seeds:
        raise UserError(
            "gpu-day runs the paper's Table 2 on scenes with the seeds that confirm: leave out "
            "parts, --pictures and --seeds."
        )
    check_writable(given.records)
    from augfpn.study import gpu_day

    print(gpu_day.gpu_day(given.budget, given.minutes, given.records, say))
    return DONE


def publish_scores(given: argparse.Namespace) -> int:
    """score a folder's records and keep the scores in it: then reports are quick everywhere"""
    check_writable(given.records)
    from augfpn.study.uncertainty import published

    print(f"{published.publish(given.records, say)} scores in {given.records}")
    return DONE


def write_report(given: argparse.Namespace) -> int:
    """write tables, figures and verdicts from records alone"""
    if given.out is None:
        raise UserError("study report needs --out, a folder for its tables and figures.")
    found = found_by(given).of_seeds(given.seeds)
    timings = recorded.read_timings(folders_of(given), given.budget)
    from augfpn.study.results import report

    say(recorded.code_versions(found, given.budget))
    print(
        report.write_page(names_of(given), given.budget, given.pictures, found, given.out, timings)
    )
    return DONE


ACTIONS: dict[str, Callable[[argparse.Namespace], int]] = {  # their docstrings are help
    "status": show_status,
    "run": train_missing_runs,
    "measure": measure_missing_records,
    "time": time_both,
    "pilot": choose_settings,
    "score": publish_scores,
    "report": write_report,
    "gpu-day": use_gpu,
}
ON_CLUSTER = ("run", "measure")  # the actions that may be a cluster's jobs
EPILOG = "\n".join(["actions:", *(f"  {name:<9} {act.__doc__}" for name, act in ACTIONS.items())])
OPTIONS = (
    argument(
        "action", metavar="ACTION", choices=tuple(ACTIONS), help=f"what to do: {', '.join(ACTIONS)}"
    ),
    argument(
        "parts",
        metavar="PART",
        nargs="*",
        help=f"parts of the study: {', '.join(grid.parts())} [all]",
    ),
    argument(
        "--budget",
        choices=tuple(grid.SEEDS),
        help="size of the runs: %(choices)s [laptop; of gpu-day: gpu]",
    ),
    argument(
        "--pictures",
        metavar="SET",
        nargs="+",
        choices=tuple(grid.SETS),
        help=f"sets of images: {', '.join(grid.SETS)} [all]",
    ),
    argument(
        "--seeds",
        type=options.seeds,
        help="how many, or FIRST-LAST as 3-11 [the budget's own; report: all there are]",
    ),
    argument(
        "--records",
        metavar="FOLDER",
        type=options.as_path,
        default=options.RECORDS,
        help=f"where records are [{options.RECORDS}]",
    ),
    argument(
        "--data-root",
        metavar="FOLDER",
        help="of bccd, aquarium or coco; the first two can be downloaded",
    ),
    argument(
        "--jobs",
        type=options.at_least(1, options.MOST_AT_ONCE),
        help="run, measure: how many at once [1; SLURM decides on its own]",
    ),
    argument("--cluster", choices=CLUSTERS, help="run, measure: as jobs of %(choices)s (submitit)"),
    argument(
        "--cluster-options",
        metavar="NAME=VALUE",
        nargs="+",
        help="of submitit, as slurm_partition=gpu timeout_min=600",
    ),
    argument("--rounds", type=options.at_least(2), default=20, help="time: how many rounds [20]"),
    argument(
        "--batch",
        type=options.at_least(1, options.MOST_AT_ONCE),
        default=4,
        help="time: pictures of a step [4]",
    ),
    argument(
        "--minutes",
        type=options.at_least(1),
        default=30,
        help="gpu-day: how long it may take [30]",
    ),
    argument(
        "--out",
        metavar="FOLDER",
        type=options.as_path,
        help="report: for tables and figures",
    ),
    options.JSON,
)
