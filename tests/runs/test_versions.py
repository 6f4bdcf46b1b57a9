"""What a release's id depends on: calculation code, catalogue, inputs, parameters; not how anything is shown."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from dagster_project.catalogue.vocabulary import LATER, REJECTED
from dagster_project.core.paths import PROJECT
from dagster_project.runs import identity
from dagster_project.runs.identity import identify
from dagster_project.runs.ledger import Delivery, inputs_of, published
from dagster_project.runs.parameters import Parameters, Thresholds
from dagster_project.runs.versions import CALCULATION_ROOMS, catalogue_digest, code_digest


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's own files that say something, without what runs leave."""
    root = tmp_path_factory.mktemp("project")
    for name in ("dagster_project", "dbt", "expectations", "docs"):
        shutil.copytree(PROJECT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "target", "logs"))
    return root


def changed(root: Path, name: str, old: str, new: str) -> tuple[bool, bool]:
    """Whether code and catalogue version change with one edit of a file."""
    path = next(iter(sorted(root.glob(name))))
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path} has no {old!r}"
    before = code_digest(root), catalogue_digest(root)
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    after = code_digest(root), catalogue_digest(root)
    path.write_text(text, encoding="utf-8")
    return before[0] != after[0], before[1] != after[1]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("dagster_project/products/steward_page/assets/*.j2", "<h1", "<h1 id='x'"),
        ("dagster_project/products/words.py", '"', '" '),
        ("dagster_project/cli/run.py", "publicera", "offentliggöra"),
        ("dagster_project/samples/units.py", "units", "places"),
        ("dagster_project/defs/automation.py", "30 5", "0 6"),
        ("dagster_project/catalogue/skeletons.py", "finns redan", "finns"),
        ("dagster_project/catalogue/completeness.py", "saknar", "har inte"),
        ("docs/architecture.md", "# ", "# En "),
        ("expectations/delivery/kva.json", '"titel": "', '"titel": "Nytt: '),
        ("expectations/delivery/kva.json", '"one": "', '"one": "ny '),
        ("dagster_project/catalogue/contracts/kva.odcs.yaml", "@region.example", "@annan.example"),
        ("dagster_project/catalogue/contracts/kva.odcs.yaml", "businessName: ", "businessName: Nya "),
        ("dbt/models/results/indicator_result.yml", "description: ", "description: New "),
    ],
)
def test_texts_and_what_only_shows_leave_the_id(copy: Path, name: str, old: str, new: str) -> None:
    assert changed(copy, name, old, new) == (False, False)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("dbt/macros/rules/*.sql", "and", "or"),
        ("dbt/models/results/indicator_result.sql", "select", "select distinct"),
        ("dagster_project/disclosure/control.py", '"r12": 24', '"r12": 25'),
        ("dagster_project/catalogue/contracts/kva.odcs.yaml", "required: true", "required: false"),
        ("expectations/delivery/kva.json", '"severity": "info"', '"severity": "warning"'),
    ],
)
def test_what_computes_changes_the_id(copy: Path, name: str, old: str, new: str) -> None:
    assert changed(copy, name, old, new) == (True, False)


@pytest.mark.parametrize(
    ("seed", "old", "new"),
    [
        ("catalogue", "Första besök", "Ett första besök"),
        ("plan", "Aktivitetsplan", "Plan"),
        ("planmal", "Strategi: ", ""),
        ("planpunkt", "Första besök inom 90 dagar", "Första besök i tid"),
        ("planmatt", ",stod", ",huvud"),
        ("maltal", ",>=,", ",>,"),
    ],
)
def test_the_catalogue_and_the_plan_change_the_id_with_their_texts_too(
    copy: Path, seed: str, old: str, new: str
) -> None:
    """They are in the release: titles, the sentence of an item, targets."""
    assert changed(copy, f"dbt/seeds/{seed}.csv", old, new) == (False, True)


def test_rooms_that_compute_are_rooms() -> None:
    assert {p.parent.name for p in (PROJECT / "dagster_project").glob("*/__init__.py")} > set(CALCULATION_ROOMS)


def test_the_id_follows_from_day_inputs_parameters_and_waivers() -> None:
    inputs = [
        {"source": "kva", "file": "kva/a.csv", "sha256": "1", "uttagsdatum": "2022-08-31", "status": "accepterad"}
    ]
    waiver = {"suite": "delivery/_all", "expectation": "x", "source": "kva", "reason": "r", "approved_by": "s"}
    day = date(2022, 8, 31)
    first = identify(day, inputs, Parameters()).run_id
    assert first.startswith("2022-08-31-") and identify(day, list(inputs), Parameters()).run_id == first
    others = [
        identify(date(2022, 9, 1), inputs, Parameters()),
        identify(day, [{**inputs[0], "sha256": "2"}], Parameters()),
        identify(day, inputs, Parameters(tolerance_days=1)),
        identify(day, inputs, Parameters(thresholds=Thresholds(rows_fallen_share=0.1))),
        identify(day, inputs, Parameters(), [waiver]),
    ]
    assert len({first, *(o.run_id for o in others)}) == len(others) + 1


def test_files_of_a_later_day_are_no_part_of_the_id_however_it_was_given() -> None:
    """With the date given they are not read; with the date found, one was tried and rejected."""
    accepted = Delivery("kva", "kva/kva_2022-08-31.csv", "1", date(2022, 8, 31))
    rejected = Delivery("kva", "kva/kva_2022-08-30.csv", "2", date(2022, 8, 30), REJECTED, "trasig")
    nameless = Delivery("kva", "kva/kva_igar.csv", "3", None, REJECTED, "inget datum")
    later = Delivery("kva", "kva/kva_2022-09-01.csv", "4", date(2022, 9, 1), LATER)
    tried = replace(later, status=REJECTED, orsak="trasig")
    day = date(2022, 8, 31)

    def run_id(*ledger: Delivery) -> str:
        return identify(day, inputs_of(ledger, day), Parameters()).run_id

    known = run_id(accepted, rejected, nameless)
    assert known == run_id(accepted, rejected, nameless, later) == run_id(accepted, rejected, nameless, tried)
    assert len({known, run_id(accepted, rejected), run_id(accepted, nameless), run_id(accepted)}) == 4
    assert published([accepted, rejected, nameless, later, tried], day) == [accepted, rejected, nameless]


def test_packages_that_compute_are_part_of_the_id_and_orchestration_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their versions are in the manifest: the same id is the same release on any machine."""
    first = identify(date(2022, 8, 31), [], Parameters())
    assert {"duckdb", "polars", "dbt-core"} <= set(first.packages) and "dagster" not in first.packages
    monkeypatch.setattr(identity, "package_versions", lambda engine: {**first.packages, "duckdb": "9.9"})
    assert identify(date(2022, 8, 31), [], Parameters()).run_id != first.run_id
