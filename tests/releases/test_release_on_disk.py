"""What a run leaves on disk: who may read and change it, and that evidence is what was kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from dagster_project.core.files import umask
from dagster_project.core.paths import DataPaths
from dagster_project.operations.daily_run import JobEnd, RunOutcome, session
from dagster_project.operations.settings import Settings
from dagster_project.releases import evidence
from dagster_project.releases.manifest import read_manifest
from dagster_project.releases.publish import publish, release_of_run
from dagster_project.releases.store import Release, release_ids
from dagster_project.releases.tables import TABLE_KEYS
from dagster_project.releases.views import VIEWS
from dagster_project.runs.folder import RunFolder
from tests.releases.small import overwrite


def modes(*tops: Path) -> dict[str, str]:
    """Path -> mode, octal, of files and folders below these."""
    paths = [p for top in tops for p in (top, *top.rglob("*")) if not p.is_symlink()]
    return {str(p): oct(p.stat().st_mode & 0o777)[2:] for p in paths}


@pytest.fixture(params=[0o000, 0o077], ids=["umask 000", "umask 077"])
def any_umask(request: pytest.FixtureRequest) -> Iterator[int]:
    with umask(request.param):
        yield request.param


def test_tables_are_named_ordered_and_typed_as_agreed(first: RunOutcome) -> None:
    """published.md; `indicator_result` is audited at every release."""
    release = first.release
    assert {p.name for p in release.folder.iterdir()} == {*release.manifest.files, "manifest.json"}
    assert set(release.manifest.files) == {
        *(f"{table}.{kind}" for table in TABLE_KEYS for kind in ("parquet", "csv")),
        *("kvalitet.parquet", "leveranser.parquet", "resultat.duckdb", "datapackage.json"),
    }
    for name, rows in ((n, f["rows"]) for n, f in release.manifest.files.items() if n.endswith(".parquet")):
        assert release.table(name.removesuffix(".parquet")).height == rows
        assert rows > 0 or name == "brott.parquet"  # no series is broken
    text, number, count = pl.String, pl.Float64, pl.Int64
    assert list(release.table("kvalitet").schema.items()) == [
        *(("suite", text), ("source", text), ("expectation", text), ("severity", text), ("success", pl.Boolean)),
        *(("checked", count), ("unexpected", count), ("share", number), ("observed", text)),
    ]
    assert list(release.table("leveranser").schema.items()) == [
        *(("source", text), ("file", text), ("sha256", text), ("uttagsdatum", pl.Date), ("rows_read", count)),
        *(("rows_accepted", count), ("rows_quarantined", count), ("rows_duplicate", count)),
        *(("status", text), ("orsak", text)),
    ]
    with duckdb.connect(str(release.folder / "resultat.duckdb"), read_only=True) as connection:
        for name in (*TABLE_KEYS, "kvalitet", "leveranser"):
            assert connection.execute(f"from {name}").pl().equals(release.table(name)), name  # rows and their order


def test_every_file_is_read_by_its_description(first: RunOutcome) -> None:
    """datapackage.json: by frictionless what it can read, else by what the description says of types and keys."""
    from frictionless import Package

    folder = first.release.folder
    described = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    assert Package.validate_descriptor(described).valid
    package = Package(str(folder / "datapackage.json"))
    assert {r.path for r in package.resources} == {p.name for p in folder.iterdir() if p.suffix in (".parquet", ".csv")}
    for resource in package.resources:
        frame = first.release.table(resource.path.rpartition(".")[0])
        assert resource.schema.field_names == frame.columns
        if resource.format == "csv":
            report = resource.validate(limit_rows=3000)
            assert report.valid, (resource.name, report.flatten(["title", "note", "fieldName", "rowNumber"])[:3])
            rows = [row.to_dict() for row in resource.read_rows(size=500)]
            for name in (n for n, dtype in frame.schema.items() if dtype.is_numeric()):
                read = [None if row[name] is None else float(row[name]) for row in rows]
                assert read == frame[name].head(500).to_list(), (resource.name, name)
        assert violations(first.release, resource.to_dict()) == []


def violations(release: Release, resource: dict[str, Any]) -> list[str]:
    """What of a table is not as its description says: types, closed lists, keys, rows of other tables."""
    frame, schema, found = release.table(resource["path"].rpartition(".")[0]), resource["schema"], []
    kinds = {"string": pl.String, "date": pl.Date, "number": pl.Float64, "integer": pl.Int64, "boolean": pl.Boolean}
    for field in schema["fields"]:
        column, constraints = frame[field["name"]], field.get("constraints", {})
        if column.dtype != kinds[field["type"]] or not field["description"]:
            found.append(f"{field['name']}: {column.dtype}")
        if "enum" in constraints and not column.drop_nulls().is_in(constraints["enum"]).all():
            found.append(f"{field['name']}: not of its list")
        if constraints.get("required") and column.has_nulls():
            found.append(f"{field['name']}: empty")
    keys = [key for key in (schema.get("primaryKey"), *schema.get("uniqueKeys", [])) if key]
    found += [f"{k}: not unique" for k in keys if frame.select(pl.struct(k).is_duplicated().any()).item()]
    for reference in schema.get("foreignKeys", []):
        other = release.table(reference["reference"]["resource"].removesuffix("_csv"))
        if other.select(pl.struct(reference["reference"]["fields"]).is_duplicated().any()).item():
            found.append(f"{reference['fields']}: several rows of {reference['reference']['resource']}")
        named = frame.select(reference["fields"]).unique().drop_nulls()
        if named.join(other, left_on=reference["fields"], right_on=reference["reference"]["fields"], how="anti").height:
            found.append(f"{reference['fields']}: not in {reference['reference']['resource']}")
    return found


def test_every_table_and_column_of_the_database_says_what_it_holds(first: RunOutcome) -> None:
    with duckdb.connect(str(first.release.folder / "resultat.duckdb"), read_only=True) as connection:
        tables = connection.execute(
            "select table_name, comment from duckdb_tables() union all "
            "select view_name, comment from duckdb_views() where not internal"
        ).fetchall()
        columns = connection.execute(
            "select table_name, column_name, comment from duckdb_columns() where not internal"
        ).fetchall()
        views = [connection.execute(f"select count(*) from {name}").fetchone() for name in VIEWS]
    assert {name for name, _ in tables} == {*TABLE_KEYS, "kvalitet", "leveranser", *VIEWS}
    assert [name for name, comment in tables if not comment] == []
    assert len(columns) > 200 and [column for column in columns if not column[2]] == []
    assert views[0] == (first.release.table("indicator_result").height,)


def test_persons_data_is_the_owners_alone(first: RunOutcome) -> None:
    person_level = [p for p in first.data.person_level if p.exists()]
    assert {p.name for p in person_level} == {"bronze", "run", "warehouse.duckdb", "evidence", "person.key"}
    found = modes(*person_level)
    assert len(found) > 50
    assert set(found.values()) == {"600", "700"}
    assert all((mode == "700") == Path(path).is_dir() for path, mode in found.items())


def test_what_is_published_is_read_by_all_and_changed_by_none(first: RunOutcome) -> None:
    found = modes(first.data.published)
    assert all(mode == ("755" if Path(path).is_dir() else "444") for path, mode in found.items()), found


def test_both_whatever_the_umask(any_umask: int, first: RunOutcome) -> None:
    data, settings = first.data, Settings(data=first.data.root, products=())
    data.bronze.chmod(0o755)  # as an older version left it
    data.warehouse.chmod(0o666)
    for path in (*data.published.rglob("*"), data.published, *data.evidence.glob("*.json")):
        if path.is_file():
            path.unlink()
    data.published.rename(data.root / "borta")
    with session(data, settings) as current:
        publish(data, RunFolder(data).identity())
        current.end(JobEnd(ingested=True))
    test_what_is_published_is_read_by_all_and_changed_by_none(first)
    test_persons_data_is_the_owners_alone(first)
    # So are the stewards' pages, also those that an older version left for others to read.
    data.docs.chmod(0o755)
    data.docs.joinpath("index.html").chmod(0o644)
    with session(data, settings):
        pass
    assert all(not p.stat().st_mode & 0o077 for p in (data.docs, *data.docs.rglob("*")))


def test_read_only_releases_are_replaced_and_removed(first: RunOutcome) -> None:
    identity, folder = RunFolder(first.data).identity(), first.release.folder
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    overwrite(folder / "indicator.csv", b"x")
    assert publish(first.data, identity).whole
    assert {p.name: p.read_bytes() for p in folder.glob("*.csv")} == {n: b for n, b in before.items() if ".csv" in n}
    test_what_is_published_is_read_by_all_and_changed_by_none(first)


def test_a_release_published_again_after_another_of_its_day_is_the_days_newest(first: RunOutcome) -> None:
    """A correction that is withdrawn: tomorrow's frozen rows come from what was published last."""
    data, identity = first.data, RunFolder(first.data).identity()
    folder = first.release.folder
    once = read_manifest(folder)
    publish(data, identity)
    assert read_manifest(folder) == once  # published as it was
    other = data.releases / f"{first.release.as_of}-ffffffffffff"
    other.mkdir()
    overwrite_manifest(folder, other, release_id=other.name, publicerad="2090-01-01T00:00:00.000000+00:00")
    assert release_ids(data) == [folder.name, other.name]
    publish(data, identity)
    assert release_ids(data) == [other.name, folder.name]
    again = read_manifest(folder)
    assert again is not None and once is not None and again.lasting() == once.lasting()
    assert again.published > "2090" and again.files == once.files


def overwrite_manifest(source: Path, folder: Path, **said: str) -> None:
    """A release's manifest in another folder, with some of it said otherwise."""
    content = json.loads((source / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps({**content, **said}), encoding="utf-8")


@pytest.mark.parametrize("damage", ["flip", "shorten", "remove"])
def test_evidence_is_whole_only_as_it_was_kept(first: RunOutcome, damage: str) -> None:
    data, identity = first.data, RunFolder(first.data).identity()
    assert evidence.is_whole(data, first.release.id)
    (path,) = (data.evidence / "avvikelser_7d").glob("*.parquet")
    content = path.read_bytes()
    if damage == "flip":
        path.write_bytes(content[:200] + bytes([content[200] ^ 0x55]) + content[201:])
    elif damage == "shorten":
        path.write_bytes(content[:-9])
    else:
        path.unlink()
    assert not evidence.is_whole(data, first.release.id)
    assert release_of_run(data, identity.run_id) is None
    publish(data, identity)
    assert evidence.is_whole(data, first.release.id)
    assert release_of_run(data, identity.run_id) is not None


def test_evidence_that_another_release_shares_stays_as_it_is(first: RunOutcome) -> None:
    data: DataPaths = first.data
    index = data.evidence / f"{first.release.id}.json"
    before = {p: p.read_bytes() for p in data.evidence.rglob("*.*")}
    index.unlink()
    publish(data, RunFolder(data).identity())
    assert {p: p.read_bytes() for p in data.evidence.rglob("*.*")} == before
