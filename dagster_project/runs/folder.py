"""The run folder `data/run/`: what the steps of a run hand each other, typed; read and written only through here.

`identity.json` says whose it is; the tables are Parquet. `finished` is written last: the run came to its end, and
what it left is unchanged since.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.files import replacing, sha256_of
from dagster_project.core.paths import DataPaths
from dagster_project.runs.identity import RunIdentity
from dagster_project.runs.ledger import LEDGER_SCHEMA, Delivery, ledger_of

LEDGER, QUARANTINE, MEASURES, FINDINGS = "ledger", "quarantine", "measures", "findings"
REFUSED, REPLACED = "refused_rows", "replaced_rows"
SIGNS, PARTIAL_MONTHS = "signs", "partial_months"
CURRENT_MONTHS = "current_months"
DELIVERY_DATABASE = "delivery.duckdb"
"""What the first gate judges, as one file beside the tables."""
PARAMETERS, INDICATORS, HIDDEN_CELLS = "parameters", "indicators", "hidden_cells"

QUARANTINE_SCHEMA: dict[str, pl.DataType] = {
    "source": pl.String(),
    "file": pl.String(),
    "line": pl.Int64(),
    "reasons": pl.String(),
    "key": pl.String(),
    "values": pl.String(),
    "state": pl.String(),
    "first_seen": pl.Date(),
    "unit": pl.String(),
    "delivery": pl.String(),
    "followed_by": pl.String(),
    "settled_by": pl.String(),
    "settled_note": pl.String(),
}
"""`followed_by`: the file that resolved the row, or, of an open row, the newer file whose row with the same key is in
quarantine too and supersedes it: correcting the newer one settles both. `settled_by`: one of `vocabulary.SETTLED_BY`,
null for an open row. `settled_note`: of a row that a reviewed line acknowledges, who, when and why; null in the run
folder, since such lines hold from when they are written (`ingestion.acknowledged`)."""

REFUSED_SCHEMA: dict[str, pl.DataType] = {
    "source": pl.String(),
    "delivery": pl.String(),
    "line": pl.Int64(),
    "reason": pl.String(),
}
"""Rows whose unit the register does not know or does not hold valid on the event date; of the register itself rows that
overlap one of another file of their day."""

REPLACED_SCHEMA: dict[str, pl.DataType] = {"source": pl.String(), "delivery": pl.String(), "line": pl.Int64()}
"""Rows that were the newest of their key and are gone from a newer full list of their scope."""

MEASURES_SCHEMA: dict[str, pl.DataType] = {
    "source": pl.String(),
    "deliveries": pl.Int64(),
    "rows_accepted": pl.Int64(),
    "rows_current": pl.Int64(),
    "rows_held": pl.Int64(),
    "rows_fallen_share": pl.Float64(),
    "age_days": pl.Int64(),
    "rows_read_newest": pl.Int64(),
    "rows_quarantined_newest": pl.Int64(),
    "quarantined_share_newest": pl.Float64(),
    "rejected_newer": pl.String(),
    "rows_grown": pl.Int64(),
    "rows_grown_before": pl.Int64(),
    "rows_register_newest": pl.Int64(),
    "units_unknown": pl.Int64(),
    "units_gone": pl.Int64(),
    "files_kept": pl.Int64(),
    "list_units_missing": pl.Int64(),
    "list_units_named": pl.String(),
    "list_keys_missing_share": pl.Float64(),
    "ledger_difference": pl.Int64(),
}
"""What the first gate judges, one row per source; `_newest`: of the newest day's delivery (`ledger.newest_day`: all
files of the source's newest date together). rows_fallen_share: by how much current rows have become fewer since
the release before (0.05 = five percent; negative: more; 0 where there was none before). rows_held: as rows_current,
but where nothing counts the rows that only a fault of the register keeps away. rows_register_newest: rows of
the newest day in quarantine for a fault of the unit register and nothing else; they are no part of
quarantined_share_newest. units_gone: of the register, units that disappeared from it and that rows of the last 12
months name; 0 for other sources. files_kept: files that count as they were read before (`Delivery.kept`).
list_units_missing, list_units_named, list_keys_missing_share: what the newest full lists lack of the
lists before them of the same scopes: how many units, which ones (with their scopes; null where none lacks), and the
largest share of a scope's keys; null for sources that deliver no full lists. rejected_newer: rejected files that are
newer than the newest accepted one, null where there are none. rows_grown, rows_grown_before: keys that the newest day
brought, and the most that one of the six days before it brought (null where there are fewer)."""

UNIT_GONE, UNIT_LATER, UNIT_MOVED, REGISTER_ROW, LIST_UNIT, MASKED_TEXT = FINDING_KINDS = (
    "enhet_borta",
    "enhet_senare",
    "enhet_flyttad",
    "register_karantan",
    "lista_saknar_enhet",
    "text_maskad",
)


@dataclass(frozen=True)
class Finding:
    """What a warning names; unit is null where it is unreadable.

    kind: UNIT_GONE a unit that disappeared from the register, with the rows of the last 12 months that name it;
    UNIT_LATER a unit whose first valid day is later than in an earlier register, rows: 1; UNIT_MOVED
    a unit that has another verksamhet in the newest register than in the one before it under the same first valid day,
    rows: its periods, detail: from which to which; REGISTER_ROW rows of the
    newest register in quarantine, detail: their reasons; LIST_UNIT a unit that a full list lacks, with the rows that
    the list before it had, detail: the scope as people read it; MASKED_TEXT a row that counts, in one of
    whose free texts something that looks like a personal number was masked, detail: its file and line.
    """

    source: str
    kind: str
    unit: str | None
    rows: int
    detail: str | None = None


FINDINGS_SCHEMA: dict[str, pl.DataType] = {
    "source": pl.String(),
    "kind": pl.String(),
    "unit": pl.String(),
    "rows": pl.Int64(),
    "detail": pl.String(),
}
"""The fields of `Finding`, one row each."""

SIGNS_SCHEMA: dict[str, pl.DataType] = {
    "source": pl.String(),
    "sign": pl.String(),
    "subject": pl.String(),
    "verksamhet": pl.String(),
    "month": pl.Date(),
    "value": pl.Float64(),
    "base": pl.Float64(),
    "factor": pl.Float64(),
    "rows": pl.Int64(),
}
"""What of a source's newest day's delivery is compared with earlier ones, one row per thing (`subject`, as people read
it). sign: one of `vocabulary.SIGNS`, which says what `value` is held against `base`, and what the other numbers are
(`ingestion.drift`). verksamhet, month (its first day): of MONTH_VOLUME."""

CURRENT_MONTHS_SCHEMA: dict[str, pl.DataType] = {"source": pl.String(), "month": pl.Date(), "rows": pl.Int64()}
"""How many rows of a source count now, by the month of their event (its first day; null of sources without events).
For people only (`operations.shrunk`): no gate and no model reads it."""

PARTIAL_MONTHS_SCHEMA: dict[str, pl.DataType] = {
    "source": pl.String(),
    "verksamhet": pl.String(),
    "month": pl.Date(),
}
"""Months (first days) of which a source delivered only a part for a verksamhet, as the gate judged."""

SCHEMAS: Mapping[str, dict[str, pl.DataType]] = {
    LEDGER: LEDGER_SCHEMA,
    QUARANTINE: QUARANTINE_SCHEMA,
    REFUSED: REFUSED_SCHEMA,
    REPLACED: REPLACED_SCHEMA,
    FINDINGS: FINDINGS_SCHEMA,
    MEASURES: MEASURES_SCHEMA,
    SIGNS: SIGNS_SCHEMA,
    PARTIAL_MONTHS: PARTIAL_MONTHS_SCHEMA,
    CURRENT_MONTHS: CURRENT_MONTHS_SCHEMA,
}


@dataclass(frozen=True)
class RunFolder:
    """The run folder of a data folder."""

    data: DataPaths

    def path(self, table: str) -> Path:
        """Where a table lies (dbt and the gates read it there)."""
        return self.data.run / f"{table}.parquet"

    def write(self, table: str, frame: pl.DataFrame) -> None:
        """Write a table. Raises AssertionError where it has another schema than agreed (SCHEMAS)."""
        assert table not in SCHEMAS or dict(frame.schema) == SCHEMAS[table], table
        with replacing(self.path(table)) as part:
            frame.write_parquet(part)

    def read(self, table: str) -> pl.DataFrame:
        """A table of the latest run. Raises ResultattavlaError when nothing was run."""
        if not self.path(table).exists():
            lost = f"Filen {self.path(table)} är borta: kör `resultattavla run`, som gör den på nytt."
            never = f"Ingen körning finns i {self.data.root}: kör `resultattavla run` först."
            raise ResultattavlaError(lost if self._identity.exists() else never)
        return pl.read_parquet(self.path(table))

    def ledger(self) -> list[Delivery]:
        """The delivery ledger, sorted by source and file."""
        return ledger_of(self.read(LEDGER))

    # --- Whose it is -----------------------------------------------------------------------------------------------

    @property
    def _identity(self) -> Path:
        return self.data.run / "identity.json"

    @property
    def _asked(self) -> Path:
        return self.data.run / "asked_day"

    @property
    def day_was_asked(self) -> bool:
        """Whether the run's day was asked for; it is the newest delivery's else."""
        return self._asked.exists()

    def begin(self, identity: RunIdentity, day_asked: bool = False) -> None:
        """From now on what lies in the folder is on its way to being this run's. day_asked: as `day_was_asked`."""
        self._asked.touch() if day_asked else self._asked.unlink(missing_ok=True)
        self._finished.unlink(missing_ok=True)
        self.forget_release()
        with replacing(self._identity) as part:
            part.write_text(json.dumps(asdict(identity), default=str, ensure_ascii=False, indent=1), encoding="utf-8")

    def identity(self) -> RunIdentity:
        """The latest ingestion's. Raises ResultattavlaError when nothing was ingested yet or the file is damaged."""
        try:
            content = json.loads(self._identity.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ResultattavlaError(
                f"Ingen körning finns i {self.data.root}: kör `resultattavla run` först."
            ) from None
        except ValueError:
            content = None
        if not isinstance(content, dict) or content.keys() != {f.name for f in fields(RunIdentity)}:
            raise ResultattavlaError(
                f"Körningens uppgifter i {self._identity} är skadade: kör `resultattavla run` igen."
            )
        return RunIdentity(**{**content, "as_of": date.fromisoformat(content["as_of"])})

    # --- Gates' outcomes -------------------------------------------------------------------------------------------

    def write_outcomes(self, gate: str, run_id: str, outcomes: pl.DataFrame, results: Collection[Any]) -> None:
        """Keep what a gate found on this run's inputs: a row per expectation, and the results that data docs show."""
        with replacing(self.data.run / f"results_{gate}.json") as part:
            part.write_text(json.dumps(results, ensure_ascii=False), encoding="utf-8")
        with replacing(self.path(f"outcomes_{gate}")) as part:
            outcomes.with_columns(run_id=pl.lit(run_id)).write_parquet(part)

    def outcomes(self, gate: str, run_id: str) -> pl.DataFrame | None:
        """What a gate found on exactly this run's inputs; None when it was not run on them or the file is damaged."""
        try:
            frame = pl.read_parquet(self.path(f"outcomes_{gate}")).filter(pl.col("run_id") == run_id).drop("run_id")
        except (FileNotFoundError, pl.exceptions.PolarsError):
            return None
        return frame if frame.height else None

    def gate_results(self, gate: str) -> list[dict[str, Any]]:
        """The results that data docs show of a gate whose outcomes are there."""
        found: list[dict[str, Any]] = json.loads((self.data.run / f"results_{gate}.json").read_text(encoding="utf-8"))
        return found

    # --- The release -----------------------------------------------------------------------------------------------

    @property
    def _release(self) -> Path:
        return self.data.run / "release.json"

    def forget_release(self) -> None:
        """Nothing is published of this run, or not yet."""
        self._release.unlink(missing_ok=True)

    def note_release(self, run_id: str, release_id: str) -> None:
        """The run's release is in its place."""
        with replacing(self._release) as part:
            part.write_text(json.dumps({"run_id": run_id, "release_id": release_id}), encoding="utf-8")

    def noted_release(self, run_id: str) -> str | None:
        """Id of the release that this run published; None when it did not, or the note is damaged."""
        try:
            content = json.loads(self._release.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return content["release_id"] if isinstance(content, dict) and content.get("run_id") == run_id else None

    # --- The end ---------------------------------------------------------------------------------------------------

    @property
    def _finished(self) -> Path:
        return self.data.run / "finished"

    def mark_finished(self, run_id: str) -> None:
        """The run came to its end: gates, release and pages are there."""
        with replacing(self._finished) as part:
            part.write_bytes(self._end_of(run_id))

    @property
    def log(self) -> Path:
        """The run log (`runs.log`)."""
        return self.data.run / "log.jsonl"

    def finished_run(self) -> str | None:
        """The run that came to its end and whose tables, warehouse and pages are still as it left them, or None."""
        content = self._finished.read_bytes() if self._finished.exists() else b""
        run_id = content.split(b" ")[0].decode(errors="replace")
        return run_id if content == self._end_of(run_id) else None

    def _end_of(self, run_id: str) -> bytes:
        """A run's id and a hash over what it left beside the release: tables, outcomes, warehouse and pages.

        Not over the log, whose last line is written afterwards: nothing is made of it.
        """
        digest = hashlib.sha256()
        files = [
            *(p for p in self.data.run.glob("*") if p not in (self._finished, self.log)),
            *self.data.docs.glob("**/*"),
            self.data.current / "manifest.json",
        ]
        if self.data.warehouse.exists():  # large: whether anybody wrote to it says enough
            found = self.data.warehouse.stat()
            digest.update(f"{found.st_size} {found.st_mtime_ns}".encode())
        for path in sorted(p for p in files if p.is_file()):
            digest.update(path.relative_to(self.data.root).as_posix().encode() + b"\0" + sha256_of(path).encode())
        return f"{run_id} {digest.hexdigest()}".encode()
