"""PostgreSQL holds what the files say and shows one release: loaded whole, switched at once, and back, kept, gone."""

from __future__ import annotations

import shutil
import threading
import time
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import psycopg
import pytest
from pydantic import ValidationError

from dagster_project.cli.postgresserver import ROLES, WRITER, LocalServer
from dagster_project.core.errors import BusyError, ResultattavlaError
from dagster_project.core.paths import DataPaths
from dagster_project.operations.settings import problem_of
from dagster_project.products.postgres import load, serving
from dagster_project.products.postgres.server import PostgresServer, server_error
from dagster_project.products.postgres.serving import choose, ensure_loaded, follow, look
from dagster_project.products.postgres.writing import writing
from dagster_project.products.reading import Reading
from dagster_project.releases.descriptions import column_text, described
from dagster_project.releases.publish import switch_current
from dagster_project.releases.retractions import retract
from dagster_project.releases.store import read_release
from dagster_project.releases.tables import DIMENSION_SCHEMAS, NUMBERS, PLAN_NUMBERS, RESULT_SCHEMA, TABLE_KEYS
from dagster_project.releases.views import VIEWS
from tests.postgres import Database, database, postgres_server
from tests.products.exports.small import exported_release, plan, planted, results

__all__ = ["database", "postgres_server"]
pytestmark = pytest.mark.postgres


@pytest.fixture
def data(tmp_path: Path) -> DataPaths:
    return DataPaths(tmp_path / "data")


def of_release(release_id: str) -> dict[str, pl.DataFrame]:
    """Tables in which every row says which release it is of."""
    cells = results().with_columns(release_id=pl.lit(release_id))
    return {"indicator_result": cells, "plan_uppfoljning": plan().with_columns(release_id=pl.lit(release_id))}


def current_of(data: DataPaths, day: int, tables: dict[str, pl.DataFrame] | None = None) -> Reading:
    """A release of a day in September 2022, which is current."""
    release_id = f"2022-09-{day:02d}-0000{day:08x}"
    reading = exported_release(data, {**of_release(release_id), **(tables or {})}, day=day)
    switch_current(data, reading.release.id)
    assert reading.release.id == release_id
    return reading


def shown(database: Database) -> str:
    return str(database.rows("select release_id from resultat.utgava")[0][0])


# --- What is loaded ------------------------------------------------------------------------------------------------


def test_every_table_is_there_row_for_row_as_the_release_has_it(database: Database, data: DataPaths) -> None:
    reading = current_of(data, 1)
    follow(database.settings(), data)
    names = {n.removesuffix(".parquet") for n in reading.release.manifest.files if n.endswith(".parquet")}
    assert {"indicator_result", "plan_uppfoljning", "kvalitet", "leveranser", "dim_enhet"} <= names
    for name in names:
        frame = reading.table(name)
        columns = ", ".join(f'"{c}"' for c in frame.columns)
        held = database.rows(f'select {columns} from resultat."{name}"')
        assert sorted(held, key=repr) == sorted(frame.rows(), key=repr), name
    assert database.rows("select release_id, as_of, publicerad, kvarhallna_indikatorer from resultat.utgava") == [
        (reading.release.id, date(2022, 9, 1), reading.release.manifest.published, "gas_antal")
    ]


def test_texts_and_numbers_that_a_driver_or_a_text_form_could_spoil_come_through(
    database: Database, data: DataPaths
) -> None:
    hard = ["", "\\.", "\\N", "a\tb", "rad\n\\.\nrad", "\r\n", "\\", '"', "',;", "åäö \u2028 \U0001f600", "\b\f\v", " "]
    numbers = [0.1 + 0.2, 1e-17, 1.7976931348623157e308, 5e-324, -0.0, 123456789.12345678, 1 / 3, 2.0**53 + 2, 0.0]
    rows = [
        dict.fromkeys(DIMENSION_SCHEMAS["dim_verksamhet"]) | {"verksamhet": f"{n}", "namn": text, "niva": "verksamhet"}
        for n, text in enumerate(hard)
    ]
    rows.append(dict.fromkeys(DIMENSION_SCHEMAS["dim_verksamhet"]) | {"verksamhet": "tom"})
    cells = results().head(len(numbers)).with_columns(varde=pl.Series(numbers), status=pl.lit("uppfyllt"))
    hostile = {
        "dim_verksamhet": pl.DataFrame(rows, schema=DIMENSION_SCHEMAS["dim_verksamhet"]),
        "indicator_result": cells,
    }
    current_of(data, 1, hostile)
    follow(database.settings(), data)
    names = dict(database.rows("select verksamhet, namn from resultat.dim_verksamhet"))
    assert [names[f"{n}"] for n in range(len(hard))] == hard and names["tom"] is None
    held = [value for (value,) in database.rows("select varde from resultat.indicator_result")]
    assert list(map(repr, sorted(held))) == list(map(repr, sorted(numbers)))


def test_what_comes_back_otherwise_than_it_was_sent_is_not_shown(
    database: Database, data: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow_first = current_of(data, 1)
    follow(database.settings(), data)
    copy_in = load._copy_in

    def spoiled(connection: Any, name: str, frame: pl.DataFrame) -> None:
        copy_in(connection, name, frame)
        if name == "indicator_result":
            connection.execute("alter table indicator_result alter varde type real")  # as a driver once did to decimals

    current_of(data, 2)
    monkeypatch.setattr(load, "_copy_in", spoiled)
    with pytest.raises(
        ResultattavlaError, match=r"Tabellen indicator_result i PostgreSQL stämmer inte .*kolumnen varde"
    ):
        follow(database.settings(), data)
    assert shown(database) == follow_first.release.id
    assert look(database.settings()).loaded == (follow_first.release.id,)
    monkeypatch.undo()
    follow(database.settings(), data)
    assert shown(database) == "2022-09-02-000000000002"


def test_tables_views_and_columns_say_what_they_hold_and_keys_and_indexes_are_there(
    database: Database, data: DataPaths
) -> None:
    reading = current_of(data, 1)
    follow(database.settings(), data)
    said = database.rows(
        "select n.nspname, c.relname, obj_description(c.oid, 'pg_class'), a.attname, col_description(c.oid, a.attnum)"
        " from pg_class as c join pg_namespace as n on n.oid = c.relnamespace"
        " join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0"
        " where n.nspname = 'resultat' or n.nspname like 'utgava%' and c.relkind = 'r'"
    )
    assert {schema for schema, *_ in said} == {"resultat", load.schema_of(reading.release.id)}
    for schema, name, of_table, column, of_column in said:
        if name != "utgava":
            assert of_table == f"{described(name).title}. {described(name).text}", (schema, name)
            assert of_column == column_text(name, column), (schema, name, column)
        assert of_table and of_column
    keys = {
        name: set(columns)
        for name, columns in database.rows(
            "select c.relname::text, array_agg(a.attname::text) from pg_constraint as k"
            " join pg_class as c on c.oid = k.conrelid"
            " join pg_attribute as a on a.attrelid = c.oid and a.attnum = any (k.conkey)"
            " where k.contype in ('p', 'u') and k.connamespace::regnamespace::text like 'utgava%' group by k.oid, 1"
        )
    }
    assert keys == {name: set(key) for name, key in TABLE_KEYS.items()}
    as_owner = database.connect(WRITER)
    as_owner.execute("set role resultat_skrivare")
    look_up = "where indicator_id = 'besok' and niva = 'omrade' and period_typ = 'manad' and kon = 'T'"
    as_owner.execute("set enable_seqscan = off")
    told = "\n".join(
        row[0] for row in as_owner.execute(f"explain select * from resultat.indicator_result {look_up}".encode())
    )
    assert "Index" in told and "Index Cond: ((indicator_id = 'besok'" in told


def test_the_views_give_the_rows_that_duckdbs_give(database: Database, data: DataPaths) -> None:
    reading = current_of(data, 1)
    follow(database.settings(), data)
    with duckdb.connect() as files:
        for path in reading.release.folder.glob("*.parquet"):
            files.execute(f"create table {path.stem} as select * from read_parquet('{path}')")
        for name, statement in VIEWS.items():
            files.execute(statement)
            described_ = files.execute(f"select * from {name}")
            columns = [column[0] for column in described_.description or ()]
            rows = described_.fetchall()
            listed = ", ".join(f'"{c}"' for c in columns)
            assert sorted(database.rows(f"select {listed} from resultat.{name}"), key=repr) == sorted(rows, key=repr)
            assert rows


# --- Who may read what ---------------------------------------------------------------------------------------------


def test_readers_read_the_views_and_nothing_else(database: Database, data: DataPaths) -> None:
    reading = current_of(data, 1)
    follow(database.settings(), data)
    schema = load.schema_of(reading.release.id)
    refused = [
        f"select * from {schema}.indicator_result",
        "select * from resultat_drift.utgavor",
        "delete from resultat.indicator_result",
        "update resultat.utgava set release_id = 'x'",
        "create table resultat.egen (a int)",
        "drop view resultat.utgava",
        "create schema egen",
        "set role resultat_skrivare",
        "create temporary table egen (a int)",
        "select lo_create(0)",
        "select lo_from_bytea(0, 'x')",
        "begin; lock table resultat_drift.installation in access share mode; commit",
    ]
    for statement in refused:
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectNotInPrerequisiteState)):
            database.rows(statement)
    assert len(database.rows("select 1 from resultat.indicator_result")) == reading.results.height


@pytest.mark.parametrize("seen", [False, True], ids=["hidden", "shown"])
def test_hidden_numbers_are_nowhere_in_the_database_and_shown_ones_are_found(
    database: Database, data: DataPaths, seen: bool
) -> None:
    """As `test_hidden_everywhere` audits files: every column of every relation of every schema of ours is read."""
    cells, numbers = planted(results(), "status", NUMBERS, 731_000)
    followed, of_plan = planted(plan(), "malstatus", PLAN_NUMBERS, 912_000)
    if seen:
        cells = cells.with_columns(pl.col("status").replace({"dold": "uppfyllt"}), markering=pl.lit(None, pl.String))
        followed = followed.with_columns(pl.col("malstatus").replace({"dold": "uppfyllt"}))
    reading = current_of(data, 1, {"indicator_result": cells, "plan_uppfoljning": followed})
    follow(database.settings(), data)
    names = database.rows(
        "select format('%I.%I', table_schema, table_name) from information_schema.tables"
        " where table_schema not in ('pg_catalog', 'information_schema')",
        "postgres",
    )
    assert len(names) > 2 * len(DIMENSION_SCHEMAS)
    text = "\n".join(
        str(row) for (name,) in names for row in database.rows(f"select t::text from {name} as t", "postgres")
    )
    assert reading.release.id in text
    found = [number for number in (*numbers, *of_plan) if repr(number) in text]
    assert found == ([*numbers, *of_plan] if seen else [])


# --- The switch ----------------------------------------------------------------------------------------------------

READERS, SWITCHES = 16, 10
_ANSWERS = (
    "select u.release_id, r.release_id, count(*) from resultat.utgava as u, resultat.indicator_result as r"
    " group by 1, 2",
    "select p.release_id, u.release_id, count(*) from resultat.plan_uppfoljning as p, resultat.utgava as u"
    " group by 1, 2",
    "select r.release_id, p.release_id, 1 from resultat.indicator_result as r, resultat.plan_uppfoljning as p"
    " where r.indicator_id = 'besok' and r.niva = p.niva",
    "select max(s.release_id), min(s.release_id), 1 from resultat.senaste as s",
)


def test_sixteen_readers_during_ten_switches_never_fail_and_never_see_two_releases(
    database: Database, data: DataPaths
) -> None:
    """Some read in single statements, some several in one transaction (`repeatable read`, as the documentation says);
    views in different orders."""
    settings = database.settings(releases=3)
    current_of(data, 1)
    follow(settings, data)
    done, faults, seen, answers = threading.Event(), list[str](), set[str](), list[int]()

    def read(number: int) -> None:
        count = 0
        try:
            with database.connect() as connection:
                connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                while not done.is_set():
                    if number % 4:
                        found = [connection.execute(_ANSWERS[(count + number) % 4].encode()).fetchall()]
                    else:
                        with connection.transaction():
                            found = [connection.execute(q.encode()).fetchall() for q in _ANSWERS[:3]]
                    releases = {value for rows in found for row in rows for value in row[:-1]}
                    if len(releases) != 1:
                        faults.append(f"two releases in one answer: {releases}")
                    seen.update(releases)
                    count += 1
                    time.sleep(0.01)
        except psycopg.Error as error:
            faults.append(f"{type(error).__name__}: {error}")
        answers.append(count)

    readers = [threading.Thread(target=read, args=(n,)) for n in range(READERS)]
    for reader in readers:
        reader.start()
    try:
        for day in range(2, SWITCHES + 2):
            current_of(data, day)
            follow(settings, data)
            assert shown(database) == f"2022-09-{day:02d}-0000{day:08x}"
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert faults == []
    assert len(answers) == READERS and min(answers) > 0 and len(seen) > SWITCHES / 2
    assert len(look(settings).loaded) == 3


def test_a_transaction_sees_one_release_and_the_switch_waits_for_it_and_says_so(
    database: Database, data: DataPaths
) -> None:
    settings = database.settings(switch_seconds=1)
    earlier = current_of(data, 1).release.id
    follow(settings, data)
    with database.connect() as reader:
        with reader.transaction():
            first = reader.execute("select release_id from resultat.utgava").fetchone()
            later = current_of(data, 2).release.id
            with pytest.raises(
                ResultattavlaError, match=f"visar inte utgåva {later} än: en läsare .* transaktion öppen"
            ):
                follow(settings, data)
            assert (
                reader.execute("select max(release_id) from resultat.indicator_result").fetchone()
                == first
                == (earlier,)
            )
            assert shown(database) == earlier  # others are not held up either
    follow(settings, data)
    assert shown(database) == later


def test_columns_that_come_and_go_change_the_views_with_them(
    database: Database, data: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = database.settings()
    older = current_of(data, 1).release
    follow(settings, data)
    schema = {n: t for n, t in RESULT_SCHEMA.items() if n != "markering"} | {"ny": pl.Float64()}
    monkeypatch.setitem(load._SCHEMAS, "indicator_result", schema)  # type: ignore[index]
    monkeypatch.setattr(
        load, "column_text", lambda name, column: "Ny." if column == "ny" else column_text(name, column)
    )
    newer = current_of(data, 2).release
    follow(settings, data)
    columns = {
        c
        for (c,) in database.rows(
            "select column_name from information_schema.columns"
            " where table_name = 'indicator_result' and table_schema = 'resultat'"
        )
    }
    assert columns == set(schema) and shown(database) == newer.id
    assert database.rows("select count(*) from resultat.senaste")[0][0] > 0
    monkeypatch.undo()
    choose(settings, data, read_release(older.folder))
    assert "markering" in {
        c.name for c in database.connect().execute("select * from resultat.indicator_result").description or ()
    }


def test_a_table_that_the_next_release_lacks_is_empty_from_the_switch_on(
    database: Database, data: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "_text", lambda name, column: "Det var en gång.")
    first = current_of(data, 1, {"forut": pl.DataFrame({"a": [1]})}).release.id
    follow(database.settings(), data)
    assert database.rows("select a from resultat.forut") == [(1,)]
    second = current_of(data, 2).release.id
    with monkeypatch.context() as readers:
        readers.setattr(serving, "_all_before_are_over", lambda connection: False)  # as while one goes on
        follow(database.settings(), data)
        assert shown(database) == second and database.rows("select a from resultat.forut") == []
        assert choose(database.settings(), data, read_release(data.releases / first)).release_id == first
        assert database.rows("select a from resultat.forut") == [(1,)]
    choose(database.settings(), data, None)
    with pytest.raises(psycopg.errors.UndefinedTable):
        database.rows("select a from resultat.forut")


# --- What is kept, what is chosen ----------------------------------------------------------------------------------


def schemas(database: Database) -> list[str]:
    return [
        name for (name,) in database.rows("select nspname from pg_namespace where nspname like 'utgava%' order by 1")
    ]


def test_nothing_is_shown_at_once_though_a_reader_holds_the_views(database: Database, data: DataPaths) -> None:
    settings = database.settings(switch_seconds=1)
    first, second = (current_of(data, day).release.id for day in (1, 2))
    follow(settings, data)
    asked = "select release_id from resultat.utgava"
    with database.connect() as reader, database.connect() as prepared, reader.transaction():
        assert reader.execute(asked).fetchone() == (second,)
        reader.execute("select count(*) from resultat.indicator_result")
        assert prepared.execute(asked, prepare=True).fetchone() == (second,)
        retract(data, second, "fel", "chefen")
        retract(data, first, "fel", "chefen")
        data.current.unlink()
        follow(settings, data)
        assert look(settings).release_id is None
        for view in ("utgava", "indicator_result", "senaste", "dim_enhet"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                database.rows(f"select * from resultat.{view}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege), reader.transaction():
            reader.execute("select release_id from resultat.utgava")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            prepared.execute(asked)
        third = current_of(data, 3).release.id  # nothing in between either
        with pytest.raises(ResultattavlaError, match="en läsare"):
            follow(settings, data)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            database.rows("select * from resultat.utgava")
    follow(settings, data)
    assert shown(database) == third and schemas(database) == [load.schema_of(third)]


def test_a_retracted_release_whose_successor_waits_for_a_reader_is_shown_no_more(
    database: Database, data: DataPaths
) -> None:
    settings = database.settings(switch_seconds=1)
    first, second = (current_of(data, day).release.id for day in (1, 2))
    follow(settings, data)
    with database.connect() as reader, reader.transaction():
        reader.execute("select release_id from resultat.utgava")
        retract(data, second, "fel", "chefen")
        switch_current(data, first)
        with pytest.raises(ResultattavlaError, match=f"visar inte utgåva {first} än"):
            follow(settings, data)
        assert look(settings).release_id is None
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            database.rows("select * from resultat.utgava")
    follow(settings, data)
    assert shown(database) == first and schemas(database) == [load.schema_of(first)]


def test_a_choice_removes_what_is_not_to_be_there_as_a_run_does(database: Database, data: DataPaths) -> None:
    settings = database.settings(releases=2)
    first, second, third = (current_of(data, day).release for day in (1, 2, 3))
    for release in (first, second, third):
        choose(settings, data, release)
    assert schemas(database) == [load.schema_of(r.id) for r in (second, third)]
    retract(data, second.id, "fel", "chefen")
    database.as_writer(f"delete from {load.schema_of(third.id)}.utgava")  # is read in anew beside the one that is shown
    choose(settings, data, None)
    assert schemas(database) == [load.schema_of(third.id)]


def test_the_newest_releases_are_kept_and_a_retracted_one_is_gone(database: Database, data: DataPaths) -> None:
    settings = database.settings(releases=2)
    ids = []
    for day in (1, 2, 3):
        ids.append(current_of(data, day).release.id)
        follow(settings, data)
    assert schemas(database) == [load.schema_of(i) for i in ids[1:]]
    retract(data, ids[2], "fel", "chefen")
    switch_current(data, ids[1])
    follow(settings, data)
    assert shown(database) == ids[1] and schemas(database) == [load.schema_of(ids[1])]
    retract(data, ids[1], "fel", "chefen")
    retract(data, ids[0], "fel", "chefen")
    data.current.unlink()  # as `leave_retracted` does where nothing stands
    follow(settings, data)
    assert schemas(database) == [] and database.rows("select 1 from pg_views where schemaname = 'resultat'") == []
    assert look(settings).release_id is None
    ids.append(current_of(data, 4).release.id)
    follow(settings, data)
    assert shown(database) == ids[3]


def test_a_retracted_release_is_not_shown_even_where_its_successor_cannot_be_loaded(
    database: Database, data: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = database.settings(releases=1)
    earlier, wrong = (current_of(data, day).release.id for day in (1, 2))
    follow(settings, data)
    assert shown(database) == wrong
    retract(data, wrong, "fel", "chefen")
    switch_current(data, earlier)

    def full(*_: object) -> None:
        raise psycopg.errors.DiskFull("could not extend file")

    monkeypatch.setattr(load, "_copy_in", full)
    with pytest.raises(ResultattavlaError, match="serverns disk är full"):
        follow(settings, data)
    assert look(settings).release_id is None
    monkeypatch.undo()
    follow(settings, data)
    assert shown(database) == earlier and schemas(database) == [load.schema_of(earlier)]


def test_a_chosen_release_is_shown_until_another_one_becomes_current(database: Database, data: DataPaths) -> None:
    settings = database.settings()
    first, second = (current_of(data, day).release for day in (1, 2))
    follow(settings, data)
    told = choose(settings, data, first)  # read in now: only the current one was there
    assert (told.release_id, told.instead_of) == (first.id, second.id) and shown(database) == first.id
    follow(settings, data)
    assert shown(database) == first.id
    assert choose(settings, data, None).instead_of is None and shown(database) == second.id
    choose(settings, data, first)
    third = current_of(data, 3).release
    follow(settings, data)
    assert shown(database) == third.id and look(settings).instead_of is None
    choose(settings, data, first)
    retract(data, first.id, "fel", "chefen")
    follow(settings, data)
    assert shown(database) == third.id


# --- Whatever happens to the server --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        "delete from {schema}.indicator_result where niva = 'enhet'",
        "drop view resultat.senaste",
        "drop schema {schema} cascade",
        "drop schema resultat cascade",
        "drop schema resultat_drift cascade",
        "drop view resultat.resultat, resultat.senaste, {schema}.senaste",
        "update {schema}.indicator_result set varde = 1 where niva = 'enhet'",
        "update {schema}.dim_verksamhet set namn = 'X'",
        "drop table resultat_drift.installation; alter table resultat_drift.utgavor drop column summor",  # older code
        "revoke usage on schema resultat from resultat_lasare",
        "revoke select on all tables in schema resultat from resultat_lasare",
    ],
)
def test_what_was_damaged_there_is_made_good_by_the_next_run(database: Database, data: DataPaths, damage: str) -> None:
    reading = current_of(data, 1)
    follow(database.settings(), data)
    before = database.rows("select * from resultat.resultat order by 1, 2, 3, 4, 5, 6")
    database.as_writer(damage.format(schema=load.schema_of(reading.release.id)))
    follow(database.settings(), data)
    assert shown(database) == reading.release.id
    assert database.rows("select * from resultat.resultat order by 1, 2, 3, 4, 5, 6") == before
    assert len(database.rows("select 1 from resultat.resultat")) == reading.results.height
    assert database.rows("select count(*) from resultat.senaste")[0][0] > 0
    follow(database.settings(), data)
    assert schemas(database) == [load.schema_of(reading.release.id)]


def test_a_server_that_crashes_in_the_middle_shows_what_it_showed_and_is_caught_up(
    database: Database,
    data: DataPaths,
    postgres_server: LocalServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = database.settings()
    first = current_of(data, 1).release.id
    follow(settings, data)
    second = current_of(data, 2).release.id
    copy_in = load._copy_in

    def crash(connection: Any, name: str, frame: pl.DataFrame) -> None:
        copy_in(connection, name, frame)
        if name == "indicator_result":
            postgres_server.stop("immediate")

    monkeypatch.setattr(load, "_copy_in", crash)
    with pytest.raises(ResultattavlaError, match=f"PostgreSQL på {settings.address}: .*Nästa körning kommer ikapp"):
        follow(settings, data)
    monkeypatch.undo()
    with pytest.raises(ResultattavlaError, match="den svarar inte"):
        follow(settings, data)
    assert caplog.records == []  # said in our sentence, not in libpq's English
    postgres_server.start()
    assert shown(database) == first and schemas(database) == [load.schema_of(first)]
    follow(settings, data)
    assert shown(database) == second


def test_what_the_server_refuses_is_one_sentence_that_says_what_to_do(
    database: Database, data: DataPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    current_of(data, 1)
    wrong, empty, shared = (tmp_path / name for name in ("pgpass", "tom", "delad"))
    for path, text in ((wrong, "*:*:*:*:gissning\n"), (empty, ""), (shared, "*:*:*:*:gissning\n")):
        path.write_text(text)
        path.chmod(0o644 if path == shared else 0o600)
    itself, mended = "Nästa körning kommer ikapp.", "Sedan kommer nästa körning ikapp."
    cases: list[tuple[str, str, dict[str, Any]]] = [
        ("den svarar inte: starta den", itself, {"port": 1}),
        ("databasen finns_inte finns inte", mended, {"database": "finns_inte"}),
        ("lösenordet för resultattavla är fel", mended, {"passfile": wrong}),
        ("lösenord för resultattavla saknas", mended, {"passfile": empty}),
        ("saknar rättigheter", mended, {"user": "instrumentpanel"}),
        ("den har ingen TLS", mended, {"sslmode": "require"}),
        ("databasen template0 tar inte emot anslutningar", mended, {"database": "template0"}),
        ("värden finns.inte.invalid finns inte", mended, {"host": "finns.inte.invalid"}),
        (f"Passfilen {tmp_path} är ingen fil", "passfile.", {"passfile": tmp_path}),
        (f"Passfilen {tmp_path}/borta finns inte", "passfile.", {"passfile": tmp_path / "borta"}),
        (f"Passfilen {shared} kan läsas av fler än ägaren", f"chmod 600 {shared}", {"passfile": shared}),
    ]
    for told, end, other in cases:
        with pytest.raises(ResultattavlaError, match=told) as caught:
            follow(database.settings(**other), data)
        assert "gissning" not in str(caught.value) and str(caught.value).endswith(end), str(caught.value)
        assert not any(english in str(caught.value) for english in ("connection to", "failed", "server at")), (
            caught.value
        )
    with database.connect("postgres") as administrator:
        administrator.execute("alter role resultattavla connection limit 0")
    try:
        with pytest.raises(ResultattavlaError, match="alla anslutningar som resultattavla får ha är upptagna"):
            follow(database.settings(), data)
    finally:
        with database.connect("postgres") as administrator:
            administrator.execute("alter role resultattavla connection limit -1")
    monkeypatch.setenv("PGPASSWORD", "gissning")  # libpq looks at no passfile then
    with pytest.raises(ResultattavlaError, match="lösenordet för resultattavla är fel"):
        follow(database.settings(passfile=tmp_path / "borta"), data)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "given",
    [
        {"host": "host=db password=hemligt"},
        {"host": "u:hemligt@db"},
        {"host": "db", "database": "postgres://u:hemligt@db/resultat"},
        {"host": "db", "user": "u password=hemligt"},
    ],
)
def test_a_connection_string_in_a_setting_is_refused_since_it_may_hold_a_password(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="ska vara bara ett namn") as caught:
        PostgresServer.model_validate(given)
    assert all("hemligt" not in problem_of(error) for error in caught.value.errors())
    for host in ("db.example.se", "10.0.0.1", "::1", "/var/run/postgresql"):
        assert PostgresServer(host=host).host == host


def test_a_server_that_can_only_be_read_or_lacks_the_roles_says_so(database: Database, data: DataPaths) -> None:
    current_of(data, 1)
    with database.connect("postgres") as administrator:
        administrator.execute("alter database prov set default_transaction_read_only = on")
    with pytest.raises(ResultattavlaError, match="den kan bara läsas"):
        follow(database.settings(), data)
    for state, told in {"53100": "disk är full", "53300": "anslutningar är upptagna"}.items():
        error = psycopg.errors.lookup(state)("nej")
        assert told in str(server_error(error, database.settings()))


def test_a_role_that_is_gone_is_named_and_comes_back_with_all_rights(
    postgres_server: LocalServer, database: Database, data: DataPaths
) -> None:
    current_of(data, 1)
    follow(database.settings(), data)
    with (
        database.connect("postgres") as administrator,
        Database(postgres_server, "resultat").connect("postgres") as other,
    ):
        other.execute("drop owned by resultat_lasare")
        administrator.execute("drop owned by resultat_lasare")
        administrator.execute("drop role resultat_lasare")
        try:
            with pytest.raises(ResultattavlaError, match=r"rollen resultat_lasare finns inte: .*deploy/postgresql.sql"):
                follow(database.settings(), data)
        finally:
            for connection in (administrator, other):
                connection.execute(ROLES.read_bytes())
            administrator.execute("grant resultat_lasare to instrumentpanel")
    follow(database.settings(), data)
    assert shown(database) == "2022-09-01-000000000001" and database.rows("select count(*) from resultat.senaste")


@pytest.mark.parametrize("schema", ["resultat", "resultat_drift", "utgava_2022_09_01_000000000001"])
def test_a_schema_that_belongs_to_somebody_else_is_named_with_its_owner(
    database: Database, data: DataPaths, schema: str
) -> None:
    current_of(data, 1)
    with database.connect("postgres") as administrator:
        administrator.execute(f"create schema {schema}".encode())
    with pytest.raises(ResultattavlaError, match=rf"ägs av andra än resultat_skrivare: {schema} \(postgres\)"):
        follow(database.settings(), data)


# --- What is the site's own ----------------------------------------------------------------------------------------


def test_what_the_site_put_beside_the_views_stays_and_hinders_nothing(
    database: Database, data: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    current_of(data, 1)
    follow(database.settings(), data)
    database.as_writer(
        "create table resultat.eget (a int)",
        "create view resultat.egen as select as_of from resultat.utgava",
        "create materialized view resultat.sparad as select 1 as a",
    )
    monkeypatch.setitem(load._SCHEMAS, "indicator_result", RESULT_SCHEMA | {"ny": pl.Float64()})  # type: ignore[index]
    monkeypatch.setattr(load, "column_text", lambda name, column: column)
    for day in (2, 3):
        current_of(data, day)
        follow(database.settings(), data)
    assert database.rows("select as_of from resultat.egen", "postgres") == [(date(2022, 9, 3),)]
    assert database.rows("select count(*) from resultat.eget", "postgres") == [(0,)]
    assert database.rows("select a from resultat.sparad", "postgres") == [(1,)]


def test_what_has_the_name_of_a_view_is_named_and_the_release_before_stays(database: Database, data: DataPaths) -> None:
    current_of(data, 1)
    follow(database.settings(), data)
    database.as_writer("drop view resultat.senaste", "create table resultat.senaste (a int)")
    current_of(data, 2)
    with pytest.raises(ResultattavlaError, match=r"resultat\.senaste är inte Resultattavlas .* annat schema\."):
        follow(database.settings(), data)
    assert shown(database) == "2022-09-01-000000000001"
    database.as_writer("drop table resultat.senaste")
    follow(database.settings(), data)
    assert shown(database) == "2022-09-02-000000000002"


def test_views_of_the_site_are_never_removed_and_named_where_they_hinder(
    database: Database, data: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = database.settings(releases=1)
    first = current_of(data, 1).release.id
    follow(settings, data)
    with database.connect("postgres") as administrator:
        administrator.execute("create schema mitt")
        administrator.execute("create view mitt.direkt as select * from utgava_2022_09_01_000000000001.utgava")
    current_of(data, 2)
    with pytest.raises(ResultattavlaError, match=r"schemat utgava_2022_09_01_000000000001 ska bort, men mitt\.direkt"):
        follow(settings, data)
    assert shown(database) == "2022-09-02-000000000002"
    assert database.rows("select release_id from mitt.direkt", "postgres") == [(first,)]
    with database.connect("postgres") as administrator:
        administrator.execute("drop view mitt.direkt")
        administrator.execute("create view mitt.via as select varde from resultat.indicator_result")
    follow(settings, data)
    assert schemas(database) == ["utgava_2022_09_02_000000000002"]
    fewer = {n: t for n, t in RESULT_SCHEMA.items() if n != "markering"}
    monkeypatch.setitem(load._SCHEMAS, "indicator_result", fewer)  # type: ignore[index]
    current_of(data, 3)
    with pytest.raises(ResultattavlaError, match=r"resultat\.indicator_result ska bort .* mitt\.via läser den"):
        follow(settings, data)
    assert shown(database) == "2022-09-02-000000000002"


# --- One at a time, and whose --------------------------------------------------------------------------------------


def test_two_that_write_at_once_do_not_mix(database: Database, data: DataPaths) -> None:
    current_of(data, 1)
    with writing(database.settings(), data):
        with pytest.raises(BusyError, match="En annan körning skriver just nu"):
            follow(database.settings(), data)
    follow(database.settings(), data)
    assert shown(database) == "2022-09-01-000000000001"


def test_a_reader_cannot_keep_us_out(database: Database, data: DataPaths) -> None:
    current_of(data, 1)
    follow(database.settings(), data)
    current_of(data, 2)
    with database.connect() as reader:
        reader.execute("select pg_advisory_lock(objid) from generate_series(1, 1000) as objid")
        reader.execute("select pg_advisory_lock(7373010115)")
        follow(database.settings(), data)
    assert shown(database) == "2022-09-02-000000000002"


def test_a_database_shows_one_data_folder_until_another_one_takes_it_over(
    database: Database, data: DataPaths, tmp_path: Path
) -> None:
    settings, trial = database.settings(), DataPaths(tmp_path / "prov")
    ours = current_of(data, 1).release
    follow(settings, data)
    other = current_of(trial, 2)
    refused = f"visar utgåvorna i {data.root} .*inte de i {trial.root}: .*--take-over --data {trial.root}"
    for attempt in (
        lambda: follow(settings, trial),
        lambda: choose(settings, trial, other.release),
        lambda: ensure_loaded(settings, trial, other),
    ):
        with pytest.raises(ResultattavlaError, match=refused):
            attempt()
    assert shown(database) == ours.id and schemas(database) == [load.schema_of(ours.id)]
    copy = DataPaths(tmp_path / "kopia")  # has the same id
    shutil.copytree(data.root, copy.root, symlinks=True)
    with pytest.raises(ResultattavlaError, match=f"inte de i {copy.root}"):
        follow(settings, copy)
    assert choose(settings, trial, None, take_over=True).release_id == other.release.id
    follow(settings, trial)
    assert schemas(database) == [load.schema_of(other.release.id)]
    with pytest.raises(ResultattavlaError, match=f"inte de i {data.root}"):
        follow(settings, data)
    data.installation.unlink()  # as after a folder was lost and made anew in its place
    choose(settings, data, None, take_over=True)
    follow(settings, data)
    data.installation.unlink()
    with pytest.raises(ResultattavlaError, match="take-over"):
        follow(settings, data)
    assert shown(database) == ours.id
