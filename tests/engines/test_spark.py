"""Apache Spark computes the same cells: macros and small deliveries, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dagster_project.core.paths import DataPaths
from dagster_project.engines import dbt, spark
from dagster_project.engines.duckdb import database
from dagster_project.engines.engine import ON_DUCKDB, SPARK, Engine
from dagster_project.runs.folder import RunFolder
from tests.conftest import MEASURES
from tests.engines.engines_compared import differences
from tests.jobs import Kept, deliver_measures
from tests.programs import SPARK as PROGRAM

pytestmark = pytest.mark.spark

LOCAL = Engine(SPARK, "local[2]")


@pytest.fixture(autouse=True)
def no_session_is_left() -> Iterator[None]:
    assert PROGRAM.path()
    yield
    spark.stop()


ROWS = """(
    select cast('2020-02-29' as date) as a, cast('2020-03-01' as date) as b, 'AUD|BUH' as list, 100.1e0 as n
    union all select cast('2024-01-31' as date), cast('2023-12-31' as date), 'BUHX', -12345678.9e0
    union all select cast(null as date), cast('2022-08-31' as date), null, cast(null as double)
) as t"""
EXPRESSIONS = {
    "{{ days('t.a', 't.b') }}": [1, -31, None],
    "{{ month_of('t.a') }}": [date(2020, 2, 1), date(2024, 1, 1), None],
    "{{ month_end('t.a') }}": [date(2020, 2, 29), date(2024, 1, 31), None],
    "{{ later('t.a', 1) }}": [date(2020, 3, 29), date(2024, 2, 29), None],
    "{{ later('t.a', -1, 'year') }}": [date(2019, 2, 28), date(2023, 1, 31), None],
    "{{ later('t.a', 1, 'day') }}": [date(2020, 3, 1), date(2024, 2, 1), None],
    "{{ in_year(month_of('t.a'), 't.b', '2019') }}": [date(2019, 2, 1), date(2020, 1, 1), None],
    "cast({{ prorated('cast(366 as double)', 't.a', 't.b') }} as double)": [2.0, -30.0, None],
    """{{ in_list("'BUH'", 't.list') }}""": [True, False, None],
    "{{ exact('t.n') }}": [Decimal("100.1"), Decimal("-12345678.9"), None],
    "(select max(generated_number) from ({{ dbt.generate_series(3) }}) as g)": [3, 3, 3],
}


@pytest.mark.parametrize("engine", [ON_DUCKDB, LOCAL], ids=lambda engine: engine.name)
def test_dispatched_macros_say_the_same_on_both_engines(tmp_path: Path, engine: Engine) -> None:
    data = DataPaths(tmp_path)
    columns = ", ".join(f"{sql} as c{number}" for number, sql in enumerate(EXPRESSIONS))
    compiled = dbt.inline_sql(data, f"select {columns} from {ROWS}", engine)
    if engine.is_spark:
        found = [tuple(row) for row in spark._session(data, engine.master).sql(compiled).collect()]
    else:
        with database() as connection:
            found = connection.execute(compiled).fetchall()
    # 2024 is a leap year: of an amount for its 366 days, the 30 days back are -30.
    for number, (sql, expected) in enumerate(EXPRESSIONS.items()):
        values = [row[number] for row in found]
        assert sorted(values, key=str) == sorted(expected, key=str), sql


def test_small_deliveries_give_the_same_release(kept_measured: Kept, run: Callable[..., Any], tmp_path: Path) -> None:
    measured = kept_measured.copy(tmp_path / "one")
    raw, one, two = tmp_path / "one" / "raw", tmp_path / "one" / "data", tmp_path / "other"
    other = run(raw, two, engine=SPARK)
    assert other.error is None and other.release is not None
    assert other.release.id != measured.release.id and set(other.release.manifest.packages) >= {"pyspark", "dbt-spark"}
    assert differences(measured.data, other.data) == []
    # Gates and hidden numbers are the same too.
    folders = RunFolder(measured.data), RunFolder(other.data)
    assert folders[0].read("hidden_cells").equals(folders[1].read("hidden_cells"))
    # Nothing new is found as on DuckDB, without Spark being asked.
    assert not spark._open
    again = run(raw, two, engine=SPARK)
    assert again.nothing_new and not spark._open
    # The next day: DuckDB goes on from what it has, Spark makes all of it anew.
    corrected = MEASURES[0].replace("2022-03-01", "2022-04-01")
    deliver_measures(raw, "2022-09-02", corrected, "V9;DV113;201209129814;SE2321000164-AUD1;2022-04-02")
    here, there = run(raw, one), run(raw, two, engine=SPARK)
    assert here.error is None and there.error is None and here.release.id != measured.release.id
    assert differences(here.data, there.data) == []
    # Back on DuckDB nothing of Spark's is left.
    back = run(raw, two)
    assert back.release.id == here.release.id and not back.data.spark.exists()
