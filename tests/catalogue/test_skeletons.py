"""`resultattavla new`: what it writes is whole and works, overwrites nothing, and wrong use is one sentence."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from dagster_project.catalogue import completeness, vocabulary
from dagster_project.catalogue.completeness import Parts
from dagster_project.catalogue.contracts import load_contract, load_contracts
from dagster_project.catalogue.seeds import read_seed
from dagster_project.catalogue.skeletons import new_indicator, new_source
from dagster_project.cli.main import main
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import PROJECT

SOURCE, MEASURE = "nykomling", "matning"
KINDS = [kind for kind in vocabulary.KINDS if kind != vocabulary.COVERAGE]


@pytest.fixture
def project(tmp_path: Path) -> Parts:
    """A copy of the project's code, to add to."""
    for folder in ("dagster_project", "dbt"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "target"))
    return Parts(tmp_path)


def files(project: Parts) -> dict[str, bytes]:
    return {project.name(p): p.read_bytes() for p in project.root.rglob("*") if p.is_file() and "__" not in str(p)}


def rich_contract(project: Parts, source: str) -> None:
    """A contract with cells of every type, rules, an event that depends on a column, persons, and a verksamhet."""
    path = project.contract(source)
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    schema = document["schema"][0]
    key = {"primaryKey": True, "required": True}
    schema["customProperties"] = [
        {"property": "verksamhet", "value": "del"},
        {"property": "event_date", "value": {"column": "steg", "klar": "slut", "vantar": "manad"}},
        {"property": "leveransform", "value": "tillagg"},
    ]
    columns: list[dict[str, object]] = [
        {"name": "person", "physicalType": "personnummer", "primaryKeyPosition": 1, **key},
        {"name": "manad", "physicalType": "month", "primaryKeyPosition": 2, **key},
        {"name": "del", "physicalType": "code", "required": True},
        {"name": "steg", "physicalType": "code", "required": True, "enum": [{"value": "klar"}, {"value": "vantar"}]},
        {"name": "start", "physicalType": "date"},
        {"name": "slut", "physicalType": "date"},
        {"name": "varde", "physicalType": "number", "required": True, "logicalTypeOptions": {"minimum": 1}},
        {"name": "antal", "physicalType": "int", "logicalTypeOptions": {"minimum": 2, "maximum": 4}},
        {"name": "aven", "physicalType": "yes_no"},
        {"name": "kod", "physicalType": "kva_code"},
        {"name": "plats", "physicalType": "hsaid"},
        {"name": "fri", "physicalType": "text"},
    ]
    columns[2]["customProperties"] = [{"property": "organisation", "value": "verksamhet"}]
    rules = [
        {"order": ["start", "slut"]},
        {"empty": "slut", "when": {"steg": "vantar"}},
        {"required": "slut", "when": {"steg": "klar"}},
    ]
    schema["quality"] = [{"type": "custom", "engine": "resultattavla", "implementation": rule} for rule in rules]
    schema["properties"] = [{"description": "En kolumn", **c} for c in columns] + [schema["properties"][-1]]
    path.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")


# --- What it writes is whole and works --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_an_indicator_is_complete(project: Parts, kind: str) -> None:
    before = files(project)
    source = next(source for source, contract in load_contracts().items() if contract.event)
    made = new_indicator(f"{source}_prov", kind=kind, parts=project)
    after = files(project)
    assert made.missing == [] and completeness.missing_files(project) == []
    assert sorted(made.written) == sorted(name for name in after if after[name] != before.get(name))
    row = read_seed(project.catalogue)[-1]
    assert (row["indicator_id"], row["art"], row["path"]) == (f"{source}_prov", kind, vocabulary.PATHS_OF_KIND[kind][0])
    assert None not in row.values() and read_seed(project.catalogue)[:-1] == read_seed(Parts().catalogue)
    assert {s.split(" ")[0] for s in completeness.left_to_write(project)} <= set(made.written)


def test_a_source_is_complete_after_its_contract(project: Parts) -> None:
    first = new_source(SOURCE, project)
    assert first.written == [f"dagster_project/catalogue/contracts/{SOURCE}.odcs.yaml"]
    assert len(first.missing) == 3 and all(s.startswith(f"Källan {SOURCE} saknar ") for s in first.missing)
    assert load_contract(project.contract(SOURCE)).unit == "hsaid_enhet"
    second = new_source(SOURCE, project)
    assert second.missing == [] and completeness.missing_files(project) == []
    assert [Path(name).name for name in second.written] == [f"stg_{SOURCE}.sql", f"stg_{SOURCE}.yml", f"{SOURCE}.py"]


def test_a_part_that_is_missing_is_written_again(project: Parts) -> None:
    new_source(SOURCE, project)
    new_source(SOURCE, project)
    project.sample(SOURCE).unlink()
    assert new_source(SOURCE, project).written == [f"dagster_project/samples/{SOURCE}.py"]


CHECK = """
import sys
from datetime import date
from pathlib import Path
from dagster_project import samples
from dagster_project.catalogue.contracts import load_contracts
from dagster_project.core.paths import DataPaths
from dagster_project.engines import dbt
from dagster_project.ingestion.deliveries import read_deliveries
from dagster_project.ingestion.settle import settle

indicators, sources, folder = sys.argv[1].split(), sys.argv[2].split(), Path(sys.argv[3])
contracts = load_contracts()
samples.load_contracts = lambda: {source: contracts[source] for source in ("enheter", *sources)}
samples.write_demo(folder / "raw", scale=0.3)
data = DataPaths(folder / "data")
_, ledger = read_deliveries(folder / "raw", data, None, date(2022, 10, 1))
settle(date(2022, 9, 30), ledger, data)
for delivery in ledger:
    print("rows", delivery.source, delivery.status, delivery.rows_read, delivery.rows_quarantined)
dbt.parse(data)
result = dbt._invoke(["build", "--select", *(f"+obs_{i}" for i in indicators)], data)
for r in result.result.results if result.result else []:
    print(r.node.resource_type, r.node.name, r.status, " ".join((r.message or "").split()))
print(result.exception)
"""


@pytest.mark.whole_run
def test_skeletons_work(project: Parts, tmp_path: Path) -> None:
    """The samples are read without a fault of form, the models build, the unit tests pass: all kinds, all types."""
    for source in (SOURCE, MEASURE):
        new_source(source, project)
        if source == MEASURE:
            rich_contract(project, source)
        new_source(source, project)
        for kind in KINDS:
            new_indicator(f"{source}_{kind}", kind=kind, parts=project)
    new_indicator("bada", [SOURCE, MEASURE], parts=project)
    indicators = [f"{source}_{kind}" for source in (SOURCE, MEASURE) for kind in KINDS] + ["bada"]
    arguments = [" ".join(indicators), f"{SOURCE} {MEASURE}", str(tmp_path / "work")]
    done = subprocess.run(
        [sys.executable, "-c", CHECK, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(project.root)},
        cwd=project.root,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("rows ")]
    for source, status, read, quarantined in rows:
        assert status == "accepterad" and int(read) > 0 and int(quarantined) <= 1, (source, status, read, quarantined)
    assert {row[0] for row in rows} >= {SOURCE, MEASURE}
    unit_tests = re.findall(r"^unit_test (\w+) (\w+)", done.stdout, re.MULTILINE)
    assert {status for _, status in unit_tests} == {"pass"}, done.stdout
    expected = {f"{i}_counts_every_row" for i in indicators} | {
        f"stg_{source}_newest_accepted_row_wins" for source in (SOURCE, MEASURE)
    }
    assert expected <= {name for name, _ in unit_tests}
    assert done.stdout.splitlines()[-1] == "None", done.stdout
    style = [sys.executable, "-m", "ruff"]
    written = [str(project.sample(source)) for source in (SOURCE, MEASURE)]
    assert subprocess.run([*style, "check", "-q", "--no-cache", *written], check=False).returncode == 0
    assert subprocess.run([*style, "format", "-q", "--check", "--no-cache", *written], check=False).returncode == 0


# --- Nothing is overwritten, wrong use is told ------------------------------------------------------------------------


def test_nothing_is_overwritten(project: Parts) -> None:
    model = project.observations / "kva" / "obs_kva_prov.yml"
    model.write_text("min", encoding="utf-8")
    before = files(project)
    with pytest.raises(ResultattavlaError, match=r"obs_kva_prov\.yml finns redan och skrivs inte över"):
        new_indicator("kva_prov", parts=project)
    assert files(project) == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("Ny",), "Ny kan inte vara ett id"),
        (("9ny",), "9ny kan inte vara ett id"),
        (("ny-prov",), "ny-prov kan inte vara ett id"),
        (("../ny",), "kan inte vara ett id"),
        (("ny",), "Vilken källa läser ny?"),
        (("ny", ["kv"]), "Det finns ingen källa kv"),
        (("ny", ["enheter"]), "Det finns ingen källa enheter att läsa"),
        (("ny", ["kva"], "andelar"), "Arten andelar finns inte"),
        (("ny", ["kva"], vocabulary.COVERAGE), "Arten tackning har inget skelett"),
    ],
)
def test_wrong_use_for_an_indicator_is_one_sentence(project: Parts, arguments: tuple, told: str) -> None:
    before = files(project)
    with pytest.raises(ResultattavlaError) as caught:
        new_indicator(*arguments, parts=project)
    assert told in str(caught.value) and "\n" not in str(caught.value)
    assert files(project) == before


def test_an_indicator_that_exists_is_told_with_what_it_lacks(project: Parts) -> None:
    new_indicator("kva_prov", parts=project)
    (project.observations / "kva" / "obs_kva_prov.yml").unlink()
    with pytest.raises(ResultattavlaError, match=r"finns redan\. Indikatorn kva_prov saknar .*obs_kva_prov\.yml"):
        new_indicator("kva_prov", parts=project)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("Ny", "Ny kan inte vara ett id"),
        ("kva", "Källan kva finns redan, med alla sina delar"),
        ("people", "En källa kan inte heta people"),
    ],
)
def test_wrong_use_for_a_source_is_one_sentence(project: Parts, source: str, told: str) -> None:
    before = files(project)
    with pytest.raises(ResultattavlaError) as caught:
        new_source(source, project)
    assert told in str(caught.value) and "\n" not in str(caught.value)
    assert files(project) == before


def _custom(name: str, value: str) -> tuple[str, str]:
    """A property of the column datum, put into the contract."""
    kind = "physicalType: date\n"
    return kind, f"{kind}    customProperties: [{{property: {name}, value: {value}}}]\n"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("name: nykomling\nversion", "name: annan\nversion", "name är annan, filen heter nykomling"),
        ("value: datum", "value: dag", "event_date är dag"),
        ("value: hsaid_enhet", "value: enhet", "unit är enhet, som inte är någon kolumn"),
        ("physicalType: date", "physicalType: datum", "kolumnen datum har en okänd celltyp: datum"),
        ("primaryKeyPosition: 1", "required: true", "ingen kolumn har primaryKeyPosition"),
        ("name: makulerad", "name: makulerat", "kolumnen makulerad (yes_no) saknas"),
        ("property: latency", "property: alder", "slaProperties säger ingen latency"),
        ("  purpose:", "  syfte:", "purpose saknas"),
        ("businessName:", "namn:", "businessName saknas"),
        ("team:\n  name:", "team:\n  namn:", "name saknas"),
        ("property: leveransform", "property: form", "leveransform saknas"),
        ("value: tillagg", "value: alltid", "leveransform ska vara tillagg eller fullstandig"),
        ("value: tillagg", "value: {fullstandig: [vecka]}", "leveransform gäller vecka, som inte är någon kolumn"),
        ("value: tillagg", "value: {fullstandig: [], when: {datum: 1}}", "datum, som inte är någon del av nyckeln"),
        ("schema:\n", "schema: [\n", "det är inte uppbyggt som de andra"),
        (*_custom("spellings", "{ja: [J]}"), "skriver ja som J, men ja finns inte i listan"),
        (*_custom("default", "ja"), "default ja, som inte finns i listan"),
        (*_custom("any_case", "true"), "any_case, som bara gäller text"),
        (
            "physicalType: date\n",
            "physicalType: date\n    logicalTypeOptions: {minimum: 0}\n",
            "kolumnen datum har en gräns men är inget tal",
        ),
        (
            "physicalType: date\n",
            "physicalType: int\n    logicalTypeOptions: {minimum: 0.5}\n",
            "gränsen 0.5, som inte är ett heltal",
        ),
        (
            "  properties:\n",
            "  quality:\n  - implementation: {order: [datum, slut]}\n  properties:\n",
            "regeln order gäller slut",
        ),
        ("  properties:\n", "  quality:\n  - implementation: {empty: datum}\n  properties:\n", "ett when"),
    ],
)
def test_a_contract_that_cannot_be_used_is_one_sentence(project: Parts, old: str, new: str, told: str) -> None:
    new_source(SOURCE, project)
    path = project.contract(SOURCE)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ResultattavlaError) as caught:
        new_source(SOURCE, project)
    sentence = str(caught.value)
    assert sentence.startswith(f"Kontraktet {SOURCE}.odcs.yaml kan inte läsas: ") and told in sentence
    assert "\n" not in sentence


def test_the_command_ends_as_other_user_errors_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in (("indicator", "Ny"), ("source", "kva")):
        monkeypatch.setattr(sys, "argv", ["resultattavla", "new", *arguments])
        with pytest.raises(SystemExit) as stop:
            main()
        assert stop.value.code == 1
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
