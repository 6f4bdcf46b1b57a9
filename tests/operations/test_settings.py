"""The settings: one documented file, the environment over it, and sentences that name the key."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from dagster_project.core.paths import PROJECT
from dagster_project.operations.settings import CONFIG_FILE, Settings, SettingsError, load_settings
from dagster_project.products.postgres.server import PostgresServer
from dagster_project.products.registry import products


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "installningar.toml"
    monkeypatch.setenv("RESULTATTAVLA_CONFIG", str(path))

    def write(text: str) -> Path:
        path.write_text(text, encoding="utf-8")
        return path

    return write


def _documented() -> dict:
    """The file in the project with every comment sign before a key or a table taken away."""
    lines = CONFIG_FILE.read_text(encoding="utf-8").splitlines()
    keys = [m[1] for line in lines if (m := re.match(r"# ((?:\[[\w.]+\]|\w+ = ).*)$", line))]
    return tomllib.loads("\n".join(keys))


def test_the_file_documents_every_key_with_its_default() -> None:
    documented = _documented()
    defaults = Settings().model_dump()
    assert set(documented) == set(defaults)
    for name in ("raw", "data", "waivers", "withdrawals", "acknowledged"):
        assert PROJECT / documented.pop(name) == defaults.pop(name)
    assert documented.pop("agreed_age_days") == {"kva": load_settings().parameters().agreed_age_days["kva"]}
    assert defaults.pop("agreed_age_days") == {}
    notify, default_notify = documented.pop("notify"), defaults.pop("notify")
    assert set(notify) == set(default_notify)
    assert (tuple(notify["command"]), notify["when"]) == (default_notify["command"], default_notify["when"])
    told, example = documented.pop("serve")["postgres"], {"host": "db.example.se"}
    assert told == PostgresServer(**example).model_dump() | {"passfile": "/etc/resultattavla/pgpass"}
    assert defaults.pop("serve") == {"postgres": None}
    lineage, default_lineage = documented.pop("lineage"), defaults.pop("lineage")
    assert set(lineage) == set(default_lineage) and lineage["namespace"] == default_lineage["namespace"]
    assert documented == defaults


def test_which_products_every_run_makes_is_a_list_of_names_or_all(config, monkeypatch: pytest.MonkeyPatch) -> None:
    meant = {p.name for p in products() if p.in_every_run and not p.stewards_only}
    assert {p.name for p in Settings().made_in_every_run} == meant
    path = config('products = ["revideringar"]')
    assert [p.name for p in load_settings().made_in_every_run] == ["revideringar"]
    monkeypatch.setenv("RESULTATTAVLA_PRODUCTS", "[]")
    assert load_settings().made_in_every_run == []
    monkeypatch.setenv("RESULTATTAVLA_PRODUCTS", '["affisch", "granskning"]')
    with pytest.raises(
        SettingsError, match=r"products.* det finns ingen produkt affisch, granskning \(produkter: tavla"
    ):
        load_settings()
    monkeypatch.delenv("RESULTATTAVLA_PRODUCTS")
    config('products = "inga"')
    with pytest.raises(SettingsError, match=re.escape(str(path))):
        load_settings()


def test_a_named_server_is_served_in_every_run_and_its_passfile_lies_beside_the_file(config) -> None:
    path = config("products = []\n[serve.postgres]\nhost = 'db'\npassfile = 'pgpass'")
    settings = load_settings()
    (served,) = settings.made_in_every_run
    assert (served.name, served.version) == ("postgres", "1 db:5432/resultat") and served.follow is not None
    assert settings.serve.postgres is not None and settings.serve.postgres.passfile == path.parent / "pgpass"
    config("[serve.postgres]\nhost = 'db'")
    assert [p.name for p in load_settings().made_in_every_run].count("postgres") == 1


def test_the_projects_own_file_changes_nothing() -> None:
    assert load_settings().parameters() == Settings().parameters()


def test_environment_over_file_over_default(config, monkeypatch: pytest.MonkeyPatch) -> None:
    path = config("suppression_limit = 7\ntolerance_days = 3\ndata = 'min'\n[agreed_age_days]\nkva = 50\ngas = 60\n")
    monkeypatch.setenv("RESULTATTAVLA_SUPPRESSION_LIMIT", "10")
    monkeypatch.setenv("RESULTATTAVLA_AGREED_AGE_DAYS__KVA", "40")
    settings = load_settings()
    parameters = settings.parameters()
    assert (parameters.suppression_limit, parameters.tolerance_days, parameters.years_before) == (10, 3, 3)
    assert [parameters.agreed_age_days[s] for s in ("kva", "gas", "vantetider")] == [40, 60, 35]
    assert settings.data == path.parent / "min"
    monkeypatch.setenv("RESULTATTAVLA_DATA", "annan")
    assert load_settings().data == Path.cwd() / "annan"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("suppression_limit = 1", ["suppression_limit", "minst 2"]),
        ("publicera_preliminart = 'kanske'", ["publicera_preliminart", "'ja' eller 'nej'"]),
        ("skydda_taljare = 'ja'", ["skydda_taljare", "ska vara 'nej'"]),
        ("suppression_limit = 'fem'", ["suppression_limit", "heltal"]),
        ("supression_limit = 5", ["supression_limit", "finns inte"]),
        ("[agreed_age_days]\nkav = 3", ["agreed_age_days", "kav", "vantetider"]),
        ("[agreed_age_days]\nkva = 0", ["agreed_age_days.kva", "minst 1"]),
        ("[thresholds]\nquarantined_share_stop = 20", ["thresholds.quarantined_share_stop", "högst 1"]),
        ("[thresholds]\nquarantined_share_stop = 0.01", ["quarantined_share_warning", "större"]),
        ("[retention]\nreleases = 0", ["retention.releases", "minst 1"]),
        ("[notify]\nwhen = 'ibland'", ["notify.when", "always"]),
        ("[notify]\nwebhook = 'ftp://x'", ["notify.webhook", "http"]),
        ("[notify]\ncommand = 'mail'", ["notify.command", "lista"]),
        ("[serve.postgres]\nport = 5432", ["serve.postgres.host", "saknas"]),
        ("[serve.postgres]\nhost = ''", ["serve.postgres.host", "tom"]),
        ("[serve.postgres]\nhost = 'db'\nport = 0", ["serve.postgres.port", "minst 1"]),
        ("[serve.postgres]\nhost = 'db'\npassword = 'hemlig'", ["serve.postgres", "PGPASSWORD", "passfil"]),
        ("person_key = 'hemlig'", ["person_key", "finns inte"]),
        ("data = 3", ["data", "sökväg"]),
        ("a =", ["TOML"]),
        ("a = '\udc00'", ["TOML"]),
    ],
)
def test_a_wrong_key_is_named_and_where_it_stands(config, text: str, words: list[str]) -> None:
    path = config("")
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(SettingsError) as caught:
        load_settings()
    message = str(caught.value)
    assert [w for w in [*words, str(path)] if w not in message] == []
    assert "hemlig" not in message


def test_every_wrong_key_is_told_at_once(config) -> None:
    config("suppression_limit = 1\ntolerance_days = -1\n")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("RESULTATTAVLA_TOLERANCE_DAYS", "x", ["tolerance_days", "heltal", "RESULTATTAVLA_TOLERANCE_DAYS"]),
        ("RESULTATTAVLA_TOLERANS", "3", ["RESULTATTAVLA_TOLERANS", "ingen inställning"]),
        ("RESULTATTAVLA_NOTIFY", "x", ["notify", "RESULTATTAVLA_"]),
        ("RESULTATTAVLA_WAIVERS", "/finns/inte.csv", ["waivers", "/finns/inte.csv", "finns inte"]),
        ("RESULTATTAVLA_WITHDRAWALS", "/finns/inte/rader.csv", ["withdrawals", "/finns/inte finns inte"]),
        ("RESULTATTAVLA_CONFIG", "/finns/inte.toml", ["/finns/inte.toml", "finns inte"]),
    ],
)
def test_a_wrong_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: list[str]
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert [w for w in words if w not in str(caught.value)] == []
