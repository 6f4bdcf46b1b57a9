"""What has changed since a source's earlier deliveries: the signs that the tier `drift` judges (`SIGNS_SCHEMA`).

Measured as sets over the views of one source (`settle`); what is too much is said by the suites and their limits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from statistics import median
from typing import TYPE_CHECKING, Any

from dagster_project.catalogue.contracts import EMPTY, FILLED, Column, Contract
from dagster_project.catalogue.vocabulary import COLUMN_GONE, DAY_VOLUME, MONTH_VOLUME, NEW_IDS
from dagster_project.core.swedish import number
from dagster_project.engines.duckdb import count
from dagster_project.engines.rules import rule
from dagster_project.ingestion.newest import NOT_REFUSED
from dagster_project.runs.ledger import Delivery, newest_day

if TYPE_CHECKING:
    import duckdb

DAYS_BEFORE = 6
"""Days' deliveries that the newest is compared with, where there are so many."""


@dataclass(frozen=True)
class Headers:
    """Of one delivered file: known columns that it lacks, and headers that nobody here knows (masked)."""

    absent: frozenset[str]
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class Sign:
    """One thing of the newest day's delivery beside what it was before; `runs.folder.SIGNS_SCHEMA` says what."""

    source: str
    sign: str
    subject: str
    verksamhet: str | None = None
    month: date | None = None
    value: float | None = None
    base: float | None = None
    factor: float | None = None
    rows: int | None = None

    def as_row(self) -> dict[str, Any]:
        return asdict(self)


def signs(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    deliveries: Sequence[Delivery],
    headers: Mapping[str, Headers],
) -> list[Sign]:
    """The signs of one source over its views `accepted`, `deliveries`, `refused` and the table `register`.

    deliveries: the accepted ones, settled, oldest first. headers: by delivery id. A source with one day's delivery has
    no earlier ones to be compared with, but its months have those before them.
    """
    day = newest_day(deliveries)
    if not day:
        return []
    newest = day[0].uttagsdatum
    assert newest is not None
    before = [d for d in deliveries if d not in day]
    found = list(_months(connection, contract, newest))
    if before:
        found += _volume(contract, deliveries)
        found += _columns(connection, contract, day, before, headers)
        found += _new_ids(connection, contract, newest)
    return found


def growth(connection: duckdb.DuckDBPyConnection, contract: Contract, fallen: int | None) -> dict[str, int | None]:
    """How many keys the newest day brought that no earlier one had, and the most that one of the six days before did.

    fallen: rows that counted before minus rows that count now, where that is known: what went as new keys came is no
    growth. `rows_grown_before` is null where there are fewer than six days before.
    """
    days = [day for (day,) in connection.execute("select distinct uttagsdatum from deliveries order by 1").fetchall()]
    # Of few days' keys, and by their hashes: all keys of many years are a lot to look through every day.
    asked = days[-1 - DAYS_BEFORE :] if len(days) > DAYS_BEFORE else days[-1:]
    since = f"date '{asked[0]}'" if asked else "null"
    rows = connection.execute(
        f"""
        with asked as (
            select distinct a._key from accepted a join deliveries d using (delivery)
            where {NOT_REFUSED} and d.uttagsdatum >= {since}
        )
        select first_day, count(*) from (
            select min(d.uttagsdatum) as first_day
            from accepted a join deliveries d using (delivery) semi join asked on asked._key = a._key
            where {NOT_REFUSED}
            group by a._key
        ) as keys group by first_day
        """
    ).fetchall()
    new = dict(rows)
    of_day = [new.get(day, 0) for day in asked]
    grown = of_day[-1] if of_day else 0
    if fallen is not None:
        grown = min(grown, -fallen)
    earlier = of_day[:-1]
    return {"rows_grown": grown, "rows_grown_before": max(earlier) if len(earlier) == DAYS_BEFORE else None}


def _volume(contract: Contract, deliveries: Sequence[Delivery]) -> Iterator[Sign]:
    """The newest day's row count beside the median of the six before.

    factor: the same of rows per day since the delivery before, so that a month's extract after a year's is no fall.
    """
    by_day: dict[date, int] = {}
    for d in deliveries:
        assert d.uttagsdatum is not None
        by_day[d.uttagsdatum] = by_day.get(d.uttagsdatum, 0) + d.rows_read
    days = sorted(by_day)
    if len(days) <= DAYS_BEFORE:
        return
    pace = {day: by_day[day] / (day - before).days for before, day in zip(days, days[1:], strict=False)}
    *earlier, newest = days[-1 - DAYS_BEFORE :]
    base = median(by_day[day] for day in earlier)
    usual = median(pace[day] for day in earlier if day in pace)
    yield Sign(
        contract.source,
        DAY_VOLUME,
        f"{number(by_day[newest])} rader per {newest}, de sex leveransdagarna före: median {number(base)}",
        value=by_day[newest],
        base=base,
        factor=pace[newest] / usual if usual else None,
    )


def may_vanish(contract: Contract) -> list[Column]:
    """Optional columns that nothing would miss: a column that some rows must have sets those aside where it is gone.

    One of the key is among them (formular): without it the same rows come again under other keys.
    """
    missed = {
        rule.columns[0]
        for rule in contract.rules
        if rule.kind in ("required", "empty") and rule.when is not None and rule.when.value not in (FILLED, EMPTY)
    }
    return [
        c
        for c in contract.columns
        if not c.required and c.name not in missed | {"makulerad"}
        if c.type != "personnummer"
    ]


def _columns(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    day: Sequence[Delivery],
    before: Sequence[Delivery],
    headers: Mapping[str, Headers],
) -> Iterator[Sign]:
    """Optional columns: the share of the newest day's rows that have them filled in, and of all earlier rows.

    rows: the newest day's, null where none of its files has the column at all.
    """
    columns = may_vanish(contract)
    if not columns:
        return
    counts = ", ".join(f"count(a.{c.name})" for c in columns)
    newest = f"date '{day[0].uttagsdatum}'"
    found = {
        is_new: (rows, filled)
        for is_new, rows, *filled in connection.execute(
            f"select d.uttagsdatum = {newest} as is_new, count(*), {counts} "
            "from accepted a join deliveries d using (delivery) group by 1"
        ).fetchall()
    }
    if found.keys() != {True, False}:
        return
    (new_rows, new), (old_rows, old) = found[True], found[False]
    known = {name for d in before for name in headers[d.id].unknown}
    beside = sorted({name for d in day for name in headers[d.id].unknown} - known)
    told = f" (ny okänd kolumn: {', '.join(beside)})" if beside else ""
    for i, column in enumerate(columns):
        gone = all(column.name in headers[d.id].absent for d in day)
        yield Sign(
            contract.source,
            COLUMN_GONE,
            f"{column.name}{told}",
            value=new[i] / new_rows,
            base=old[i] / old_rows,
            rows=None if gone else new_rows,
        )


def _new_ids(connection: duckdb.DuckDBPyConnection, contract: Contract, newest: date) -> Iterator[Sign]:
    """The newest day's rows whose id no earlier row has, and that are alike an earlier row in all else.

    Months are no part of it: a row of a list comes again every month. rows: so many; value: their share.
    """
    issued = [c.name for c in contract.columns if c.issued]
    alike = [c for c in contract.columns if not c.issued and c.type not in ("month", "personnummer")]
    names = [c.name for c in alike] + ["person_id" for c in contract.columns if c.type == "personnummer"]
    if not issued:
        return
    id_hash, row_hash = (f"hash({', '.join(f'a.{name}' for name in part)})" for part in (issued, names))
    # What is alike lies on the same days: a few of them, when a day's delivery comes after years.
    days = [c.name for c in alike if c.type == "date"]
    bounds = connection.execute(
        f"select count(*), {', '.join(f'min(a.{n}), max(a.{n}), count(a.{n})' for n in days) or '0'} "
        f"from accepted a join deliveries d using (delivery) where d.uttagsdatum = date '{newest}'"
    ).fetchone()
    assert bounds is not None
    if not bounds[0]:  # all of the day's rows are in quarantine
        return
    near = "true"
    for i, name in enumerate(days):
        first, last, filled = bounds[1 + 3 * i : 4 + 3 * i]
        within = [f"a.{name} between date '{first}' and date '{last}'"] if filled else []
        near += f" and ({' or '.join([*within, *([f'a.{name} is null'] if filled < bounds[0] else [])])})"
    connection.execute(
        f"""
        create or replace temp table alike as
        with told as (
            select d.uttagsdatum = date '{newest}' as is_new, {id_hash} as id, {row_hash} as content
            from accepted a join deliveries d using (delivery) where {near}
        )
        select id from told where is_new and content in (select content from told where not is_new)
        """
    )
    total, renamed = bounds[0], count(connection, "alike")
    if renamed:  # only then are all ids looked through
        known = (
            f"select {id_hash} from accepted a join deliveries d using (delivery) "
            f"where d.uttagsdatum < date '{newest}' and {id_hash} in (select id from alike)"
        )
        renamed = count(connection, f"alike where id not in ({known})")
    subject = f"{number(renamed)} av {number(total)} rader är lika en äldre rad i allt utom {', '.join(issued)}"
    yield Sign(contract.source, NEW_IDS, subject, value=renamed / total, rows=renamed)


def _months(connection: duckdb.DuckDBPyConnection, contract: Contract, newest: date) -> Iterator[Sign]:
    """Events per verksamhet in the newest month that has ended, beside the median of the twelve months before it.

    Where the kind of row decides which day is its event, each kind is counted by itself, too: a waiting list that is
    cut is no less a loss when as many visits as ever came with it. In all months a verksamhet has the units that it has
    when the newest one ends: a reorganisation is no loss. factor: the season (`_season`) of all verksamheter together,
    since one verksamhet's own is little to go by.
    """
    if contract.event is None or (contract.unit is None and contract.verksamhet is None):
        return
    kind = f"n.{contract.event[0]}" if isinstance(contract.event, tuple) else "null"
    month = _months_before(newest, 0 if _months_before(_day_after(newest), 0) > newest else 1)
    first, after = _months_before(month, 12), _months_before(month, -1)
    last_day = f"(date '{after}' - 1)"
    place = contract.unit or contract.verksamhet
    # Of each place once, not of each row: which verksamhet a unit has does not depend on the row.
    rows = (
        f"(select {kind} as kind, n.{place}, cast(date_trunc('month', n.event_date) as date) as month, "
        f"count(*) as number from accepted n where n._counts and n.event_date < date '{after}' group by all) n"
    )
    if contract.unit is not None:
        code = "e.verksamhet"
        rows += f" join register e on {rule('valid_unit', f'n.{contract.unit}', last_day)}"
    else:
        code = f"n.{contract.verksamhet}"
    connection.execute(
        f"""
        create or replace temp table known as
        with events as (select n.kind, {code} as verksamhet, n.month, n.number from {rows})
        select kind, verksamhet, month, sum(number)::bigint as number from events where kind is not null group by all
        union all
        select null, verksamhet, month, sum(number)::bigint from events group by all
        """
    )
    pooled: dict[str | None, dict[date, int]] = {}
    for kind_of, in_month, number_of in connection.execute(
        "select kind, month, sum(number)::bigint from known where month is not null group by all"
    ).fetchall():
        pooled.setdefault(kind_of, {})[in_month] = number_of
    found = connection.execute(
        f"""
        with counted as (select * from known where month >= date '{first}'),
        months as (select unnest(generate_series(date '{first}', date '{month}', interval 1 month))::date as month),
        filled as (
            select p.kind, p.verksamhet, m.month, coalesce(c.number, 0) as number
            from (select distinct kind, verksamhet from counted) p
            cross join months m
            left join counted c
                on c.kind is not distinct from p.kind and c.verksamhet = p.verksamhet and c.month = m.month
        )
        select kind, verksamhet,
            max(number) filter (where month = date '{month}') as number,
            median(number) filter (where month < date '{month}') as base
        from filled
        group by kind, verksamhet
        order by verksamhet, kind
        """
    ).fetchall()
    season = {of_kind: _season(counts, month) for of_kind, counts in pooled.items()}
    for of_kind, verksamhet, value, base in found:
        yield Sign(
            contract.source,
            MONTH_VOLUME,
            f"{verksamhet} {month:%Y-%m}",
            verksamhet=verksamhet,
            month=month,
            value=value,
            base=base,
            factor=season[of_kind],
        )


SEASON_YEARS = 2
"""One weak month of the year before may have been a loss; so many years that agree are a season."""


def _season(counts: Mapping[date, int], month: date) -> float | None:
    """What of a usual month this calendar month was in each of the last years, the largest share of them.

    counts: events by month. A usual month is the median of the twelve from that one on. None where a year has none of
    it, or where the events begin with it: a month that was lost, or partial, in one of the years is no season.
    """
    shares = []
    for years in range(1, SEASON_YEARS + 1):
        first = _months_before(month, 12 * years)
        usual = median(counts.get(_months_before(first, -n), 0) for n in range(12))
        if min(counts) >= first or not usual or not counts.get(first):
            return None
        shares.append(counts[first] / usual)
    return max(shares)


def _day_after(day: date) -> date:
    return date.fromordinal(day.toordinal() + 1)


def _months_before(day: date, months: int) -> date:
    """The first day of the month so many months before that of `day`."""
    index = day.year * 12 + day.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)
