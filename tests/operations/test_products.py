"""What people open is made after every run, whatever started it: it never un-publishes a release."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.files import remove
from dagster_project.core.paths import DataPaths
from dagster_project.operations import settings as settings_module
from dagster_project.operations.clean import clean
from dagster_project.operations.daily_run import JobEnd, RunOutcome, Session, session
from dagster_project.operations.notify import message
from dagster_project.operations.products import make_on_demand
from dagster_project.operations.retract import retract, take_back
from dagster_project.operations.settings import Settings
from dagster_project.products import make
from dagster_project.products.base import Making, Product
from dagster_project.products.make import folder_of, link_products, linked_release
from dagster_project.releases import retractions
from dagster_project.releases.publish import switch_current
from dagster_project.releases.store import current_id, current_release
from dagster_project.runs.folder import RunFolder
from dagster_project.runs.history import RunRecord, read_records
from tests.jobs import said
from tests.releases.small import small_release

Register = Callable[..., None]


def page(making: Making) -> None:
    (making.folder / "index.html").write_text(making.reading.release.id)


def board(make: Callable[[Making], None] = page, version: str = "1") -> Product:
    return Product("anslag", "Anslagstavlan", version, "index.html", make)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> Register:
    """Let these be the products that are made of a release; one board to begin with."""

    def register(*these: Product) -> None:
        for module in (make, settings_module):
            monkeypatch.setattr(module, "products", lambda: these)

    register(board())
    return register


@pytest.fixture
def ended(first: RunOutcome, tmp_path: Path) -> Callable[..., RunOutcome]:
    """The end of a run that found nothing new, or of another, on the folder of `first`."""

    def end(job: JobEnd | None = None) -> RunOutcome:
        settings = Settings(raw=tmp_path / "raw", data=first.data.root)
        with session(first.data, settings) as current:
            return current.end(job or JobEnd(ingested=True, nothing_new=True))

    return end


def test_products_are_made_after_the_release_and_only_once(ended: Callable[..., RunOutcome]) -> None:
    outcome = ended()
    (made,) = outcome.made
    assert made.anew and outcome.trouble == () and outcome.exit_code == outcome.release.exit_code
    assert (outcome.data.published / "anslag" / "index.html").read_text() == outcome.release.id
    assert RunFolder(outcome.data).finished_run() == outcome.identity.run_id
    assert [made.anew for made in ended().made] == [False]


def test_a_failing_product_is_a_sentence_and_exit_2_and_the_release_stands(
    ended: Callable[..., RunOutcome], registered: Register, tmp_path: Path
) -> None:
    good = ended()

    def broken(making: Making) -> None:
        raise ResultattavlaError("Mallen saknar något.")

    registered(board(broken, "2"), Product("andra", "Den andra", "1", "index.html", page))
    outcome = ended()
    sentence = f"Anslagstavlan kunde inte göras (utgåva {good.release.id} är publicerad ändå): Mallen saknar något."
    assert outcome.trouble == outcome.products_failed == (sentence,) and outcome.exit_code == 2
    assert [made.product.name for made in outcome.made] == ["andra"]
    assert current_release(outcome.data).id == good.release.id
    (record,) = read_records(outcome.data, 9)  # it is what the run came to, told wherever that is
    assert (record.exit_code, record.products_failed, record.notices) == (2, [sentence], (sentence,))
    assert "Mallen saknar något" in (outcome.data.docs / "index.html").read_text(encoding="utf-8")
    assert (
        f"Anslagstavlan: {good.data.published / 'anslag' / 'index.html'}\n"
        in said("status", "--data", good.data.root).stdout
    )
    # What an older version made stays to be read, and nothing but the product is made again next time.
    assert (outcome.data.published / "anslag" / "index.html").read_text() == good.release.id
    assert RunFolder(outcome.data).finished_run() == outcome.identity.run_id
    registered(board())
    again = ended()
    assert again.trouble == () and read_records(again.data, 1)[0].products_failed == []
    assert again.exit_code == again.release.exit_code


def test_a_release_without_anything_held_back_and_a_failed_product_ends_with_2(
    tmp_path: Path, registered: Register
) -> None:
    data = DataPaths(tmp_path / "data")
    switch_current(data, small_release(data, 3))
    outcome = Session(data, Settings(raw=tmp_path, data=data.root)).end(JobEnd(ingested=False))
    assert (outcome.exit_code, len(outcome.made)) == (0, 1)

    def broken(making: Making) -> None:
        raise KeyError("x")

    registered(board(broken, "2"))
    outcome = Session(data, Settings(raw=tmp_path, data=data.root)).end(JobEnd(ingested=False))
    assert outcome.exit_code == 2 and "oväntat fel" in outcome.products_failed[0]


def test_a_notification_says_what_is_missing(tmp_path: Path) -> None:
    def outcome(**said: Any) -> str:
        record = RunRecord("2022-09-01T06:00:00+00:00", release_id="2022-09-01-abc", **said)
        return message(record, DataPaths(tmp_path))["utfall"]

    held, failed = {"held_back": {"a": ["kva"]}}, {"products_failed": ("Anslagstavlan kunde inte göras.",)}
    assert outcome(exit_code=0) == "publicerad"
    assert outcome(exit_code=2) == outcome(exit_code=2, **held) == "publicerad med kvarhållna indikatorer"
    assert outcome(exit_code=2, **failed) == "publicerad, men allt som läsare öppnar kunde inte göras"
    assert outcome(exit_code=2, **held, **failed).startswith("publicerad med kvarhållna indikatorer, men")


def test_a_run_that_publishes_nothing_is_shown_by_what_reads_history(
    ended: Callable[..., RunOutcome], registered: Register
) -> None:
    def told(making: Making) -> None:
        (making.folder / "index.html").write_text(str(read_records(making.data, 1)[0].error))

    registered(board(), Product("historik", "Historiken", "1", "index.html", told, reads_history=True))
    good = ended()
    page = good.data.published / "historik" / "index.html"
    assert page.read_text() == "None"
    failed = ended(JobEnd(ingested=False, error="Ingenting att publicera."))
    assert failed.exit_code == 1 and failed.made == () and page.read_text() == "Ingenting att publicera."


def test_a_past_day_has_its_products_beside_current(first: RunOutcome, ended: Callable[..., RunOutcome]) -> None:
    later = small_release(first.data, 30)
    switch_current(first.data, later)
    RunFolder(first.data)._asked.touch()
    outcome = ended()
    assert outcome.release is not None and outcome.beside == later == linked_release(first.data, "anslag")
    assert outcome.made[0].entry == folder_of(first.data, outcome.release.id, "anslag") / "index.html"
    assert outcome.made[0].entry.read_text() == outcome.release.id
    assert (first.data.published / "anslag" / "index.html").read_text() == later


@pytest.fixture
def two(tmp_path: Path) -> tuple[Settings, str, str]:
    """Two small releases with their boards, the second one current."""
    settings = Settings(raw=tmp_path / "raw", data=tmp_path / "data")
    with session(settings.paths, settings) as current:
        first, second = (small_release(settings.paths, day) for day in (1, 2))
        for one in (first, second):
            switch_current(settings.paths, one)
            current.end(JobEnd(ingested=False))
    return settings, first, second


def test_that_the_current_release_is_of_older_code_is_no_fault_of_a_past_days_run(
    first: RunOutcome, ended: Callable[..., RunOutcome], registered: Register
) -> None:
    later = small_release(first.data, 30)  # without the tables that came later
    switch_current(first.data, later)
    RunFolder(first.data)._asked.touch()

    def reads(making: Making) -> None:
        page(making)
        assert making.reading.statuses

    registered(board(reads))
    outcome = ended()
    assert outcome.products_failed == () and len(outcome.made) == 1
    assert len(outcome.trouble) == 1 and f"Utgåva {later} är gjord av en äldre version" in outcome.trouble[0]
    assert not os.path.lexists(first.data.published / "anslag") or linked_release(first.data, "anslag") != later


def test_a_retracted_releases_products_are_unlinked_and_linked_again(two: tuple[Settings, str, str]) -> None:
    settings, earlier, wrong = two
    data = settings.paths
    assert linked_release(data, "anslag") == wrong
    remove(folder_of(data, earlier, "anslag"))  # it is made again where it is to be shown
    done = retract(settings, wrong, "fel nämnare", "chefen")
    assert done.trouble == () and done.current == earlier == linked_release(data, "anslag")
    assert (data.published / "anslag" / "index.html").read_text() == earlier
    take_back(settings, wrong, "den var rätt", "chefen")
    assert linked_release(data, "anslag") == wrong == current_id(data)
    retract(settings, wrong, "fel igen", "chefen", delete=True)
    assert not folder_of(data, wrong, "anslag").parent.exists()
    retract(settings, earlier, "även den", "chefen")
    assert current_id(data) is None and not os.path.lexists(data.published / "anslag")


def test_a_retraction_that_was_killed_before_the_links_is_ended_by_the_next_session(
    two: tuple[Settings, str, str],
) -> None:
    settings, earlier, wrong = two
    retractions.retract(settings.paths, wrong, "fel", "chefen")
    with session(settings.paths, settings):
        assert linked_release(settings.paths, "anslag") == earlier == current_id(settings.paths)


def test_on_demand_it_is_made_again_of_any_kept_release(two: tuple[Settings, str, str]) -> None:
    settings, earlier, newest = two
    made = make_on_demand(settings, board(version="2"))
    assert made.anew and made.release_id == newest == linked_release(settings.paths, "anslag")
    assert make_on_demand(settings, board(), earlier).entry.read_text() == earlier
    assert linked_release(settings.paths, "anslag") == newest
    remove(folder_of(settings.paths, newest, "anslag"))
    link_products(settings.paths)
    told = said("status", "--data", settings.data).stdout
    assert (
        f"Anslagstavlan: {settings.data / 'published' / 'anslag' / 'index.html'} (av utgåva {earlier}, inte den" in told
    )
    with pytest.raises(ResultattavlaError, match="Utgåvan 2021-01-01-000000000000 finns inte"):
        make_on_demand(settings, board(), "2021-01-01-000000000000")


def test_on_demand_a_retracted_release_is_refused_by_who_and_why(two: tuple[Settings, str, str]) -> None:
    settings, earlier, wrong = two
    retract(settings, wrong, "fel nämnare", "chefen")
    with pytest.raises(ResultattavlaError, match=f"Utgåva {wrong} gäller inte: .* av chefen: fel nämnare"):
        make_on_demand(settings, board(version="2"), wrong)
    for arguments in (("board", wrong), ("board", "--release", wrong), ("changes", earlier, wrong), ("changes", wrong)):
        told = said(*arguments, "--data", settings.data)
        assert told.returncode == 1 and f"Utgåva {wrong} gäller inte" in told.stderr and "chefen" in told.stderr


def test_on_demand_what_fails_is_not_told_as_a_run(two: tuple[Settings, str, str]) -> None:
    settings, earlier, _ = two

    def broken(making: Making) -> None:
        raise ResultattavlaError("Mallen saknar något.")

    with pytest.raises(
        ResultattavlaError, match=f"^Anslagstavlan av utgåva {earlier} kunde inte göras: Mallen saknar något"
    ):
        make_on_demand(settings, board(broken), earlier)


def test_a_release_is_named_once(two: tuple[Settings, str, str]) -> None:
    settings, earlier, newest = two
    told = said("board", earlier, "--release", newest, "--data", settings.data)
    assert told.returncode == 64 and "en gång" in told.stderr


def test_what_the_setting_no_longer_names_is_linked_no_longer_than_its_release_is_current(
    two: tuple[Settings, str, str], registered: Register
) -> None:
    settings, _, newest = two
    asked = Product("skrift", "Skriften", "1", "index.html", page, in_every_run=False)
    registered(board(), asked)
    data = settings.paths
    make_on_demand(settings, asked)
    without = settings.model_copy(update={"products": ()})
    with session(data, without) as current:
        current.end(JobEnd(ingested=False))
        assert linked_release(data, "anslag") == newest  # it is that of today
        later = small_release(data, 3)
        switch_current(data, later)
        current.end(JobEnd(ingested=False))
    assert linked_release(data, "anslag") is None and linked_release(data, "skrift") == newest
    assert make_on_demand(without, board()).release_id == later == linked_release(data, "anslag")


def test_what_leads_nowhere_is_not_told_as_there(two: tuple[Settings, str, str]) -> None:
    settings, _, newest = two
    remove(folder_of(settings.paths, newest, "anslag"))
    told = said("status", "--data", settings.data)
    assert "Anslagstavlan" not in told.stdout


def test_clean_removes_what_products_wrote_and_nothing_else(
    first: RunOutcome, ended: Callable[..., RunOutcome]
) -> None:
    made = ended().made[0]
    (made.entry.parent / "egen.txt").write_text("någons")
    left = clean(first.data)
    assert left == [f"published/produkter/{made.release_id}/anslag/egen.txt"]
