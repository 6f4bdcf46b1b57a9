"""The reports of a release beside each other, and the page that lists them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.core.errors import ResultattavlaError, UsageError
from dagster_project.core.paths import DataPaths
from dagster_project.products.make import code_of_products, folder_of, link_products, make_products, read_note
from dagster_project.products.reading import Reading
from dagster_project.products.registry import product
from dagster_project.products.reports.asked import Asked
from dagster_project.products.reports.product import PRODUCT, rendered, with_report, write_to
from dagster_project.releases.publish import switch_current
from dagster_project.releases.retractions import retract
from dagster_project.releases.store import Release, read_release, standing_release
from tests.products.reports import small


@pytest.fixture
def data(tmp_path: Path) -> DataPaths:
    return DataPaths(tmp_path / "data")


@pytest.fixture
def release(data: DataPaths) -> Release:
    release_id = small.published(data)
    switch_current(data, release_id)
    found = read_release(data.releases / release_id)
    assert found is not None
    return found


def make(data: DataPaths, release: Release, name: str, content: bytes) -> Path:
    made, failed = make_products(data, release, [with_report({name: content})], again=True)
    assert failed == []
    return made[0].entry.parent


def test_a_report_is_a_word_document_and_a_page(release: Release) -> None:
    made = rendered(Reading(release), Asked("delar", 2022, "BB"))
    assert list(made.files) == ["delarsrapport_2022_BB.docx", "delarsrapport_2022_BB.html"]
    assert made.title == "Delårsrapport 2022 – Barn & <unga>" and made.alert == ""
    assert rendered(Reading(release), Asked("ar", 2022)).alert.startswith("Perioden är inte slut.")


def test_one_report_is_made_beside_the_others_and_all_are_listed(data: DataPaths, release: Release) -> None:
    make(data, release, "delarsrapport_2022.docx", b"hela")
    folder = make(data, release, "delarsrapport_2022_BB.docx", b"en")
    assert folder == folder_of(data, release.id, PRODUCT.name)
    assert (folder / "delarsrapport_2022.docx").read_bytes() == b"hela"
    assert (folder / "delarsrapport_2022_BB.docx").read_bytes() == b"en"
    index = (folder / "index.html").read_text(encoding="utf-8")
    assert "Delårsrapport 2022, Hela området" in index
    assert "Delårsrapport 2022, Barn &amp; &lt;unga&gt;" in index
    again = make(data, release, "delarsrapport_2022_BB.docx", b"annan")
    assert (again / "delarsrapport_2022_BB.docx").read_bytes() == b"annan"


def test_what_another_version_wrote_is_not_handed_on(
    data: DataPaths, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make(data, release, "delarsrapport_2022.docx", b"gammal")
    note = read_note(folder)
    assert note is not None and note.code == code_of_products()
    monkeypatch.setattr("dagster_project.products.make.code_of_products", lambda: "en annan")
    make(data, release, "delarsrapport_2022_AA.docx", b"ny")
    assert sorted(p.name for p in folder.glob("*.docx")) == ["delarsrapport_2022_AA.docx"]


def test_the_link_names_them(data: DataPaths, release: Release) -> None:
    make(data, release, "delarsrapport_2022.docx", b"hela")
    assert link_products(data) == []
    assert (data.published / PRODUCT.name / "delarsrapport_2022.docx").read_bytes() == b"hela"


def test_by_itself_it_is_the_area_s_reports_of_periods_that_are_over(data: DataPaths, release: Release) -> None:
    assert product(PRODUCT.name) is PRODUCT and not PRODUCT.in_every_run
    made, failed = make_products(data, release, [PRODUCT])
    assert failed == []
    found = sorted(p.name for p in made[0].entry.parent.iterdir())
    assert found == ["delarsrapport_2022.docx", "delarsrapport_2022.html", "index.html", "produkt.json"]


def test_nobody_hands_on_a_retracted_release(data: DataPaths, release: Release) -> None:
    assert standing_release(data, release.id) == release
    retract(data, release.id, "fel tal", "registeransvarig")
    with pytest.raises(ResultattavlaError, match=f"Utgåva {release.id} gäller inte: .*fel tal.*Ange en annan"):
        standing_release(data, release.id)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    assert write_to(tmp_path / "ny" / "mapp", {"a.docx": b"a"}) == [tmp_path / "ny" / "mapp" / "a.docx"]
    (tmp_path / "fil").touch()
    with pytest.raises(UsageError, match="Rapporten kan inte skrivas i .*fil: en fil är i vägen. Ange"):
        write_to(tmp_path / "fil", {"a.docx": b"a"})
