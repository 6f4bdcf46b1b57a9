"""Cell types: how a delivered text becomes a typed value, column by column (never row by row).

Every parser takes a polars Series of trimmed, non-missing texts (missing = null) and gives the typed Series, null both
where the text is missing and where it cannot be parsed; the caller tells them apart by the text. The rules are those of
the cell-type table of the specification of extracts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date

import polars as pl

MISSING = ("", "NULL", "NA", "-")
ZERO_WIDTH = "\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
"""Characters without width (a BOM is one), as a regex class: at a cell's edge they are nothing."""
SHEET_ERROR = (
    r"^(?:#[\u00a1\u00bf]?[\p{Lu}0-9_/.]+[!?]|#(?:N/?[ABDV]|I/T|YOK|[\u041d]/[\u0414]|HI\u00c1NYZIK|PUUTTUU"
    r"|NEDOSTUPN[\u00cdY\u00dd]|NEN\u00cd_K_DISPOZICI|GETTING_DATA|H\u00c4MTAR_DATA)[!?]?|#{2,}|(?:Err|Fel):[0-9]{3})$"
)
"""What a spreadsheet writes where a formula failed, in any language (#N/A, #SAKNAS!, #BEZUG!, Err:502), or where the
column was too narrow for the value (####)."""
DAMAGED = (
    r"^(?:=.*|['\u2018\u2019].*|[+-]?[0-9]+(?:[.,][0-9]+[Ee][+-]?|[Ee][+-])[0-9]+|[+-]?[0-9]+[.,]0+)$"
    r"|[\x00-\x1f]"
)
"""An identifier that a spreadsheet or a data frame has rewritten (="1001", '1001, 1,91E+11, 1001.0), or one that a line
break stands in."""
DITTO = (
    r"(?i)^[-\u2013\u2014 ]*(?:[\x22\u201c-\u201f\u2033\u3003\u00ab\u00bb]|[,\x27\u2018-\u201b\u2032\u00b4`]{2,}|-ii)"
    r"[-\u2013\u2014 ]*$|^(?:d:o|do\.|ditt?o\.?)$"
)
"""What says that the row above has it (", -"-, ,,, do., dito): no identifier."""
PLAIN_ID = r"^(?:[AC-HJ-NP-RT-Ya-hjkmnp-rt-y][AC-HJ-NP-RT-Ya-hjkmnp-rt-y_-]{0,11})?[0-9]{1,9}$"
"""Identifiers as most systems issue them: at most a word (of letters that look like no digit), then at most nine
digits. Nothing is to be trimmed, none is damaged, none holds a personal number: tests/ingestion/test_cells.py."""
NO_DATE = (date(1900, 1, 1), date(9999, 12, 31))
"""Days that mean "missing"."""
GROUP = r"[ \u00a0\u202f]"
_DATE_TIME = (
    r"^(?P<y>[0-9]{4})(?:-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})|(?P<m2>[0-9]{2})(?P<d2>[0-9]{2}))"
    r"(?P<time>[Tt ](?P<h>[0-9]{2})(?::?(?P<mi>[0-9]{2})(?::?(?P<s>[0-9]{2})(?:[.,][0-9]+)?)?)?"
    r" ?(?P<zone>[Zz]|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)?)?$"
)


def trimmed(texts: pl.Series) -> pl.Series:
    """Texts without surrounding blanks (NBSP, BOM and zero-width characters too); empty, NULL, NA and - become null."""
    edge = rf"^[\s{ZERO_WIDTH}]+|[\s{ZERO_WIDTH}]+$"
    frame = pl.DataFrame({"t": texts}).select(pl.col("t").str.strip_chars())
    if frame.select(pl.col("t").str.contains(f"[{ZERO_WIDTH}]").any()).item():
        frame = frame.select(pl.col("t").str.replace_all(edge, ""))
    return frame.select(
        pl.when((pl.col("t").str.len_bytes() <= 4) & pl.col("t").str.to_uppercase().is_in(MISSING))
        .then(None)
        .otherwise(pl.col("t"))
        .alias("t")
    ).to_series()


_PROBE = 2000


def _over_unique(texts: pl.Series, parse: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """Apply `parse` once per distinct text when texts repeat; same result as `parse(texts)`."""
    first = texts.head(_PROBE)
    if first.n_unique() > _PROBE // 2:
        return parse(texts)  # identifiers: finding the distinct ones would cost more than parsing them all
    frame = pl.DataFrame({"t": texts})
    unique = frame.select(pl.col("t").unique()).to_series()
    if unique.len() > texts.len() // 2:
        return parse(texts)
    table = pl.DataFrame({"t": unique, "v": parse(unique)})
    return frame.join(table, on="t", how="left", maintain_order="left", nulls_equal=True).to_series(1)


def trim(texts: pl.Series) -> pl.Series:
    """`trimmed`, once per distinct text."""
    return _over_unique(texts, trimmed)


def _dates(texts: pl.Series) -> pl.Series:
    part = pl.DataFrame({"t": texts}).select(pl.col("t").str.extract_groups(_DATE_TIME).alias("g")).unnest("g")

    def number(name: str) -> pl.Expr:
        return pl.col(name).cast(pl.Int32)

    hour, minute, second = (pl.col(c).cast(pl.Int32).fill_null(0) for c in ("h", "mi", "s"))
    part = part.with_columns(
        # Built from text: strict=False gives null for a day that does not exist.
        pl.format("{}-{}-{}", pl.col("y"), pl.coalesce("m", "m2"), pl.coalesce("d", "d2"))
        .str.to_date("%Y-%m-%d", strict=False)
        .alias("date"),
        (((hour < 24) & (minute < 60) & (second <= 60)) | ((hour == 24) & (minute == 0) & (second == 0))).alias(
            "time_ok"
        ),
        pl.col("zone").str.replace_all(":", "").str.to_uppercase().alias("zone"),
    )
    offset_minutes = (
        pl.when(pl.col("zone") == "Z")
        .then(0)
        .otherwise(
            pl.when(pl.col("zone").str.starts_with("-")).then(-1).otherwise(1)
            * (
                pl.col("zone").str.slice(1, 2).cast(pl.Int32, strict=False) * 60
                + pl.col("zone").str.slice(3, 2).cast(pl.Int32, strict=False).fill_null(0)
            )
        )
    )
    # 24:00 is the end of its day, not the beginning of the next.
    minutes = pl.min_horizontal(number("h").fill_null(0) * 60 + number("mi").fill_null(0), pl.lit(24 * 60 - 1))
    swedish = (
        (pl.col("date").cast(pl.Datetime("ms")) + pl.duration(minutes=minutes - offset_minutes))
        .dt.replace_time_zone("UTC")
        .dt.convert_time_zone("Europe/Stockholm")
        .dt.date()
    )
    # A day that means "missing" is looked at before the zone moves it into another day.
    plain = pl.col("zone").is_null() | pl.col("date").is_in(NO_DATE)
    return (
        part.select(pl.when("time_ok").then(pl.when(plain).then("date").otherwise(swedish)).alias("v"))
        .select(pl.when(pl.col("v").dt.year() >= 1900).then("v"))
        .to_series()
    )


def parse_date(texts: pl.Series) -> pl.Series:
    """ISO dates and date-times (with a zone: Swedish local time) as Date; 1900-01-01 and 9999-12-31 stay themselves."""
    return _over_unique(texts, _dates)


def parse_month(texts: pl.Series) -> pl.Series:
    """`YYYY-MM`, `YYYYMM` or any date in the month, as the month's last day."""

    def months(unique: pl.Series) -> pl.Series:
        frame = pl.DataFrame({"t": unique}).with_columns(
            pl.when(pl.col("t").str.contains(r"^[0-9]{4}-?[0-9]{2}$"))
            .then(pl.format("{}-{}-01", pl.col("t").str.slice(0, 4), pl.col("t").str.slice(-2)))
            .otherwise(pl.col("t"))
            .alias("d")
        )
        dates = parse_date(frame["d"])
        # The two dates that mean "missing" must be recognisable afterwards, whatever day of their month was written.
        return (
            pl.DataFrame({"d": dates, "raw": frame["t"]})
            .select(
                pl.when(pl.col("d").is_in(NO_DATE) & (pl.col("raw").str.len_chars() > 7))
                .then(pl.col("d"))
                .otherwise(pl.col("d").dt.month_end())
            )
            .to_series()
        )

    return _over_unique(texts, months)


def _int(unique: pl.Series) -> pl.Series:
    pattern = rf"^[+\-\u2212]?(?:[0-9]+|[0-9]{{1,3}}(?:{GROUP}[0-9]{{3}})+)(?:[.,]0+)?$"
    return (
        pl.DataFrame({"t": unique})
        .select(
            pl.when(pl.col("t").str.contains(pattern))
            .then(
                pl.col("t")
                .str.replace(r"[.,]0+$", "")
                .str.replace_all(GROUP, "")
                .str.replace("\u2212", "-", literal=True)
                .str.strip_prefix("+")
            )
            .cast(pl.Int64, strict=False)
        )
        .to_series()
    )


def parse_int(texts: pl.Series) -> pl.Series:
    """Whole numbers (blanks as thousands separator; 3,0 and 3.0 are 3) as Int64."""
    return _over_unique(texts, _int)


def _number(unique: pl.Series) -> pl.Series:
    digits = rf"(?:[0-9]+|[0-9]{{1,3}}(?:{GROUP}[0-9]{{3}})+)(?:[.,][0-9]+)?"
    plain = pl.col("t").str.contains(rf"^[+\-\u2212]?{digits}$")
    bracketed = pl.col("t").str.contains(rf"^\({digits}\)$")
    size = pl.col("t").str.replace_all(r"[^0-9.,]", "").str.replace(",", ".", literal=True)
    negative = bracketed | pl.col("t").str.contains(r"^[-\u2212]")
    return (
        pl.DataFrame({"t": unique})
        .select(
            pl.when(plain | bracketed)
            .then(size.cast(pl.Float64, strict=False) * pl.when(negative).then(-1).otherwise(1))
            .alias("v")
        )
        .select(pl.when(pl.col("v").is_finite()).then("v"))
        .to_series()
    )


def parse_number(texts: pl.Series) -> pl.Series:
    """Decimal numbers (comma or point; blank, NBSP, U+202F as thousands separator) as Float64."""
    return _over_unique(texts, _number)


def _lookup(table: dict[str, object], dtype: pl.DataType | type[pl.DataType]) -> Callable[[pl.Series], pl.Series]:
    def parse(texts: pl.Series) -> pl.Series:
        return _over_unique(
            texts,
            lambda u: u.str.to_uppercase().replace_strict(table, default=None, return_dtype=dtype),
        )

    return parse


_YES, _NO = ("1", "J", "JA", "T", "TRUE", "SANT"), ("2", "N", "NEJ", "F", "FALSE", "FALSKT")
parse_yes_no = _lookup({**dict.fromkeys(_YES, True), **dict.fromkeys(_NO, False)}, pl.Boolean)
parse_sex = _lookup(
    {"1": "M", "M": "M", "MAN": "M", "2": "K", "K": "K", "KVINNA": "K", "3": "O", "O": "O", "OKÄNT": "O", "OKANT": "O"},
    pl.String,
)


def _matching(pattern: str) -> Callable[[pl.Series], pl.Series]:
    def parse(texts: pl.Series) -> pl.Series:
        def match(unique: pl.Series) -> pl.Series:
            upper = pl.col("t").str.to_uppercase()
            return pl.DataFrame({"t": unique}).select(pl.when(upper.str.contains(pattern)).then(upper)).to_series()

        return _over_unique(texts, match)

    return parse


parse_hsaid = _matching(r"^SE[0-9]{10}-[A-Z0-9]{1,18}$")
parse_kva = _matching(r"^(?:[A-Z]{3}[0-9]{2}|[A-Z]{2}[0-9]{3})$")


_BLANKS = r"[\s\-\u2010-\u2015\u2212_]+"
"""What is `_` where codes are compared: spreadsheets make dashes of hyphens."""


def fold(text: str) -> str:
    """Upper case without Swedish diacritics, blanks and hyphens as `_`: how codes are compared."""
    return re.sub(_BLANKS, "_", text.upper().translate(str.maketrans("ÅÄÖ", "AAO")))


def parse_code(
    texts: pl.Series, values: tuple[str, ...] | None, spellings: Iterable[tuple[str, str]] = ()
) -> pl.Series:
    """Codes compared by `fold`, spelled as in `values`; a code outside the list as written, in upper case.

    spellings: (text, value): what else stands for a value of the list.
    """
    spelling = {fold(v): v for v in values or ()} | {fold(text): value for text, value in spellings}

    def codes(unique: pl.Series) -> pl.Series:
        written = unique.str.to_uppercase().str.replace_many(["Å", "Ä", "Ö"], ["A", "A", "O"])
        if not spelling:
            return written
        listed = written.str.replace_all(_BLANKS, "_").replace_strict(spelling, default=None, return_dtype=pl.String)
        return pl.DataFrame({"listed": listed, "written": written}).select(pl.coalesce("listed", "written")).to_series()

    return _over_unique(texts, codes)


def is_sheet_error(texts: pl.Series) -> pl.Series:
    """Where a text is what a spreadsheet shows of a formula that failed (`SHEET_ERROR`); null is no error."""
    return _over_unique(texts, lambda u: u.str.contains(SHEET_ERROR)).fill_null(False)


def is_damaged(texts: pl.Series) -> pl.Series:
    """Where an identifier is not what the source system wrote (`DAMAGED`, `DITTO`); null is not damaged."""
    return texts.str.contains(f"{DAMAGED}|{DITTO}").fill_null(False)


PARSERS: dict[str, Callable[[pl.Series], pl.Series]] = {
    "date": parse_date,
    "month": parse_month,
    "int": parse_int,
    "number": parse_number,
    "yes_no": parse_yes_no,
    "sex": parse_sex,
    "hsaid": parse_hsaid,
    "kva_code": parse_kva,
}
"""Parsers of the cell types that need no more than the text; codes, texts and personnummer have their own."""

DTYPES: dict[str, pl.DataType] = {
    "text": pl.String(),
    "code": pl.String(),
    "date": pl.Date(),
    "month": pl.Date(),
    "int": pl.Int64(),
    "number": pl.Float64(),
    "yes_no": pl.Boolean(),
    "sex": pl.String(),
    "personnummer": pl.String(),
    "hsaid": pl.String(),
    "kva_code": pl.String(),
}


def is_no_date(values: pl.Series) -> pl.Series:
    """Where a parsed date is one of the two that mean "missing"."""
    return values.is_in(list(NO_DATE)).fill_null(False)
