"""Persons who are erased on request: a list of keyed hashes by which ingestion knows them and reads no row of theirs.

`data/erased.json` (0600) has a secret of its own, which a new person key does not change, and per person the hash of
the normal form under it; under the person key of the day also the pseudonyms that stored rows can carry, so that a
restored older backup is cleaned by the next run. What is listed is not stored anywhere else.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from dataclasses import asdict, dataclass, field, replace
from datetime import date

import polars as pl

from dagster_project.catalogue.contracts import Contract
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.files import replacing
from dagster_project.core.masking import MAY_HOLD_NUMBER, mask
from dagster_project.core.paths import DataPaths
from dagster_project.core.swedish import counted
from dagster_project.ingestion import cells, persons
from dagster_project.ingestion.readers import RawTable


@dataclass(frozen=True)
class Erasure:
    """One erased person.

    number: keyed hash of the normal form; None where only the pseudonym was known and raw does not hold the person.
    ids: pseudonyms that rows stored under the person key `key` (its fingerprint) can carry.
    """

    number: str | None
    ids: tuple[str, ...]
    key: str
    reason: str
    by: str
    on: str


@dataclass(frozen=True)
class Erasures:
    """The list. secret: hex."""

    secret: str = field(default_factory=lambda: secrets.token_hex(32))
    persons: tuple[Erasure, ...] = ()

    def hash_of(self, normal: str) -> str:
        """The keyed hash of a normal form (12 characters)."""
        return hmac.digest(bytes.fromhex(self.secret), normal.encode(), "sha256").hex()

    def ids_of(self, key: bytes) -> frozenset[str]:
        """Pseudonyms of the erased persons under this key."""
        name = persons.key_fingerprint(key)
        return frozenset(i for p in self.persons if p.key == name for i in p.ids)

    def with_person(self, normal: str | None, person_id: str, key: bytes, reason: str, by: str, on: date) -> Erasures:
        """The list with one person more, or with the new pseudonyms of one who is in it."""
        ids = {person_id, *(pseudonyms(normal, key) if normal else ())}
        known = {p.number for p in self.persons}
        number = self.hash_of(normal) if normal else None
        made = Erasure(number, tuple(sorted(ids)), persons.key_fingerprint(key), _said(reason), _said(by), str(on))
        if number is not None and number in known:
            return replace(self, persons=tuple(made if p.number == number else p for p in self.persons))
        return replace(self, persons=(*(p for p in self.persons if person_id not in p.ids), made))

    def under_a_new_key(self) -> Erasures:
        """The list without pseudonyms of a key that is given up; who is known by such alone is known no more."""
        return replace(self, persons=tuple(replace(p, ids=()) for p in self.persons if p.number is not None))

    @property
    def digest(self) -> str:
        """What tells whether stored rows were compared with just this list."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def _said(text: str) -> str:
    return mask(" ".join(text.split()))


def spellings(normal: str) -> tuple[str, ...]:
    """How a number can stand in a text column."""
    day, last = normal[:8], normal[8:]
    return normal, f"{day}-{last}", normal[2:], f"{day[2:]}-{last}", f"{day[2:]}+{last}"


def pseudonyms(normal: str, key: bytes) -> set[str]:
    """What rows of a person can carry: the person_id, and the tokens that replace a number in a key column."""
    return {persons.person_id(normal, key), *(persons.key_token(s, key) for s in spellings(normal))}


def load_erasures(data: DataPaths) -> Erasures | None:
    """The list; None where nobody was erased. Raises ResultattavlaError where it is damaged: nobody must come back."""
    try:
        content = json.loads(data.erasures.read_text(encoding="utf-8"))
        people = tuple(Erasure(**{**p, "ids": tuple(p["ids"])}) for p in content["persons"])
        bytes.fromhex(content["secret"])
        return Erasures(content["secret"], people)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise ResultattavlaError(
            f"Listan över raderade personer {data.erasures} är skadad: återställ den ur säkerhetskopian. Utan den kan "
            "raderade personer komma tillbaka ur raw."
        ) from error


def save_erasures(data: DataPaths, erasures: Erasures) -> None:
    """Write the list, for the owner alone."""
    with replacing(data.erasures) as part:
        part.touch(mode=0o600)
        part.write_text(json.dumps(asdict(erasures), indent=1) + "\n", encoding="utf-8")


def person_columns(contract: Contract) -> list[str]:
    """Columns in which a row can name its person: numbers, and text keys that hold one by mistake."""
    return [c.name for c in contract.columns if c.type == "personnummer" or (c.type == "text" and c.key_position)]


def without_erased(
    raw: RawTable, contract: Contract, extraction: date, erasures: Erasures | None, key: bytes
) -> tuple[RawTable, int]:
    """The delivered rows without those of erased persons, and how many these were."""
    if erasures is None or not erasures.persons:
        return raw, 0
    numbers = {p.number for p in erasures.persons} - {None}
    ids = erasures.ids_of(key)
    theirs = pl.Series([False]).new_from_index(0, raw.frame.height)
    for name in person_columns(contract):
        if name in raw.frame.columns:
            texts = cells.trim(raw.frame[name])
            unique = texts.filter(texts.str.contains(MAY_HOLD_NUMBER).fill_null(False)).unique()
            normal = persons.normal_forms(unique, extraction)["normal"]
            gone = [
                t
                for t, n in zip(unique, normal, strict=True)
                if n is not None and (erasures.hash_of(n) in numbers or (ids and persons.person_id(n, key) in ids))
            ]
            if gone:
                theirs |= texts.is_in(gone).fill_null(False)
    count = int(theirs.sum())
    return (replace(raw, frame=raw.frame.filter(~theirs)), count) if count else (raw, 0)


def told(rows: int) -> str:
    """What the ledger says of a delivery that has such rows."""
    return f"{counted(rows, 'rad', 'rader')} om personer som har raderats på begäran är inte med."


_KEY = re.compile("[0-9a-f]{32}")


def asked_person(text: str, today: date) -> tuple[str | None, str | None]:
    """Who is asked for: (normal form, None) of a number with its century, or (None, person_id).

    Raises ResultattavlaError, which does not repeat what was written, for anything else.
    """
    written = text.strip()
    if _KEY.fullmatch(written):
        return None, written
    normal = persons.normal_forms(pl.Series([written]), today)["normal"][0]
    if normal is None or len(re.sub(r"[^0-9A-Za-z]", "", written)) != 12:
        raise ResultattavlaError(
            "Det som skrevs är varken ett giltigt personnummer med tolv tecken (ÅÅÅÅMMDD-NNNN) eller en person_id: "
            "ingenting raderades."
        )
    return normal, None
