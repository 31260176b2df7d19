"""What a notebook of the study asks for."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from augfpn import config


@dataclass(frozen=True, config=config.FROZEN)
class Asked:
    """Which records a notebook of the study reads, and whether missing runs are made first."""

    data: str = "scenes"  # a picture set of the study
    budget: str = "laptop"
    run: bool = False
    jobs: Annotated[int, Field(gt=0)] = 1  # processes at once
    data_root: str | None = None
    records: Path = Path("runs")
    rounds: Annotated[int, Field(ge=2)] = 20  # of `augfpn.study.timing`
    batch: Annotated[int, Field(gt=0)] = 4  # of `augfpn.study.timing`
