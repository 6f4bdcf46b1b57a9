"""The product `export`, and its files in a folder of the user's."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

from dagster_project.core.errors import UsageError, system_reason
from dagster_project.core.files import replacing
from dagster_project.core.paths import DataPaths
from dagster_project.products.base import Making, Product
from dagster_project.products.reading import Reading


def _make(making: Making, units: bool = False) -> None:
    from dagster_project.products.exports.files import write_exports

    write_exports(making.reading, making.data, making.folder, units)


PRODUCT = Product(
    name="export",
    title="Exporterna",
    version="2",
    entry="resultat.xlsx",
    make=_make,
    reads_history=True,
)


def with_units() -> Product:
    """The product with the cells of units too; the next run that has something to make leaves them out again."""
    return replace(PRODUCT, make=partial(_make, units=True))


def write_to(folder: Path, reading: Reading, data: DataPaths, units: bool) -> list[Path]:
    """Write the files into a folder of the user's, each whole or not at all; other files there are left alone.

    Raises UsageError where that cannot be done, or what is published would be written over.
    """
    if folder.resolve().is_relative_to(data.published.resolve()):
        raise UsageError(f"{folder} hör till det som är publicerat och skrivs inte över: ange en annan mapp med --out.")
    with tempfile.TemporaryDirectory() as made:
        _make(Making(reading, data, Path(made)), units)
        try:
            written = []
            for path in sorted(Path(made).iterdir()):
                with replacing(folder / path.name) as part:
                    shutil.copyfile(path, part)
                written.append(folder / path.name)
        except OSError as error:
            raise UsageError(
                f"Exporterna kan inte skrivas i {folder}: {system_reason(error)}. Ange en annan mapp."
            ) from error
    return written
