"""Read a delivered file into columns of text, with the line number of every row.

One result shape for all formats: a frame with one text column per contract column that the file has, plus `line`
(Int64: the number an editor shows; Excel's row number; in Parquet the row's number from 1) and `ragged` (Boolean: the
row has more cells than the header, or a stray quote or line break has moved some). Raises RejectedFileError with the
cause (a Swedish clause).
"""

from __future__ import annotations

from collections.abc import Callable

from dagster_project.catalogue.contracts import Contract
from dagster_project.core.errors import RejectedFileError
from dagster_project.ingestion.readers import csv, excel, parquet
from dagster_project.ingestion.readers.limits import DEFAULT, Limits
from dagster_project.ingestion.readers.table import IrregularError, RawParts, RawTable, without_unfilled

__all__ = [
    "DEFAULT",
    "EXTENSIONS",
    "IrregularError",
    "Limits",
    "RawParts",
    "RawTable",
    "large",
    "read_delivery",
    "read_in_parts",
]

_READERS: dict[str, Callable[[bytes, Contract, Limits], RawTable]] = {
    "csv": csv.read,
    "csv.gz": csv.read_packed,
    "xlsx": excel.read,
    "parquet": parquet.read,
}
EXTENSIONS = tuple(_READERS)
_IN_PARTS: dict[str, Callable[[bytes, Contract, Limits], RawParts | None]] = {
    "csv": csv.in_parts,
    "csv.gz": csv.in_parts_packed,
}
_PACKED = 8
"""A packed file is taken to unpack to so many times its size."""


def unpacked_size(size: int, extension: str) -> int:
    """About how many bytes of text a file of that size has."""
    return size * (_PACKED if extension == "csv.gz" else 1)


def large(size: int, extension: str) -> bool:
    """Whether a file is so large that it is read in parts where it can be."""
    return unpacked_size(size, extension) > csv.PART_BYTES


def read_in_parts(content: bytes, extension: str, contract: Contract, limits: Limits = DEFAULT) -> RawParts | None:
    """Read one large file's bytes in parts; None where it has to be read as a whole (`read_delivery`).

    Raises RejectedFileError as `read_delivery` does, when it is called and when a part is read.
    """
    whole = contract.passes_over_unfilled or any(rule.kind == "overlap" for rule in contract.rules)
    if whole or extension not in _IN_PARTS or not large(len(content), extension):
        return None
    try:
        limits.require_file(len(content))
        parts = _IN_PARTS[extension](content, contract, limits)
    except (IrregularError, RejectedFileError):
        return None  # reading it as a whole says why
    return parts


def read_delivery(content: bytes, extension: str, contract: Contract, limits: Limits = DEFAULT) -> RawTable:
    """Read one file's bytes; `extension` is csv, csv.gz, xlsx or parquet.

    Whatever a file does to its reader, it is rejected: only that memory runs out is no fault of the file alone.
    """
    try:
        limits.require_file(len(content))
        table = _READERS[extension](content, contract, limits)
    except (RejectedFileError, MemoryError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # the panics of polars and calamine are no Exception
        raise RejectedFileError(f"den kan inte läsas: filen är skadad ({type(error).__name__})") from error
    if table.frame.height == 0:
        raise RejectedFileError("den har inga datarader")
    if contract.passes_over_unfilled:
        table = without_unfilled(table, contract)
        if table.frame.height == 0:
            raise RejectedFileError("ingen rad är ifylld: fyll i minst en rad och leverera igen")
    return table
