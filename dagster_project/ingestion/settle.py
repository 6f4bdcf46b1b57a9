"""Settle a run's deliveries: what needs more than one file. Unit register, quarantine states, ledger, gate measures.

Input is bronze (typed rows per delivery) and the ledger of form; output is four tables of the run folder that dbt and
the gates read. DuckDB does the work; rows never become Python objects, except the few in quarantine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import date
from types import NoneType

import polars as pl

from dagster_project.catalogue.contracts import REGISTER_SOURCE, load_contracts
from dagster_project.catalogue.vocabulary import ACCEPTED, REJECTED
from dagster_project.core.errors import DamagedError, ResultattavlaError, machine_error
from dagster_project.core.paths import DataPaths
from dagster_project.engines import warehouse
from dagster_project.ingestion.bronze import headers_of
from dagster_project.ingestion.drift import Sign, signs
from dagster_project.ingestion.lists import list_gaps
from dagster_project.ingestion.measures import current_by_month, masked_texts, measure
from dagster_project.ingestion.quarantine import quarantined_rows, with_states
from dagster_project.ingestion.register import (
    find_faults,
    gone_findings,
    register_findings,
    units_gone,
)
from dagster_project.ingestion.store import opened, take_in
from dagster_project.runs.folder import (
    CURRENT_MONTHS,
    CURRENT_MONTHS_SCHEMA,
    FINDINGS,
    FINDINGS_SCHEMA,
    LEDGER,
    MEASURES,
    MEASURES_SCHEMA,
    QUARANTINE,
    REFUSED,
    REFUSED_SCHEMA,
    REPLACED,
    REPLACED_SCHEMA,
    SIGNS,
    SIGNS_SCHEMA,
    Finding,
    RunFolder,
)
from dagster_project.runs.ledger import Delivery, accepted, ledger_frame, published


@dataclass(frozen=True)
class Settled:
    """A run's inputs: the final ledger and the whole quarantine (QUARANTINE_SCHEMA)."""

    as_of: date
    ledger: list[Delivery]
    quarantine: pl.DataFrame

    def accepted(self, source: str) -> list[Delivery]:
        """Accepted deliveries of a source, oldest first."""
        return accepted(self.ledger, source)


def settle(
    as_of: date,
    ledger: list[Delivery],
    data: DataPaths,
    by: str = "",
    tell: Callable[[str], None] = lambda text: None,
) -> Settled:
    """`_settle`; where that fails in a store from the run before (a disk can have damaged it), again in a new one.

    Raises what `_settle` raises.
    """
    import duckdb

    goes_on = warehouse.made(data) is not None
    try:
        return _settle(as_of, ledger, data, by, tell)
    except duckdb.Error as error:
        if not goes_on or not isinstance(machine_error(error, data.root), (DamagedError, NoneType)):
            raise
        return _settle(as_of, ledger, data, by, tell)


def _settle(
    as_of: date,
    ledger: list[Delivery],
    data: DataPaths,
    by: str,
    tell: Callable[[str], None],
) -> Settled:
    """Settle the ledger of form in the store (`ingestion.store`); writes ledger, quarantine, refused and replaced rows,
    measures and findings to the run folder.

    by: what computes, as one digest: a store of another one is made anew. tell: is told where it is.

    Raises ResultattavlaError where a delivery's rows do not add up.
    """
    settled: list[Delivery] = [d for d in ledger if d.status != ACCEPTED]
    quarantine: list[pl.DataFrame] = []
    refused_rows: list[pl.DataFrame] = []
    replaced_all: list[pl.DataFrame] = []
    measures: list[dict] = []
    found: list[Sign] = []
    months: list[tuple[str, date | None, int]] = []
    findings: list[Finding] = []
    named: list[tuple[str, int]] = []
    with opened(data, by, tell) as connection:
        for contract in load_contracts().values():
            deliveries = accepted(ledger, contract.source)
            take_in(connection, data, contract, deliveries)
            is_register = contract.source == REGISTER_SOURCE
            refused = connection.execute("select * from refused order by delivery, line").pl()
            rows = quarantined_rows(connection, contract, refused)
            final = [_final_counts(d, rows) for d in deliveries]
            settled += final
            quarantine.append(with_states(connection, contract, final, rows))
            refused_rows.append(refused.select(pl.lit(contract.source).alias("source"), pl.all()))
            replaced = connection.execute("select delivery, line from accepted where _replaced order by all").pl()
            replaced_all.append(replaced.select(pl.lit(contract.source).alias("source"), pl.all()))
            if is_register:
                find_faults(connection, contract, final, rows)
            elif contract.unit is not None:
                named += units_gone(connection, contract, as_of)
            gaps = list_gaps(connection, contract, final)
            findings += gaps.findings
            if contract.free_texts:
                findings += masked_texts(connection, contract, final)
            refusals = [d for d in published(ledger, as_of) if d.source == contract.source and d.status == REJECTED]
            current = current_by_month(connection, contract)
            months += [(contract.source, month, n) for month, n in current.items()]
            measures.append(measure(connection, contract, final, refusals, as_of, rows, gaps, sum(current.values())))
            found += signs(connection, contract, final, {d.id: headers_of(data, d) for d in final})
        gone = gone_findings(named)
        findings += [*register_findings(connection), *gone]
    for row in measures:
        if row["source"] == REGISTER_SOURCE:
            row["units_gone"] = len(gone)
    result = Settled(
        as_of, sorted(settled, key=lambda d: (d.source, d.file)), pl.concat(quarantine).sort("source", "file", "line")
    )
    folder = RunFolder(data)
    folder.write(LEDGER, ledger_frame(result.ledger))
    folder.write(QUARANTINE, result.quarantine)
    folder.write(REFUSED, pl.concat(refused_rows).select(pl.col(n).cast(t) for n, t in REFUSED_SCHEMA.items()))
    folder.write(REPLACED, pl.concat(replaced_all).select(pl.col(n).cast(t) for n, t in REPLACED_SCHEMA.items()))
    folder.write(
        FINDINGS, pl.DataFrame([asdict(f) for f in findings], schema=FINDINGS_SCHEMA).sort("source", "kind", "unit")
    )
    folder.write(MEASURES, pl.DataFrame(measures, schema=MEASURES_SCHEMA))
    folder.write(CURRENT_MONTHS, pl.DataFrame(months, schema=CURRENT_MONTHS_SCHEMA, orient="row"))
    folder.write(SIGNS, pl.DataFrame([s.as_row() for s in found], schema=SIGNS_SCHEMA))
    return result


def _final_counts(delivery: Delivery, rows: pl.DataFrame) -> Delivery:
    """The delivery with rows refused by the register moved from accepted to quarantined."""
    quarantined = rows.filter(pl.col("delivery") == delivery.id).height
    # What the register refuses of the rows that form accepted; rows refused by both are in quarantine already.
    moved = quarantined - delivery.rows_quarantined
    final = replace(delivery, rows_accepted=delivery.rows_accepted - moved, rows_quarantined=quarantined)
    if final.rows_read != final.rows_accepted + final.rows_quarantined + final.rows_duplicate or moved < 0:
        raise ResultattavlaError(
            f"Leveransen {delivery.file} går inte ihop: {final.rows_read} lästa rader, {final.rows_accepted} godkända, "
            f"{final.rows_quarantined} i karantän och {final.rows_duplicate} dubbletter. Inget publiceras: felanmäl."
        )
    return final
