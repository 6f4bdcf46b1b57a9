"""Every number in a report stands in the release; what the release hides is in no file of it."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import polars as pl
import pytest

from dagster_project.products.reports.asked import Asked
from dagster_project.products.reports.product import rendered
from dagster_project.releases.tables import PLAN_SCHEMA, RESULT_SCHEMA
from tests.products.reports import small
from tests.products.reports.numbers import may_stand, numbers_in
from tests.products.reports.test_web import Page
from tests.products.reports.test_word import W, body, text_of

LIMITS = {"5"}
"""Of the sample's one quarantine limit, in percent."""


def words_of(content: bytes) -> str:
    """All that a Word report says: text and alternative texts, not the page numbers of its footer."""
    document = body(content)
    told = [text_of(p) for p in document.iter(f"{W}p")]
    told += [e.get("descr") for e in document.iter() if e.get("descr")]
    told += [e.get(f"{W}val") for e in document.iter(f"{W}tblCaption", f"{W}tblDescription")]
    return "\n".join(told)


def page_words(content: bytes) -> str:
    """All that a page says: text, alternative texts and labels, without its styles and the places of its marks."""
    page = Page(content.decode())
    labels = [a.get("aria-label") or "" for _, a in page.elements]
    return " ".join([*page.texts, *labels])


@pytest.mark.parametrize("asked", [Asked("delar", 2022), Asked("delar", 2022, "AA"), Asked("ar", 2022)])
def test_every_number_stands_in_the_release(asked: Asked) -> None:
    reading = small.plain()
    codes = {asked.verksamhet} if asked.verksamhet else set(reading.verksamheter)
    allowed = may_stand(reading, asked.occasion, asked.year, {None, *codes}) | LIMITS
    for name, content in rendered(reading, asked).files.items():
        said = words_of(content) if name.endswith(".docx") else page_words(content)
        found = numbers_in(said)
        assert len(found) > 15
        assert found - allowed == set()


def test_a_number_that_is_not_there_is_found() -> None:
    """The test above can fail."""
    allowed = may_stand(small.plain(), "delar", 2022, {None, "AA", "BB"})
    assert numbers_in("Kort: 77,6 procent (99 av 120), 1\u202f234 kr") - allowed == {"77,6", "99", "1234"}


SECRET = 3217.0
"""A number that stands in no report by chance."""


@pytest.mark.parametrize("asked", [Asked("delar", 2022), Asked("delar", 2022, "AA")])
def test_a_verksamhet_s_numbers_are_not_in_another_s_report(tmp_path: Path, asked: Asked) -> None:
    """And what stands in rows that the report is not about is not in its file either."""
    told = {"taljare": SECRET, "namnare": SECRET, "varde": SECRET, "kommentar": f"{SECRET:.0f}"}
    rows = [row | (told if row["verksamhet"] == "BB" else {}) for row in small.plan_rows()]
    found = rendered(small.reading(tmp_path, plan_uppfoljning=pl.DataFrame(rows, schema=PLAN_SCHEMA)), asked)
    there = [f"{SECRET:.0f}" in everything(content).translate({0x202F: None}) for content in found.files.values()]
    assert there == [asked.verksamhet is None] * 2


def test_hidden_numbers_are_told_by_no_row(tmp_path: Path) -> None:
    """Whatever a faulty release has in the numbers of a hidden row."""
    rows = [
        row | ({"taljare": SECRET, "namnare": SECRET, "varde": SECRET, "jamforelse_varde": SECRET}
               if row["malstatus"] == "dold" else {})
        for row in small.plan_rows()
    ]  # fmt: skip
    reading = small.reading(tmp_path, plan_uppfoljning=pl.DataFrame(rows, schema=PLAN_SCHEMA))
    assert rendered(reading, Asked("delar", 2022)).files == rendered(small.plain(), Asked("delar", 2022)).files


def test_months_that_are_hidden_leave_no_mark_of_their_size(tmp_path: Path) -> None:
    """Whatever a faulty release had in a hidden month's other columns: a chart draws none of it."""
    cells = small.cells().with_columns(
        taljare=pl.when(pl.col("status") == "dold").then(SECRET).otherwise(pl.col("taljare")),
        ki_lag=pl.when(pl.col("status") == "dold").then(SECRET).otherwise(None),
    )
    plain = rendered(small.plain(), Asked("delar", 2022)).files
    found = rendered(small.reading(tmp_path, indicator_result=cells.cast(RESULT_SCHEMA)), Asked("delar", 2022)).files
    assert found == plain


def everything(content: bytes) -> str:
    """All text of a file: of every part of a Word document, of a page as it is."""
    if not content.startswith(b"PK"):
        return re.sub(r"<style>.*?</style>", "", content.decode(), flags=re.DOTALL)
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return "".join(package.read(n).decode() for n in package.namelist() if n.endswith((".xml", ".rels")))
