"""A run serves its release in PostgreSQL besides the files; what the server does never costs a release."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dagster_project.cli.postgresserver import LocalServer
from dagster_project.core.paths import DataPaths
from dagster_project.operations.daily_run import JobEnd, RunOutcome, session
from dagster_project.operations.retract import retract, take_back
from dagster_project.operations.settings import Serve, Settings
from dagster_project.products.make import linked_release
from dagster_project.products.postgres.serving import look
from dagster_project.releases.publish import switch_current
from dagster_project.releases.store import current_release
from tests.jobs import said
from tests.postgres import Database, database, postgres_server
from tests.products.exports.small import exported_release

__all__ = ["database", "postgres_server"]
pytestmark = pytest.mark.postgres


@pytest.fixture
def serving(tmp_path: Path, database: Database) -> tuple[Settings, Callable[[], RunOutcome]]:
    """Settings with the server and a current release, and what ends a run that found nothing new."""
    settings = Settings(
        raw=tmp_path / "raw", data=tmp_path / "data", products=(), serve=Serve(postgres=database.settings())
    )

    def end() -> RunOutcome:
        with session(settings.paths, settings) as current:
            return current.end(JobEnd(ingested=False))

    with session(settings.paths, settings):
        switch_current(settings.paths, exported_release(settings.paths).release.id)
    return settings, end


def test_a_server_that_is_down_costs_no_release_and_is_caught_up(
    serving: tuple[Settings, Callable[[], RunOutcome]], database: Database, postgres_server: LocalServer
) -> None:
    settings, end = serving
    data = settings.paths
    postgres_server.stop()
    outcome = end()
    assert outcome.release is not None and outcome.exit_code == 2
    (sentence,) = outcome.products_failed  # once, although two things failed
    assert sentence.startswith(f"PostgreSQL kunde inte göras (utgåva {outcome.release.id} är publicerad ändå): ")
    assert "den svarar inte" in sentence and sentence.endswith("Nästa körning kommer ikapp.")
    assert current_release(data) is not None and linked_release(data, "postgres") is None
    postgres_server.start()
    caught_up = end()
    assert caught_up.exit_code == outcome.release.exit_code and caught_up.products_failed == ()
    receipt = json.loads((data.published / "postgres" / "kvitto.json").read_text(encoding="utf-8"))
    assert (receipt["utgava"], receipt["databas"]) == (outcome.release.id, "prov")
    assert database.rows("select release_id from resultat.utgava") == [(outcome.release.id,)]
    assert [receipt["rader"]["indicator_result"]] == list(database.rows("select count(*) from resultat.resultat")[0])
    postgres_server.stop()  # all is made, but nobody knows what is shown
    assert [t.split(":")[0] for t in end().products_failed] == ["PostgreSQL är inte i ordning"]


@pytest.fixture
def two(tmp_path: Path, database: Database) -> tuple[Settings, str, str]:
    """Two releases, the second one current and served; the settings in a file, as commands read them."""
    settings = Settings(
        raw=tmp_path / "raw", data=tmp_path / "data", products=(), serve=Serve(postgres=database.settings())
    )
    ids = []
    for day in (1, 2):
        with session(settings.paths, settings) as current:
            ids.append(exported_release(settings.paths, day=day).release.id)
            switch_current(settings.paths, ids[-1])
            current.end(JobEnd(ingested=False))
    return settings, ids[0], ids[1]


def environment(settings: Settings) -> dict[str, str]:
    server = settings.serve.postgres
    assert server is not None
    named = {n: str(v) for n, v in server.model_dump().items() if n in ("host", "port", "database", "passfile")}
    return {"RESULTATTAVLA_PRODUCTS": "[]"} | {
        f"RESULTATTAVLA_SERVE__POSTGRES__{n.upper()}": v for n, v in named.items()
    }


def test_a_retracted_release_is_gone_from_the_server_at_once_and_stands_again(two: tuple[Settings, str, str]) -> None:
    settings, earlier, wrong = two
    server = settings.serve.postgres
    assert server is not None and look(server).release_id == wrong
    assert retract(settings, wrong, "fel", "chefen").trouble == ()
    assert look(server).release_id == earlier and wrong not in look(server).loaded
    assert take_back(settings, wrong, "rätt ändå", "chefen").trouble == ()
    assert look(server).release_id == wrong


def test_the_command_switches_back_and_forth_and_status_tells(two: tuple[Settings, str, str]) -> None:
    settings, earlier, newest = two
    here = environment(settings)
    assert f"visar utgåva {newest} sedan" in said("postgres", "--data", settings.data, **here).stdout
    told = said("postgres", earlier, "--data", settings.data, **here)
    assert told.returncode == 0
    assert f"visar utgåva {earlier} sedan" in told.stdout
    assert f"i stället för den aktuella, {newest}, tills en ny utgåva blir aktuell" in told.stdout
    assert earlier in said("status", "--data", settings.data, **here).stdout.split("PostgreSQL (")[1]
    told = said("postgres", "current", "--data", settings.data, **here)
    assert f"visar utgåva {newest} sedan" in told.stdout and "i stället" not in told.stdout
    assert said("postgres", "2020-01-01-000000000000", "--data", settings.data, **here).returncode == 1
    assert said("postgres", "--data", settings.data).returncode == 64


def test_a_retraction_that_the_server_did_not_hear_of_is_no_success(
    two: tuple[Settings, str, str], postgres_server: LocalServer
) -> None:
    settings, _, wrong = two
    here = environment(settings)
    by = ("--reason", "fel", "--by", "chefen", "--data", settings.data)
    postgres_server.stop()
    told = said("retract", wrong, *by, **here)
    assert told.returncode == 2 and f"Utgåva {wrong}: Återkallad" in told.stdout
    assert f"PostgreSQL kan ännu visa den återkallade utgåvan {wrong}" in told.stderr
    assert "den svarar inte" in told.stderr
    assert said("retract", wrong, "--undo", *by, **here).returncode == 2
    assert said("retract", wrong, *by, **here).returncode == 2
    postgres_server.start()
    told = said("postgres", "--data", settings.data, **here)
    assert f"visar utgåva {wrong} sedan" in told.stdout and "Den är ÅTERKALLAD: kör" in told.stdout
    assert wrong not in said("postgres", "current", "--data", settings.data, **here).stdout
    assert said("retract", wrong, "--undo", *by, **here).returncode == 0


def test_a_trial_run_does_not_take_over_the_database_unless_it_is_told_to(
    two: tuple[Settings, str, str], database: Database, tmp_path: Path
) -> None:
    settings, _, newest = two
    here = environment(settings)
    trial = settings.model_copy(update={"data": tmp_path / "prov"})
    with session(trial.paths, trial) as current:
        other = exported_release(trial.paths, day=3).release.id
        switch_current(trial.paths, other)
        outcome = current.end(JobEnd(ingested=False))
    assert outcome.exit_code == 2 and current_release(trial.paths) is not None
    (sentence,) = outcome.products_failed
    assert f"visar utgåvorna i {settings.data}" in sentence and "ingenting har ändrats i den" in sentence
    assert database.rows("select release_id from resultat.utgava") == [(newest,)]
    assert "visar inte den här datamappens utgåvor" in said("postgres", "--data", trial.data, **here).stdout
    told = said("postgres", "--take-over", "--data", trial.data, **here)
    assert told.returncode == 0 and f"visar utgåva {other} sedan" in told.stdout
    assert f"Inlästa utgåvor: {other}." in told.stdout
    assert f"de i {trial.data}" in said("postgres", "--data", settings.data, **here).stdout


def test_a_folder_without_a_release_takes_nothing_over(two: tuple[Settings, str, str], tmp_path: Path) -> None:
    settings, _, newest = two
    empty = settings.model_copy(update={"data": tmp_path / "tom"})
    with session(empty.paths, empty):
        pass
    told = said("postgres", "--take-over", "--data", empty.data, **environment(settings))
    assert told.returncode == 1 and settings.serve.postgres is not None
    assert look(settings.serve.postgres).release_id == newest


def test_status_tells_that_the_server_does_not_answer_and_all_else(two: tuple[Settings, str, str]) -> None:
    settings, _, newest = two
    here = environment(settings) | {"RESULTATTAVLA_SERVE__POSTGRES__PORT": "1"}
    told = said("status", "--data", settings.data, **here)
    assert f"Utgåva {newest}" in told.stdout and "127.0.0.1:1/prov: den svarar inte" in told.stdout


def test_the_current_release_is_loaded_from_the_files_into_another_server(
    two: tuple[Settings, str, str], database: Database
) -> None:
    """Of the receipts of the old server none says that the new one has anything."""
    settings, _, newest = two
    database.as_writer("drop schema resultat cascade", "drop schema resultat_drift cascade")
    with session(settings.paths, settings) as current:
        outcome = current.end(JobEnd(ingested=False))
    assert outcome.trouble == () and database.rows("select release_id from resultat.utgava") == [(newest,)]
    assert DataPaths(settings.data).current.readlink().name == newest
