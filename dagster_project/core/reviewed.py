"""Reviewed lists: small CSV files that people decide in, a line each, read strictly."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path

from dagster_project.core.errors import ResultattavlaError, UsageError, system_reason
from dagster_project.core.files import replacing
from dagster_project.core.masking import mask


class ReviewedListError(ResultattavlaError):
    """A reviewed list cannot be used: the message names the file, the line and what to do."""


def _read_lines(path: Path, columns: Sequence[str]) -> list[tuple[int, list[str]]]:
    """The lines below the header, each with its number and trimmed cells; a missing file is an empty one.

    Raises ReviewedListError for a file that is no CSV in UTF-8 or has other columns.
    """
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            rows = [(reader.line_num, [c.strip() for c in row]) for row in reader if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ReviewedListError(f"{path} kan inte läsas som CSV i UTF-8 ({error}).") from error
    if not rows or rows[0][1] != list(columns):
        raise ReviewedListError(f"{path}: första raden ska vara {','.join(columns)}.")
    return rows[1:]


def checked_lines(
    path: Path,
    columns: Sequence[str],
    fault: Callable[[Sequence[str]], str | None],
    once: str = "",
    named_by: Sequence[str] = (),
) -> list[tuple[int, list[str]]]:
    """The lines of a list (number and trimmed cells), each of them in order; a missing file is an empty one.

    fault: what is wrong with the cells of a line that has them all, or None. once: what may stand in it once, named_by
    these columns. Raises ReviewedListError for a file that cannot be read, and with every fault that is
    found, one sentence each.
    """
    seen: dict[tuple[str, ...], int] = {}
    lines, faults = _read_lines(path, columns), []
    for number, cells in lines:
        found = _fault_of_cells(cells, columns) or fault(cells)
        if found is None and named_by:
            first = seen.setdefault(tuple(cells[columns.index(n)] for n in named_by), number)
            found = None if first == number else f"samma {once} står redan på rad {first}; ta bort den ena"
        if found:
            faults.append(f"{path}, rad {number}: {found}.")
    if faults:
        raise ReviewedListError(mask("\n".join(faults)))
    return lines


def _fault_of_cells(cells: Sequence[str], columns: Sequence[str]) -> str | None:
    """What is wrong with a line before anything is asked of its cells, or None."""
    if len(cells) != len(columns):
        return f"raden har {len(cells)} celler i stället för {len(columns)} (sätt text med komma inom citattecken)"
    empty = [name for name, cell in zip(columns, cells, strict=True) if not cell]
    return f"{', '.join(empty)} saknas" if empty else None


def is_date(text: str) -> bool:
    """Whether a cell is a day as ÅÅÅÅ-MM-DD."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def require_said(reason: str, by: str) -> None:
    """Raise UsageError where reason or name of a decision are empty."""
    for option, text, wanted in (("--reason", reason, "varför"), ("--by", by, "namn eller roll")):
        if not text.strip():
            raise UsageError(f"{option} är tomt: skriv {wanted}.")


def one_line(text: str) -> str:
    """What somebody said of a decision, as it is kept: on one line, personnummer masked."""
    return mask(" ".join(text.split()))


def append_lines(path: Path, columns: Sequence[str], lines: Iterable[Sequence[object]]) -> None:
    """Write lines at the end of a list, which is made where it is missing.

    Raises ResultattavlaError where the file cannot be written.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    try:
        content = path.read_text(encoding="utf-8-sig") if path.exists() else ",".join(columns) + "\n"
        with replacing(path) as part:
            part.write_text(content + ("" if content.endswith("\n") else "\n") + text.getvalue(), encoding="utf-8")
    except OSError as error:
        raise ResultattavlaError(f"Filen {path} kan inte skrivas: {system_reason(error)}.") from error
