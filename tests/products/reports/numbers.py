"""Every number that a report of a release may have: read from the release's own tables, in every way they are written.

Written apart from the code of reports: it knows the release's columns and how Swedish numbers look, nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

import polars as pl

from dagster_project.products.reading import Reading

SPACES = str.maketrans(dict.fromkeys("\u00a0\u202f\u2009", ""))
NUMBER = re.compile(r"(?<![\w,])[−-]?\d+(?:,\d+)?(?![\w,]*\d)")
VALUES = ("taljare", "namnare", "varde", "jamforelse_varde", "malvarde", "antal", "rapporterade", "i_omfattning")


def numbers_in(text: str) -> set[str]:
    """The numbers of a text, as they are written but for the spaces between thousands."""
    joined = re.sub(r"(?<=\d)[\u00a0\u202f\u2009](?=\d{3}\b)", "", text)
    return {found.replace("−", "-").lstrip("-") for found in NUMBER.findall(joined)}


def written(value: float) -> Iterable[str]:
    """A value in every number of decimals, and in millions; a target as whole as it decides."""
    for shown in (value, value / 1e6):
        for decimals in range(4):
            text = f"{abs(shown):.{decimals}f}".replace(".", ",")
            yield text
            yield text.rstrip("0").rstrip(",") if "," in text else text
    yield f"{int(abs(value)) + 1}"


def may_stand(reading: Reading, occasion: str, year: int, codes: set[str | None]) -> set[str]:
    """What a report of an occasion may tell of these places (None: the area)."""
    plan = reading.plan.filter(pl.col("tillfalle") == occasion, pl.col("ar") == year)
    here = plan.filter(pl.col("verksamhet").is_in([c for c in codes if c]) | pl.col("verksamhet").is_null())
    months = reading.results.filter(
        pl.col("niva") != "enhet", pl.col("kon") == "T", pl.col("period_typ") == "manad"
    ).filter(pl.col("verksamhet").is_in([c for c in codes if c]) | pl.col("verksamhet").is_null())
    found: set[str] = set()
    for frame, columns in ((here, VALUES), (months, ("varde", "malvarde"))):
        for column in columns:
            for value in frame[column].drop_nulls().unique().to_list():
                found |= set(written(float(value)))
    texts = [*here["mening"].to_list(), *here["kommentar"].drop_nulls().to_list(), *here["mal_text"].drop_nulls()]
    for name in ("dim_indikator", "dim_planpunkt", "dim_verksamhet", "dim_period"):
        table = reading.table(name)
        for column in table.columns:
            texts += [str(v) for v in table[column].drop_nulls().unique().to_list()]
    manifest = reading.release.manifest
    days: list[date] = [*reading.ledger["uttagsdatum"].drop_nulls().to_list(), date.fromisoformat(manifest.as_of)]
    texts += [f"{day.day} {day.year}" for day in days]
    texts += [manifest.release_id, manifest.catalogue_version, manifest.code_version]
    sums = reading.ledger.filter(pl.col("status") == "accepterad").group_by("source")
    for row in sums.agg(pl.len(), pl.col("rows_accepted").sum()).iter_rows():
        found |= {str(row[1]), str(row[2])}
    found |= {str(len(manifest.inputs)), str(manifest.parameters["suppression_limit"] - 1)}
    found |= {str(manifest.few_limit)}
    for row in reading.quality.filter(~pl.col("success")).iter_rows(named=True):
        figures = [row["share"], row["unexpected"], row["checked"]]
        figures.append(float(row["observed"]) if re.fullmatch(r"[\d.]+", row["observed"] or "") else None)
        for figure in figures:
            if figure is not None:
                found |= set(written(float(figure))) | set(written(100 * float(figure)))
    # Of the plan: how many items there are of each kind. Of the text: Swedish words for the limits of rules.
    found |= {str(n) for n in range(plan["item_id"].n_unique() + 1)}
    return found.union(*(numbers_in(text.translate(SPACES)) | numbers_in(text) for text in texts if text))
