"""Read a delivered file into columns of text, with the line number of every row.

One result shape for all formats: a frame with one text column per contract column that the file has, plus `line`
(Int64: the number an editor shows; Excel's row number; in Parquet the row's number from 1) and `ragged` (Boolean: the
row has more, non-empty cells than the header). Raises RejectedFileError with the cause (a Swedish clause).
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from dagster_project.catalogue.contracts import Contract
from dagster_project.core.errors import RejectedFileError
from dagster_project.ingestion.readers import csv, excel, parquet
from dagster_project.ingestion.readers.table import RawTable

__all__ = ["EXTENSIONS", "RawTable", "read_delivery"]

_READERS: dict[str, Callable[[bytes, Contract], RawTable]] = {
    "csv": csv.read,
    "csv.gz": csv.read_packed,
    "xlsx": excel.read,
    "parquet": parquet.read,
}
EXTENSIONS = tuple(_READERS)


def read_delivery(content: bytes, extension: str, contract: Contract) -> RawTable:
    """Read one file's bytes; `extension` is csv, csv.gz, xlsx or parquet."""
    try:
        table = _READERS[extension](content, contract)
    except pl.exceptions.PanicException as error:  # polars gives up on some damaged files; it is no Exception
        raise RejectedFileError("den kan inte läsas: filen är skadad") from error
    if table.frame.height == 0:
        raise RejectedFileError("den har inga datarader")
    return table
