"""Products beside their release: whole or not at all, links that follow `current`, nothing of what is gone."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dagster_project.core.errors import ResultattavlaError, UsageError
from dagster_project.core.paths import DataPaths
from dagster_project.operations.upkeep import prune_releases, sweep
from dagster_project.products import make
from dagster_project.products.base import Making, Product
from dagster_project.products.make import folder_of, link_products, linked_release, make_products, prune_products
from dagster_project.products.registry import product, products
from dagster_project.releases.publish import switch_current
from dagster_project.releases.retractions import retract
from dagster_project.releases.store import Release, read_release
from dagster_project.runs.history import RunRecord, add_record
from tests.releases.small import small_release

PERSON = "19800517-9810"


def page(making: Making) -> None:
    (making.folder / "delar").mkdir()
    (making.folder / "delar" / "del.html").write_text("del")
    (making.folder / "index.html").write_text(f"utgåva {making.reading.release.id}")


BOARD = Product("anslag", "Anslagstavlan", "1", "index.html", page)
ASKED = Product("skrift", "Skriften", "1", "index.html", page, in_every_run=False)
HISTORY = Product("historik", "Historiken", "1", "index.html", page, reads_history=True)


@pytest.fixture
def data(tmp_path: Path) -> DataPaths:
    return DataPaths(tmp_path / "data")


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let these be the products that there are; BOARD and ASKED to begin with."""

    def register(*these: Product) -> None:
        monkeypatch.setattr(make, "products", lambda: these)

    register(BOARD, ASKED)
    return register


def made_daily() -> list[Product]:
    """Those that are registered and made in every run."""
    return [p for p in make.products() if p.in_every_run]


def release(data: DataPaths, day: int) -> Release:
    found = read_release(data.releases / small_release(data, day))
    assert found is not None
    return found


def test_a_product_lies_under_its_release_readable_by_all_and_writable_by_none(data: DataPaths) -> None:
    before = os.umask(0o077)  # that of a run
    try:
        (made,), trouble = make_products(data, release(data, 1), made_daily())
    finally:
        os.umask(before)
    folder = data.published / "produkter" / "2022-09-01-000000000001" / "anslag"
    assert (made.entry, made.anew, trouble) == (folder / "index.html", True, [])
    assert made.entry.read_text() == "utgåva 2022-09-01-000000000001"
    modes = {
        p.name: p.stat().st_mode & 0o777 for p in (folder.parent.parent, folder.parent, folder, *folder.rglob("*"))
    }
    assert {n for n, mode in modes.items() if mode == 0o444} == {"index.html", "del.html", "produkt.json"}
    assert {mode for n, mode in modes.items() if not n.endswith(("html", "json"))} == {0o755}


def test_it_is_made_again_only_when_something_of_it_changed(data: DataPaths, registered: Callable[..., None]) -> None:
    first = release(data, 1)

    def anew(**how: bool) -> bool:
        (made,), trouble = make_products(data, first, made_daily(), **how)
        assert trouble == []
        return made.anew

    assert [anew(), anew(), anew(again=True), anew()] == [True, False, True, False]
    part = folder_of(data, first.id, "anslag") / "delar" / "del.html"
    for damage in (lambda: part.unlink(), lambda: (part.chmod(0o644), part.write_text("ändrad")), lambda: None):
        damage()
        whole = part.exists() and part.read_text() == "del"
        assert anew() is not whole and part.read_text() == "del"
    registered(Product("anslag", "Anslagstavlan", "2", "index.html", page))
    assert [anew(), anew()] == [True, False]


def test_other_code_makes_it_again(data: DataPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    first = release(data, 1)
    make_products(data, first, made_daily())
    monkeypatch.setattr(make, "code_of_products", lambda: "annan kod")
    assert make_products(data, first, made_daily())[0][0].anew


def test_what_reads_history_is_made_again_when_a_run_came_to_something(
    data: DataPaths, registered: Callable[..., None]
) -> None:
    registered(BOARD, HISTORY)
    first = release(data, 1)
    record = RunRecord("2022-09-01T05:00:00+00:00", 0, first.id, first.as_of, first.id)
    add_record(data, record, keep=9)

    def anew() -> list[bool]:
        return [made.anew for made in make_products(data, first, made_daily())[0]]

    assert [anew(), anew()] == [[True, True], [False, False]]
    add_record(data, record, keep=9)  # the same again: when it was seen is no news
    assert anew() == [False, False]
    add_record(data, RunRecord("2022-09-02T05:00:00+00:00", 1, error="ingenting"), keep=9)
    assert anew() == [False, True]
    retract(data, release(data, 2).id, "fel", "chefen")
    assert anew() == [False, True]


def test_a_failing_product_is_one_sentence_and_leaves_nothing(
    data: DataPaths, registered: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(making: Making) -> None:
        (making.folder / "index.html").write_text("halv")
        raise KeyError(f"cell {PERSON}")

    def older(making: Making) -> None:
        _ = making.reading.signals

    def empty(making: Making) -> None:
        pass

    def full(making: Making) -> None:
        raise OSError(28, "No space left on device")

    makers = {"trasig": broken, "gammal": older, "tom": empty, "full": full}
    registered(*(Product(n, n.capitalize(), "1", "index.html", m) for n, m in makers.items()), BOARD)
    made, trouble = make_products(data, release(data, 1), made_daily())
    assert [m.product.name for m in made] == ["anslag"]
    begins = "kunde inte göras (utgåva 2022-09-01-000000000001 är publicerad ändå): "
    assert [text.split(begins)[0] for text in trouble] == ["Trasig ", "Gammal ", "Tom ", "Full "]
    why = [text.split(begins)[1] for text in trouble]
    assert why[0].startswith("oväntat fel, felanmäl med texten i loggen (KeyError")
    assert why[1].startswith("Utgåva 2022-09-01-000000000001 är gjord av en äldre version") and "RuntimeError" in why[2]
    assert why[3].startswith("Disken är full i ")
    assert PERSON not in caplog.text + "".join(trouble) and "Traceback" in caplog.text
    assert [p.name for p in (data.published / "produkter" / "2022-09-01-000000000001").iterdir()] == ["anslag"]


def test_what_fails_leaves_the_one_that_was_there(data: DataPaths, registered: Callable[..., None]) -> None:
    first = release(data, 1)
    make_products(data, first, made_daily())

    def broken(making: Making) -> None:
        raise ResultattavlaError("inget går.")

    registered(Product("anslag", "Anslagstavlan", "2", "index.html", broken))
    made, trouble = make_products(data, first, made_daily())
    assert made == [] and trouble == [
        f"Anslagstavlan kunde inte göras (utgåva {first.id} är publicerad ändå): inget går."
    ]
    assert (folder_of(data, first.id, "anslag") / "index.html").read_text() == f"utgåva {first.id}"


def test_the_link_follows_current_back_and_forth(data: DataPaths) -> None:
    first, second = release(data, 1), release(data, 2)
    for one in (first, second):
        make_products(data, one, made_daily())
    for one in (second, first, second):
        switch_current(data, one.id)
        assert link_products(data) == [] and linked_release(data, "anslag") == one.id
        assert (data.published / "anslag" / "index.html").read_text() == f"utgåva {one.id}"
    link = data.published / "anslag"
    assert link.readlink() == Path("produkter") / second.id / "anslag"
    assert not os.path.lexists(data.published / "skrift")  # nobody asked for it


def test_where_the_newest_has_none_the_link_names_the_newest_before_it(data: DataPaths) -> None:
    first, second, third = (release(data, day) for day in (1, 2, 3))
    make_products(data, first, made_daily())
    make_products(data, third, made_daily())
    switch_current(data, second.id)
    link_products(data)
    assert linked_release(data, "anslag") == first.id  # not the later one
    make_products(data, second, [ASKED])
    link_products(data)
    assert linked_release(data, "skrift") == second.id


def test_a_retracted_release_is_linked_no_more(data: DataPaths) -> None:
    first, second = release(data, 1), release(data, 2)
    for one in (first, second):
        make_products(data, one, made_daily())
    switch_current(data, second.id)
    link_products(data)
    retract(data, second.id, "fel", "chefen")
    switch_current(data, first.id)
    link_products(data)
    assert linked_release(data, "anslag") == first.id
    retract(data, first.id, "fel", "chefen")
    data.current.unlink()
    link_products(data)
    assert not os.path.lexists(data.published / "anslag")


def test_a_link_that_leads_nowhere_is_mended(data: DataPaths) -> None:
    first = release(data, 1)
    switch_current(data, first.id)
    (data.published / "anslag").symlink_to("produkter/2022-08-01-0123456789ab/anslag")
    link_products(data)
    assert not os.path.lexists(data.published / "anslag")
    make_products(data, first, made_daily())
    link_products(data)
    assert linked_release(data, "anslag") == first.id


def test_a_copy_without_links_gives_way_and_what_is_not_ours_stays(data: DataPaths) -> None:
    first = release(data, 1)
    make_products(data, first, made_daily())
    switch_current(data, first.id)
    folder = data.published / "anslag"
    folder.mkdir()
    (folder / "eget.txt").write_text("eget")
    assert link_products(data) == [f"{folder} är en mapp, inte en länk: flytta undan den och kör igen."]
    assert (folder / "eget.txt").exists()
    (folder / "produkt.json").write_bytes((folder_of(data, first.id, "anslag") / "produkt.json").read_bytes())
    (folder / "eget.txt").unlink()
    assert link_products(data) == [] and linked_release(data, "anslag") == first.id


def test_products_go_with_their_releases(data: DataPaths) -> None:
    kept = [release(data, day) for day in (1, 2, 3)]
    for one in kept:
        make_products(data, one, made_daily())
    switch_current(data, kept[2].id)
    prune_releases(data, 1, "2022-09-03", 5)
    prune_products(data)
    left = {path.name for path in (data.published / "produkter").iterdir()}
    assert left == {path.name for path in data.releases.iterdir()} and kept[0].id not in left


def test_what_is_made_daily_is_kept_of_the_newest_releases_and_what_was_asked_for_with_its_own(data: DataPaths) -> None:
    ids = [release(data, day).id for day in (1, 2, 3, 4)]
    for one in ids:
        found = read_release(data.releases / one)
        assert found is not None
        make_products(data, found, [BOARD, ASKED] if one == ids[1] else [BOARD])
    switch_current(data, ids[3])
    prune_products(data, keep=1, also=ids[2])
    left = sorted(path.relative_to(data.products).as_posix() for path in data.products.glob("*/*"))
    assert left == [f"{ids[1]}/skrift", f"{ids[2]}/anslag", f"{ids[3]}/anslag"]
    assert not (data.products / ids[0]).exists()


def test_killed_while_it_is_made_nothing_half_is_seen_and_the_next_one_is_whole(data: DataPaths) -> None:
    first, second = release(data, 1), release(data, 2)
    make_products(data, first, [BOARD])
    switch_current(data, first.id)
    link_products(data)
    switch_current(data, second.id)

    def killed(making: Making) -> None:
        page(making)
        os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        make_products(data, second, [replace(BOARD, make=killed)])
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    of_second = data.published / "produkter" / second.id
    assert [p.name.endswith(".staging") for p in of_second.iterdir()] == [True]
    link_products(data)
    assert (data.published / "anslag" / "index.html").read_text() == f"utgåva {first.id}"
    assert len(sweep(data)) == 1
    assert make_products(data, second, [BOARD])[0][0].anew and link_products(data) == []
    assert (data.published / "anslag" / "index.html").read_text() == f"utgåva {second.id}"
    assert [p.name for p in of_second.iterdir()] == ["anslag"]


def test_what_a_killed_run_left_half_made_is_swept_and_what_is_whole_stays(data: DataPaths) -> None:
    first = release(data, 1)
    make_products(data, first, made_daily())
    switch_current(data, first.id)
    link_products(data)
    of_release = data.published / "produkter" / first.id
    (of_release / ".anslag.77.staging").mkdir()
    (of_release / ".anslag.77.gammal.staging").mkdir()
    (data.published / "produkter" / ".2022-08-01-0123456789ab.staging").mkdir()
    (data.published / ".anslag.77.lank").symlink_to("produkter")
    (data.published / ".anslag.77.mapp.staging").mkdir()
    assert len(sweep(data)) == 5
    assert {p.name for p in of_release.iterdir()} == {"anslag"}
    assert {p.name for p in data.published.iterdir()} == {"releases", "current", "produkter", "anslag"}


def test_every_product_is_registered_with_a_name_of_its_own() -> None:
    names = [p.name for p in products()]
    assert len(set(names)) == len(names)
    assert not {"current", "releases", "aterkallade", "produkter"} & set(names)
    assert all(p.title and p.version and p.entry for p in products())
    with pytest.raises(UsageError, match="ingen produkt som heter okand"):
        product("okand")


MOVE = "flytta undan den och kör igen."


def test_a_file_of_somebodys_that_has_a_products_name_is_told_and_stays(data: DataPaths) -> None:
    first = release(data, 1)
    switch_current(data, first.id)
    blocked = folder_of(data, first.id, "anslag")
    blocked.parent.mkdir(parents=True)
    blocked.write_text("mitt")
    made, trouble = make_products(data, first, made_daily())
    assert made == [] and trouble[0].endswith(f": {blocked} är en fil, inte en mapp: {MOVE}")
    assert blocked.read_text() == "mitt"
    blocked.unlink()
    make_products(data, first, made_daily())
    link = data.published / "anslag"
    link.write_text("mitt")
    assert link_products(data) == [f"{link} är en fil, inte en länk: {MOVE}"] and link.read_text() == "mitt"
    link.unlink()
    (data.root / "annat").mkdir()
    link.symlink_to(data.root / "annat")
    assert link_products(data) == [f"{link} är en länk till något annat: {MOVE}"] and link.is_symlink()
    assert linked_release(data, "anslag") is None


def test_files_of_somebodys_in_a_products_folder_are_told_and_stay(data: DataPaths) -> None:
    first, second = release(data, 1), release(data, 2)
    for one in (first, second):
        make_products(data, one, made_daily())
    switch_current(data, second.id)
    own = folder_of(data, first.id, "anslag") / "delar" / "egen.txt"
    own.write_text("mitt")
    made, (trouble,) = make_products(data, first, made_daily())
    assert made == [] and trouble.endswith(f": {own} är inte Resultattavlas: {MOVE}")
    prune_products(data, keep=1)
    assert [p for p in own.parents[1].rglob("*") if p.is_file()] == [own] and own.read_text() == "mitt"
    shutil.copytree(folder_of(data, second.id, "anslag"), data.published / "anslag")
    copied = data.published / "anslag" / "egen.txt"
    copied.write_text("mitt")
    assert link_products(data) == [f"{copied} är inte Resultattavlas: {MOVE}"] and copied.read_text() == "mitt"
    copied.unlink()
    assert link_products(data) == [] and linked_release(data, "anslag") == second.id


def test_a_folder_of_somebodys_among_the_products_stays(data: DataPaths) -> None:
    first = release(data, 1)
    make_products(data, first, made_daily())
    own = data.products / "2022-anteckningar" / "fil.txt"
    own.parent.mkdir()
    own.write_text("mitt")
    prune_products(data)
    assert own.read_text() == "mitt"
    part = folder_of(data, first.id, "anslag")
    (part / "produkt.json").unlink()  # then nothing says whose it is
    assert make_products(data, first, made_daily())[1][0].endswith(f": {part} är inte Resultattavlas: {MOVE}")


def test_one_cause_is_told_once(data: DataPaths, registered: Callable[..., None]) -> None:
    registered(BOARD, HISTORY)
    first = release(data, 1)
    data.products.write_text("i vägen")
    made, (trouble,) = make_products(data, first, made_daily())
    assert made == [] and trouble.startswith("Anslagstavlan och Historiken kunde inte göras")
    assert trouble.endswith(f": {data.products} är i vägen (en fil där en mapp ska vara eller tvärtom): {MOVE}")
