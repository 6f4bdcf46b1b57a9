"""Reference implementation ("oracle") of the specification: row by row, plain Python, nothing clever.

``settle`` reads the deliveries of the core sources and says what becomes of every file and row;
``indicator_result`` computes part 1's indicators from that; ``check_disclosure`` judges a published set of rows.
Where the specification is loose, the choice is marked ``CHOICE`` in the code.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import math
import re
import statistics
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from python_calamine import CalamineWorkbook

SWEDEN = ZoneInfo("Europe/Stockholm")
VERKSAMHETER = ("AUD", "BUH", "CFH", "FAM", "OT", "SC", "TC", "VUH")
FEW = 20  # a judged cell with a namnare of 1..19 is marked FA
LIMIT = 5  # protected numbers 1..4 are hidden
Z = 1.959963984540054
MISSING = {"", "NULL", "NA", "-"}
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
        Col("typ", "text"),
        MAKULERAD,
    ],
}

ORDER_RULES: dict[str, list[tuple[str, str]]] = {
    "enheter": [("giltig_fran", "giltig_till")],
    "vantetider": [("beslut_datum", "start_datum")],
    "kva": [],
    "gas": [("baslinjedatum", "utfallsdatum")],
    "register_population": [("inklusionsdatum", "utgangsdatum")],
    "register_registreringar": [],
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
    column = {
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
    if register is not None and row["hsaid_enhet"]:
        if row["hsaid_enhet"] not in register.periods:
            reasons.add("enhet:okand")
        else:
            event = event_date(row.source, values)
            if event and register.verksamhet(row["hsaid_enhet"], event) is None:
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
    return None


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
    """Apply all file, cell and row rules of extracts.md to the core sources of a raw folder."""
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


# --------------------------------------------------------------------------------------------------------------
# Indicators
# --------------------------------------------------------------------------------------------------------------

LEVNADSVANOR = {f"DV1{area}{level}" for area in "1234" for level in "123"} | {"DV200"}
NARSTAENDE_DU = {"DU055", "DU056", "DU057"}
ALL = frozenset(VERKSAMHETER)
NOT_TC = ALL - {"TC"}
KVA_SCOPE = frozenset({"AUD", "BUH", "SC", "VUH"})
BUH_VUH = frozenset({"BUH", "VUH"})
REGISTERS = ("register_population", "register_registreringar")


@dataclass(frozen=True)
class Indicator:
    """One catalogue row."""

    id: str
    kind: str  # share, count, median, mean, coverage
    sources: tuple[str, ...]
    scope: frozenset[str]
    protected: bool
    stock: bool = False
    target: tuple[str, float] | None = None
    target_last_year: bool = False
    annual_omrade: bool = False  # a prorated annual target, omrade only
    register: str = ""
    limit_days: int = 0

    @property
    def sexes(self) -> tuple[str, ...]:
        """The rows along the sex axis."""
        return ("T",) if self.sources == ("avvikelser",) else ("T", "K", "M")


_V, _A = ("vantetider",), ("avvikelser",)
INDICATORS: list[Indicator] = [
    Indicator("vg_forsta_besok_90", "share", _V, NOT_TC, True, target=(">=", 100)),
    Indicator("vg_vantande_90", "share", _V, NOT_TC, True, stock=True, target=(">=", 100)),
    Indicator("behandling_90", "share", _V, BUH_VUH, True, target=(">=", 100)),
    Indicator("aterbesok_maldatum", "share", _V, frozenset({"AUD", "SC"}), True, target=(">=", 90)),
    Indicator("vantetid_median", "median", _V, NOT_TC, True),
    Indicator("levnadsvanor", "count", ("kva",), KVA_SCOPE, True, target_last_year=True),
    Indicator("barn_narstaende", "count", ("kva",), KVA_SCOPE, True),
    Indicator("barn_narstaende_du", "count", ("kva",), KVA_SCOPE, True),
    Indicator("gas_antal", "count", ("gas",), BUH_VUH, True),
    Indicator("gas_t_forandring", "mean", ("gas",), BUH_VUH, True),
    Indicator("gas_maluppfyllelse", "share", ("gas",), BUH_VUH, True),
    Indicator("cpup_tackning", "coverage", REGISTERS, BUH_VUH, True, stock=True, register="cpup"),
    Indicator(
        "horselrehab_tackning",
        "coverage",
        REGISTERS,
        frozenset({"AUD"}),
        True,
        target_last_year=True,
        register="horselrehab",
    ),
    Indicator(
        "grav_horsel_tackning",
        "coverage",
        REGISTERS,
        frozenset({"AUD"}),
        True,
        stock=True,
        target_last_year=True,
        register="grav_horsel_vuxna",
    ),
    Indicator(
        "horsel_barn_tackning",
        "coverage",
        REGISTERS,
        frozenset({"AUD", "BUH"}),
        True,
        stock=True,
        target_last_year=True,
        register="horsel_barn",
    ),
    Indicator("skrs_tackning", "coverage", REGISTERS, frozenset({"SC"}), True, register="skrs"),
    Indicator("avvikelser_antal", "count", _A, ALL, False, target=(">=", 750), annual_omrade=True),
    Indicator("avvikelser_7d", "share", _A, ALL, False, target=(">=", 70), limit_days=7),
    Indicator("avvikelser_180d", "share", _A, ALL, False, target=(">=", 80), limit_days=180),
    Indicator("utredning_60d", "share", _A, ALL, False, target=(">=", 80), limit_days=60),
]


@dataclass(frozen=True)
class Period:
    """A period of the grid."""

    typ: str
    start: date
    end: date

    @property
    def last_month(self) -> date:
        """The first day of the period's last month."""
        return self.end.replace(day=1)

    def year_before(self) -> Period:
        """The same months one year earlier."""
        return Period(
            self.typ,
            self.start.replace(year=self.start.year - 1),
            month_end(self.last_month.replace(year=self.end.year - 1)),
        )


def grid_periods(first_year: int, as_of: date) -> list[Period]:
    """All periods from 1 January of the first year through those that hold the as-of date."""
    periods = []
    for year in range(first_year, as_of.year + 1):
        for month in range(1, 13):
            start = date(year, month, 1)
            if start <= as_of:
                periods.append(Period("manad", start, month_end(start)))
                before = date(year - 1, month + 1, 1) if month < 12 else date(year, 1, 1)
                periods.append(Period("r12", before, month_end(start)))
        for month in (1, 5, 9):
            if date(year, month, 1) <= as_of:
                periods.append(Period("tertial", date(year, month, 1), month_end(date(year, month + 3, 1))))
        periods.append(Period("delar", date(year, 1, 1), date(year, 8, 31)))
        periods.append(Period("ar", date(year, 1, 1), date(year, 12, 31)))
    return periods


@dataclass(frozen=True)
class Obs:
    """One observation of an indicator: where, who, and what it adds."""

    unit: str
    verksamhet: str
    kon: str
    value: float  # numerator 0/1, days of the median, T change of the mean
    person: str = ""


def gas_t(scores: list[int], weights: list[int]) -> float:
    """Kiresuk and Sherman's T score with rho 0.3."""
    if not any(weights):
        weights = [1] * len(weights)
    weighted = sum(w * x for w, x in zip(weights, scores, strict=True))
    return 50 + 10 * weighted / math.sqrt(0.7 * sum(w * w for w in weights) + 0.3 * sum(weights) ** 2)


def wilson(taljare: float, namnare: float) -> tuple[float, float]:
    """The 95 % Wilson interval in percent."""
    p = taljare / namnare
    centre = p + Z * Z / (2 * namnare)
    half = Z * math.sqrt(p * (1 - p) / namnare + Z * Z / (4 * namnare * namnare))
    denominator = 1 + Z * Z / namnare
    return 100 * (centre - half) / denominator, 100 * (centre + half) / denominator


class Computer:
    """Computes the true cells of one settled raw folder."""

    def __init__(self, settled: Settled) -> None:
        """Remember the data and find the data starts."""
        self.settled = settled
        self.register = settled.register
        self.cache: dict[tuple[str, Period], dict[tuple[Any, ...], list[Obs]]] = {}
        self.starts: dict[str, date | None] = {}
        for source in SOURCES:
            events = [event_date(source, row.values) for row in settled.current[source]]
            first = min((event for event in events if event), default=None)
            self.starts[source] = first.replace(day=1) if first else None
        self.plans = self._gas_plans()
        self.registrations: dict[tuple[str, str], list[date]] = {}
        for row in settled.current["register_registreringar"]:
            key = (row["register"], row["personnummer"])
            self.registrations.setdefault(key, []).append(row["registreringsdatum"])

    def data_start(self, indicator: Indicator) -> date:
        """The first day of the latest of the sources' first months; date.max without data."""
        return max(self.starts[source] or date.max for source in indicator.sources)

    def _gas_plans(self) -> list[dict[str, Any]]:
        goals: dict[str, list[Row]] = {}
        for row in self.settled.current["gas"]:
            goals.setdefault(row["gas_id"], []).append(row)
        plans = []
        for rows in goals.values():
            rows.sort(key=lambda r: r["mal_nr"])
            rated = [row for row in rows if row["utfall"] is not None]
            if not rated:
                continue
            weights = [1 if r["viktighet"] is None else r["viktighet"] * r["svarighet"] for r in rated]
            plans.append(
                {
                    "unit": rows[0]["hsaid_enhet"],
                    "kon": sex_of(rows[0]["personnummer"]),
                    "event": max(row["utfallsdatum"] for row in rated),
                    "change": gas_t([r["utfall"] for r in rated], weights)
                    - gas_t([r["baslinje"] for r in rated], weights),
                    "reached": [int(row["utfall"] >= 0) for row in rated],
                }
            )
        return plans

    def observations(self, indicator: Indicator, period: Period) -> Iterator[tuple[str, date, str, float, str]]:
        """(unit, day that decides the verksamhet, sex, value, person) of the period."""
        start, end = ((period.last_month if indicator.stock else period.start), period.end)
        current = self.settled.current
        if indicator.id in {"vg_forsta_besok_90", "behandling_90", "vantetid_median", "aterbesok_maldatum"}:
            phase = {"behandling_90": 2, "aterbesok_maldatum": 4}.get(indicator.id, 1)
            for row in current["vantetider"]:
                if row["status"] != "GENOMFORD" or row["fas"] != phase or not start <= row["start_datum"] <= end:
                    continue
                days = (row["start_datum"] - row["beslut_datum"]).days
                where = (row["hsaid_enhet"], row["start_datum"], row["kon"])
                if indicator.id == "vantetid_median":
                    yield *where, days, ""
                elif row["avvikelsekod"] == 1:
                    continue
                elif indicator.id == "aterbesok_maldatum":
                    yield (*where, int(row["start_datum"] <= row["medicinskt_maldatum"]), "")
                elif row["vardgaranti"]:
                    yield *where, int(days <= 90), ""
        elif indicator.id == "vg_vantande_90":
            for row in current["vantetider"]:
                if row["status"] != "VANTANDE" or row["fas"] != 1 or not row["vardgaranti"]:
                    continue
                last = month_end(row["matperiod"])
                if row["avvikelsekod"] not in (1, 2) and start <= last <= end:
                    yield (row["hsaid_enhet"], last, row["kon"], int((last - row["beslut_datum"]).days <= 90), "")
        elif indicator.sources == ("kva",):
            codes = {
                "levnadsvanor": LEVNADSVANOR,
                "barn_narstaende": NARSTAENDE_DU | {"QT016"},
                "barn_narstaende_du": NARSTAENDE_DU,
            }[indicator.id]
            for row in current["kva"]:
                if row["kva_kod"] in codes and start <= row["atgardsdatum"] <= end:
                    yield (row["hsaid_enhet"], row["atgardsdatum"], sex_of(row["personnummer"]), 1, "")
        elif indicator.sources == ("gas",):
            for plan in self.plans:
                if start <= plan["event"] <= end:
                    where = (plan["unit"], plan["event"], plan["kon"])
                    if indicator.id == "gas_maluppfyllelse":
                        for reached in plan["reached"]:
                            yield *where, reached, ""
                    else:
                        yield *where, plan["change"], ""
        elif indicator.kind == "coverage":
            yield from self._coverage(indicator, period)
        else:
            yield from self._deviations(indicator, period)

    def _coverage(self, indicator: Indicator, period: Period) -> Iterator[tuple[str, date, str, float, str]]:
        end = period.end
        for row in self.settled.current["register_population"]:
            if row["register"] != indicator.register:
                continue
            person, included, left = (row["personnummer"], row["inklusionsdatum"], row["utgangsdatum"])
            days = self.registrations.get((indicator.register, person), [])
            if indicator.stock:
                if included <= end and (left is None or left >= end):
                    hit = any(end - timedelta(days=365) < day <= end for day in days)
                    yield row["hsaid_enhet"], end, sex_of(person), int(hit), person
            elif period.start <= included <= end:
                hit = any(day >= included for day in days)
                yield row["hsaid_enhet"], included, sex_of(person), int(hit), person

    def _deviations(self, indicator: Indicator, period: Period) -> Iterator[tuple[str, date, str, float, str]]:
        source_as_of = self.settled.source_as_of("avvikelser")
        event_column = "utredning_begard_datum" if indicator.id == "utredning_60d" else "registreringsdatum"
        resolved_column = {
            "avvikelser_7d": "paborjad_datum",
            "avvikelser_180d": "avslutad_datum",
            "utredning_60d": "utredning_besvarad_datum",
        }.get(indicator.id)
        for row in self.settled.current["avvikelser"]:
            event = row[event_column]
            if event is None or not period.start <= event <= period.end:
                continue
            if resolved_column is None:
                yield row["hsaid_enhet"], event, "T", 1, ""
                continue
            resolved = row[resolved_column]
            limit = event + timedelta(days=indicator.limit_days)
            assert source_as_of is not None
            if resolved is not None or limit < source_as_of:
                hit = resolved is not None and resolved <= limit
                yield row["hsaid_enhet"], event, "T", int(hit), ""

    def cells(self, indicator: Indicator, period: Period) -> dict[tuple[Any, ...], list[Obs]]:
        """The observations of every cell (niva, verksamhet, enhet, kon) that has some."""
        if (indicator.id, period) in self.cache:
            return self.cache[indicator.id, period]
        result: dict[tuple[Any, ...], list[Obs]] = {}
        for unit, day, kon, value, person in self.observations(indicator, period):
            code = self.register.verksamhet(unit, day)
            if code is None or code not in indicator.scope:
                continue
            obs = Obs(unit, code, kon, value, person)
            for place in (("omrade", None, None), ("verksamhet", code, None), ("enhet", code, unit)):
                for sex in {"T", kon}:
                    result.setdefault((*place, sex), []).append(obs)
        self.cache[indicator.id, period] = result
        return result

    def before_data(self, indicator: Indicator, period: Period) -> bool:
        """The period ends before the indicator's data start."""
        return period.end < self.data_start(indicator)

    def begins_before_data(self, indicator: Indicator, period: Period) -> bool:
        """The period (of a stock: its last month) begins before the data start."""
        return (period.last_month if indicator.stock else period.start) < self.data_start(indicator)

    def numbers(self, indicator: Indicator, period: Period, cell: tuple[Any, ...]) -> dict[str, float | None]:
        """taljare, namnare, varde, ki_lag, ki_hog and the protected number of one cell, before suppression."""
        result: dict[str, float | None] = dict.fromkeys(("taljare", "namnare", "varde", "ki_lag", "ki_hog", "skyddat"))
        if self.before_data(indicator, period):
            return result
        observations = self.cells(indicator, period).get(cell, [])
        values = [obs.value for obs in observations]
        if indicator.kind == "count":
            result["taljare"] = result["varde"] = result["skyddat"] = len(values)
            return result
        if indicator.kind == "coverage":
            persons: dict[str, float] = {}
            for obs in observations:
                persons[obs.person] = max(obs.value, persons.get(obs.person, 0))
            values = list(persons.values())
        count = len(values)
        result["namnare"] = result["skyddat"] = count
        if indicator.kind == "median":
            ordered = sorted(values)
            if count:
                result["varde"] = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
        elif indicator.kind == "mean":
            result["taljare"] = math.fsum(values)
            if count:
                result["varde"] = math.fsum(values) / count
        else:
            total = sum(values)
            result["taljare"] = total
            if count:
                result["varde"] = 100 * total / count
                result["ki_lag"], result["ki_hog"] = wilson(total, count)
        return result

    def exists(self, period: Period, cell: tuple[Any, ...]) -> bool:
        """A unit's cell exists where the unit is valid in that verksamhet some day of the period."""
        niva, code, unit, _ = cell
        return niva != "enhet" or (code, unit) in self.register.members(period.start, period.end)

    def comparison(self, indicator: Indicator, period: Period, cell: tuple[Any, ...]) -> dict[str, float | None]:
        """The same cell one year earlier; empty without comparison."""
        before = period.year_before()
        if self.begins_before_data(indicator, before) or not self.exists(before, cell):
            return {"varde": None, "skyddat": None}  # CHOICE: a unit not valid the year before has no comparison
        return self.numbers(indicator, before, cell)


def gates(settled: Settled) -> dict[str, str]:
    """godkand, varning or kritisk of every source."""
    result = {}
    partial = partial_months(settled)
    for source in SOURCES:
        accepted = settled.accepted_deliveries(source)
        held = any(d.count("accepted") or any(map(settled.blames_register, d.rows)) for d in accepted)
        if not held:  # what only the register keeps away is the register's matter
            result[source] = "kritisk"
            continue
        newer_rejected = any(
            d.status == "avvisad"
            and d.uttag
            and d.uttag <= settled.as_of
            and delivery_order(d) > max(map(delivery_order, accepted))
            for d in settled.deliveries[source]
        )
        newest = max(d.uttag for d in accepted if d.uttag)
        day = [d for d in accepted if d.uttag == newest]  # all files of the newest date are one delivery
        age = (settled.as_of - newest).days
        blamed = sum(settled.blames_register(row) for d in day for row in d.rows)
        read = sum(len(d.rows) for d in day) - blamed
        share = (sum(d.count("quarantined") for d in day) - blamed) / read if read else 0
        before = len(current_rows([d for d in accepted if d.uttag != newest]))
        fallen = before > 0 and len(settled.current[source]) < 0.95 * before
        assert not settled.register.overlaps()
        stops = share > 0.20 and sum(len(d.rows) for d in day) >= 50  # a share of fewer rows warns
        changed = newer_rejected or has_grown(accepted, len(settled.current[source]) - before)
        changed = changed or any(name == source for name, _, _ in partial)
        if source == "enheter":
            changed = changed or any(d.count("quarantined") for d in day) or bool(units_gone(settled))
        if age > 70 or stops:
            result[source] = "kritisk"
        elif age > 35 or share > 0.05 or fallen or list_lacks(accepted) or changed:
            result[source] = "varning"
        else:
            result[source] = "godkand"
    return result


def units_gone(settled: Settled) -> set[str]:
    """Units that were in a register and are no more, though rows of the last twelve months name them."""
    rows = [row for d in settled.accepted_deliveries("enheter") for row in d.rows if row.outcome == "accepted"]
    gone = {row["hsaid_enhet"] for row in rows} - set(settled.register.periods)
    year_ago = date(settled.as_of.year - 1, settled.as_of.month, min(settled.as_of.day, 28))
    named = set()
    for source in SOURCES:
        for d in settled.accepted_deliveries(source):
            for row in d.rows:
                day = event_date(source, row.values)
                if row.outcome != "duplicate" and day and year_ago < day <= settled.as_of:
                    named.add(row["hsaid_enhet"])
    return gone & named


def has_grown(accepted: list[Delivery], net: int) -> bool:
    """The newest day brought more than three times as many new keys as any of the six days before it; net: by how many
    the current rows have become more.
    """
    seen: set[tuple[Any, ...]] = set()
    new = []  # CHOICE: growth is keys never seen before; fewer than 20 are none
    for _, files in groupby(sorted(accepted, key=delivery_order), key=lambda d: d.uttag):
        keys = {row.key for d in files for row in d.rows if row.outcome == "accepted" and row.key} - seen
        seen |= keys
        new.append(len(keys))
    grown = min(new[-1], net)
    return len(new) > 6 and grown >= 20 and grown > 3 * max(new[-7:-1])


def partial_months(settled: Settled) -> set[tuple[str, str, date]]:
    """(source, verksamhet, first day) of the newest complete months that have less than half of a usual one.

    CHOICE: a verksamhet is the units that it has when the month ends, in the months before, too; performed and waiting
    rows are judged apart and together; a calendar month that had less than 70 % of a usual one in all verksamheter
    together in each of the two years before is usual at the larger share, 30 % at least.
    """
    found = set()
    for source in SOURCES:
        newest = settled.source_as_of(source)
        if source == "enheter" or newest is None:
            continue
        month = newest.replace(day=1)
        if month_end(month) > newest:
            month = (month - timedelta(days=1)).replace(day=1)
        before = [months_back(month, n) for n in range(12, 0, -1)]
        events: dict[str, Counter[tuple[str, date]]] = {}
        first: dict[str, date] = {}
        for row in settled.current[source]:
            day = event_date(source, row.values)
            code = settled.register.verksamhet(row["hsaid_enhet"], month_end(month))
            if day is None or code is None or day > month_end(month):
                continue
            for kind in {"all", row["status"] if source == "vantetider" else "all"}:
                events.setdefault(kind, Counter())[code, day.replace(day=1)] += 1
                first[kind] = min(day, first.get(kind, day))
        for kind, counts in events.items():
            season = 0.0
            for years in (1, 2):
                year = [months_back(month, 12 * years - n) for n in range(12)]
                numbers = [sum(counts[code, m] for code in VERKSAMHETER) for m in year]
                usual = statistics.median(numbers)
                known = usual and numbers[0] and first[kind] < year[0]
                season = max(season, numbers[0] / usual if known else 1.0)
            season = max(season, 0.3) if season < 0.7 else 1.0
            for code in VERKSAMHETER:
                own = [counts[code, m] for m in before]
                expected = statistics.median(own) * season
                number = counts[code, month]
                if expected >= 20 and number < expected / 2:
                    found.add((source, code, month))
    return found


def months_back(month: date, number: int) -> date:
    """The first day of the month so many months before."""
    index = month.year * 12 + month.month - 1 - number
    return date(index // 12, index % 12 + 1, 1)


def target_of(
    indicator: Indicator, period: Period, niva: str, comparison: float | None
) -> tuple[str | None, float | None]:
    """Operator and value of a row's target."""
    if indicator.target_last_year:
        return (">", comparison) if comparison is not None else (None, None)
    if indicator.target is None or (indicator.annual_omrade and niva != "omrade"):
        return None, None
    operator, value = indicator.target
    if indicator.annual_omrade and period.typ not in ("ar", "r12"):
        days = (period.end - period.start).days + 1
        year_days = (date(period.start.year, 12, 31) - date(period.start.year, 1, 1)).days + 1
        value = value * days / year_days
    return operator, value


def status_of(row: dict[str, Any]) -> str:
    """inga_data, preliminar, inget_mal, or met or not, of a row that is neither ej_tillamplig nor hidden."""
    if row["varde"] is None:
        return "inga_data"
    if not row["komplett"]:
        return "preliminar"
    if row["mal_operator"] is None:
        return "inget_mal"
    met = row["varde"] >= row["malvarde"] if row["mal_operator"] == ">=" else row["varde"] > row["malvarde"]
    return "uppfyllt" if met else "ej_uppfyllt"


def mark_of(row: dict[str, Any]) -> str | None:
    """FA where a row that is not hidden is met or not on few."""
    judged = row["status"] in ("uppfyllt", "ej_uppfyllt")
    return "FA" if judged and row["namnare"] is not None and 1 <= row["namnare"] < FEW else None


def is_primary(skyddat: float | None) -> bool:
    """The protected number is 1-4."""
    return skyddat is not None and 0 < skyddat < LIMIT


def first_grid_year(settled: Settled) -> int:
    """The grid begins with the third year before the as-of date's."""
    return settled.as_of.year - 3


def indicator_result(settled: Settled, first_year: int | None = None) -> list[dict[str, Any]]:
    """All rows of part 1's indicators with primary suppression.

    Beside the published columns each row holds the truth: ``_taljare``, ``_namnare``, ``_varde``, ``_skyddat`` (the
    protected number), ``_jamforelse`` and ``_jamforelse_skyddat`` (those of the comparison cell), ``_stat`` (target is
    relative), ``_patient`` (the indicator is about patients).
    """
    computer = Computer(settled)
    levels = gates(settled)
    partial = partial_months(settled)
    first_year = first_year or first_grid_year(settled)
    periods = grid_periods(first_year, settled.as_of)
    members = {period: sorted(settled.register.members(period.start, period.end)) for period in periods}
    rows = []
    for indicator in INDICATORS:
        verdicts = {levels[source] for source in (*indicator.sources, "enheter")}
        if "kritisk" in verdicts:
            continue
        kvalitet = "varning" if "varning" in verdicts else "godkand"
        source_dates = [settled.source_as_of(source) for source in indicator.sources]
        for period in periods:
            komplett = all(d is not None and period.end <= d for d in source_dates)
            komplett = komplett and not computer.begins_before_data(indicator, period)
            places: list[tuple[str, str | None, str | None]] = [("omrade", None, None)]
            places += [("verksamhet", code, None) for code in VERKSAMHETER]
            places += [("enhet", code, unit) for code, unit in members[period] if code in indicator.scope]
            for niva, code, unit in places:
                # A month that one of its sources delivered in part is preliminary for the verksamhet and its units.
                part = period.typ == "manad" and any((s, code, period.start) in partial for s in indicator.sources)
                for kon in indicator.sexes:
                    row: dict[str, Any] = {
                        "indicator_id": indicator.id,
                        "niva": niva,
                        "verksamhet": code,
                        "enhet": unit,
                        "period_typ": period.typ,
                        "period_start": period.start,
                        "period_slut": period.end,
                        "kon": kon,
                        "komplett": komplett and not part,
                        "kvalitet": kvalitet,
                        "_patient": indicator.protected,
                        "_relativt": indicator.target_last_year,
                    }
                    _fill(row, computer, indicator, period, (niva, code, unit, kon))
                    rows.append(row)
    return rows


NUMBER_COLUMNS = ("taljare", "namnare", "varde", "ki_lag", "ki_hog", "jamforelse_varde", "forandring")
TRUTHS = ("_taljare", "_namnare", "_varde", "_skyddat", "_jamforelse", "_jamforelse_skyddat")
NOTHING_YET = dict.fromkeys((*NUMBER_COLUMNS, "mal_operator", "malvarde", "markering", *TRUTHS))


def _fill(row: dict[str, Any], computer: Computer, indicator: Indicator, period: Period, cell: tuple[Any, ...]) -> None:
    """Numbers, comparison, target, status and suppression of one row."""
    row.update(NOTHING_YET)
    niva, code, _, _ = cell
    if code is not None and code not in indicator.scope:
        row["status"] = "ej_tillamplig"
        return
    numbers = computer.numbers(indicator, period, cell)
    before = computer.comparison(indicator, period, cell)
    for name in ("taljare", "namnare", "varde", "skyddat"):
        row[f"_{name}"] = numbers[name]
    row["_jamforelse"], row["_jamforelse_skyddat"] = before["varde"], before["skyddat"]
    hidden = indicator.protected and is_primary(numbers["skyddat"])
    hidden_before = indicator.protected and is_primary(before["skyddat"])
    if hidden:
        row["status"], row["markering"] = "dold", "MSK"
        row["mal_operator"], row["malvarde"] = target_of(indicator, period, niva, None)
        return
    for name in ("taljare", "namnare", "varde", "ki_lag", "ki_hog"):
        row[name] = numbers[name]
    if before["varde"] is not None and not hidden_before:
        row["jamforelse_varde"] = before["varde"]
        if row["varde"] is not None:
            row["forandring"] = row["varde"] - before["varde"]
    row["mal_operator"], row["malvarde"] = target_of(indicator, period, niva, row["jamforelse_varde"])
    row["status"] = status_of(row)
    row["markering"] = mark_of(row)


# --------------------------------------------------------------------------------------------------------------
# Disclosure
# --------------------------------------------------------------------------------------------------------------

KEY = ("indicator_id", "niva", "verksamhet", "enhet", "period_typ", "period_start", "kon")


key_of = itemgetter(*KEY)
"""The key of a row of indicator_result, a tuple."""


def describe(key: tuple[Any, ...]) -> str:
    """A row's key in a sentence."""
    return " ".join("-" if part is None else str(part) for part in key)


def determined(hidden: list[Any], equations: list[tuple[list[Any], list[int]]]) -> list[Any]:
    """The unknowns whose value the linear equations determine (unknowns and their signs; the rest is known)."""
    if not hidden or not equations:
        return []
    place = {cell: index for index, cell in enumerate(hidden)}
    matrix = np.zeros((len(equations), len(hidden)))
    for line, (cells, signs) in enumerate(equations):
        for cell, sign in zip(cells, signs, strict=True):
            matrix[line, place[cell]] += sign
    _, singular, vectors = np.linalg.svd(matrix)
    rank = int((singular > 1e-9).sum())
    null_space = vectors[rank:]
    if null_space.shape[0] == 0:
        return list(hidden)
    return [cell for cell in hidden if np.abs(null_space[:, place[cell]]).max() < 1e-9]


def check_disclosure(rows_published: list[dict[str, Any]], rows_true: list[dict[str, Any]]) -> list[str]:
    """What the published rows disclose, or hide in vain, given the true rows of ``indicator_result``."""
    faults: list[str] = []
    truth = {key_of(row): row for row in rows_true}
    published = {key_of(row): row for row in rows_published}
    groups: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for key, row in published.items():
        if key not in truth:
            continue
        true = truth[key]
        secret = is_primary(true["_skyddat"]) and true["_patient"]
        is_hidden = row["status"] == "dold"
        if secret and not is_hidden:
            faults.append(f"protected number is shown: {describe(key)}")
        if is_hidden:
            if not true["_patient"]:
                faults.append(f"hidden, but not about patients: {describe(key)}")
            elif not true["_skyddat"]:
                faults.append(f"hidden although there is nothing (or 0) to hide: {describe(key)}")
            shown = [name for name in NUMBER_COLUMNS if row[name] is not None]
            if shown:
                faults.append(f"hidden row shows {', '.join(shown)}: {describe(key)}")
            if true["_relativt"] and row["malvarde"] is not None:
                faults.append(f"hidden row shows a relative target: {describe(key)}")
        if is_hidden != (row["markering"] == "MSK"):
            faults.append(f"markering {row['markering']} does not go with status {row['status']}: {describe(key)}")
        if row["jamforelse_varde"] is not None or row["forandring"] is not None:
            start = key[5].replace(year=key[5].year - 1)
            earlier = published.get((*key[:5], start, key[6]))
            if earlier is not None and earlier["status"] == "dold":
                faults.append(f"comparison shows the hidden cell of the year before: {describe(key)}")
            if true["_patient"] and is_primary(true["_jamforelse_skyddat"]):
                faults.append(f"comparison shows a protected number of the year before: {describe(key)}")
        if true["_patient"] and true["_skyddat"] is not None:
            groups.setdefault((key[0], key[4], key[5]), []).append(key)
    for group, keys in groups.items():
        for key in solvable(keys, published, truth):
            faults.append(f"hidden number can be computed ({describe(group)}): {describe(key)}")
    for key, row in published.items():
        if key[0] == "gas_antal":
            twin = published.get(("gas_t_forandring", *key[1:]))
            if twin is not None and (twin["status"] == "dold") != (row["status"] == "dold"):
                faults.append(f"gas_antal and gas_t_forandring hide different cells: {describe(key)}")
    return faults


def solvable(
    keys: list[tuple[Any, ...]],
    published: dict[tuple[Any, ...], dict[str, Any]],
    truth: dict[tuple[Any, ...], dict[str, Any]],
) -> list[tuple[Any, ...]]:
    """The hidden cells of one (indicator, period) that follow from the shown ones by addition and subtraction."""
    hidden = [key for key in keys if published[key]["status"] == "dold"]
    if not hidden:
        return []
    number = {key: truth[key]["_skyddat"] for key in keys}
    sums: list[tuple[tuple[Any, ...], list[tuple[Any, ...]]]] = []
    for key in keys:
        sexes = [(*key[:6], "K"), (*key[:6], "M")]
        if key[6] == "T" and all(k in number for k in sexes):
            sums.append((key, sexes))
        if key[1] == "verksamhet":
            sums.append((key, [k for k in keys if k[1] == "enhet" and k[2] == key[2] and k[6] == key[6]]))
        if key[1] == "omrade":
            sums.append((key, [k for k in keys if k[1] == "verksamhet" and k[6] == key[6]]))
    unknown = set(hidden)
    equations = []
    for total, parts in sums:
        if number[total] != sum(number[part] for part in parts):
            continue
        cells = [cell for cell in (total, *parts) if cell in unknown]
        if cells:
            equations.append((cells, [1 if cell == total else -1 for cell in cells]))
    return determined(hidden, equations)
