"""The parts of the page of run times: how long chapters take, and where that was measured."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from nbformat import NotebookNode
from pages import title

FIRST_RUNS = Path(__file__).with_suffix(".json")


def first_runs() -> dict[str, dict]:
    """What was timed of each chapter; nothing before `time_chapters.py` ran."""
    return json.loads(FIRST_RUNS.read_text("utf-8")) if FIRST_RUNS.exists() else {}


def table(notebooks: Mapping[str, NotebookNode]) -> str:
    """How long a first run of each chapter took; a chapter that was not timed has a dash."""
    runs = first_runs()
    lines = ["| chapter | seconds |", "|---|---|"]
    for name, notebook in notebooks.items():
        first = f"{runs[name]['seconds']:.0f}" if name in runs else "–"
        lines.append(f"| [{title(notebook)}]({name}.ipynb) | {first} |")
    return "\n".join(lines)


def timed_on() -> str:
    """Where and with which versions the first runs were timed, for a sentence."""
    return ran_with(first_runs().values())


def executed_on(notebooks: Mapping[str, NotebookNode]) -> str:
    """Where and with which versions the book's own outputs were made, for a sentence."""
    return ran_with(notebook.metadata["augfpn"] for notebook in notebooks.values())


def ran_with(runs: Iterable[Mapping[str, str]]) -> str:
    """The days of some runs, each with machine and versions, which are mostly the same for all."""
    days: dict[str, set[str]] = {}
    for run in runs:
        days.setdefault(f"({run['machine']}; {run['versions']})", set()).add(run["day"])
    return " and ".join(
        f"on {min(every)} {where}"
        if len(every) == 1
        else f"from {min(every)} to {max(every)} {where}"
        for where, every in sorted(days.items())
    )
