"""A release as a schema of its own in PostgreSQL: tables, keys, indexes, comments, and the views over them.

One transaction: the schema is there whole, as the files say, or not at all. Rows go in by COPY as text (binary drivers
have corrupted decimals) and are read back and compared before the transaction ends.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from dagster_project.catalogue.vocabulary import RESULT_TABLE
from dagster_project.core.errors import ResultattavlaError
from dagster_project.engines.duckdb import literal
from dagster_project.products.reading import Reading
from dagster_project.releases.descriptions import column_text, described
from dagster_project.releases.store import Release
from dagster_project.releases.tables import (
    DIMENSION_SCHEMAS,
    INDICATOR_DIMENSION,
    PERIOD_DIMENSION,
    PLAN_SCHEMA,
    PLAN_TABLE,
    RESULT_SCHEMA,
    SIGNAL_SCHEMA,
    SIGNAL_TABLE,
    STATUS_DIMENSION,
    TABLE_KEYS,
    UNIT_DIMENSION,
    VERKSAMHET_DIMENSION,
    in_columns_of,
)
from dagster_project.releases.views import POSTGRES_VIEWS

if TYPE_CHECKING:
    import psycopg

FORM = "1"
"""Of what is loaded, besides what follows from names, columns and texts; raised when rows are put there otherwise."""
PREFIX = "utgava_"
RELEASE_TABLE = "utgava"
"""One row: which release it is. In every schema of a release, and among the views."""
_RELEASE_TEXTS = {
    "": "Utgåvan. En rad: vilken utgåva som visas. Läs den i samma fråga som talen, och visa dagen bredvid dem.",
    "release_id": "Utgåvans id.",
    "as_of": "Dagen vars läge utgåvan visar.",
    "publicerad": "När utgåvan publicerades.",
    "kvarhallna_indikatorer": "Indikatorer som hålls tillbaka, åtskilda av |; tom där ingen gör det.",
}
_RELEASE_SCHEMA: dict[str, pl.DataType] = {
    "release_id": pl.String(),
    "as_of": pl.Date(),
    "publicerad": pl.String(),
    "kvarhallna_indikatorer": pl.String(),
}
_SCHEMAS: Mapping[str, Mapping[str, pl.DataType]] = {
    RESULT_TABLE: RESULT_SCHEMA,
    PLAN_TABLE: PLAN_SCHEMA,
    SIGNAL_TABLE: SIGNAL_SCHEMA,
    **DIMENSION_SCHEMAS,
}
"""Tables of older code get today's columns, empty, so that views keep theirs when they are switched back."""
_VIEWS_READ = {
    RESULT_TABLE,
    INDICATOR_DIMENSION,
    PERIOD_DIMENSION,
    VERKSAMHET_DIMENSION,
    UNIT_DIMENSION,
    STATUS_DIMENSION,
}
_TYPES: Mapping[pl.DataType, str] = {
    pl.String(): "text",
    pl.Date(): "date",
    pl.Float64(): "double precision",
    pl.Int64(): "bigint",
    pl.Int32(): "integer",
    pl.UInt32(): "bigint",
    pl.Boolean(): "boolean",
}
INDEXES: Mapping[str, Sequence[Sequence[str]]] = {
    # What dashboards filter by: an indicator's series; all indicators of a place, or of a kind of period.
    RESULT_TABLE: (
        ("indicator_id", "niva", "period_typ", "kon", "period_start"),
        ("verksamhet", "niva", "period_typ", "kon"),
        ("niva", "period_typ", "kon", "period_start"),
        ("enhet",),
    ),
    PLAN_TABLE: (("niva", "verksamhet", "tillfalle", "ar"),),
    UNIT_DIMENSION: (("hsaid", "verksamhet"),),
    PERIOD_DIMENSION: (("period_typ", "period_start"),),
}
_ESCAPED = {"\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
"""What COPY's text form writes otherwise; the backslash first."""
_NULL = "\\N"
_SLICE = 100_000
"""Rows that are written as text at once."""


def schema_of(release_id: str) -> str:
    """The schema of a release: `utgava_2022_09_30_961c5af56506`, a name that needs no quotes."""
    return PREFIX + release_id.replace("-", "_")


@dataclass(frozen=True)
class Plan:
    """What a release is to be in PostgreSQL.

    columns: per table, in their order. rows: per table. views: by name, their SQL. digest: of all of it and of the
    files' bytes, so that what is there already is known from what would be made.
    """

    release_id: str
    columns: Mapping[str, Mapping[str, str]]
    rows: Mapping[str, int]
    views: Mapping[str, str]
    comments: Mapping[tuple[str, str], str]
    digest: str

    @property
    def schema(self) -> str:
        return schema_of(self.release_id)

    @property
    def relations(self) -> list[str]:
        """Tables and views that readers see."""
        return [*self.columns, *self.views]


def plan_of(release: Release) -> Plan:
    """What a release is to be there; reads no rows. Raises OSError or PolarsError where a file is damaged."""
    names = sorted(n.removesuffix(".parquet") for n in release.manifest.files if n.endswith(".parquet"))
    columns = {
        name: {column: _TYPES[dtype] for column, dtype in _columns_of(release, name).items()} for name in names
    } | {RELEASE_TABLE: {column: _TYPES[dtype] for column, dtype in _RELEASE_SCHEMA.items()}}
    rows = {name: int(release.manifest.files[f"{name}.parquet"]["rows"]) for name in names} | {RELEASE_TABLE: 1}
    views = dict(POSTGRES_VIEWS) if columns.keys() >= _VIEWS_READ else {}
    comments = {(name, column): _text(name, column) for name in columns for column in ("", *columns[name])}
    files = {name: release.manifest.files[f"{name}.parquet"]["sha256"] for name in names}
    said = [FORM, release.manifest.published, columns, views, sorted((*k, t) for k, t in comments.items()), files]
    told = json.dumps([*said, INDEXES, TABLE_KEYS], sort_keys=True, ensure_ascii=False)
    return Plan(release.id, columns, rows, views, comments, hashlib.sha256(told.encode()).hexdigest()[:16])


def _columns_of(release: Release, name: str) -> Mapping[str, pl.DataType]:
    return _SCHEMAS.get(name) or release.scan(name).collect_schema()


def _text(name: str, column: str) -> str:
    """The comment of a table (no column), view or column."""
    if name == RELEASE_TABLE:
        return _RELEASE_TEXTS[column]
    return column_text(name, column) if column else f"{described(name).title}. {described(name).text}"


def view_comment(name: str, column: str) -> str:
    """The comment of what readers see, a column of a view of results too."""
    return _text(name, column)


def load(connection: psycopg.Connection[Any], reading: Reading, plan: Plan) -> None:
    """Put a release into its schema, within the transaction that the caller holds; one of that name gives way.

    The views may still read the schema that gives way: it is renamed, and removed when nothing reads it.
    Raises ResultattavlaError where what the server holds is not what the files say.
    """
    if connection.execute("select 1 from pg_namespace where nspname = %s", [plan.schema]).fetchone():
        connection.execute(f"alter schema {plan.schema} rename to {_aside(connection, plan.schema)}")
    connection.execute(f"create schema {plan.schema}")
    connection.execute(f"set local search_path = {plan.schema}")
    for name, columns in plan.columns.items():
        frame = _as_text(_frame(reading, name))
        listed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
        connection.execute(f'create table "{name}" ({listed})')
        _copy_in(connection, name, frame)
        _require_same(name, frame, _copy_out(connection, name, frame.schema))
        for statement in _keys(name):
            connection.execute(statement)
        connection.execute(f'analyze "{name}"')
    for statement in plan.views.values():
        connection.execute(statement.encode())
    connection.execute("; ".join(_comments(plan)).encode())


def _aside(connection: psycopg.Connection[Any], schema: str) -> str:
    taken = {row[0] for row in connection.execute("select nspname from pg_namespace").fetchall()}
    return next(name for n in range(1, 1000) if (name := f"{schema}_fore{n}") not in taken)


def _frame(reading: Reading, name: str) -> pl.DataFrame:
    """A table as it is to be there; numbers of what is hidden are empty (`Reading`)."""
    if name == RELEASE_TABLE:
        manifest = reading.release.manifest
        row = {"release_id": manifest.release_id, "as_of": manifest.as_of, "publicerad": manifest.published}
        held = "|".join(sorted(manifest.held_back)) or None
        frame = pl.DataFrame(
            [{**row, "kvarhallna_indikatorer": held}], schema_overrides={"kvarhallna_indikatorer": pl.String}
        )
        return frame.with_columns(pl.col("as_of").str.to_date())
    frame = reading.table(name)
    return in_columns_of(pl.DataFrame(schema=_SCHEMAS[name]), frame) if name in _SCHEMAS else frame


def _as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame as COPY writes it: texts escaped, dates and booleans as texts; numbers stay numbers."""

    def written(column: str, dtype: pl.DataType) -> pl.Expr:
        value = pl.col(column)
        if dtype == pl.String():
            for found, instead in _ESCAPED.items():
                value = value.str.replace_all(found, instead, literal=True)
            return value
        if dtype == pl.Boolean():
            return pl.when(value).then(pl.lit("t")).when(value.not_()).then(pl.lit("f")).alias(column)
        return value.dt.to_string("%Y-%m-%d") if dtype == pl.Date() else value

    return frame.select(written(column, dtype) for column, dtype in frame.schema.items())


def _copy_in(connection: psycopg.Connection[Any], name: str, frame: pl.DataFrame) -> None:
    with connection.cursor().copy(f'copy "{name}" from stdin'.encode()) as copy:
        for part in frame.iter_slices(_SLICE):
            copy.write(
                part.write_csv(include_header=False, separator="\t", quote_style="never", null_value=_NULL).encode()
            )


def _copy_out(connection: psycopg.Connection[Any], name: str, schema: pl.Schema) -> pl.DataFrame:
    with connection.cursor().copy(f'copy "{name}" to stdout'.encode()) as copy:
        rows = b"".join(bytes(part) for part in copy)
    if not rows:
        return pl.DataFrame(schema=schema)
    return pl.read_csv(
        io.BytesIO(rows),
        has_header=False,
        separator="\t",
        quote_char=None,
        null_values=_NULL,
        empty_string_is_null=False,
        schema=dict(schema),
    )


def _require_same(name: str, sent: pl.DataFrame, held: pl.DataFrame) -> None:
    """Raise ResultattavlaError unless the server holds every row as it was sent: counts, sums and all."""
    if not sent.equals(held):
        differ = [n for n in sent.columns if sent.height == held.height and not sent[n].equals(held[n])]
        raise ResultattavlaError(
            f"Tabellen {name} i PostgreSQL stämmer inte med utgåvans fil ({held.height} rader mot {sent.height}"
            f"{', kolumnen ' + differ[0] if differ else ''}): ingenting byttes. Kör igen, och felanmäl om det kvarstår."
        )


def _keys(name: str) -> Iterator[str]:
    """The key of a table, and the indexes that look-ups use."""
    if name in TABLE_KEYS:
        listed = ", ".join(f'"{column}"' for column in TABLE_KEYS[name])
        if len(TABLE_KEYS[name]) == 1:
            yield f'alter table "{name}" add primary key ({listed})'
        else:  # parts of it may be empty: the area has no verksamhet
            yield f'alter table "{name}" add unique nulls not distinct ({listed})'
    for columns in INDEXES.get(name, ()):
        yield f'create index on "{name}" ({", ".join(columns)})'


def _comments(plan: Plan) -> Iterator[str]:
    yield f"comment on schema {plan.schema} is {literal(f'Utgåva {plan.release_id}')}"
    for (name, column), text in plan.comments.items():
        if column:
            yield f'comment on column "{name}"."{column}" is {literal(text)}'
        else:
            yield f'comment on table "{name}" is {literal(text)}'
