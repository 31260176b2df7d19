"""`records.frame`: the committed records as one tidy table, checked with the files themselves."""

import json
import math

import pytest

from augfpn import config, records
from augfpn.study import gather
from augfpn.study.running import grid


@pytest.fixture(scope="module")
def whole() -> list[records.Record]:
    return list(records.records_in(records.COMMITTED))


def test_there_is_a_row_for_each_run_and_every_setting_is_in_it(
    whole: list[records.Record],
) -> None:
    table = records.frame(whole)
    assert list(table["id"]) == [each.id for each in whole]
    assert table["id"].is_unique
    renamed = {"data.name", "model.detector", "model.backbone"}
    names = {f"{p}.{n}" for p in ("model", "data", "train") for n in config.DEFAULTS[p]}
    assert names - renamed <= set(table.columns)
    for one, (_, row) in zip(whole, table.iterrows(), strict=True):
        result = json.loads((one.folder / "result.json").read_text())
        assert row["AP"] == result["AP"]
        assert math.isnan(row["APl"]) == (result["APl"] is None or result["APl"] < 0)
        assert row["processor"] == json.loads((one.folder / "environment.json").read_text())[
            "device_name"
        ]  # fmt: skip
        masks = result.get("mask")
        assert masks is None or row["mask APs"] == masks["APs"]
        assert masks is not None or math.isnan(row["mask AP"])


def test_variants_and_components_have_the_studys_names() -> None:
    of = gather.committed("scenes")
    for name, on in {"fpn": "", "cs_lam0.5": "cs", "rfa_srs": "rfa srs", "srs_sum": "srs"}.items():
        table = records.frame(of.recorded(name).values())
        assert set(table["variant"]) == {name}
        assert set(table["seed"]) == {0, 1, 2}
        for part in ("cs", "rfa", "srs"):
            assert (table[part] == (part in on.split())).all()


def test_a_pair_of_a_seed_is_found_by_pandas_as_the_study_finds_it() -> None:
    of = gather.committed("scenes")
    table = records.frame(each for n in ("fpn", "cs") for each in of.recorded(n).values())
    wide = table.pivot(index="seed", columns="variant", values="AP")
    apart = (wide["cs"] - wide["fpn"]).to_dict()
    assert apart == pytest.approx(
        {
            seed: of.recorded("cs")[seed].result["AP"] - base.result["AP"]
            for seed, base in of.recorded(grid.baseline_of("cs")).items()
        }
    )
    assert apart
    assert sum(apart.values()) / len(apart) == pytest.approx(of.effects("cs", "fpn")["AP"].mean)
