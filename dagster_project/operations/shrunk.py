"""History that has shrunk since the release before, because of files that were there already.

A file that is overwritten under its own name, withdrawn or read more strictly takes rows of past months with it. The
same inputs give the same release whatever was run before, so that no gate can see it: it is a notice of the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import polars as pl

from dagster_project.catalogue.vocabulary import ACCEPTED, WITHDRAWN
from dagster_project.core.paths import DataPaths
from dagster_project.core.swedish import few, number
from dagster_project.releases.retractions import retractions
from dagster_project.releases.store import read_release
from dagster_project.releases.tables import LEDGER_TABLE
from dagster_project.runs.folder import CURRENT_MONTHS, RunFolder
from dagster_project.runs.history import RunRecord, read_records
from dagster_project.runs.identity import RunIdentity
from dagster_project.runs.ledger import Delivery

RUNS_LOOKED_AT = 60
"""The run before is among the latest ones, but for past days that were run again in between."""

Months = Mapping[str, int]


def current_months(data: DataPaths) -> dict[str, dict[str, int]]:
    """Rows that count in the run whose tables lie in the run folder, as its record keeps them (`RunRecord.rows`)."""
    found: dict[str, dict[str, int]] = {}
    for source, month, rows in RunFolder(data).read(CURRENT_MONTHS).iter_rows():
        found.setdefault(source, {})[f"{month:%Y-%m}" if month else ""] = rows
    return found


def shrunk_since_release(data: DataPaths, identity: RunIdentity) -> list[str]:
    """What the run whose tables lie in the run folder has lost of its history; a sentence per source.

    Compared with the newest run up to its as-of date that published a release which is still there and was not
    retracted; nothing is said where there is none.
    """
    taken_back = retractions(data)
    fallen_share, limit = (
        identity.parameters["thresholds"]["rows_fallen_share"],
        identity.parameters["suppression_limit"],
    )
    earlier = [
        r
        for r in read_records(data, RUNS_LOOKED_AT)
        if r.release_id and r.rows and r.as_of and r.as_of <= str(identity.as_of) and r.run_id != identity.run_id
    ]
    for record in sorted(earlier, key=lambda r: (r.as_of or "", r.started), reverse=True):
        release = read_release(data.releases / (record.release_id or ""))
        if release is not None and release.id not in taken_back:
            before = _deliveries(release.table(LEDGER_TABLE))
            return shrunk(record, before, current_months(data), RunFolder(data).ledger(), fallen_share, limit)
    return []


def _deliveries(table: pl.DataFrame) -> list[Delivery]:
    return [Delivery(**row) for row in table.filter(pl.col("status") == ACCEPTED).iter_rows(named=True)]


def shrunk(
    before: RunRecord,
    files_before: Iterable[Delivery],
    rows: Mapping[str, Months],
    ledger: Sequence[Delivery],
    fallen_share: float,
    limit: int,
) -> list[str]:
    """A sentence per source that has lost rows of past months by a file that counted in `before`: file, months, counts.

    files_before: the accepted deliveries of that run. rows, ledger: of this run. fallen_share: a file with more than so
    large a share of its rows gone is told. limit: smaller numbers of rows than this are not told.
    """
    causes: dict[str, list[tuple[str, str]]] = {}
    for file in files_before:
        if cause := _cause(file, ledger, fallen_share):
            causes.setdefault(file.source, []).append(cause)
    sentences = []
    for source, found in sorted(causes.items()):
        now = rows.get(source, {})
        fallen = {m: n for m, n in sorted(before.rows.get(source, {}).items()) if now.get(m, 0) < n}
        if fallen:
            told = f"{'; '.join(what for what, _ in found)}. {' '.join(dict.fromkeys(advice for _, advice in found))}"
            left = sum(now.get(m, 0) for m in fallen)
            sentences.append(
                f"{source}: historiken har krympt sedan utgåva {before.release_id}: {_months(list(fallen))}"
                f"{_few(left, limit)} rader som räknas, då {_few(sum(fallen.values()), limit)}. {told}"
            )
    return sentences


def _few(rows: int, limit: int) -> str:
    return few(limit) if 0 < rows < limit else number(rows)


def _cause(file: Delivery, ledger: Sequence[Delivery], fallen_share: float) -> tuple[str, str] | None:
    """What has become of a file that has lost more than that share of its accepted rows, and what to do about it."""
    of_source = [d for d in ledger if d.source == file.source]
    rows = number(file.rows_accepted)
    now = next((d for d in of_source if d.status == ACCEPTED and d.id == file.id), None)
    what, advice = "har fler rader i karantän nu", "Karantänlistan har skälen."
    if now is not None and now.rows_quarantined <= file.rows_quarantined:  # a person was erased, rules were changed
        what, advice = "räknas med färre rader nu", "Fråga den som förvaltar systemet vad som har ändrats."
    if now is None:
        if any(d.status == WITHDRAWN and d.id == file.id for d in of_source):
            undo = "En återkallelse ångras genom att ta bort dess rad i listan över återkallade leveranser."
            return f"{file.name} är återkallad ({rows} godkända rader)", undo
        now = next((d for d in of_source if d.status == ACCEPTED and d.file == file.file), None)
        what, advice = "har skrivits över", "Är det inte avsett: be den som levererar om hela filen igen."
        if now is None:
            back = "Är det inte avsett: lägg tillbaka filen."
            return f"{file.name} räknas inte längre ({rows} godkända rader)", back
    if now.rows_accepted >= file.rows_accepted * (1 - fallen_share):
        return None
    return f"{file.name} {what} ({number(now.rows_accepted)} godkända rader, då {rows})", advice


def _months(names: list[str]) -> str:
    """`i 2022-03 till 2022-05, 2022-08 finns `: months in a row as spans."""
    months = [date.fromisoformat(f"{name}-01") for name in names if name]
    spans: list[list[date]] = []
    for month in months:
        if spans and _index(month) == _index(spans[-1][-1]) + 1:
            spans[-1].append(month)
        else:
            spans.append([month])
    told = [f"{s[0]:%Y-%m}" if len(s) == 1 else f"{s[0]:%Y-%m} till {s[-1]:%Y-%m}" for s in spans]
    return f"i {', '.join(told)} finns " if told else "nu finns "


def _index(month: date) -> int:
    return month.year * 12 + month.month
