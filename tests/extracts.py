"""Made deliveries for the tests of ingestion: valid base rows, test persons, and one run over a raw folder."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from unittest.mock import patch

import polars as pl

from dagster_project.catalogue.contracts import (
    EMPTY,
    FILLED,
    REGISTER_SOURCE,
    Column,
    Condition,
    Contract,
    load_contracts,
)
from dagster_project.core.paths import DataPaths
from dagster_project.ingestion import settle as settling
from dagster_project.ingestion.deliveries import read_deliveries
from dagster_project.ingestion.readers import read_delivery
from dagster_project.ingestion.rows import ParsedDelivery, parse_delivery
from dagster_project.ingestion.settle import Settled, settle
from dagster_project.operations.settings import Settings
from dagster_project.runs.folder import REFUSED, REPLACED, RunFolder
from dagster_project.runs.ledger import Delivery, accepted, ledger_frame

Row = Mapping[str, str]

EXTRACTION = date(2022, 8, 31)
TODAY = date(2022, 10, 15)
UNIT, OTHER_UNIT = "SE2321000164-1001", "SE2321000164-1002"
KEY = b"a key that is used in tests only"


def check_digit(nine: str) -> str:
    """The Luhn digit that completes nine digits."""
    total = sum(sum(divmod(int(c) * (2 - i % 2), 10)) for i, c in enumerate(nine))
    return str(-total % 10)


def number(born: date, birth_number: int = 980, coordination: bool = False) -> str:
    """A test person's number, 12 digits (birth numbers 980-999 are never given to anybody)."""
    assert 980 <= birth_number <= 999
    day = born.day + 60 * coordination
    nine = f"{born.year % 100:02}{born.month:02}{day:02}{birth_number}"
    return f"{born.year // 100:02}{nine}{check_digit(nine)}"


def spellings(twelve: str) -> tuple[str, ...]:
    """All ways to write one number that the specification knows."""
    short = twelve[2:]
    return (twelve, f"{twelve[:8]}-{twelve[8:]}", short, f"{short[:6]}-{short[6:]}", f"{short[:6]}+{short[6:]}")


PERSON, OTHER_PERSON = number(date(1980, 5, 17), 981), number(date(2011, 12, 3), 992)

BASE: dict[str, dict[str, str]] = {
    "enheter": {
        "hsaid_enhet": UNIT,
        "enhetsnamn": "Barnhabiliteringen Örebro",
        "verksamhet": "BUH",
        "lansdel": "Örebro",
        "giltig_fran": "2015-01-01",
        "giltig_till": "",
        "makulerad": "",
    },
    "vantetider": {
        "vardkontakt_id": "V1",
        "status": "GENOMFORD",
        "matperiod": "2022-05",
        "fas": "1",
        "vardgaranti": "Ja",
        "avvikelsekod": "",
        "beslut_datum": "2022-04-02",
        "start_datum": "2022-05-30",
        "medicinskt_maldatum": "",
        "hsaid_enhet": UNIT,
        "kon": "K",
        "fodelsear": "1980",
        "lkf": "1880",
        "flode": "",
        "makulerad": "",
    },
    "kva": {
        "vardkontakt_id": "K1",
        "kva_kod": "DV111",
        "personnummer": PERSON,
        "hsaid_enhet": UNIT,
        "atgardsdatum": "2022-05-30",
        "yrkeskategori": "Kurator",
        "makulerad": "",
    },
    "gas": {
        "gas_id": "G1",
        "mal_nr": "1",
        "personnummer": PERSON,
        "hsaid_enhet": UNIT,
        "viktighet": "3",
        "svarighet": "2",
        "baslinje": "-1",
        "baslinjedatum": "2022-01-10",
        "utfall": "0",
        "utfallsdatum": "2022-05-30",
        "makulerad": "",
    },
    "register_population": {
        "register": "cpup",
        "personnummer": PERSON,
        "hsaid_enhet": UNIT,
        "inklusionsdatum": "2020-05-01",
        "utgangsdatum": "",
        "diagnoskod": "G80.1",
        "makulerad": "",
    },
    "register_registreringar": {
        "register": "cpup",
        "personnummer": PERSON,
        "hsaid_enhet": UNIT,
        "registreringsdatum": "2022-05-01",
        "formular": "arbetsterapeut",
        "makulerad": "",
    },
    "avvikelser": {
        "avvikelse_id": "A1",
        "hsaid_enhet": UNIT,
        "handelsedatum": "2022-05-01",
        "registreringsdatum": "2022-05-02",
        "paborjad_datum": "2022-05-04",
        "avslutad_datum": "2022-05-25",
        "utredning_begard_datum": "2022-05-10",
        "utredning_besvarad_datum": "2022-05-20",
        "allvarlighetsgrad": "2",
        "rapporterande_enhet": UNIT,
        "utredande_enhet": UNIT,
        "typ": "Vård och behandling",
        "makulerad": "",
    },
    "aktiviteter": {
        "aktivitet_id": "HH-2022-02",
        "verksamhet": "BUH",
        "manad": "2022-08",
        "status": "Pågår",
        "antal": "2",
        "kommentar": "Två av tre förbättringsområden är valda.",
        "makulerad": "",
    },
    "ekonomi": {
        "verksamhet": "BUH",
        "manad": "2022-05",
        "konto": "4011",
        "konto_grupp": "lon",
        "utfall_kr": "-3 431 250,50",
        "budget_kr": "-3 400 000",
        "makulerad": "",
    },
    "bhk": {
        "observation_id": "B1",
        "hsaid_enhet": UNIT,
        "observationsdatum": "2022-05-30",
        "yrkeskategori": "Fysioterapeut",
        "h_fore": "Ja",
        "h_efter": "ja",
        "h_handskar": "Ej aktuellt",
        "h_forklade": "EJ AKTUELLT",
        "k_arm": "1",
        "k_smycken": "2",
        "k_naglar": "Nej",
        "k_har": "E",
        "makulerad": "",
    },
    "ronder": {
        "rond_id": "R1",
        "hsaid_enhet": UNIT,
        "rondtyp": "Patientsäkerhet",
        "form": "",
        "ronddatum": "2022-05-30",
        "makulerad": "",
    },
    "klimatinkop": {
        "hsaid_enhet": UNIT,
        "manad": "2022-05",
        "artikelgrupp": "Handskar",
        "antal": "1 200,5",
        "belopp_kr": "-310,50",
        "makulerad": "",
    },
    "etjanster": {
        "hsaid_enhet": UNIT,
        "manad": "2022-05",
        "tjanst": "Ombokning",
        "antal": "17",
        "makulerad": "",
    },
}
"""One valid row per source, as somebody would write it; that of a source that is not here follows from its contract."""


def _base_row(contract: Contract) -> dict[str, str]:
    """A valid row of a contract, all cells filled but those that its rules want empty.

    Raises AssertionError, with what to do, where the contract does not say enough to write one.
    """
    row = {column.name: _base_cell(column, contract.source) for column in contract.columns}
    for rule in contract.rules:
        if rule.kind == "empty" and rule.when is not None and _holds(rule.when, contract, row):
            row[rule.columns[0]] = ""
    return row


def _base_cell(column: Column, source: str) -> str:
    if column.pattern is not None and column.required:
        raise AssertionError(
            f"Källan {source}: skriv en giltig rad i BASE i tests/extracts.py; av kontraktet framgår inte vilken text "
            f"som passar mönstret för {column.name}."
        )
    if column.name == "makulerad" or column.pattern is not None:
        return ""
    if column.values is not None:
        return column.values[0]
    if column.type in ("int", "number"):
        return str(column.minimum if column.minimum is not None else min(1, column.maximum or 1))
    return {
        "code": "BUH",
        "date": "2022-05-30",
        "month": "2022-05",
        "yes_no": "Ja",
        "sex": "K",
        "personnummer": PERSON,
        "hsaid": UNIT,
        "kva_code": "DV111",
    }.get(column.type, f"{column.name} 1")


def _holds(condition: Condition, contract: Contract, row: dict[str, str]) -> bool:
    cell = row[condition.column]
    if condition.value in (FILLED, EMPTY):
        return (cell != "") == (condition.value == FILLED)
    if contract.column(condition.column).type == "yes_no":
        return condition.value is True
    return cell == str(condition.value)


DERIVED = [source for source in load_contracts() if source not in BASE]
"""Sources whose base row follows from their contract."""
BASE |= {source: _base_row(load_contracts()[source]) for source in DERIVED}

WAITING = {**BASE["vantetider"], "status": "VANTANDE", "start_datum": ""}
TWO_UNITS = [BASE["enheter"], {**BASE["enheter"], "hsaid_enhet": OTHER_UNIT, "verksamhet": "AUD"}]


def base(source: str, **changes: str) -> dict[str, str]:
    """The source's base row with some cells changed."""
    assert set(changes) <= set(BASE[source])
    return {**BASE[source], **changes}


def csv_bytes(
    rows: Sequence[Row], separator: str = ";", end: str = "\n", columns: Iterable[str] | None = None
) -> bytes:
    """Rows as a CSV file without quotes."""
    names = list(columns or rows[0])
    lines = [separator.join(names), *(separator.join(r.get(n, "") for n in names) for r in rows)]
    return (end.join(lines) + end).encode()


def parquet_bytes(frame: pl.DataFrame) -> bytes:
    stream = io.BytesIO()
    frame.write_parquet(stream)
    return stream.getvalue()


def xlsx_bytes(rows: Sequence[Sequence[object]], first_row: int = 0, options: dict[str, object] | None = None) -> bytes:
    """A workbook with one sheet; None leaves a cell out."""
    import xlsxwriter

    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True, "default_date_format": "yyyy-mm-dd", **(options or {})})
    sheet = book.add_worksheet()
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            if cell is not None:
                sheet.write(first_row + y, x, cell)
    book.close()
    return stream.getvalue()


def parsed(
    source: str, *rows: Row, extraction: date = EXTRACTION, key: bytes = KEY, columns: Iterable[str] | None = None
) -> ParsedDelivery:
    """Rows read and judged as one delivered CSV file."""
    contract = load_contracts()[source]
    raw = read_delivery(csv_bytes(rows, columns=columns), "csv", contract)
    return parse_delivery(raw, contract, extraction, "test", key)


def reasons(source: str, *rows: Row, extraction: date = EXTRACTION) -> dict[int, set[str]]:
    """Reason codes by line of the rows in quarantine."""
    table = parsed(source, *rows, extraction=extraction).quarantined
    return {line: set(codes) for line, codes in table.select("line", "reasons").iter_rows()}


@dataclass
class Pipeline:
    """A raw and a data folder, and runs over them."""

    folder: Path
    raw: Path = field(init=False)
    data: DataPaths = field(init=False)

    def __post_init__(self) -> None:
        self.raw, self.data = self.folder / "raw", DataPaths(self.folder / "data")
        self.raw.mkdir(parents=True, exist_ok=True)

    @property
    def settings(self) -> Settings:
        """Settings of these folders, whatever the environment says."""
        return Settings(raw=self.raw, data=self.data.root, products=())

    def deliver(self, source: str, day: date | str, *rows: Row, suffix: str = "", **options: str) -> Path:
        return self.put(source, f"{source}_{day}{suffix}.csv", csv_bytes(rows, **options))

    def put(self, source: str, name: str, content: bytes) -> Path:
        path = self.raw / source / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path

    def ledger(self, as_of: date | None = None, today: date = TODAY) -> tuple[date | None, dict[str, Delivery]]:
        """What ingestion says of every file, by its path below raw."""
        found_as_of, ledger = read_deliveries(self.raw, self.data, as_of, today)
        return found_as_of, {d.file: d for d in ledger}

    def run(self, as_of: date | None = None, today: date = TODAY, every: bool = False) -> Settled:
        """Read and settle the sources that were delivered, and the register; with `every` those without a file too,
        which take most of the time.
        """
        found_as_of, ledger = read_deliveries(self.raw, self.data, as_of, today)
        delivered = {REGISTER_SOURCE, *(d.source for d in ledger)}
        contracts = {s: c for s, c in settling.load_contracts().items() if every or s in delivered}
        with patch.object(settling, "load_contracts", lambda: contracts):
            return settle(found_as_of or today, ledger, self.data)

    def rows(self, settled: Settled, source: str) -> pl.DataFrame:
        """The newest accepted row per business key, as the models see the source."""
        from dagster_project.engines.duckdb import database, keep, sql_files
        from dagster_project.ingestion.bronze import accepted_path, anchor_path
        from dagster_project.ingestion.newest import newest_rows

        deliveries = accepted(settled.ledger, source)
        files = sql_files([anchor_path(self.data, source), *(accepted_path(self.data, d) for d in deliveries)])
        refused = RunFolder(self.data).read(REFUSED).filter(pl.col("source") == source)
        with database() as connection:
            keep(connection, "refused", refused)
            connection.execute(
                f"create view accepted as select * from read_parquet({files}, union_by_name = true) "
                "anti join refused using (delivery, line)"
            )
            keep(connection, "deliveries", ledger_frame(deliveries).select("delivery", "position", "uttagsdatum"))
            replaced = RunFolder(self.data).read(REPLACED).filter(pl.col("source") == source)
            keep(connection, "replaced", replaced.rename({"delivery": "replaced_delivery", "line": "replaced_line"}))
            return connection.execute(newest_rows(load_contracts()[source])).pl()
