"""Names beside ids: of sources (their contracts), units (the register that counts now) and verksamheter."""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

from dagster_project.catalogue.contracts import REGISTER_SOURCE, load_contracts
from dagster_project.catalogue.organisation import nodes
from dagster_project.core.paths import DataPaths
from dagster_project.ingestion.bronze import accepted_path
from dagster_project.runs.folder import LEDGER, RunFolder
from dagster_project.runs.ledger import accepted

_UNIT = re.compile(r"[A-Za-z]{2}[0-9]{10}-[0-9A-Za-z]+")
"""How an HSA-id looks."""


def source_title(source: str) -> str:
    """A source's Swedish name; the id itself of what is no source."""
    contract = load_contracts().get(source)
    return contract.title if contract else source


def source_name(source: str) -> str:
    """A source as people read it: `kva (KVÅ-registrerade åtgärder)`."""
    title = source_title(source)
    return source if title == source else f"{source} ({title})"


def verksamhet_name(code: str) -> str:
    """A verksamhet or area as people read it: `Barn- och ungdomshabiliteringen (BUH)`."""
    name = next((node.name for node in nodes() if node.code == code), None)
    return f"{name} ({code})" if name else code


def unit_names(data: DataPaths) -> dict[str, str]:
    """HSA-id -> name as the newest unit register that knows it says; empty where nothing was run."""
    folder = RunFolder(data)
    if not folder.path(LEDGER).exists():
        return {}
    files = [accepted_path(data, d) for d in accepted(folder.ledger(), REGISTER_SOURCE)]
    frames = [pl.read_parquet(f, columns=["hsaid_enhet", "enhetsnamn", "giltig_fran"]) for f in files if f.exists()]
    named = (frame.drop_nulls("enhetsnamn").sort("giltig_fran", nulls_last=False) for frame in frames)
    return {
        unit.upper(): name for frame in named for unit, name in frame.select("hsaid_enhet", "enhetsnamn").iter_rows()
    }


def with_unit_names(text: str, names: Mapping[str, str]) -> str:
    """`text` with the name after each HSA-id that has one."""

    def named(found: re.Match[str]) -> str:
        name = names.get(found[0].upper())
        return f"{found[0]} ({name})" if name else found[0]

    return _UNIT.sub(named, text) if names else text
