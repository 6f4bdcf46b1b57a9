"""How the headers of a delivered file match the columns of its contract."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from dagster_project.catalogue.contracts import Contract
from dagster_project.core.errors import RejectedFileError
from dagster_project.core.masking import display


def fold_header(text: str) -> str:
    """How headers match: case, surrounding blanks, blanks/hyphens for `_`, å/ä/ö as a/a/o do not count."""
    folded = unicodedata.normalize("NFC", text).strip("\ufeff \t\r\n\u00a0\u202f").lower()
    folded = folded.translate(str.maketrans("åäö", "aao"))
    return re.sub(r"[\s\-_]+", "_", folded)


def find_columns(headers: Sequence[str], contract: Contract) -> tuple[dict[str, int], tuple[str, ...]]:
    """Positions of the contract's columns and the names of the unknown ones; raises for missing or double columns."""
    known = {c.name for c in contract.columns}
    positions: dict[str, int] = {}
    unknown = []
    for position, header in enumerate(headers):
        name = fold_header(header)
        if name not in known:
            if name:
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
