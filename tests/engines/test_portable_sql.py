"""The models are SQL that other engines run too: they parse as Spark's, and what only DuckDB knows is not in them."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from dagster_project.core.paths import DataPaths

FUNCTIONS = {
    *(exp.And, exp.Or, exp.Case, exp.If, exp.Cast, exp.Coalesce, exp.Nullif, exp.Exists, exp.Concat, exp.Extract),
    *(exp.Abs, exp.Sqrt, exp.Round, exp.Floor, exp.Ceil, exp.Lower, exp.Upper, exp.Trim),
    *(exp.Count, exp.Sum, exp.Min, exp.Max, exp.Avg, exp.Grouping),
    *(exp.RowNumber, exp.Rank, exp.DenseRank, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue),
}
"""Standard functions. A new one is added here after it was looked up on every engine."""

DISPATCHED = {exp.DateDiff, exp.TimestampTrunc, exp.GenerateSeries, exp.StrPosition}
"""What dbt's own macros (datediff, date_trunc, generate_series, position) write for DuckDB; for others, theirs."""

ONE_ENGINES_SYNTAX = (exp.Qualify, exp.Lambda, exp.Bracket, exp.Struct, exp.Pivot, exp.PositionalColumn)


def objections(sql: str) -> list[str]:
    """What another engine would object to in a compiled model."""
    tree = sqlglot.parse_one(sql, read="duckdb")
    for table in list(tree.find_all(exp.Table)):
        if isinstance(table.this, exp.ReadParquet):  # where a source lies is the engine's: dbt_project.yml
            table.set("this", exp.to_identifier("source_table"))
    found = [f"funktionen {_name(f)}" for f in tree.find_all(exp.Func) if type(f) not in FUNCTIONS | DISPATCHED]
    found += [f"skrivsättet {node.sql('duckdb')}" for node in tree.find_all(*ONE_ENGINES_SYNTAX)]
    found += [
        "* med undantag" for star in tree.find_all(exp.Star) if star.args.get("except_") or star.args.get("replace")
    ]
    found += ["distinct on" for node in tree.find_all(exp.Distinct) if node.args.get("on")]
    found += ["group by all" for node in tree.find_all(exp.Group) if node.args.get("all")]
    found += ["asof join" for join in tree.find_all(exp.Join) if join.method == "ASOF"]
    try:
        sqlglot.parse_one(tree.sql("spark", unsupported_level=sqlglot.ErrorLevel.RAISE), read="spark")
    except sqlglot.errors.SqlglotError as error:
        found.append(f"Spark: {error}")
    return found


def _name(function: exp.Func) -> str:
    return function.name if isinstance(function, exp.Anonymous) else function.sql_name()


def test_every_model_is_portable(compiled: tuple[DataPaths, dict[str, str]]) -> None:
    models = compiled[1]
    assert len(models) > 40
    assert {name: found for name, sql in models.items() if (found := objections(sql))} == {}


def test_no_value_is_a_pattern(compiled: tuple[DataPaths, dict[str, str]]) -> None:
    """A source called `a_b` is not the source `axb`: data are compared, never matched."""
    assert [name for name, sql in compiled[1].items() if sqlglot.parse_one(sql, read="duckdb").find(exp.Like)] == []


@pytest.mark.parametrize(
    "sql",
    [
        "select strptime(a, '%Y') from t",
        "select list(a) from t",
        "select regexp_matches(a, 'x') from t",
        "select a from t qualify row_number() over (order by a) = 1",
        "select * exclude (a) from t",
        "select distinct on (a) a, b from t",
        "select a, count(*) from t group by all",
        "select t.a from t asof join u on t.a >= u.a",
        "select {'x': a} from t",
        "select a[1] from t",
        "select list_transform(a, x -> x + 1) from t",
        "select unheard_of(a) from t",
    ],
)
def test_what_only_duckdb_knows_is_found(sql: str) -> None:
    assert objections(sql)


def test_plain_sql_is_portable() -> None:
    assert objections("select a, sum(b) filter (where c) as d from t where a is not distinct from 1 group by a") == []
