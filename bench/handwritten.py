"""The hand-written script that the pipeline is measured against: one process, plain SQL, no checks of anything.

`python -m bench.handwritten RAW OUT.parquet` reads the generated files below RAW and writes their cells.
"""

from __future__ import annotations

import sys
from pathlib import Path
from string import Template

import duckdb

SQL = Path(__file__).with_suffix(".sql")
INDICATORS = ("vg_forsta_besok_90", "vantetid_median", "levnadsvanor")


def _has_column(path: Path, name: str) -> bool:
    with path.open(encoding="utf-8-sig") as file:
        return name in file.readline().strip().split(";")


def compute(raw: Path, target: Path) -> None:
    """Compute the cells from the files below `raw`; the column `makulerad` may be missing, as in generated files."""
    values = {"raw": str(raw)}
    for source in ("vantetider", "kva"):
        withdrawn = any(_has_column(path, "makulerad") for path in (raw / source).glob("*.csv"))
        values[f"{source}_galler"] = "coalesce(r.makulerad, 'Nej') <> 'Ja'" if withdrawn else "true"
    statements = Template(SQL.read_text(encoding="utf-8")).substitute(values)
    with duckdb.connect() as connection:
        connection.execute("set enable_progress_bar = false")
        connection.execute(statements)
        connection.execute(f"copy resultat to '{target}' (format parquet)")


if __name__ == "__main__":
    compute(Path(sys.argv[1]), Path(sys.argv[2]))
