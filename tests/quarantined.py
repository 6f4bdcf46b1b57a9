"""A run folder with a few rows in quarantine, for tests of what people are shown of them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from dagster_project.core.paths import DataPaths
from dagster_project.runs.folder import LEDGER, QUARANTINE, QUARANTINE_SCHEMA, RunFolder
from dagster_project.runs.ledger import Delivery, ledger_frame

JULY = Delivery("kva", "kva/kva_2022-07-01.csv", "a" * 64, date(2022, 7, 1), position=1)
AUGUST = Delivery("kva", "kva/kva_2022-08-01.csv", "b" * 64, date(2022, 8, 1), position=2)
ROWS = [
    (JULY, 2, "saknas:vardkontakt_id", None, "vardkontakt_id=", "open", None),
    (JULY, 3, "saknas:vardkontakt_id", None, "vardkontakt_id=", "resolved", "covering"),
    (JULY, 9, "format:kva_kod", "V9|x", "kva_kod==2+5", "open", None),
    (AUGUST, 2, "format:kva_kod", "V2|x", "kva_kod=1,5", "open", None),
]
"""Delivery, line, reasons, key, values, state, what settled it."""


def set_aside(data: Path) -> RunFolder:
    """A data folder whose latest run left ROWS in quarantine."""
    made = RunFolder(DataPaths(data))
    made.data.run.mkdir(parents=True)
    rows = [
        {
            **dict.fromkeys(QUARANTINE_SCHEMA),
            "source": d.source,
            "file": d.file,
            "line": line,
            "reasons": reasons,
            "key": key,
            "values": values,
            "state": state,
            "first_seen": d.uttagsdatum,
            "delivery": d.id,
            "followed_by": AUGUST.file if settled else None,
            "settled_by": settled,
        }
        for d, line, reasons, key, values, state, settled in ROWS
    ]
    made.write(QUARANTINE, pl.DataFrame(rows, schema=QUARANTINE_SCHEMA))
    made.write(LEDGER, ledger_frame([JULY, AUGUST]))
    return made
