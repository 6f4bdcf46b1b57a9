"""The files of the product, each written from a release."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from dagster_project.catalogue.vocabulary import HIDDEN, NO_DATA, PRELIMINARY, UNIT
from dagster_project.core.paths import DataPaths
from dagster_project.core.swedish import day_in_words, listed, number
from dagster_project.products.exports import kolada, measure_reports, metrics, varden_i_siffror
from dagster_project.products.exports.cells import PLACES
from dagster_project.products.exports.sheets import sheets
from dagster_project.products.exports.workbook import Cover, write_workbook
from dagster_project.products.reading import Reading

WORKBOOK = "resultat.xlsx"
_MOST_NAMED = 12


def write_exports(reading: Reading, data: DataPaths, folder: Path, units: bool = False) -> None:
    """Write every file into a folder.

    units: the workbook and `varden_i_siffror.csv` have the cells of units too (Kolada and FHIR know units only as
    verksamheter). Raises ResultattavlaError where the release is of older code.
    """
    write_workbook(folder / WORKBOOK, _cover(reading, units), list(sheets(reading, units)), reading.release.as_of)
    kolada.write(reading, folder)
    varden_i_siffror.write(reading, folder / "varden_i_siffror.csv", (*PLACES, UNIT) if units else PLACES)
    measure_reports.write(reading, folder / "measure_reports.json")
    metrics.write(reading, data, folder / "metrics.prom")


def _cover(reading: Reading, units: bool) -> Cover:
    release = reading.release
    titles = {i.indicator_id: i.titel for i in reading.indicators.values()}
    held_back = [titles.get(i, i) for i in release.held_back]
    frozen = [f"{titles.get(i, i)} (ur utgåva {r})" for i, r in release.frozen.items()]
    facts = [
        ("Utgåva", release.id),
        ("Läget", day_in_words(date.fromisoformat(release.as_of))),
        ("Indikatorer", number(len(titles))),
    ]
    if held_back:
        facts.append(("Hålls tillbaka", f"{listed(held_back, _MOST_NAMED)}: en källa är inte godkänd."))
    if frozen:
        facts.append(("Fryst", f"{listed(frozen, _MOST_NAMED)}: visar talen som de senast var godkända."))
    limit = release.manifest.suppression_limit
    few = release.manifest.few_limit
    words = {s.kod: s.ord for s in reading.statuses.values()}
    left_out = [
        "Rader där indikatorn eller punkten inte gäller verksamheten.",
        "Konfidensintervall och förändring: de finns i utgåvans indicator_result.csv, som har alla kolumner.",
    ]
    if not units:
        left_out.insert(
            0,
            "Enheter: de finns i utgåvans indicator_result.csv, och i den bok som `resultattavla export --units` gör.",
        )
    paragraphs = [
        (
            words[HIDDEN],
            f"Talet bygger på färre än {limit} personer, eller behövs för att ett sådant tal inte ska gå att räkna ut. "
            "Cellerna är tomma. Noll döljs inte.",
        ),
        (words[PRELIMINARY], "Perioden är inte slut, eller alla leveranser har inte kommit: talet kommer att ändras."),
        (words[NO_DATA], "Ingen har levererat uppgifter om perioden, eller det fanns inget att räkna."),
        ("Få fall", f"Bedömningen vilar på färre än {few}: någon enstaka ändrar den."),
        ("Procent", "Andelar är tal i procent: 93,7 betyder 93,7 procent."),
        (
            "Räkna inte ihop rader",
            "Området innehåller verksamheterna, året månaderna, och alla är kvinnor och män tillsammans: filtrera fram "
            "en periodtyp och ett kön först. Räkna aldrig medel av andelar: dela täljarna med nämnarna.",
        ),
        ("Jämförelse", "Samma period ett år tidigare, eller samma månader basåret. Tom där den är dold eller saknas."),
        ("Utelämnat", "\n".join(left_out)),
    ]
    title = f"{reading.area.namn}: resultat {day_in_words(date.fromisoformat(release.as_of))}"
    return Cover(title, facts, paragraphs)
