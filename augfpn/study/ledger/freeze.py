"""What was fixed before the runs that confirm: the claims, their tests and the numbers of seeds.

``freeze.json`` says what, at which commit and when. The seeds before are the pilot: claims and
tests were mended while their runs were seen. A claim that is added later has its own date.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import NamedTuple

from augfpn.records import Record
from augfpn.study.ledger import claims
from augfpn.study.ledger.claims import Basis, Claim, Judgement
from augfpn.study.running import grid

FREEZE_FILE = "freeze.json"
DIGITS = 16  # of a test's hash
HASH_SIGNS = 10  # signs of the hash of a file, on pages


class Freeze(NamedTuple):
    """What was fixed, and when."""

    date: str
    written: str  # when the file that says so was committed
    commit: str  # of the code that makes the runs that confirm
    claims_sha256: str  # of the claims' file at this commit
    seeds: tuple[int, int]  # the first and the last seed that confirm
    tests: dict[str, str]  # by claim: `test_digest`


@cache
def frozen() -> Freeze:
    """What was fixed."""
    return Freeze(
        **json.loads(resources.files("augfpn.study.ledger").joinpath(FREEZE_FILE).read_text())
    )


def test_digest(claim: Claim) -> str:
    """A hash of all that a claim's verdict depends on, but not of its words."""
    tests = [[test.plus, test.minus, test.numbers, test.margin] for test in claim.tests]
    decides = [claim.kind, tests, claim.check, claim.runs, bool(claim.withdrawn)]
    if claim.withheld_at:
        decides.append(claim.withheld_at)
    return hashlib.sha256(json.dumps(decides).encode()).hexdigest()[:DIGITS]


def changed(every: Iterable[Claim]) -> list[str]:
    """The claims whose tests are not those that were fixed, and those that are gone."""
    now = {claim.id: test_digest(claim) for claim in every}
    return [id_ for id_, digest in frozen().tests.items() if now.get(id_) != digest]


def decided_by_table2(every: Iterable[Claim]) -> list[str]:
    """The claims that the runs of Table 2 decide alone: those that are confirmed first."""
    there = set(grid.part("table2").variants)
    return [
        claim.id
        for claim in every
        if claim.kind == "effects"
        and {name for test in claim.tests for name in (*test.plus, *test.minus)} <= there
    ]


def confirming_verdicts(later: Basis) -> dict[str, Judgement]:
    """The claims that the runs of Table 2 decide, judged by the seeds that confirm; by claim.

    Empty where these seeds have no runs.
    """
    decided = decided_by_table2(claims.claims())
    rows = [claims.judged(each, later) for each in claims.claims() if each.id in decided]
    return {row.claim.id: row for row in rows if row.verdict != "not run"}


def with_precedence(pilot: Iterable[Judgement], again: Mapping[str, Judgement]) -> list[Judgement]:
    """A ledger in which the verdicts of the seeds that confirm take precedence over the pilot's."""
    return [again.get(row.claim.id, row) for row in pilot]


def freeze_text() -> str:
    """What was fixed when, and what has changed since, as a paragraph."""
    fixed, every = frozen(), claims.claims()
    first, last = fixed.seeds
    now = hashlib.sha256(claims.ledger_file().encode()).hexdigest()
    added = [f"{each.id} ({each.added})" for each in every if each.id not in fixed.tests]
    same = (
        "has the same bytes" if now == fixed.claims_sha256 else f"has the SHA-256 {hash_text(now)}"
    )
    return (
        f"**What was fixed when.** On {fixed.date}, at commit `{fixed.commit[:7]}`, from which the "
        f"runs of seeds {first} to {last} are made, and which is older than the first of them: the "
        f"{len(fixed.tests)} claims of `{claims.FILE}` (SHA-256 {hash_text(fixed.claims_sha256)}, "
        f"whole in `{FREEZE_FILE}`), their tests, and these seeds. That these hashes are the ones "
        f"that count was committed later, on {fixed.written}. The claims' file {same} today. "
        "Claims whose test has changed since: "
        f"{', '.join(changed(every)) or 'none'}; claims that were added since: "
        f"{', '.join(added) or 'none'}. The runs of the paper's Table 2 alone decide "
        f"{', '.join(decided_by_table2(every))}. Earlier seeds are the pilot: claims and tests "
        "were mended while their runs were seen."
    )


def hash_text(sha256: str) -> str:
    """A hash as pages print it: its first signs, as code."""
    return f"`{sha256[:HASH_SIGNS]}…`"


def made_elsewhere(runs: Iterable[Record]) -> list[str]:
    """The names of the runs of seeds that confirm which another commit made."""
    first, last = frozen().seeds
    return [
        each.folder.name
        for each in runs
        if first <= each.experiment.seed <= last
        and not frozen().commit.startswith(str(each.environment["commit"]))
    ]
