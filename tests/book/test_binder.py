"""Binder's environment has what the package needs, and PyTorch without CUDA."""

import re
import tomllib

import yaml
from chapters import ROOT

NAMED = re.compile(r"[\w-]+")


def names(lines: list[str]) -> set[str]:
    return {NAMED.match(line)[0] for line in lines}


def test_binder_has_what_the_package_needs_and_no_cuda() -> None:
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    given = yaml.safe_load((ROOT / "binder" / "environment.yml").read_text())["dependencies"]
    listed = [line for line in given if isinstance(line, str)]
    listed += next(line["pip"] for line in given if isinstance(line, dict))
    assert "pytorch-cpu" in names(listed)
    assert names(needed) - {"torch"} <= names(listed)
    least = {line for line in needed if not line.startswith("torch")}
    assert least <= set(listed)
