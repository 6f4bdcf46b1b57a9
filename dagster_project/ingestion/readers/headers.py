"""How the headers of a delivered file match the columns of its contract, and header lines that are broken."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from dagster_project.catalogue.contracts import Contract
from dagster_project.core.errors import RejectedFileError
from dagster_project.core.masking import display
from dagster_project.ingestion.cells import ZERO_WIDTH

_EDGE = re.compile(rf"^[\s{ZERO_WIDTH}]+|[\s{ZERO_WIDTH}]+$")
_VALUE = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}.*|SE[0-9]{10}-.*|[-+]?[0-9]+(?:[.,][0-9]+)?", re.IGNORECASE)


def fold_header(text: str) -> str:
    """How headers match: case, surrounding blanks, blanks, line breaks and hyphens for `_`, å/ä/ö do not count."""
    folded = _EDGE.sub("", unicodedata.normalize("NFC", text)).lower()
    folded = folded.translate(str.maketrans("åäö", "aao"))
    return re.sub(r"[\s\-_]+", "_", folded)


def find_columns(headers: Sequence[str], contract: Contract) -> tuple[dict[str, int], tuple[str, ...]]:
    """Positions of the contract's columns and the names of the unknown ones; raises for missing or double columns.

    The helping columns of a form are not unknown: they are passed over without a word.
    """
    known = {c.name for c in contract.columns}
    positions: dict[str, int] = {}
    unknown = []
    for position, header in enumerate(headers):
        name = fold_header(header)
        if name not in known:
            if name and name not in contract.helping_columns:
                unknown.append(display(header.strip()))
        elif name in positions:
            raise RejectedFileError(f"två rubriker motsvarar samma kolumn, {name}: ta bort den ena")
        else:
            positions[name] = position
    missing = [c.name for c in contract.columns if c.required and c.name not in positions]
    if missing:
        raise RejectedFileError(
            f"obligatorisk kolumn saknas: {', '.join(missing)}"
            if len(missing) < len([c for c in contract.columns if c.required])
            else "den har ingen rubrikrad med kontraktets kolumner"
        )
    return positions, tuple(unknown)


def refuse_broken(
    headers: Sequence[str], contract: Contract, first_row: Sequence[str | None], narrow: bool, wide: bool
) -> None:
    """Raise RejectedFileError for a header line with a separator or line break too many or too few.

    Optional columns may be absent, so that such a line reads as one with unknown columns: the rows below it would then
    be read into other columns, or an optional column would be empty in all of them.

    first_row: the cells of the line below; narrow, wide: at least half of the rows have fewer, more cells than headers.
    """
    names = [fold_header(h) for h in headers]
    absent = {c.name for c in contract.columns} - set(names)
    for name in names:
        bare = name.replace('"', "")
        if bare in absent or any(
            bare[:cut].rstrip("_") in absent and bare[cut:].lstrip("_") in absent for cut in range(1, len(bare))
        ):
            raise _broken(f"{display(name)} är flera kolumner i en")
        # A known name that something is glued to, in rows that have a cell more than the header.
        if wide and any(
            (bare.startswith(a) and bare[len(a)] != "_") or (bare.endswith(a) and bare[-len(a) - 1] != "_")
            for a in absent
            if len(bare) > len(a)
        ):
            raise _broken(f"{display(name)} är flera kolumner i en")
    for header, name in zip(headers, names, strict=True):
        # A quoted header that a separator or a line break has got into.
        letters = re.sub(r"[^a-z0-9]", "", name)
        if re.search(r"[\r\n;,\t|]", header.strip()) and any(letters == a.replace("_", "") for a in absent):
            raise _broken(f"{display(name)} är en kolumn i två delar")
    for first, second in zip(names, names[1:], strict=False):
        if narrow and first + second in absent:
            raise _broken(f"{first} och {second} är en kolumn i två delar")
    last_known = max((i for i, n in enumerate(names) if n in {c.name for c in contract.columns}), default=0)
    if narrow and "" in names[:last_known]:
        raise _broken("en rubrik är tom och raderna har färre celler")
    if narrow and any(_VALUE.fullmatch(h.strip()) for h, n in zip(headers, names, strict=True) if n):
        raise _broken("den håller ihop med raden under")
    below = [fold_header(c) for c in first_row if c]
    if below and (absent & set(below) or (names and names[-1] + below[0] in absent)):
        raise _broken("den fortsätter på raden under")


def _broken(how: str) -> RejectedFileError:
    return RejectedFileError(f"rubrikraden är bruten ({how}): rätta den och leverera igen")
