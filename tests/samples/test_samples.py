"""The synthetic sample set: repeatable, small, made of test persons only, and shaped like real deliveries."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from dagster_project import samples
from dagster_project.catalogue.contracts import load_contracts
from dagster_project.core.errors import ResultattavlaError
from dagster_project.samples import write_demo
from dagster_project.samples.units import HSA_PREFIX, UNITS
from tests.samples.files import newest, table

SOURCES = tuple(load_contracts())
OF_PERSONS = [s for s, contract in load_contracts().items() if any(c.type == "personnummer" for c in contract.columns)]
AS_OF = date(2022, 9, 30)
VERKSAMHETER = {"AUD", "BUH", "CFH", "FAM", "OT", "SC", "TC", "VUH"}
COMMITTED = Path(__file__).resolve().parents[2] / "raw"


def content(raw: Path) -> dict[str, str]:
    """Relative path and SHA-256 of every delivery below raw."""
    files = (p for p in raw.glob("*/*") if p.is_file())
    return {str(p.relative_to(raw)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def luhn_ok(ten: str) -> bool:
    """Whether a ten-digit number ends in its own check digit."""
    return sum(sum(divmod(int(c) * (2 - i % 2), 10)) for i, c in enumerate(ten)) % 10 == 0


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The set with default arguments."""
    raw = tmp_path_factory.mktemp("raw")
    paths = write_demo(raw)
    assert sorted(p for p in raw.glob("*/*")) == paths
    return raw


def test_same_arguments_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_demo(tmp_path / name, seed=seed, scale=0.1)
    first = content(tmp_path / "a")
    assert first == content(tmp_path / "b")
    other = content(tmp_path / "c")
    assert first.keys() == other.keys()
    assert all(first[name] != other[name] for name in first if not name.startswith("enheter"))


def test_a_source_more_or_less_leaves_the_others_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_demo(tmp_path / "all", scale=0.1)
    contracts = load_contracts()
    for source in SOURCES:
        monkeypatch.setattr(samples, "load_contracts", lambda only=source: {only: contracts[only]})
        write_demo(tmp_path / "one", scale=0.1)
    assert content(tmp_path / "one") == content(tmp_path / "all")


def test_every_random_stream_belongs_to_one_module() -> None:
    modules = Path(samples.__file__).parent.glob("*.py")
    streams = [number for p in modules for number in re.findall(r"^STREAM = (.*)$", p.read_text(), re.MULTILINE)]
    assert streams and len(set(streams)) == len(streams), streams


def test_a_contract_without_a_sample_module_is_told_by_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contracts = load_contracts() | {"nykomling": load_contracts()["kva"]}
    monkeypatch.setattr(samples, "load_contracts", lambda: contracts)
    with pytest.raises(ResultattavlaError) as caught:
        write_demo(tmp_path / "raw", scale=0.1)
    assert str(caught.value) == (
        "Källan nykomling har ett kontrakt men inga exempel: skriv dagster_project/samples/nykomling.py "
        "(se docs/add-a-source.md)."
    )
    assert not (tmp_path / "raw").exists()


def test_size_and_names(demo: Path) -> None:
    files = [p for p in demo.glob("*/*") if p.is_file()]
    assert sum(p.stat().st_size for p in files) <= 3_000_000
    assert {p.parent.name for p in files} == set(SOURCES)
    name = re.compile(r"([a-z_]+)_(\d{4}-\d{2}-\d{2})(_[0-9A-Za-z]+)?\.(csv|csv\.gz|xlsx|parquet)")
    formats = set()
    for path in files:
        match = name.fullmatch(path.name)
        assert match and match[1] == path.parent.name, path.name
        assert date.fromisoformat(match[2]) <= AS_OF
        formats.add(match[4])
    assert formats == {"csv", "csv.gz", "xlsx", "parquet"}
    for source in SOURCES:
        assert newest(demo, source).name.startswith(f"{source}_{AS_OF}")
        assert len(list((demo / source).iterdir())) >= 3
    assert len(set(content(demo).values())) == len(files)  # no delivery repeats another


def test_only_test_numbers(demo: Path) -> None:
    wrong, kinds = 0, Counter[str]()
    for source in OF_PERSONS:
        for path in sorted((demo / source).iterdir()):
            for row in table(path):
                number = row["personnummer"]
                match = re.fullmatch(r"(?:\d{2})?(\d{6})[-+]?([0-9T]\d{3})", number)
                assert match, f"{path.name}: a spelling that the specification does not know"
                head, tail = match.groups()
                if tail.startswith("T"):
                    assert re.fullmatch(r"T9[89]\d", tail)
                    kinds["reservnummer"] += 1
                    continue
                assert 980 <= int(tail[:3]) <= 999
                kinds["samordningsnummer" if int(head[4:]) > 60 else "personnummer"] += 1
                kinds["bindestreck"] += "-" in number
                kinds["hundra"] += "+" in number
                wrong += not luhn_ok(head + tail)
    assert 1 <= wrong <= 10  # on purpose
    assert min(kinds.values()) > 0 and len(kinds) == 5, kinds


def test_no_number_elsewhere(demo: Path) -> None:
    like = re.compile(r"(?<!\d)(?:19|20)?\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01]|6[1-9]|[78]\d|9[01])[-+]?\d{4}(?!\d)")
    for source in set(SOURCES) - set(OF_PERSONS):
        for path in (demo / source).iterdir():
            for row in table(path):
                assert not any(like.search(value) for value in row.values())


def test_units(demo: Path) -> None:
    rows = table(newest(demo, "enheter"))
    assert len({row["hsaid_enhet"] for row in rows}) >= 20
    assert {row["verksamhet"] for row in rows} == VERKSAMHETER
    assert {row["lansdel"] for row in rows} == {"Norr", "Väster", "Söder", "Örebro", "Länet"}
    assert all(row["hsaid_enhet"].startswith(HSA_PREFIX) for row in rows)
    closed = {row["hsaid_enhet"] for row in rows if row["giltig_till"].startswith("2022-08-31")}
    opened = {row["hsaid_enhet"] for row in rows if row["giltig_fran"].startswith("2022-09-01")}
    assert len(closed & opened) == 3 and len(closed - opened) == 1 and len(opened - closed) == 1


def test_every_verksamhet_reports(demo: Path) -> None:
    home = {u.hsaid: u.verksamhet for u in UNITS}
    per_source: dict[str, Counter[str]] = {}
    for source in ("vantetider", "kva", "avvikelser"):
        counts = per_source[source] = Counter()
        for path in (demo / source).iterdir():
            for row in table(path):
                counts[home.get(row["hsaid_enhet"].upper() or "?", "?")] += 1
    assert per_source["avvikelser"].keys() >= VERKSAMHETER
    assert VERKSAMHETER - {"TC"} <= per_source["vantetider"].keys()
    assert {"AUD", "BUH", "SC", "VUH"} <= per_source["kva"].keys()
    for source, counts in per_source.items():
        share = {v: counts[v] / counts.total() for v in VERKSAMHETER}
        assert max(share.values()) < 0.5, f"{source}: {share}"
        assert counts["?"] < 10
    assert min(per_source["avvikelser"][v] for v in VERKSAMHETER) >= 20


def test_one_source_is_to_warn(demo: Path) -> None:
    rows = table(newest(demo, "register_registreringar"))
    closed = f"{HSA_PREFIX}04"
    stale = [r for r in rows if r["hsaid_enhet"] == closed and r["registreringsdatum"] >= "2022-09-01"]
    assert 0.06 <= len(stale) / len(rows) <= 0.12


@pytest.mark.parametrize("as_of", [date(2022, 8, 31), date(2022, 1, 10), date(2024, 2, 29)])
def test_other_dates(tmp_path: Path, as_of: date) -> None:
    write_demo(tmp_path, scale=0.1, as_of=as_of)
    for source in SOURCES:
        assert newest(tmp_path, source).name.startswith(f"{source}_{as_of}")


AS_THEY_ARE = {"enheter", *(s for s, c in load_contracts().items() if c.verksamhet is not None or c.monthly)}
"""Sources with as many rows of a unit or verksamhet whatever happens in it."""


def test_scale_moves_rows_not_units(tmp_path: Path) -> None:
    rows = {}
    for scale in (0.1, 0.4):
        write_demo(tmp_path / f"{scale}", scale=scale)
        rows[scale] = {s: sum(len(table(p)) for p in (tmp_path / f"{scale}" / s).iterdir()) for s in SOURCES}
    assert all(rows[0.1][source] == rows[0.4][source] for source in AS_THEY_ARE)
    for source in set(SOURCES) - AS_THEY_ARE:
        assert 3 < rows[0.4][source] / rows[0.1][source] < 5, source


@pytest.mark.parametrize("scale", [0, -1, float("nan")])
def test_refuses_a_senseless_scale(tmp_path: Path, scale: float) -> None:
    with pytest.raises(ValueError, match="scale"):
        write_demo(tmp_path, scale=scale)
    assert not list(tmp_path.iterdir())


def test_committed_set_is_the_output(demo: Path) -> None:
    """Every generated file is in the repository with the same rows (other files may lie beside them)."""
    for path in sorted(demo.glob("*/*")):
        there = COMMITTED / path.relative_to(demo)
        told = "kör `resultattavla demo --raw raw` och lägg till med `git add -f` (docs/add-a-source.md)"
        assert there.is_file(), f"{there} saknas: {told}"
        assert table(there) == table(path), f"{there} är inte vad som skrivs i dag: {told}"
