"""Reference implementation ("oracle") of the specification: row by row, plain Python, nothing clever.

This module reads: ``settle`` takes the deliveries and says what becomes of every file and row. Beside it are the
tables of the catalogue (``catalogue``), the cells (``results``, ``part2``), the plan followed up (``plan``) and the
judge of a published set of rows (``disclosure``). Where the specification is loose, the choice is marked ``CHOICE``.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from python_calamine import CalamineWorkbook

SWEDEN = ZoneInfo("Europe/Stockholm")
VERKSAMHETER = ("AUD", "BUH", "CFH", "FAM", "OT", "SC", "TC", "VUH")
MISSING = {"", "NULL", "NA", "-"}
SEEDS = Path(__file__).parents[2] / "dbt" / "seeds"  # the plan is data: its tables are read, nothing else
NO_DATES = {date(1900, 1, 1), date(9999, 12, 31)}

# --------------------------------------------------------------------------------------------------------------
# The sources
# --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Col:
    """One column of a source table of extracts.md."""

    name: str
    type: str
    mandatory: bool = False
    happened: bool = False  # the date records what has happened: framtid applies
    allowed: frozenset[str] | None = None  # list of a code (in its normal form) or text
    low: int | None = None
    high: int | None = None


def _codes(*codes: str) -> frozenset[str]:
    return frozenset(codes)


MAKULERAD = Col("makulerad", "janej")
HYGIENE = ("h_fore", "h_efter", "h_handskar", "h_forklade")
DRESS = ("k_arm", "k_smycken", "k_naglar", "k_har")

SOURCES: dict[str, list[Col]] = {
    "enheter": [
        Col("hsaid_enhet", "hsaid", True),
        Col("enhetsnamn", "text", True),
        Col("verksamhet", "upper", True, allowed=_codes(*VERKSAMHETER)),
        Col("lansdel", "text", allowed=_codes("norr", "väster", "söder", "örebro", "länet")),
        Col("giltig_fran", "date", True),
        Col("giltig_till", "date"),
        MAKULERAD,
    ],
    "vantetider": [
        Col("vardkontakt_id", "text", True),
        Col("status", "upper", True, allowed=_codes("GENOMFORD", "VANTANDE")),
        Col("matperiod", "month", True),
        Col("fas", "int", True, low=1, high=5),
        Col("vardgaranti", "janej", True),
        Col("avvikelsekod", "int", low=1, high=3),
        Col("beslut_datum", "date", True, happened=True),
        Col("start_datum", "date", happened=True),
        Col("medicinskt_maldatum", "date"),
        Col("hsaid_enhet", "hsaid", True),
        Col("kon", "kon", True),
        Col("fodelsear", "int", low=1901),  # high: the extraction year
        Col("lkf", "text"),  # 4 digits
        Col("flode", "text"),
        MAKULERAD,
    ],
    "kva": [
        Col("vardkontakt_id", "text", True),
        Col("kva_kod", "kva", True),
        Col("personnummer", "pnr", True),
        Col("hsaid_enhet", "hsaid", True),
        Col("atgardsdatum", "date", True, happened=True),
        Col("yrkeskategori", "text"),
        MAKULERAD,
    ],
    "gas": [
        Col("gas_id", "text", True),
        Col("mal_nr", "int", True, low=1),
        Col("personnummer", "pnr", True),
        Col("hsaid_enhet", "hsaid", True),
        Col("viktighet", "int", low=0, high=3),
        Col("svarighet", "int", low=0, high=3),
        Col("baslinje", "int", True, low=-2, high=2),
        Col("baslinjedatum", "date", True, happened=True),
        Col("utfall", "int", low=-2, high=2),
        Col("utfallsdatum", "date", happened=True),
        MAKULERAD,
    ],
    "register_population": [
        Col(
            "register", "lower", True, allowed=_codes("cpup", "horselrehab", "grav_horsel_vuxna", "horsel_barn", "skrs")
        ),
        Col("personnummer", "pnr", True),
        Col("hsaid_enhet", "hsaid", True),
        Col("inklusionsdatum", "date", True, happened=True),
        Col("utgangsdatum", "date"),
        Col("diagnoskod", "text"),
        MAKULERAD,
    ],
    "register_registreringar": [
        Col(
            "register", "lower", True, allowed=_codes("cpup", "horselrehab", "grav_horsel_vuxna", "horsel_barn", "skrs")
        ),
        Col("personnummer", "pnr", True),
        Col("hsaid_enhet", "hsaid", True),
        Col("registreringsdatum", "date", True, happened=True),
        Col("formular", "text"),
        MAKULERAD,
    ],
    "avvikelser": [
        Col("avvikelse_id", "text", True),
        Col("hsaid_enhet", "hsaid", True),
        Col("handelsedatum", "date", happened=True),
        Col("registreringsdatum", "date", True, happened=True),
        Col("paborjad_datum", "date", happened=True),
        Col("avslutad_datum", "date", happened=True),
        Col("utredning_begard_datum", "date", happened=True),
        Col("utredning_besvarad_datum", "date", happened=True),
        Col("allvarlighetsgrad", "int", low=1, high=4),
        Col("rapporterande_enhet", "hsaid"),
        Col("utredande_enhet", "hsaid"),
        Col("typ", "text"),
        MAKULERAD,
    ],
    "bhk": [
        Col("observation_id", "text", True),
        Col("hsaid_enhet", "hsaid", True),
        Col("observationsdatum", "date", True, happened=True),
        Col("yrkeskategori", "text"),
        *(Col(item, "bhk", True, allowed=_codes("Ja", "Nej", "Ej aktuellt")) for item in (*HYGIENE, *DRESS)),
        MAKULERAD,
    ],
    "ronder": [
        Col("rond_id", "text", True),
        Col("hsaid_enhet", "hsaid", True),
        Col("rondtyp", "lower", True, allowed=_codes("patientsakerhet", "miljo")),
        Col("form", "lower", allowed=_codes("genomford", "uppfoljd")),
        Col("ronddatum", "date", True, happened=True),
        MAKULERAD,
    ],
    "klimatinkop": [
        Col("hsaid_enhet", "hsaid", True),
        Col("manad", "month", True),
        Col("artikelgrupp", "text", True),
        Col("antal", "number", True, low=0),
        Col("belopp_kr", "number", True),
        MAKULERAD,
    ],
    "ekonomi": [
        Col("verksamhet", "upper", True, allowed=_codes(*VERKSAMHETER)),
        Col("manad", "month", True),
        Col("konto", "text", True),
        Col(
            "konto_grupp",
            "lower",
            allowed=_codes(
                "anslag",
                "avgift_sald_vard",
                "ovrig_intakt",
                "lon",
                "kopt_vard",
                "lakemedel",
                "ovrig_kostnad",
                "avskrivning",
                "finans",
                "kvalitetsbrist",
            ),
        ),
        Col("utfall_kr", "number", True),
        Col("budget_kr", "number"),
        MAKULERAD,
    ],
    "etjanster": [
        Col("hsaid_enhet", "hsaid", True),
        Col("manad", "month", True),
        Col("tjanst", "caseless", True),
        Col("antal", "int", True, low=0),
        MAKULERAD,
    ],
    "aktiviteter": [
        Col("aktivitet_id", "item", True),
        Col("verksamhet", "upper", True, allowed=_codes(*VERKSAMHETER)),
        Col("manad", "month", True),
        Col("status", "lower", True, allowed=_codes("ej_paborjad", "pagar", "genomford", "utgar")),
        Col("antal", "number"),
        Col("kommentar", "text"),  # at most 2,000 characters
        MAKULERAD,
    ],
}
MONTHLY = ("klimatinkop", "ekonomi", "etjanster", "aktiviteter")  # a row is about a whole month

ORDER_RULES: dict[str, list[tuple[str, str]]] = {
    **{source: [] for source in SOURCES},
    "enheter": [("giltig_fran", "giltig_till")],
    "vantetider": [("beslut_datum", "start_datum")],
    "gas": [("baslinjedatum", "utfallsdatum")],
    "register_population": [("inklusionsdatum", "utgangsdatum")],
    "avvikelser": [
        ("handelsedatum", "registreringsdatum"),
        ("registreringsdatum", "paborjad_datum"),
        ("registreringsdatum", "avslutad_datum"),
        ("utredning_begard_datum", "utredning_besvarad_datum"),
    ],
}

# --------------------------------------------------------------------------------------------------------------
# Cells
# --------------------------------------------------------------------------------------------------------------


class NumberText(str):
    """A native number of a spreadsheet or Parquet file, written as text."""


class FormatError(ValueError):
    """The cell cannot be parsed as its type."""


def is_missing(text: str) -> bool:
    """Empty, NULL, NA (any case) and - are missing."""
    return text.upper() in MISSING


def to_text(value: Any) -> str:
    """A native value as the trimmed text that a CSV would hold; text is normalised to NFC and trimmed."""
    if value is None:
        return ""
    if isinstance(value, NumberText):
        return value
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value).strip()
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        return NumberText(str(value))
    if isinstance(value, float):
        return NumberText(str(int(value))) if value.is_integer() else NumberText(repr(value))
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.isoformat()
    return str(value).strip()


def parse_date(text: str) -> date | None:
    """A date, or None for the two dates that mean missing."""
    if re.fullmatch(r"[0-9]{8}", text):
        parts = (text[:4], text[4:6], text[6:])
        rest = ""
    else:
        match = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(.*)", text)
        if match is None:
            raise FormatError(text)
        parts = (match[1], match[2], match[3])
        rest = match[4]
    try:
        day = date(int(parts[0]), int(parts[1]), int(parts[2]))
    except ValueError as error:
        raise FormatError(text) from error
    if rest:
        clock = re.fullmatch(
            r"[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,][0-9]+)?)?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?", rest
        )
        if clock is None:
            raise FormatError(text)
        hour, minute, second = int(clock[1]), int(clock[2]), int(clock[3] or 0)
        if hour > 23 or minute > 59 or second > 59:
            raise FormatError(text)
        if clock[4] is not None and day not in NO_DATES:
            zone = clock[4] if clock[4] != "Z" else "+00:00"
            sign = -1 if zone[0] == "-" else 1
            digits = zone[1:].replace(":", "").ljust(4, "0")
            offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:])) * sign
            utc = datetime(day.year, day.month, day.day, hour, minute, second) - offset
            day = utc.replace(tzinfo=ZoneInfo("UTC")).astimezone(SWEDEN).date()
    if day in NO_DATES:
        return None
    if day.year < 1900:
        raise FormatError(text)
    return day


def parse_month(text: str) -> date | None:
    """The first day of the month."""
    match = re.fullmatch(r"([0-9]{4})-?([0-9]{2})", text)
    if match:
        year, month = int(match[1]), int(match[2])
        if not 1 <= month <= 12 or year < 1900:
            raise FormatError(text)
        return date(year, month, 1)
    day = parse_date(text)
    return day.replace(day=1) if day else None


def parse_int(text: str) -> int:
    """Digits, a sign, blanks as thousands separator, a decimal part of zeros."""
    plain = text.replace("\u00a0", " ").replace("\u202f", " ")
    if not re.fullmatch(r"[+-]?([0-9]+|[0-9]{1,3}( [0-9]{3})+)([.,]0+)?", plain):
        raise FormatError(text)
    return int(re.split(r"[.,]", plain)[0].replace(" ", ""))


def parse_number(text: str) -> Decimal:
    """A decimal comma or point, blanks as thousands separator; -, U+2212 or parentheses for negative."""
    plain = text.replace("\u00a0", " ").replace("\u202f", " ").replace("\u2212", "-")
    if isinstance(text, NumberText):
        return Decimal(text)
    inside = re.fullmatch(r"\((.*)\)", plain)
    if inside:
        plain = "-" + inside[1]
    if not re.fullmatch(r"[+-]?([0-9]+|[0-9]{1,3}( [0-9]{3})+)([.,][0-9]+)?", plain):
        raise FormatError(text)
    return Decimal(plain.replace(" ", "").replace(",", "."))


def parse_bhk(text: str) -> str:
    """Ja, Nej or Ej aktuellt; another text as it stands: the source's own list refuses it."""
    spellings = {"1": "Ja", "ja": "Ja", "2": "Nej", "nej": "Nej", "3": "Ej aktuellt", "e": "Ej aktuellt"}
    return spellings.get(text.lower(), "Ej aktuellt" if fold(text) == "ej_aktuellt" else str(text))


def parse_janej(text: str) -> bool:
    """Ja or Nej."""
    lowered = text.lower()
    if lowered in {"1", "j", "ja", "t", "true", "sant"}:
        return True
    if lowered in {"2", "n", "nej", "f", "false", "falskt"}:
        return False
    raise FormatError(text)


def parse_kon(text: str) -> str:
    """M, K or O."""
    lowered = text.lower()
    for letter, spellings in {"M": {"1", "m", "man"}, "K": {"2", "k", "kvinna"}, "O": {"3", "o", "okänt"}}.items():
        if lowered in spellings:
            return letter
    raise FormatError(text)


def parse_hsaid(text: str) -> str:
    """An HSA-id, in capitals."""
    if not re.fullmatch(r"SE[0-9]{10}-[A-Z0-9]{1,18}", text.upper()) or not text.isascii():
        raise FormatError(text)
    return text.upper()


def parse_kva(text: str) -> str:
    """A KVÅ code, in capitals."""
    if not re.fullmatch(r"[A-Z]{3}[0-9]{2}|[A-Z]{2}[0-9]{3}", text.upper()):
        raise FormatError(text)
    return text.upper()


def luhn_ok(ten: str) -> bool:
    """Luhn on ten digits."""
    total = 0
    for index, digit in enumerate(ten):
        number = int(digit) * (2 if index % 2 == 0 else 1)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


def _birth_date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day - 60 if day > 60 else day)
    except ValueError:
        return None


def _age(born: date, on: date) -> int:
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def parse_pnr(text: str, uttag: date) -> str:
    """The 12-character normal form."""
    if isinstance(text, NumberText) and text.isdigit():
        text = text.zfill(10) if len(text) <= 10 else text.zfill(12)
    if re.fullmatch(r"[0-9]{8}[0-9A-Zptf]{4}", text) and re.search(r"[A-Zptf]", text):
        return text  # CHOICE: a reservnummer's date is not checked
    long_form = re.fullmatch(r"([0-9]{8})-?([0-9]{4})", text)
    short_form = re.fullmatch(r"([0-9]{6})([-+]?)([0-9]{4})", text)
    if long_form:
        normal = long_form[1] + long_form[2]
    elif short_form:
        low, high = (100, 199) if short_form[2] == "+" else (0, 99)
        yy, mm, dd = int(text[:2]), int(text[2:4]), int(text[4:6])
        normal = ""
        for century in (18, 19, 20, 21):
            born = _birth_date(century * 100 + yy, mm, dd)
            if born and born <= uttag and low <= _age(born, uttag) <= high:
                normal = f"{century}{short_form[1]}{short_form[3]}"
        if not normal:
            raise FormatError("personnummer")
    else:
        raise FormatError("personnummer")
    if normal[:4] == "0000" or _birth_date(int(normal[:4]), int(normal[4:6]), int(normal[6:8])) is None:
        raise FormatError("personnummer")
    if normal[8:11] == "000" or not luhn_ok(normal[2:]):
        raise FormatError("personnummer")
    return normal


def sex_of(pnr: str) -> str:
    """K, M, or O for a reservnummer."""
    if not pnr.isdigit():
        return "O"
    return "M" if int(pnr[10]) % 2 else "K"


def fold(text: str) -> str:
    """A header or code: NFC, lower case, å/ä/ö as a/a/o, blanks and hyphens as _."""
    text = unicodedata.normalize("NFC", text).strip().lower()
    return text.translate(str.maketrans("åäö -\u00a0", "aao___"))


def parse_cell(col: Col, text: str, uttag: date) -> Any:
    """The parsed value of a filled cell; None where it means missing; FormatError."""
    match col.type:
        case "date":
            return parse_date(text)
        case "month":
            return parse_month(text)
        case "int":
            return parse_int(text)
        case "janej":
            return parse_janej(text)
        case "kon":
            return parse_kon(text)
        case "hsaid":
            return parse_hsaid(text)
        case "kva":
            return parse_kva(text)
        case "pnr":
            return parse_pnr(text, uttag)
        case "upper":
            return fold(text).upper()
        case "lower":
            return fold(text)
        case "number":
            return parse_number(text)
        case "bhk":
            return parse_bhk(text)
        case "caseless":
            return text.casefold()
        case "item":  # CHOICE: compared as codes are
            return PLAN_ITEMS.get(fold(text), str(text))
        case _:
            return str(text)


# --------------------------------------------------------------------------------------------------------------
# Files
# --------------------------------------------------------------------------------------------------------------


class Rejected(Exception):
    """The whole file is rejected; the text is the cause."""


Record = tuple[int, list[str]]  # line number, trimmed cells

_DOUBLE = re.compile("Ã[" + "".join(bytes([b]).decode("cp1252", "ignore") for b in range(0x80, 0xC0)) + "]")


def decode(data: bytes) -> str:
    """UTF-8 with or without BOM, else Windows-1252; double-encoded text and NUL bytes are refused."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError as error:
            raise Rejected("cannot be decoded") from error
    if "\x00" in text:  # CHOICE: NUL bytes mean a broken file
        raise Rejected("NUL bytes")
    if _DOUBLE.search(text):
        raise Rejected("double-encoded")
    return unicodedata.normalize("NFC", text)


def _lines(text: str) -> list[str]:
    """Lines with their LF kept, as an editor counts them."""
    return [line + "\n" for line in text.split("\n")]


def _csv_records(text: str, separator: str) -> Iterator[Record]:
    reader = csv.reader(_lines(text), delimiter=separator, quotechar='"')
    last = 0
    for cells in reader:
        yield last + 1, [cell.strip() for cell in cells]
        last = reader.line_num


def read_csv(data: bytes, columns: set[str]) -> list[Record]:
    """All non-blank records of a CSV, the header first."""
    csv.field_size_limit(2**31 - 1)
    text = decode(data)
    best, best_score = ";", (-1, -1)
    try:
        for separator in (";", ",", "\t", "|"):
            for _, cells in _csv_records(text, separator):
                if any(cells):
                    score = (sum(fold(cell) in columns for cell in cells), len(cells))
                    if score > best_score:
                        best, best_score = separator, score
                    break
        records = [(line, cells) for line, cells in _csv_records(text, best) if any(cells)]
    except csv.Error as error:
        raise Rejected("cannot be parsed") from error
    try:
        for _ in csv.reader(_lines(text.rstrip("\r\n")), delimiter=best, quotechar='"', strict=True):
            pass
    except csv.Error as error:
        if "unexpected end of data" in str(error):  # CHOICE: a quote that is never closed
            raise Rejected("a quote is not closed") from error
    return records


def read_xlsx(path: Path) -> list[Record]:
    """All non-blank rows of the first sheet with their row numbers."""
    try:
        sheet = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0)
        raw = sheet.to_python(skip_empty_area=False)
    except Exception as error:
        raise Rejected("not a workbook") from error
    records = [(number, [to_text(cell) for cell in row]) for number, row in enumerate(raw, start=1)]
    records = [(number, cells) for number, cells in records if any(cells)]
    if records:
        header = records[0][1]
        while header and not header[-1]:
            header.pop()
    return records


def read_parquet(path: Path) -> list[Record]:
    """The header as line 0, then the rows from 1."""
    try:
        frame = pl.read_parquet(path, hive_partitioning=False, glob=False)
    except Exception as error:
        raise Rejected("not a Parquet file") from error
    records: list[Record] = [(0, [str(name) for name in frame.columns])]
    for number, row in enumerate(frame.iter_rows(), start=1):
        cells = [to_text(value) for value in row]
        if any(cells):
            records.append((number, cells))
    return records


@dataclass
class Row:
    """One delivered row and what became of it."""

    source: str
    file: str
    name: str
    uttag: date
    line: int
    cells: dict[str, str]
    extra: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    reasons: set[str] = field(default_factory=set)
    key: tuple[Any, ...] | None = None
    outcome: str = ""  # accepted, quarantined, duplicate

    @property
    def withdraws(self) -> bool:
        """The row withdraws its key."""
        return self.values.get("makulerad") is True

    def __getitem__(self, column: str) -> Any:
        return self.values.get(column)


@dataclass
class Delivery:
    """One entry of a source's folder."""

    source: str
    file: str
    name: str
    uttag: date | None
    status: str = ""
    cause: str = ""
    rows: list[Row] = field(default_factory=list)

    def count(self, outcome: str) -> int:
        """Number of rows with the outcome."""
        return sum(row.outcome == outcome for row in self.rows)


def natural(name: str) -> list[tuple[int, int, str]]:
    """Orders names with their digits as numbers: _v10 after _v2."""
    return [
        (1, int(part), "") if part[0] in "0123456789" else (0, 0, part) for part in re.findall("[0-9]+|[^0-9]+", name)
    ]


def name_date(source: str, name: str) -> date | None:
    """The extraction date of a well-formed file name."""
    match = re.fullmatch(
        re.escape(source) + r"_([0-9]{4}-[0-9]{2}-[0-9]{2})(_.*)?\.(csv|csv\.gz|xlsx|parquet)", name, re.DOTALL
    )
    if not match:
        return None
    try:
        return date.fromisoformat(match[1])
    except ValueError:
        return None


def delivery_order(delivery: Delivery) -> tuple[date, list[tuple[int, int, str]]]:
    """Sorts a source's files, oldest first."""
    return delivery.uttag or date.min, natural(delivery.name)


def _without_footers(source: str, header: list[str], body: list[Record]) -> list[Record]:
    """The records up to the last one with text in two mandatory cells."""
    mandatory = [header.index(col.name) for col in SOURCES[source] if col.mandatory]
    full = [
        number
        for number, (_, cells) in enumerate(body, start=1)
        if sum(place < len(cells) and not is_missing(cells[place]) for place in mandatory) >= 2
    ]
    return body[: full[-1]] if full else []


def _extra(name: str, width: int, body: list[list[str]]) -> list[bool]:
    """For each record whether it has more cells than the header, in a way that is no trailing separator."""
    if not name.endswith((".csv", ".csv.gz")):  # a rectangle: only text counts
        body = [cells[: max((i + 1 for i, cell in enumerate(cells) if cell), default=0)] for cells in body]
    surplus = [max(len(cells) - width, 0) for cells in body]
    beyond = [any(not is_missing(cell) for cell in cells[width:]) for cells in body]
    more = [sum(not is_missing(cell) for cell in cells) > width for cells in body]
    # CHOICE: two rows or more with text beyond the header are a pattern, too
    if body and (2 * sum(more) >= len(body) or (sum(beyond) > 1 and 2 * sum(beyond) >= len(body))):
        raise Rejected("rows are wider than the header")
    return [
        text or (count > 0 and 2 * surplus.count(count) < len(body))
        for text, count in zip(beyond, surplus, strict=True)
    ]


def read_rows(source: str, path: Path, file: str, uttag: date) -> list[Row]:
    """The data rows of a file with their trimmed cells, or Rejected."""
    columns = {col.name for col in SOURCES[source]}
    name = path.name
    if name.endswith(".xlsx"):
        records = read_xlsx(path)
    elif name.endswith(".parquet"):
        records = read_parquet(path)
    else:
        data = path.read_bytes()
        if name.endswith(".gz"):
            try:
                data = gzip.decompress(data)
            except (OSError, EOFError, ValueError) as error:
                raise Rejected("broken gzip") from error
            except Exception as error:  # zlib.error
                raise Rejected("broken gzip") from error
        records = read_csv(data, columns)
    if not records:
        raise Rejected("empty")
    header = [fold(cell) for cell in records[0][1]]
    known = [cell for cell in header if cell in columns]
    if len(known) != len(set(known)):
        raise Rejected("two headers fold to the same column")
    absent = [col.name for col in SOURCES[source] if col.mandatory and col.name not in known]
    if absent:
        raise Rejected("mandatory column missing: " + ", ".join(absent))
    # CHOICE: only missing cells = wholly empty
    body = [(line, cells) for line, cells in records[1:] if not all(is_missing(cell) for cell in cells)]
    if not name.endswith(".parquet"):
        body = _without_footers(source, header, body)
    rows = []
    for (line, cells), extra in zip(body, _extra(name, len(header), [cells for _, cells in body]), strict=True):
        named = {
            column: cells[index] if index < len(cells) else ""
            for index, column in enumerate(header)
            if column in columns
        }
        if source == "aktiviteter" and all(
            is_missing(text) for column, text in named.items() if column not in ("aktivitet_id", "verksamhet", "manad")
        ):
            continue  # nothing but its keys: what was not filled in is not reported
        rows.append(Row(source, file, name, uttag, line, named, extra))
    if not rows:
        raise Rejected("no data rows")
    return rows


def discover(raw: Path, source: str, limit: date) -> list[Delivery]:
    """Every entry of raw/<source>/ with its file-level status, accepted files with their rows."""
    folder = raw / source
    if not folder.is_dir():
        return []
    found = []
    for path in folder.iterdir():
        if path.name.startswith((".", "~$")):
            continue
        found.append((name_date(source, path.name), path))
    found.sort(key=lambda item: (item[0] or date.min, natural(item[1].name)))
    deliveries = []
    seen: set[tuple[date, str]] = set()
    for uttag, path in found:
        delivery = Delivery(source, f"{source}/{path.name}", path.name, uttag)
        deliveries.append(delivery)
        if uttag is None:
            delivery.status, delivery.cause = "avvisad", "name"
        elif path.is_symlink() or not path.is_file():
            delivery.status, delivery.cause = "avvisad", "not a regular file"
        elif uttag > limit:
            delivery.status = "senare"
        else:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if (uttag, digest) in seen:
                delivery.status = "samma_innehall"
                continue
            seen.add((uttag, digest))
            try:
                delivery.rows = read_rows(source, path, delivery.file, uttag)
                delivery.status = "accepterad"
            except Rejected as error:
                delivery.status, delivery.cause = "avvisad", str(error)
    return deliveries


# --------------------------------------------------------------------------------------------------------------
# Rows
# --------------------------------------------------------------------------------------------------------------


def month_end(day: date) -> date:
    """The last day of the month."""
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return following - timedelta(days=1)


@dataclass
class Register:
    """The unit register that counts in the run."""

    periods: dict[str, list[tuple[date, date, str]]]  # unit -> (from, to, verksamhet)

    def verksamhet(self, unit: str, day: date) -> str | None:
        """The verksamhet that the unit has on the day; None where it is not valid."""
        for start, end, code in self.periods.get(unit, []):
            if start <= day <= end:
                return code
        return None

    def place(self, source: str, unit: str, event: date) -> str | None:
        """The verksamhet of a row with the event date: of a monthly row that of the unit's last valid day in it."""
        if source not in MONTHLY:
            return self.verksamhet(unit, event)
        first = event.replace(day=1)
        held = [(min(end, event), code) for start, end, code in self.periods.get(unit, []) if start <= event]
        return max((found for found in held if found[0] >= first), default=(None, None))[1]

    def members(self, start: date, end: date) -> set[tuple[str, str]]:
        """(verksamhet, unit) that hold some day of the period."""
        return {
            (code, unit)
            for unit, periods in self.periods.items()
            for first, last, code in periods
            if first <= end and last >= start
        }

    def overlaps(self) -> bool:
        """Some unit has two periods that overlap."""
        for periods in self.periods.values():
            ordered = sorted(periods)
            for before, after in pairwise(ordered):
                if after[0] <= before[1]:
                    return True
        return False


def event_date(source: str, values: dict[str, Any]) -> date | None:
    """The event date of a row (column E)."""
    if source == "vantetider":
        if values.get("status") == "GENOMFORD":
            return values.get("start_datum")
        if values.get("status") == "VANTANDE" and values.get("matperiod"):
            return month_end(values["matperiod"])
        return None
    if source in MONTHLY:
        return month_end(values["manad"]) if values.get("manad") else None
    column = {
        "bhk": "observationsdatum",
        "ronder": "ronddatum",
        "kva": "atgardsdatum",
        "gas": "utfallsdatum",
        "register_population": "inklusionsdatum",
        "register_registreringar": "registreringsdatum",
        "avvikelser": "registreringsdatum",
    }.get(source)
    return values.get(column) if column else None


def key_columns(source: str, values: dict[str, Any]) -> tuple[list[str], list[str]]:
    """(columns that must be readable, optional key columns)."""
    match source:
        case "enheter":
            return ["hsaid_enhet", "giltig_fran"], []
        case "vantetider":
            if values.get("status") == "VANTANDE":
                return ["vardkontakt_id", "status", "matperiod"], []
            return ["vardkontakt_id", "status"], []
        case "kva":
            return ["vardkontakt_id", "kva_kod"], []
        case "gas":
            return ["gas_id", "mal_nr"], []
        case "register_population":
            return ["register", "personnummer", "inklusionsdatum"], []
        case "register_registreringar":
            return ["register", "personnummer", "registreringsdatum"], ["formular"]
        case "bhk":
            return ["observation_id"], []
        case "ronder":
            return ["rond_id"], []
        case "klimatinkop":
            return ["hsaid_enhet", "manad", "artikelgrupp"], []
        case "ekonomi":
            return ["verksamhet", "manad", "konto"], []
        case "etjanster":
            return ["hsaid_enhet", "manad", "tjanst"], []
        case "aktiviteter":
            return ["aktivitet_id", "verksamhet", "manad"], []
        case _:
            return ["avvikelse_id"], []


def judge(row: Row, register: Register | None) -> None:
    """Parse the row's cells and find its reasons, except those that compare it with other rows."""
    reasons, values = row.reasons, row.values
    if row.extra:
        reasons.add("format:rad")
    filled: dict[str, bool] = {}
    for col in SOURCES[row.source]:
        text = row.cells.get(col.name, "")
        values[col.name] = None
        filled[col.name] = not is_missing(text)
        if filled[col.name]:
            try:
                values[col.name] = parse_cell(col, text, row.uttag)
                filled[col.name] = values[col.name] is not None  # 1900-01-01 and 9999-12-31
            except FormatError:
                reasons.add(f"format:{col.name}")
        if not filled[col.name] and col.mandatory:
            reasons.add(f"saknas:{col.name}")
        value = values[col.name]
        if value is None:
            continue
        if col.happened and value > row.uttag:
            reasons.add(f"framtid:{col.name}")
        if col.allowed is not None and (value.lower() if col.type == "text" else value) not in col.allowed:
            reasons.add(f"varde:{col.name}")
        high = row.uttag.year if col.name == "fodelsear" else col.high
        if (col.low is not None and value < col.low) or (high is not None and value > high):
            reasons.add(f"varde:{col.name}")
    for earlier, later in ORDER_RULES[row.source]:
        if values[earlier] and values[later] and values[earlier] > values[later]:
            reasons.add(f"ordning:{earlier}>{later}")
    if row.source == "vantetider":
        status, month, begin, start = (row[c] for c in ("status", "matperiod", "beslut_datum", "start_datum"))
        if status == "GENOMFORD" and not filled["start_datum"]:
            reasons.add("saknas:start_datum")
        if status == "VANTANDE" and filled["start_datum"]:
            reasons.add("varde:start_datum")
        if row["fas"] == 4 and not filled["medicinskt_maldatum"]:
            reasons.add("saknas:medicinskt_maldatum")
        if status == "VANTANDE" and month and begin and begin > month_end(month):
            reasons.add("ordning:beslut_datum>matperiod")
        if status == "GENOMFORD" and month and start and start.replace(day=1) != month:
            reasons.add("varde:matperiod")
        if filled["lkf"] and not re.fullmatch(r"[0-9]{4}", row["lkf"]):
            reasons.add("varde:lkf")
    if row.source == "gas":
        if filled["utfall"] and not filled["utfallsdatum"]:
            reasons.add("saknas:utfallsdatum")
        if filled["utfallsdatum"] and not filled["utfall"]:
            reasons.add("varde:utfallsdatum")
        for one, other in (("viktighet", "svarighet"), ("svarighet", "viktighet")):
            if filled[one] and not filled[other]:
                reasons.add(f"saknas:{other}")
    if row.source == "avvikelser" and filled["utredning_besvarad_datum"] and not filled["utredning_begard_datum"]:
        reasons.add("varde:utredning_besvarad_datum")
    if (
        row.source == "register_population"
        and filled["diagnoskod"]
        and not re.fullmatch(r"[A-Z][0-9]{2}(\.?[0-9A-Z]{1,4})?", row["diagnoskod"].upper())
    ):
        reasons.add("varde:diagnoskod")  # CHOICE: varde, since ICD-10-SE is no cell type
    if row.source == "aktiviteter":
        if filled["aktivitet_id"]:
            scope = PLAN_SCOPES.get(row["aktivitet_id"])
            known = row["verksamhet"] in VERKSAMHETER  # CHOICE: of an unreadable verksamhet nothing more is said
            if scope is None or (known and row["verksamhet"] not in scope):
                reasons.add("varde:aktivitet_id")
        if filled["kommentar"] and len(row["kommentar"]) > 2000:
            reasons.add("varde:kommentar")
    if register is not None and row["hsaid_enhet"]:
        if row["hsaid_enhet"] not in register.periods:
            reasons.add("enhet:okand")
        else:
            event = event_date(row.source, values)
            if event and register.place(row.source, row["hsaid_enhet"], event) is None:
                reasons.add("enhet:ej_giltig")
    needed, optional = key_columns(row.source, values)
    if all(values[column] is not None for column in needed):
        row.key = tuple(values[column] for column in [*needed, *optional])


def content(row: Row) -> tuple[Any, ...]:
    """What "identical in all known columns" compares: parsed values, the text where a cell does not parse."""
    parts = []
    for col in SOURCES[row.source]:
        value = row.values[col.name]
        if col.name == "makulerad":
            value = bool(value) if f"format:{col.name}" not in row.reasons else None  # empty = Nej
        if f"format:{col.name}" in row.reasons:
            parts.append(("?", str(row.cells.get(col.name, ""))))
        else:
            parts.append(("=", value))
    return tuple(parts)


def settle_file(delivery: Delivery, register: Register | None) -> None:
    """Give every row of an accepted file its outcome."""
    for row in delivery.rows:
        judge(row, register)
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in delivery.rows:
        if row.key is not None:
            groups.setdefault(row.key, []).append(row)
    for rows in groups.values():
        kept: dict[tuple[Any, ...], Row] = {}
        for row in sorted(rows, key=lambda row: row.extra):  # CHOICE: of identical rows one without superfluous cells
            if content(row) in kept:
                row.outcome = "duplicate"
            else:
                kept[content(row)] = row
        if len(kept) > 1:  # CHOICE: of A, A, B the second A is a duplicate, A and B are in conflict
            for row in kept.values():
                row.reasons.add("dubblett:konflikt")
    if delivery.source == "enheter":
        mark_overlaps([row for row in delivery.rows if row.outcome != "duplicate"])
    for row in delivery.rows:
        if row.outcome != "duplicate":
            row.outcome = "quarantined" if row.reasons else "accepted"


def _periods(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """CHOICE: rows that break other rules take part as long as their period is readable."""
    units: dict[str, list[Row]] = {}
    for row in rows:
        broken = {"format:giltig_till", "ordning:giltig_fran>giltig_till"} & row.reasons
        if row["hsaid_enhet"] and row["giltig_fran"] and not broken and not row.withdraws:
            units.setdefault(row["hsaid_enhet"], []).append(row)
    return units


def overlap(one: Row, other: Row) -> bool:
    """The periods of two register rows share a day."""
    one_end, other_end = (one["giltig_till"] or date.max, other["giltig_till"] or date.max)
    return bool(one["giltig_fran"] <= other_end and other["giltig_fran"] <= one_end)


def mark_overlaps(rows: list[Row]) -> None:
    """overlapp:giltighet, after periods that only touch are read as ending the day before."""
    for same in _periods(rows).values():
        starts = {row["giltig_fran"] for row in same}
        for row in same:
            if row["giltig_till"] in starts - {row["giltig_fran"]}:
                row.values["giltig_till"] -= timedelta(days=1)
        for one in same:
            if any(one is not other and overlap(one, other) for other in same):
                one.reasons.add("overlapp:giltighet")


def mark_overlaps_of_the_day(deliveries: list[Delivery]) -> None:
    """The files of one date are one delivery: what counts of them may not overlap either."""
    for day in {d.uttag for d in deliveries if d.rows}:
        newest: dict[tuple[Any, ...], Row] = {}
        for delivery in sorted((d for d in deliveries if d.uttag == day), key=lambda d: natural(d.name)):
            newest |= {row.key: row for row in delivery.rows if row.outcome == "accepted" and row.key is not None}
        for same in _periods(newest.values()).values():
            for one in same:
                if any(one.file != other.file and overlap(one, other) for other in same):
                    one.reasons.add("overlapp:giltighet")
        for row in newest.values():
            if "overlapp:giltighet" in row.reasons:
                row.outcome = "quarantined"


def list_scope(row: Row) -> tuple[Any, ...] | None:
    """The scope of full lists that a row belongs to; None where rows accumulate."""
    if row.source == "enheter":
        return ("everything",)
    if row.source == "vantetider" and row["status"] == "VANTANDE" and row["matperiod"]:
        return ("waiting", row["matperiod"])
    if row.source in ("klimatinkop", "etjanster"):
        return (row["hsaid_enhet"], row["manad"])
    if row.source == "ekonomi":
        return (row["verksamhet"], row["manad"])
    return None


def _plan_scopes() -> dict[str, tuple[str, ...]]:
    """The verksamheter of every item of every plan; one without scope, or about the area itself, is about all eight."""
    with (SEEDS / "planpunkt.csv").open(encoding="utf-8", newline="") as handle:
        return {
            row["item_id"]: tuple(row["omfattning"].split("|")) if row["omfattning"] not in ("", "HH") else VERKSAMHETER
            for row in csv.DictReader(handle)
        }


PLAN_SCOPES = _plan_scopes()
PLAN_ITEMS = {fold(item): item for item in PLAN_SCOPES}


def by_date(deliveries: Iterable[Delivery]) -> list[tuple[date, list[Row]]]:
    """Every extraction date with the rows of its files, a later name's last."""
    days: dict[date, list[Row]] = {}
    for delivery in sorted(deliveries, key=lambda d: (d.uttag or date.min, natural(d.name))):
        if delivery.uttag and delivery.rows:
            days.setdefault(delivery.uttag, []).extend(delivery.rows)
    return list(days.items())


def current_rows(deliveries: Iterable[Delivery]) -> list[Row]:
    """The rows that count, date by date: newest accepted row per key, full lists replace their scope.

    Withdrawn keys are left out.
    """
    state: dict[tuple[Any, ...], Row] = {}
    for _, rows in by_date(deliveries):
        accepted = [row for row in rows if row.outcome == "accepted"]
        refused = {row.key for row in rows if row.outcome == "quarantined"}
        touched = {list_scope(row) for row in accepted if not row.withdraws} - {None}
        state = {key: row for key, row in state.items() if list_scope(row) not in touched or key in refused}
        for row in accepted:
            assert row.key is not None
            state[row.key] = row
    kept = [row for row in state.values() if not row.withdraws]
    # A unit has one verksamhet a day: what an older export still holds yields to a newer row.
    return [
        row
        for row in kept
        if row.source != "enheter"
        or not any(
            other["hsaid_enhet"] == row["hsaid_enhet"] and other.uttag > row.uttag and overlap(row, other)
            for other in kept
        )
    ]


def list_lacks(deliveries: list[Delivery]) -> bool:
    """The newest date's list of some scope lacks units or more than a third of the keys of the list before it."""
    days = by_date(deliveries)
    if not days:
        return False
    now = [row for row in days[-1][1] if row.outcome != "duplicate"]
    for scope in {list_scope(r) for r in now if r.outcome == "accepted" and not r.withdraws} - {None}:
        for _, rows in reversed(days[:-1]):
            before = [r for r in rows if r.outcome == "accepted" and not r.withdraws and list_scope(r) == scope]
            if before:
                keys, units = {r.key for r in before}, {r["hsaid_enhet"] for r in before}
                named = [r for r in now if list_scope(r) == scope and r.key is not None]
                gone = units - {r["hsaid_enhet"] for r in named}
                others = [r for r in before if r["hsaid_enhet"] not in gone]
                left = sum(r.key not in {n.key for n in named} for r in others)
                for unit in gone:
                    number = sum(r["hsaid_enhet"] == unit for r in before)
                    # CHOICE: a few rows that leave with the list's turnover are no gap.
                    if len(others) < 50 or (left / len(others)) ** number < 0.001:
                        return True
                if len(keys - {r.key for r in named}) * 3 > len(keys):
                    return True
                break
    return False


@dataclass
class Settled:
    """Everything that the row and file rules say about a raw folder."""

    as_of: date
    deliveries: dict[str, list[Delivery]]
    register: Register
    current: dict[str, list[Row]]
    ledger: list[dict[str, Any]]
    quarantine: list[dict[str, Any]]

    def accepted_deliveries(self, source: str) -> list[Delivery]:
        """The accepted files, oldest first."""
        return [d for d in self.deliveries[source] if d.status == "accepterad"]

    def blames_register(self, row: Row) -> bool:
        """The row is in quarantine for its unit alone, and the register is at fault there.

        It is where it is empty, where the unit was in it once and is gone, and where its newest date has rows of the
        unit in quarantine.
        """
        if row.source == "enheter" or row.outcome != "quarantined" or row.reasons - {"enhet:okand", "enhet:ej_giltig"}:
            return False
        days = by_date(self.accepted_deliveries("enheter"))
        once = {r["hsaid_enhet"] for _, rows in days for r in rows if r.outcome == "accepted"}
        faulty = {r["hsaid_enhet"] for r in (days[-1][1] if days else []) if r.outcome == "quarantined"}
        return not self.register.periods or row["hsaid_enhet"] in (once - self.register.periods.keys()) | faulty

    def source_as_of(self, source: str) -> date | None:
        """The newest accepted extraction date."""
        return max((d.uttag for d in self.accepted_deliveries(source) if d.uttag), default=None)


def _register_of(rows: list[Row]) -> Register:
    periods: dict[str, list[tuple[date, date, str]]] = {}
    for row in rows:
        end = row["giltig_till"] or date.max
        periods.setdefault(row["hsaid_enhet"], []).append((row["giltig_fran"], end, row["verksamhet"]))
    return Register(periods)


def _quarantine(deliveries: list[Delivery]) -> list[dict[str, Any]]:
    accepted = [d for d in deliveries if d.status == "accepterad"]
    accepted.sort(key=lambda d: (d.uttag or date.min, natural(d.name)))
    result = []
    for index, delivery in enumerate(accepted):
        newer = accepted[index + 1 :]
        clean = any(other.count("quarantined") == 0 for other in newer)
        keys = {row.key for other in newer for row in other.rows if row.outcome == "accepted"}
        for row in delivery.rows:
            if row.outcome != "quarantined":
                continue
            resolved = clean if row.key is None else row.key in keys
            result.append(
                {
                    "source": row.source,
                    "file": row.file,
                    "line": row.line,
                    "reasons": tuple(sorted(row.reasons)),
                    "state": "resolved" if resolved else "open",
                }
            )
    return result


def settle(raw: Path, as_of: date | None = None) -> Settled:
    """Apply all file, cell and row rules of extracts.md to a raw folder."""
    limit = as_of or date.today()
    deliveries = {source: discover(raw, source, limit) for source in SOURCES}
    if as_of is None:
        dates = [d.uttag for ds in deliveries.values() for d in ds if d.status == "accepterad" and d.uttag]
        as_of = max(dates, default=limit)
    current: dict[str, list[Row]] = {}
    for delivery in deliveries["enheter"]:
        settle_file(delivery, None)
    mark_overlaps_of_the_day(deliveries["enheter"])
    current["enheter"] = current_rows(deliveries["enheter"])
    register = _register_of(current["enheter"])
    for source in SOURCES:
        if source != "enheter":
            for delivery in deliveries[source]:
                settle_file(delivery, register)
            current[source] = current_rows(deliveries[source])
    ledger = []
    quarantine = []
    for source, found in deliveries.items():
        for d in found:
            counts = [d.count(outcome) for outcome in ("accepted", "quarantined", "duplicate")]
            assert len(d.rows) == sum(counts)
            ledger.append(
                {
                    "source": source,
                    "file": d.file,
                    "uttagsdatum": d.uttag,
                    "rows_read": len(d.rows),
                    "rows_accepted": counts[0],
                    "rows_quarantined": counts[1],
                    "rows_duplicate": counts[2],
                    "status": d.status,
                }
            )
        quarantine += _quarantine(found)
    return Settled(as_of, deliveries, register, current, ledger, quarantine)
