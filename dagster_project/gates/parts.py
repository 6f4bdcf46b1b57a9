"""What a gate finds in a large table of which little changed, without reading all of it.

Most of what suites ask of staged tables is asked of single rows, or of groups of rows that share a value (`groups` in
the meta of an expectation, `gates.suites`). What such an expectation finds in a table is the sum over its groups. So
where its question is the one of the run before, it is asked of the groups that hold a changed row only, as they are now
and as they were, and the difference is added to what it found then. The rows that changed are those that settling noted
(`settled.changed_<source>`, `ingestion/store.py`); what was found is kept in the note of the warehouse
(`engines/warehouse.py`). Everything else is asked of the whole table: other questions (a parameter changed, as the
as-of date does), small tables, tables of which much changed, and all of it where the warehouse was made anew.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster_project.core.files import remove
from dagster_project.core.paths import DataPaths
from dagster_project.engines import warehouse
from dagster_project.engines.duckdb import count, database, literal
from dagster_project.ingestion.store import follows

if TYPE_CHECKING:
    import duckdb

log = logging.getLogger("resultattavla")

BY_ROW = frozenset(
    {
        "expect_column_values_to_not_be_null",
        "expect_column_values_to_be_between",
        "expect_column_values_to_be_in_set",
    }
)
"""Kinds that look at one row at a time."""
ROWS = "expect_table_row_count_to_be_between"
COUNTS = ("element_count", "missing_count", "unexpected_count", "observed_value")
KEY = "$key"
"""Among `groups`: the source's business key."""

Found = dict[str, int]
Results = Mapping[str, Mapping[str, Any]]


def groups_of(expectation: Mapping[str, Any]) -> list[str] | None:
    """The columns whose values tell apart the groups that an expectation judges each by itself; none of them: every row
    by itself. None where it has to be asked of the whole table."""
    if expectation["type"] == ROWS or expectation["type"] in BY_ROW and "mostly" not in expectation["kwargs"]:
        return []
    return (expectation.get("meta") or {}).get("groups")


def _asked(expectation: Mapping[str, Any]) -> str:
    """What tells a question from another one: its kind and arguments, parameters filled in."""
    told = [expectation["type"], expectation["kwargs"], groups_of(expectation)]
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:32]


@dataclass
class Kept:
    """What a gate found of the tables as the run before left them, and the parts of them that changed since.

    now, before: DuckDB files with the gate's tables, of the groups with a changed row only, as they are and were.
    """

    data: DataPaths
    made: warehouse.Made | None
    rows: dict[str, int] = field(default_factory=dict)
    _found: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, data: DataPaths) -> Kept:
        """What the note of the warehouse says."""
        return cls(data, warehouse.made(data))

    @property
    def folder(self) -> Path:
        """Where the parts lie; swept away with the run."""
        return self.data.run / "staging.tmp"

    @property
    def now(self) -> Path:
        return self.folder / "now.duckdb"

    @property
    def before(self) -> Path:
        return self.folder / "before.duckdb"

    def prepare(self, asked: Mapping[str, tuple[str, list[dict[str, Any]]]]) -> None:
        """Make the parts of the tables that little changed of. asked: source -> its table and its expectations."""
        self.close()
        made = self.made
        if made is None or made.judged is None or not made.judged.keys() & asked.keys():
            return
        self.folder.mkdir(parents=True)
        with database(spill=self.folder / "duckdb.tmp") as connection:
            connection.execute(f"attach {literal(self.data.warehouse)} as warehouse (read_only)")
            for part in (self.now, self.before):
                connection.execute(f"attach {literal(part)} as part_{part.stem}")
                connection.execute(f"create schema part_{part.stem}.settled")
            done = made.judged_of == made.settled  # what changed is in what was found
            rows = connection.execute("select source from warehouse.settled.judged_whole").fetchall()
            whole = set() if done else {source for (source,) in rows}
            for source, (table, expectations) in asked.items():
                if source in made.judged and source not in whole:
                    groups = [columns for e in expectations if (columns := groups_of(e))]
                    rows_now = _cut_out(connection, source, table, groups, done)
                    if rows_now is not None:
                        self.rows[source] = rows_now

    def same(self, source: str, expectations: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Of a source's expectations, those that the parts are enough for."""
        if source not in self.rows or self.made is None or self.made.judged is None:
            return []
        kept = self.made.judged[source]
        return [
            e
            for e in expectations
            if groups_of(e) is not None and e["id"] in kept and kept[e["id"]]["asked"] == _asked(e)
        ]

    def sum(self, source: str, same: Iterable[Mapping[str, Any]], now: Results, before: Results) -> dict[str, Any]:
        """The results of the whole table, by id: what was found, without what its part gave then, with what it gives
        now. Empty where that cannot be, or does not come to the rows that there are."""
        assert self.made is not None and self.made.judged is not None
        kept = self.made.judged[source]
        results = {}
        for e in same:
            found = kept[e["id"]]["found"]
            was, is_now = (_counts(part[e["id"]]["result"]) for part in (before, now))
            total = {name: number - was.get(name, 0) + is_now.get(name, 0) for name, number in found.items()}
            rows = total["observed_value"] if e["type"] == ROWS else total.get("element_count", self.rows[source])
            if min(total.values()) < 0 or rows != self.rows[source]:
                log.warning("Det som grinden fann av %s förut stämmer inte: allt prövas igen.", source)
                return {}
            results[e["id"]] = {**now[e["id"]], **_as_of_all(total, now[e["id"]]["result"])}
        return results

    def note(self, source: str, expectations: Iterable[Mapping[str, Any]], results: Results) -> None:
        """Note what was found of the whole table."""
        self._found[source] = {
            e["id"]: {"asked": _asked(e), "found": _counts(results[e["id"]]["result"])}
            for e in expectations
            if groups_of(e) is not None
        }

    def keep(self) -> None:
        """Keep what was noted for the next run, when all of the gate's outcomes are."""
        made = warehouse.made(self.data)
        if made is not None:
            warehouse.keep_note(self.data, replace(made, judged=self._found, judged_of=made.settled))

    def close(self) -> None:
        """Remove the parts."""
        remove(self.folder)


def _counts(result: Mapping[str, Any]) -> Found:
    """The counts of a result; those of an empty table are null."""
    return {name: int(result[name] or 0) for name in COUNTS if name in result}


def _as_of_all(total: Found, part: Mapping[str, Any]) -> dict[str, Any]:
    """Success (nothing may fail) and result as Great Expectations gives them of a table with these counts; part: those
    of its part."""
    if "observed_value" in total:
        return {"success": total["observed_value"] == 0, "result": {"observed_value": total["observed_value"]}}
    elements, failed, missing = (total.get(name, 0) for name in ("element_count", "unexpected_count", "missing_count"))
    checked = elements - missing
    shares = {
        "unexpected_percent": failed / checked * 100 if checked else None,
        "unexpected_percent_total": failed / elements * 100 if elements else None,
        "unexpected_percent_nonmissing": failed / checked * 100 if checked else None,
        "missing_percent": missing / elements * 100 if elements else None,
    }
    return {"success": failed == 0, "result": {**total, **{name: v for name, v in shares.items() if name in part}}}


def _cut_out(
    connection: duckdb.DuckDBPyConnection, source: str, table: str, groups: Iterable[list[str]], done: bool
) -> int | None:
    """Make a source's parts; how many rows the whole table has. None where it has to be judged as a whole: it is small,
    or the gate's table is not a view of its settled rows that count. done: nothing changed."""
    stored = f"warehouse.settled.{source}"
    view = connection.execute(
        "select sql from duckdb_views() where database_name = 'warehouse' and view_name = ?", [table]
    ).fetchone()
    if view is None or re.findall(r"settled\.\w+|read_\w+", view[0]) != [f"settled.{source}"]:
        return None
    if not follows(count(connection, stored)):
        return None
    connection.execute(
        f"create or replace temp table net as select * exclude (_sign), sum(_sign) as _net "
        f"from warehouse.settled.changed_{source} where {'false' if done else 'true'} group by all having _net <> 0"
    )
    if count(connection, "net where abs(_net) > 1"):
        return None
    # A hash tells apart what the groups by it are, and an empty value is one of them; rows too many change nothing.
    keys = ["_key", *(f"hash({', '.join(g)})" for g in groups if g != [KEY])]
    touched = " union ".join(
        f"select rowid as rid from {stored} where _counts and {key} in (select {key} from net)" for key in set(keys)
    )
    connection.execute(f"create or replace temp table rows_touched as {touched}")
    connection.execute(
        f"create table part_now.settled.{source} as "
        f"select * from {stored} where rowid in (select rid from rows_touched)"
    )
    connection.execute(
        f"create table part_before.settled.{source} as select * from part_now.settled.{source} "
        "except all select * exclude (_net) from net where _net > 0 "
        "union all select * exclude (_net) from net where _net < 0"
    )
    for part in ("part_now", "part_before"):
        connection.execute(f"use {part}")
        connection.execute(view[0])
    connection.execute("use memory")
    return count(connection, f"{stored} where _counts")
