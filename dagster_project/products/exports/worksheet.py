"""xlsxwriter's worksheet, quicker where it writes half a million cells: the same bytes."""

from __future__ import annotations

from typing import Any

from xlsxwriter import worksheet
from xlsxwriter.utility import xl_col_to_name


class Worksheet(worksheet.Worksheet):
    """A worksheet whose rows and columns have no formats of their own.

    `text` and `number` are `write_string` and `write_number` with row and column as numbers, without asking whether
    they are (`A1`). Texts and numbers are written without looking for characters to escape in what never has any: the
    name of a cell and the number of its format.
    """

    def __init__(self) -> None:
        super().__init__()
        self._names: dict[int, str] = {}

    def text(self, row: int, column: int, text: str, cell_format: Any) -> None:
        """Write a text."""
        self._write_string(row, column, text, cell_format)

    def number(self, row: int, column: int, number: float, cell_format: Any) -> None:
        """Write a number."""
        self._write_number(row, column, number, cell_format)

    def _write_cell(self, row: int, col: int, cell: Any) -> None:
        kind = cell.__class__.__name__
        if self.constant_memory or kind not in ("String", "Number"):
            super()._write_cell(row, col, cell)
            return
        name = self._names.get(col) or self._names.setdefault(col, xl_col_to_name(col))
        style = f' s="{cell.format._get_xf_index()}"' if cell.format else ""
        if kind == "String":
            self.fh.write(f'<c r="{name}{row + 1}"{style} t="s"><v>{cell.string}</v></c>')
        else:
            self.fh.write(f'<c r="{name}{row + 1}"{style}><v>{cell.number:.16G}</v></c>')
