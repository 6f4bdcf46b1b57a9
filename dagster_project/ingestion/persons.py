"""Personal identity numbers: validation, normal form and the keyed `person_id` that replaces them.

Own, columnar code instead of a library: one call per number costs the libraries (python-stdnum, personnummer) tens of
seconds for a million persons. The tests compare it with python-stdnum.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import threading
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from dagster_project.core.errors import ResultattavlaError, system_reason
from dagster_project.core.masking import MAY_HOLD_NUMBER, looks_like_one, mask, mask_delivered, may_be_key_of_person
from dagster_project.core.spellings import MAY_BE_SPELLED, MAY_BE_TEN_DIGITS

KEY_VARIABLE = "RESULTATTAVLA_PERSON_KEY"
_SHAPE = r"^(?:([0-9]{2})?([0-9]{2})([0-9]{2})([0-9]{2})([-+]?)([0-9]{4}))$"
_RESERVE = r"^([0-9]{8})-?([0-9A-Zptf]{4})$"


def person_key(data: Path) -> bytes:
    """The secret key: the environment's, else `data/person.key` (made here with mode 0600 when it is missing).

    Raises ResultattavlaError for a key that is empty (anyone could guess it) or a file that cannot be read.
    """
    given = os.environ.get(KEY_VARIABLE)
    if given:
        return _not_empty(given.encode(), f"miljövariabeln {KEY_VARIABLE}")
    path = data / "person.key"
    try:
        return _not_empty(path.read_bytes(), f"filen {path}")
    except FileNotFoundError:
        pass
    except OSError as error:
        raise ResultattavlaError(
            f"Personnyckeln i filen {path} kan inte läsas ({system_reason(error)}): ge den som kör rätt att läsa den "
            "eller återställ den, och kör igen."
        ) from error
    return new_key(data)


def fresh_key() -> bytes:
    """A key that nobody has."""
    return secrets.token_hex(32).encode()


def new_key(data: Path, key: bytes | None = None) -> bytes:
    """Put a key (a fresh one where none is given) in the place of the one before, in one step."""
    path = data / "person.key"
    data.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(key or fresh_key())
    os.replace(part, path)
    return path.read_bytes()


def has_key(data: Path) -> bool:
    """Whether there is a key already; `person_key` makes one where there is none."""
    return bool(os.environ.get(KEY_VARIABLE)) or (data / "person.key").exists()


def _not_empty(key: bytes, where: str) -> bytes:
    if not key.strip(b"\0 \t\r\n"):
        raise ResultattavlaError(
            f"Personnyckeln i {where} är tom: återställ den, eller ta bort den så görs en ny och allt i raw läses om."
        )
    return key


def key_fingerprint(key: bytes) -> str:
    """A name for the key that tells nothing about it; stored beside what was keyed with it."""
    return hmac.new(key, b"resultattavla:fingerprint", hashlib.sha256).hexdigest()[:16]


def person_id(normal_form: str, key: bytes) -> str:
    """HMAC-SHA-256 of the 12-character normal form, first 32 hex characters."""
    return hmac.digest(key, normal_form.encode(), "sha256").hex()[:32]


def key_token(text: str, key: bytes) -> str:
    """What replaces a key text that holds what looks like a personal number."""
    return "dold-" + person_id(text, key)


def normal_forms(texts: pl.Series, extraction: date) -> pl.DataFrame:
    """Validate numbers: columns `normal` (12 characters, null where invalid), `kon` (M, K, O) and `fodelsear` (Int64).

    Ten digits get the century that makes the person 0-99 years old on the extraction date (100 or more with `+`);
    coordination numbers carry day + 60 (month 00 and day 60 where only the year of birth is known); the check digit is
    Luhn over the last ten digits; birth number 000 is invalid.
    A national reserve number (a letter among the last four) has no check digit and sex O.
    """
    plain = texts.str.contains(r"^[0-9]{12}$").fill_null(False)
    if not plain.any():
        return _normal_forms(texts, extraction)
    found = _twelve_digits(texts.filter(plain))
    if plain.all():
        return found
    others = _normal_forms(texts.filter(~plain), extraction)
    places = pl.concat([plain.arg_true(), (~plain).arg_true()])
    return pl.concat([found, others])[places.arg_sort()]


_DAYS_IN_MONTH = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_LUHN = np.array([0, 2, 4, 6, 8, 1, 3, 5, 7, 9], dtype=np.uint8)
"""What a digit gives that is doubled."""


def _twelve_digits(texts: pl.Series) -> pl.DataFrame:
    """`normal_forms` of texts of twelve digits, which nearly all are."""
    digits = np.frombuffer(texts.str.join("")[0].encode(), np.uint8).reshape(-1, 12) - ord("0")
    short = digits[:, 2:]
    luhn = _LUHN[short[:, ::2]].sum(axis=1) + short[:, 1::2].sum(axis=1)
    number = digits.astype(np.int64)
    year = number[:, :4] @ np.array([1000, 100, 10, 1])
    month, day = number[:, 4] * 10 + number[:, 5], number[:, 6] * 10 + number[:, 7]
    real_day = np.where(day > 60, day - 60, day)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    last_day = np.where((month == 2) & ~leap, 28, _DAYS_IN_MONTH[np.where(month <= 12, month, 0)])
    exists = ((real_day >= 1) & (real_day <= last_day)) | ((month == 0) & (day == 60))
    valid = (luhn % 10 == 0) & exists & (year >= 1800) & number[:, 8:11].any(axis=1)
    return pl.DataFrame({"t": texts, "valid": valid, "man": number[:, 10] % 2 == 1, "fodelsear": year}).select(
        pl.when("valid").then("t").alias("normal"),
        pl.when("valid").then(pl.when("man").then(pl.lit("M")).otherwise(pl.lit("K"))).alias("kon"),
        pl.when("valid").then("fodelsear").alias("fodelsear"),
    )


def _normal_forms(texts: pl.Series, extraction: date) -> pl.DataFrame:
    """`normal_forms` of any texts."""
    frame = (
        pl.DataFrame({"t": texts})
        .with_columns(
            pl.col("t")
            .str.extract_groups(_SHAPE)
            .struct.rename_fields(["cc", "yy", "mm", "dd", "sign", "last"])
            .alias("g")
        )
        .unnest("g")
    )
    digits = pl.concat_str("yy", "mm", "dd", "last")
    luhn = pl.lit(0)
    for position in range(10):
        digit = digits.str.slice(position, 1).cast(pl.Int32, strict=False)
        product = digit * (2 if position % 2 == 0 else 1)
        luhn = luhn + product // 10 + product % 10
    day = pl.col("dd").cast(pl.Int32, strict=False)
    real_day = pl.when(day > 60).then(day - 60).otherwise(day)
    short_year = pl.col("yy").cast(pl.Int32, strict=False)
    month = pl.col("mm").cast(pl.Int32, strict=False)
    this_century = extraction.year // 100 * 100 + short_year
    # Born later than the extraction day in this century's reading: then it was the century before.
    born_after = (this_century > extraction.year) | (
        (this_century == extraction.year)
        & ((month > extraction.month) | ((month == extraction.month) & (real_day > extraction.day)))
    )
    ten_digit_year = this_century - born_after.cast(pl.Int32) * 100 - (pl.col("sign") == "+").cast(pl.Int32) * 100
    year = (
        pl.when(pl.col("cc").is_null())
        .then(ten_digit_year)
        .otherwise(pl.col("cc").cast(pl.Int32, strict=False) * 100 + short_year)
    )
    birthday = pl.format("{}-{}-{}", year, pl.col("mm"), real_day.cast(pl.String).str.zfill(2)).str.to_date(
        "%Y-%m-%d", strict=False
    )
    year_only = (month == 0) & (day == 60)
    valid = (
        (luhn % 10 == 0)
        & (birthday.is_not_null() | year_only)
        & (year >= 1800)
        & (pl.col("last").str.slice(0, 3) != "000")
        & (pl.col("cc").is_null() | (pl.col("sign") != "+"))
    )
    reserve = pl.col("t").str.extract_groups(_RESERVE)
    is_reserve = pl.col("t").str.contains(_RESERVE) & pl.col("t").str.slice(-4).str.contains("[A-Zptf]")
    ninth = pl.col("last").str.slice(2, 1).cast(pl.Int32, strict=False)
    return frame.select(
        pl.when(valid)
        .then(pl.concat_str(year.cast(pl.String).str.zfill(4), "mm", "dd", "last"))
        .when(is_reserve)
        .then(pl.concat_str(reserve.struct.field("1"), reserve.struct.field("2")).str.to_uppercase())
        .alias("normal"),
        pl.when(valid)
        .then(pl.when(ninth % 2 == 1).then(pl.lit("M")).otherwise(pl.lit("K")))
        .when(is_reserve)
        .then(pl.lit("O"))
        .alias("kon"),
        pl.when(valid)
        .then(year)
        .when(is_reserve)
        .then(pl.col("t").str.slice(0, 4).cast(pl.Int32, strict=False))
        .cast(pl.Int64)
        .alias("fodelsear"),
    )


def identify(texts: pl.Series, extraction: date, key: bytes) -> pl.DataFrame:
    """`person_id`, `kon`, `fodelsear` for a column of delivered numbers (null = missing or invalid)."""
    unique = texts.unique().drop_nulls()
    table = identified(unique, extraction, key).with_columns(t=unique)
    return (
        pl.DataFrame({"t": texts})
        .join(table, on="t", how="left", maintain_order="left")
        .select("person_id", "kon", "fodelsear")
    )


def identified(texts: pl.Series, extraction: date, key: bytes) -> pl.DataFrame:
    """The same for texts that do not repeat."""
    table = normal_forms(texts, extraction)
    return table.select(_person_ids(table["normal"], key).alias("person_id"), "kon", "fodelsear")


_known: dict[bytes, pl.DataFrame] = {}
_KNOWN = {"normal": pl.String, "person_id": pl.String}
_knowing = threading.Lock()


def _person_ids(normal: pl.Series, key: bytes) -> pl.Series:
    """`person_id` of normal forms (null stays null). The same persons come in every delivery: each is hashed once."""
    asked = pl.DataFrame({"normal": normal})
    with _knowing:
        known = _known.get(key, pl.DataFrame(schema=_KNOWN))
        new = asked.drop_nulls().unique().join(known, on="normal", how="anti")["normal"]
        if new.len():
            ids = pl.Series([person_id(n, key) for n in new], dtype=pl.String)
            _known[key] = known = pl.concat([known, pl.DataFrame({"normal": new, "person_id": ids})])
    return asked.join(known, on="normal", how="left", maintain_order="left")["person_id"]


def forget() -> None:
    """Forget the numbers that were seen: they live no longer than the ingestion that read them."""
    _known.clear()


def mask_in_texts(texts: pl.Series) -> pl.Series:
    """Texts with everything masked that looks like a personal number: one in the wrong column travels no further."""
    suspects = texts.filter(texts.str.contains(f"{MAY_HOLD_NUMBER}|{MAY_BE_SPELLED}").fill_null(False)).unique()
    changed = {t: mask_delivered(t) for t in suspects}
    return texts.replace({a: b for a, b in changed.items() if a != b}) if changed else texts


def pseudonymise_in_keys(texts: pl.Series, key: bytes) -> pl.Series:
    """Key texts that hold what looks like a personal number, replaced by a keyed token so that the key stays unique."""
    suspects = texts.filter(texts.str.contains(f"{MAY_HOLD_NUMBER}|{MAY_BE_TEN_DIGITS}").fill_null(False)).unique()
    # Ids of ten or twelve digits can be many: they look like one without being asked one by one.
    plain = suspects.str.contains(r"^(?:[0-9]{10}|[0-9]{12})$")
    others = suspects.filter(~plain)
    changed = pl.concat(
        [suspects.filter(plain), others.filter(pl.Series([may_be_key_of_person(t) for t in others], dtype=pl.Boolean))]
    )
    if changed.len() == 0:
        return texts
    tokens = pl.DataFrame({"t": changed, "token": [key_token(t, key) for t in changed]})
    return (
        pl.DataFrame({"t": texts})
        .join(tokens, on="t", how="left", maintain_order="left")
        .select(pl.coalesce("token", "t").alias(texts.name))
        .to_series()
    )


_PERSON_AS_UNIT = r"^SE(?:[0-9]{2})?[0-9]{2}[01][0-9][0-9]{6}-"


def pseudonymise_in_units(units: pl.Series, key: bytes) -> pl.Series:
    """HSA-ids whose ten digits are a person's, not an organisation's, as a keyed token of the same form.

    The third digit of an organisation number is 2 or more. Register and rows get the same token: they still meet.
    """
    suspects = units.filter(units.str.contains(_PERSON_AS_UNIT).fill_null(False)).unique()
    # Letters only, so that no digits of the token look like a number in their turn.
    letters = str.maketrans("0123456789abcdef", "GHIJKLMNOPABCDEF")
    tokens = {u: f"SE0000000000-{person_id(u, key)[:18].translate(letters)}" for u in suspects if mask(u) != u}
    return units.replace(tokens) if tokens else units


def hold_number(texts: pl.Series, amount: bool) -> pl.Series:
    """Where a whole number or an amount has the digits of a personal number, one too many or one too few."""
    digits = texts.str.replace_all(r"[ \x{a0}\x{202f}()+\-\x{2212}]", "").str.replace(r"[.,][0-9]+$", "")
    suspects = digits.filter((digits.str.len_bytes() >= 10).fill_null(False)).unique()
    persons = suspects.filter(pl.Series([looks_like_one(t, amount) for t in suspects], dtype=pl.Boolean))
    return digits.is_in(persons.implode()).fill_null(False)


def require_same_key(stored: str | None, current: str | None, source: str, file: str) -> None:
    """Refuse to mix keys: rows stored under another key whose file has left raw cannot be rebuilt."""
    if stored is not None and stored != current:
        raise ResultattavlaError(
            f"Leveransen {source}/{file} är lagrad under en annan personnyckel och filen finns inte längre i raw: "
            f"återställ nyckeln (person.key eller {KEY_VARIABLE}) eller lägg tillbaka filen, och kör om."
        )
