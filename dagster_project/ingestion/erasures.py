"""Persons who are erased on request: a list of pseudonyms by which ingestion knows them and reads no row of theirs.

`data/erased.json` (0600) has per person what their rows can carry under the person key: the person_id and the tokens
of a number in a key column. Without the key it names nobody, and nobody can be found in it; with a key that it was not
written under, erased persons could come back from raw, so that nothing is read then. A restored older backup is cleaned
by the next run.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from dagster_project.catalogue.contracts import Contract
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.files import replacing
from dagster_project.core.masking import MAY_HOLD_NUMBER
from dagster_project.core.paths import DataPaths
from dagster_project.core.reviewed import one_line
from dagster_project.core.swedish import counted
from dagster_project.ingestion import cells, persons


@dataclass(frozen=True)
class Erasure:
    """One erased person.

    keys: fingerprint of a person key -> the pseudonyms that rows stored under it can carry. None is left where the key
    was changed and raw did not hold the person: who it was cannot be known any more.
    """

    keys: Mapping[str, tuple[str, ...]]
    reason: str
    by: str
    on: str


@dataclass(frozen=True)
class Erasures:
    """The list."""

    persons: tuple[Erasure, ...] = ()

    def ids_of(self, key: bytes) -> frozenset[str]:
        """Pseudonyms of the erased persons under this key.

        Raises ResultattavlaError where somebody is listed under other keys alone: they would come back.
        """
        name = persons.key_fingerprint(key)
        if unknown := sum(bool(p.keys) and name not in p.keys for p in self.persons):
            raise ResultattavlaError(
                f"{counted(unknown, 'raderad person är listad', 'raderade personer är listade')} i erased.json under "
                "en annan personnyckel och skulle komma tillbaka ur raw: återställ nyckeln (person.key eller "
                f"{persons.KEY_VARIABLE}), eller flytta undan erased.json och radera personerna på nytt."
            )
        return frozenset(i for p in self.persons for i in p.keys.get(name, ()))

    def with_person(self, normal: str | None, person_id: str, key: bytes, reason: str, by: str, on: date) -> Erasures:
        """The list with one person more, or with the new pseudonyms of one who is in it."""
        name = persons.key_fingerprint(key)
        made = Erasure({name: _ids(normal, person_id, key)}, one_line(reason), one_line(by), str(on))
        return Erasures((*(p for p in self.persons if person_id not in p.keys.get(name, ())), made))

    def translated(self, old: bytes, new: bytes, numbers: Mapping[str, str]) -> Erasures:
        """The list under both keys. numbers: person_id under the old one -> normal form, of those who are known.

        Who is not among them has no pseudonym under the new key.
        """
        name = persons.key_fingerprint(new)

        def both(person: Erasure) -> Erasure:
            ids = person.keys.get(persons.key_fingerprint(old), ())
            normal = next((numbers[i] for i in ids if i in numbers), None)
            if normal is None:
                return person
            return replace(person, keys={**person.keys, name: _ids(normal, persons.person_id(normal, new), new)})

        return Erasures(tuple(both(p) for p in self.persons))

    def under(self, key: bytes) -> Erasures:
        """The list without the pseudonyms of any other key."""
        name = persons.key_fingerprint(key)
        return Erasures(
            tuple(replace(p, keys={k: ids for k, ids in p.keys.items() if k == name}) for p in self.persons)
        )

    def unknown(self) -> int:
        """How many of the list cannot be recognised any more."""
        return sum(not p.keys for p in self.persons)

    @property
    def digest(self) -> str:
        """What tells whether stored rows were compared with just this list."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def _ids(normal: str | None, person_id: str, key: bytes) -> tuple[str, ...]:
    return tuple(sorted({person_id, *(pseudonyms(normal, key) if normal else ())}))


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
        return Erasures(tuple(_read(p) for p in content["persons"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ResultattavlaError(
            f"Listan över raderade personer {data.erasures} är skadad: återställ den ur säkerhetskopian. Utan den kan "
            "raderade personer komma tillbaka ur raw."
        ) from error


def _read(person: dict[str, Any]) -> Erasure:
    """A line of the list; of the form before it too, whose hash of the number anyone could have tried out is left."""
    keys = person["keys"] if "keys" in person else {person["key"]: person["ids"]}
    return Erasure({k: tuple(ids) for k, ids in keys.items()}, person["reason"], person["by"], person["on"])


def save_erasures(data: DataPaths, erasures: Erasures) -> None:
    """Write the list, for the owner alone."""
    with replacing(data.erasures) as part:
        part.touch(mode=0o600)
        part.write_text(json.dumps(asdict(erasures), indent=1) + "\n", encoding="utf-8")


def person_columns(contract: Contract) -> list[str]:
    """Columns in which a row can name its person: numbers, and text keys that hold one by mistake."""
    return [c.name for c in contract.columns if c.type == "personnummer" or (c.type == "text" and c.key_position)]


def without_erased(
    frame: pl.DataFrame, contract: Contract, extraction: date, erasures: Erasures | None, key: bytes
) -> pl.DataFrame:
    """The delivered rows (`RawTable.frame`) without those of erased persons."""
    if erasures is None or not erasures.persons:
        return frame
    ids = erasures.ids_of(key)
    theirs = pl.Series([False]).new_from_index(0, frame.height)
    for name in person_columns(contract):
        if name in frame.columns:
            texts = cells.trim(frame[name])
            unique = texts.filter(texts.str.contains(MAY_HOLD_NUMBER).fill_null(False)).unique()
            normal = persons.normal_forms(unique, extraction)["normal"]
            gone = [
                t for t, n in zip(unique, normal, strict=True) if n is not None and persons.person_id(n, key) in ids
            ]
            if gone:
                theirs |= texts.is_in(gone).fill_null(False)
    return frame.filter(~theirs) if theirs.any() else frame


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
