"""Whatever ends a run or damages what it wrote: `current` stays whole,
and the next run gives an unbroken run's release.

The commands are real processes (`tests.processes`). Two sets of deliveries: the first one's release is there when a
second is made, and must be readable all the time.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest

from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import DataPaths
from dagster_project.releases.publish import publish
from dagster_project.releases.store import current_release, read_release
from dagster_project.runs.folder import RunFolder
from tests.jobs import cases, deliver_cases, deliver_units
from tests.processes import Done, Server
from tests.releases.small import overwrite

HELD_BACK = 2  # the small deliveries lack most sources


class Survivor:
    """The server, deliveries `first` and `second`, and what unbroken runs make of them."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server, self.data = server, DataPaths(server.data)
        self.first, self.second = folder / "first", folder / "second"
        deliver_units(self.first, "2022-08-31")
        deliver_cases(self.first, "2022-08-31", *cases(40))
        shutil.copytree(self.first, self.second)
        deliver_cases(self.second, "2022-09-30", *cases(45))
        server.empty()
        assert server.run(self.first).code == HELD_BACK
        server.keep("first")
        self.watched = folder / "watched"
        assert server.run(self.second, watch=str(self.watched)).code == HELD_BACK
        server.keep("second")
        self.ids = [json.loads(p.read_text())["release_id"] for p in sorted(self.data.releases.glob("*/manifest.json"))]
        self.rows, self.csv, self.files = self.published(), self.csv_bytes(), self.listing()

    def published(self) -> pl.DataFrame:
        return pl.read_parquet(self.data.current / "indicator_result.parquet")

    def csv_bytes(self) -> bytes:
        return (self.data.current / "indicator_result.csv").read_bytes()

    def listing(self) -> list[str]:
        """Every file but Dagster's and the run records, which keep a line for each run, and what dbt parsed."""
        root = self.data.root
        found = (p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_symlink() or not p.is_dir())
        return sorted(p for p in found if p.split("/")[0] not in ("dagster", "dagster.skadad", "history", "dbt"))

    def current(self) -> str | None:
        """The release that `current` names, which must be whole; None when there is none."""
        if not os.path.lexists(self.data.current):
            return None
        release = read_release(self.data.current)
        assert release is not None
        return release.id

    def recovers(self, without_first: bool = False) -> None:
        """The next run publishes exactly what an unbroken one does and leaves nothing else.

        without_first: the first release was not there, so neither it nor its evidence can be.
        """
        done = self.server.run(self.second)
        assert done.code == HELD_BACK, done.text
        assert self.current() == self.ids[1]
        assert self.published().equals(self.rows)
        assert self.csv_bytes() == self.csv
        if without_first:
            assert {f for f in self.files if self.ids[0] not in f and "evidence/" not in f} <= set(self.listing())
            assert set(self.listing()) <= set(self.files)
        else:
            assert self.listing() == self.files


@pytest.fixture(scope="module")
def survivor(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Survivor:
    folder = tmp_path_factory.mktemp("survival")
    folder.chmod(0o755)
    return Survivor(server, folder)


def refused(done: Done, *words: str, code: int = 1) -> None:
    """The exit code and one sentence with these words, no traceback."""
    assert done.code == code, done.text
    assert "Traceback" not in done.text, done.text
    for word in words:
        assert word in done.text, done.text
    told = [line for line in done.text.splitlines() if words[0] in line]
    assert len(told) == 1, told


# --- Killed ------------------------------------------------------------------------------------------------------


def test_current_is_whole_at_every_change_of_a_file(survivor: Survivor) -> None:
    seen = survivor.watched.read_text(encoding="utf-8").split("\n")[:-1]
    assert len(seen) > 100
    assert list(dict.fromkeys(seen)) == survivor.ids


SWITCHED = {"after": "dagster_project.releases.publish.switch_current"}
KILLS_AFTER_THE_JOB = [
    {"before": "dagster_project.products.revisions.compare.revisions"},
    {"after": "dagster_project.products.make._made"},
    {"before": "dagster_project.products.data_docs.pages._swap"},
    {"before": "dagster_project.products.steward_page.page.write_page"},
]
KILLS = [
    {"change": 3},
    {"before": "dagster_project.ingestion.bronze.parse_into_bronze"},
    {"before": "os.replace:9"},
    {"after": "dagster_project.ingestion.settle.settle"},
    {"after": "dagster_project.gates.run._delivery_database"},
    {"before": "dagster_project.disclosure.step.hide_cells"},
    {"before": "dagster_project.releases.publish.switch_current"},
    SWITCHED,
    *KILLS_AFTER_THE_JOB,
]


def test_killed_again_and_again_the_old_release_stays_and_the_next_run_is_as_unbroken(survivor: Survivor) -> None:
    survivor.server.restore("first")
    for kill in KILLS:
        done = survivor.server.run(survivor.second, **kill)
        assert done.code == -9, (kill, done.text)
        switched = kill in [SWITCHED, *KILLS_AFTER_THE_JOB]
        assert survivor.current() == survivor.ids[switched], kill
    assert survivor.server("status", "--data", survivor.data.root).code == 0
    survivor.recovers()
    # Of the killed runs Dagster keeps only those that it was done with; beside the first release's and the last.
    for folder, pattern in (("history/runs", "*-*.db"), ("storage", "*-*-*-*-*")):
        assert len(list((survivor.data.dagster_home / folder).glob(pattern))) == 2 + len(KILLS_AFTER_THE_JOB)


def test_a_first_run_killed_shows_nothing_and_raw_alone_gives_the_same_release(survivor: Survivor) -> None:
    survivor.server.empty()
    for kill in [{"change": n} for n in (1, 4, 9, 16, 25)] + [
        {"before": "dagster_project.releases.publish.switch_current"}
    ]:
        assert survivor.server.run(survivor.second, **kill).code == -9
        assert survivor.current() is None
    refused(survivor.server("status", "--data", survivor.data.root), "Ingen utgåva är publicerad")
    survivor.recovers(without_first=True)


@pytest.mark.parametrize(
    "stop", [{"term": "dagster_project.gates.run.run_gate:2"}, {"int": "dagster_project.engines.dbt.build"}]
)
def test_a_run_that_is_told_to_stop_says_one_sentence(survivor: Survivor, stop: dict[str, str]) -> None:
    survivor.server.restore("first")
    refused(survivor.server.run(survivor.second, **stop), "Avbruten:")
    assert survivor.current() == survivor.ids[0]
    # The lock is free: the next run gets as far as it is let.
    assert survivor.server.run(survivor.second, before="dagster_project.ingestion.settle.settle").code == -9


# --- The machine refuses -----------------------------------------------------------------------------------------


def mount(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(survivor: Survivor) -> Iterator[Callable[[int | None], dict]]:
    """The data folder with `first` on a disk of its own; called with free KiB, or None for plenty.

    Where nothing may be mounted the same errors come from a limit on the size of a file.
    """
    survivor.server.restore("first")
    away = survivor.data.root.with_name("away")
    survivor.data.root.rename(away)
    survivor.data.root.mkdir()
    mounted = mount("-t", "tmpfs", "-o", "size=200m", "tmpfs", str(survivor.data.root))
    if not mounted:
        survivor.data.root.rmdir()
        away.rename(survivor.data.root)
    else:
        shutil.copytree(away, survivor.data.root, symlinks=True, dirs_exist_ok=True)

    def resize(free: int | None) -> dict:
        if not mounted:
            return {} if free is None else {"file_bytes": free * 512}
        used = shutil.disk_usage(survivor.data.root).used // 1024
        size = "200m" if free is None else f"{used + free}k"
        assert mount("-o", f"remount,size={size}", str(survivor.data.root))
        return {}

    yield resize
    if mounted:
        subprocess.run(["umount", str(survivor.data.root)], check=True)
        survivor.data.root.rmdir()
        away.rename(survivor.data.root)


def test_a_full_disk_is_one_sentence_and_loses_nothing(survivor: Survivor, small_disk) -> None:
    for free in (4, 1000, 3000):  # KiB: at once, early and late in the run
        done = survivor.server.run(survivor.second, **small_disk(free))
        refused(done, "Disken är full i")
        assert survivor.current() == survivor.ids[0]
    small_disk(None)
    survivor.recovers()


@pytest.mark.parametrize("closed", ["published", "."])
def test_folders_that_cannot_be_written(survivor: Survivor, closed: str) -> None:
    survivor.server.restore("first")
    folders = [survivor.data.root / closed, survivor.data.releases]
    for folder in folders:
        folder.chmod(0o555)
    try:
        refused(survivor.server.run(survivor.second, modes=True), "kan inte skrivas", str(survivor.data.root))
        assert survivor.current() == survivor.ids[0]
        assert survivor.server("status", "--data", survivor.data.root, modes=True).code == 0
    finally:
        for folder in folders:
            folder.chmod(0o755)


def test_raw_is_read_only_and_must_be_readable(survivor: Survivor, tmp_path: Path) -> None:
    survivor.server.restore("first")
    raw = tmp_path / "raw"
    shutil.copytree(survivor.second, raw)
    closed = [raw, *raw.iterdir()]
    for folder in closed:
        folder.chmod(0o555)
    after_reading = {"modes": True, "before": "dagster_project.ingestion.settle.settle"}
    assert survivor.server.run(raw, **after_reading).code == -9
    raw.chmod(0)
    try:
        refused(survivor.server.run(raw, modes=True), "Mappen med leveranser kan inte läsas", str(raw))
    finally:
        for folder in closed:
            folder.chmod(0o755)


def test_a_warehouse_that_is_open_elsewhere(survivor: Survivor) -> None:
    survivor.server.restore("first")
    with duckdb.connect(str(survivor.data.warehouse)):
        refused(survivor.server.run(survivor.second), "är öppet i ett annat program", code=75)
    assert survivor.current() == survivor.ids[0]


def test_two_runs_at_once(survivor: Survivor) -> None:
    survivor.server.restore("first")
    both = [survivor.server.start("run", "--raw", survivor.second, "--data", survivor.data.root) for _ in range(2)]
    done = sorted((survivor.server.wait(n) for n in both), key=lambda d: d.code)
    assert done[0].code == HELD_BACK
    refused(done[1], "En annan körning pågår redan", code=75)
    assert survivor.current() == survivor.ids[1]
    assert survivor.published().equals(survivor.rows)


def test_a_data_folder_that_is_a_file(survivor: Survivor, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("x")
    refused(
        survivor.server("run", "--raw", survivor.first, "--data", tmp_path / "data"), "är en fil, inte en mapp", code=64
    )


def test_a_key_that_is_empty_or_unreadable_is_refused(survivor: Survivor) -> None:
    survivor.server.restore("first")
    key = survivor.data.root / "person.key"
    for damage in (lambda: key.write_bytes(b"\n"), lambda: (key.unlink(), key.mkdir())):
        damage()
        refused(survivor.server.run(survivor.second), "Personnyckeln i filen")
    assert survivor.current() == survivor.ids[0]


# --- Damaged files -----------------------------------------------------------------------------------------------


def flip(path: Path, at: float = 0.5) -> None:
    """Change one byte; the size stays."""
    content = bytearray(path.read_bytes())
    content[int(len(content) * at)] ^= 0x55
    overwrite(path, content)


def truncate(path: Path) -> None:
    overwrite(path, path.read_bytes()[: path.stat().st_size // 2])


def garbage(path: Path) -> None:
    overwrite(path, b"\xff\x00\xfe skr\xe4p" * 999)


def test_damage_everywhere_is_mended_by_the_next_run(survivor: Survivor) -> None:
    survivor.server.restore("second")
    data = survivor.data
    (accepted,) = data.bronze.glob("avvikelser/2022-09-30*.accepted.parquet")
    (quarantine,) = data.bronze.glob("avvikelser/2022-08-31*.quarantine.parquet")
    (note,) = data.bronze.glob("enheter/2022-08-31*.json")
    flip(accepted)
    truncate(quarantine)
    flip(note)
    flip(data.bronze / "kva" / "0.accepted.parquet")
    garbage(data.bronze / "gas" / "0.accepted.parquet")
    for path in [*data.run.glob("*"), *data.history.glob("*"), data.warehouse]:
        garbage(path)
    garbage(data.dagster_home / "history" / "runs" / "index.db")
    truncate(data.current / "indicator_result.csv")
    for command in (("status",), ("quarantine",), ("quarantine", "--older-than", "1")):
        refused(survivor.server(*command, "--data", data.root), f"kör `resultattavla run --data {data.root}`")
    survivor.recovers()
    assert "Inget nytt" in survivor.server.run(survivor.second).text
    assert (data.root / "dagster.skadad" / "history" / "runs" / "index.db").exists()


@pytest.mark.parametrize("damage", [flip, truncate, garbage])
def test_a_warehouse_or_outcome_damaged_since_is_made_again(survivor: Survivor, damage: Callable[[Path], None]) -> None:
    """Without running it: such a run is not taken for finished."""
    folder = RunFolder(survivor.data)
    for name in (
        "warehouse.duckdb",
        "run/outcomes_results.parquet",
        "run/ledger.parquet",
        "run/finished",
        "docs/datadokumentation/index.html",
    ):
        survivor.server.restore("second")
        assert folder.finished_run() == survivor.ids[1]
        damage(survivor.data.root / name)
        assert folder.finished_run() != survivor.ids[1], name


def _dangling(data: DataPaths) -> None:
    shutil.rmtree(data.current.resolve())


def _a_file(data: DataPaths) -> None:
    data.current.unlink()
    data.current.write_text("x")


def _a_copy(data: DataPaths) -> None:
    whole = data.current.resolve()
    data.current.unlink()
    shutil.copytree(whole, data.current)
    truncate(data.current / "indicator_result.csv")


CURRENTS: list[Callable[[DataPaths], None]] = [
    _dangling,
    _a_file,
    _a_copy,
    lambda data: (data.current / "kvalitet.parquet").unlink(),
    lambda data: truncate(data.current / "resultat.duckdb"),
    lambda data: flip(data.current / "indicator_result.parquet"),
    lambda data: garbage(data.current / "manifest.json"),
    lambda data: overwrite(data.current / "manifest.json", b"[]"),
]


@pytest.mark.parametrize("damage", CURRENTS)
def test_a_damaged_current_is_told_and_published_whole_again(
    survivor: Survivor, damage: Callable[[DataPaths], None]
) -> None:
    survivor.server.restore("second")
    damage(survivor.data)
    with pytest.raises(ResultattavlaError, match="är skadad eller borta: kör `resultattavla run`"):
        current_release(survivor.data)
    assert publish(survivor.data, RunFolder(survivor.data).identity()).id == survivor.ids[1]
    assert survivor.current() == survivor.ids[1]
    assert survivor.published().equals(survivor.rows)


def test_a_manifest_that_says_something_else_is_replaced(survivor: Survivor) -> None:
    survivor.server.restore("second")
    path = survivor.data.current / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    overwrite(path, json.dumps({**manifest, "as_of": "2022-09-29"}).encode())
    publish(survivor.data, RunFolder(survivor.data).identity())
    assert json.loads(path.read_text(encoding="utf-8"))["as_of"] == "2022-09-30"


def test_a_foreign_folder_in_the_place_of_current_is_left_alone(survivor: Survivor) -> None:
    survivor.server.restore("second")
    survivor.data.current.unlink()
    (survivor.data.current / "mitt").mkdir(parents=True)
    with pytest.raises(ResultattavlaError, match="är en mapp, inte en länk: flytta undan den"):
        publish(survivor.data, RunFolder(survivor.data).identity())
    assert (survivor.data.current / "mitt").exists()


@pytest.mark.parametrize("damage", [flip, truncate, garbage])
@pytest.mark.parametrize("name", ["runs.db", "runs/index.db", "shard"])
def test_damaged_history_of_dagster_is_set_aside(
    survivor: Survivor, damage: Callable[[Path], None], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    from dagster_project.defs.instance import set_aside_damaged_history

    survivor.server.restore("second")
    history = survivor.data.dagster_home / "history"
    path = history / name if name != "shard" else next(p for p in (history / "runs").glob("*-*.db"))
    if damage is flip:  # one byte in the middle can be a free page: the header is what must be right
        flip(path, 0)
    else:
        damage(path)
    set_aside_damaged_history(survivor.data)
    assert not survivor.data.dagster_home.exists()
    assert (survivor.data.root / "dagster.skadad").is_dir()
    assert "var skadad" in caplog.text


def test_half_a_manifest_of_dbt_is_made_again(survivor: Survivor, monkeypatch: pytest.MonkeyPatch) -> None:
    from dagster_project.engines import dbt

    survivor.server.restore("second")
    whole = (survivor.data.dbt_target / "manifest.json").read_bytes()
    made: list[DataPaths] = []

    def parse(data: DataPaths, _: object) -> None:
        made.append(data)
        (data.dbt_target / "manifest.json").write_bytes(whole)

    monkeypatch.setattr(dbt, "parse", parse)
    monkeypatch.setattr(dbt, "_manifests", {})
    dbt.project_manifest(survivor.data)
    assert made == []
    truncate(survivor.data.dbt_target / "manifest.json")
    monkeypatch.setattr(dbt, "_manifests", {})
    assert dbt.project_manifest(survivor.data)["nodes"]
    assert made == [survivor.data]
