"""What is kept of an indicator's earlier months rests on this: each of its observations follows from one staged row."""

from __future__ import annotations

import sqlglot
from sqlglot import exp

from dagster_project.core.paths import DataPaths

LOOKS_AT_OTHER_ROWS = (exp.AggFunc, exp.Window, exp.Group, exp.Distinct, exp.Limit, exp.Exists, exp.SetOperation)
SETTINGS = {"tolerance_days"}
"""Of `run_parameters` what no day changes: others make other observations of the same row from day to day."""


def kept(compiled: dict[str, str]) -> dict[str, str]:
    """Indicator -> source, as the model says."""
    tree = sqlglot.parse_one(compiled["row_by_row"], read="duckdb")
    return {
        select.expressions[0].this.this: select.expressions[1].this.this
        for select in tree.find_all(exp.Select)
        if isinstance(select.expressions[0].this, exp.Literal)
    }


def objections(sql: str, source: str) -> list[str]:
    """Why an observation of a model may follow from more than one row of `stg_<source>`, seeds and settings."""
    tree = sqlglot.parse_one(sql, read="duckdb")
    found = [node.sql("duckdb") for node in tree.find_all(*LOOKS_AT_OTHER_ROWS)]
    staged = [t.name for t in tree.find_all(exp.Table) if t.name.startswith("stg_")]
    if staged != [f"stg_{source}"]:
        found.append(f"läser {staged}")
    parameters = {t.alias for t in tree.find_all(exp.Table) if t.name == "run_parameters"}
    found += [c.sql() for c in tree.find_all(exp.Column) if c.table in parameters and c.name not in SETTINGS]
    return found


def test_an_observation_follows_from_one_row(compiled: tuple[DataPaths, dict[str, str]]) -> None:
    models = compiled[1]
    sources = kept(models)
    assert {i: o for i, source in sources.items() if (o := objections(models[f"obs_{i}"], source))} == {}
    # The large sources are among them; what looks at several rows, at other sources or at the day is not.
    assert {"vg_forsta_besok_90", "vantetid_median", "levnadsvanor", "ekonomi_resultat"} <= sources.keys()
    others = {"gas_antal", "cpup_tackning", "horselrehab_tackning", "avvikelser_7d", "aktiviteter_genomforda"}
    assert not others & sources.keys()


def test_what_looks_at_other_rows_is_seen() -> None:
    assert objections("select r.a from stg_kva as r", "kva") == []
    assert objections("select row_number() over (order by r.a) as n from stg_kva as r", "kva")
    assert objections("select max(r.a) as a from stg_kva as r", "kva")
    assert objections("select r.a from stg_kva as r where exists (select 1 from stg_kva as o where o.a < r.a)", "kva")
    assert objections("select r.a from stg_kva as r inner join stg_kva as o on o.a = r.b", "kva")
    assert objections("select r.a - p.as_of as d from stg_kva as r cross join run_parameters as p", "kva")
