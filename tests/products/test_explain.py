"""`explain`: known answers on small deliveries, what is refused, earlier releases. The sample: test_end_to_end."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple, cast

import polars as pl
import pytest

from dagster_project.catalogue.periods import parse_period, period_name
from dagster_project.catalogue.plan import targets
from dagster_project.core.errors import ResultattavlaError
from dagster_project.core.paths import DataPaths
from dagster_project.core.swedish import number as swedish
from dagster_project.disclosure.split import Address
from dagster_project.products.explain import text_numbers
from dagster_project.products.explain.explain import explain
from dagster_project.products.explain.model import Explanation, Period
from dagster_project.products.explain.query import Query
from dagster_project.products.explain.text import sections, write_lines_csv
from dagster_project.releases import evidence
from dagster_project.releases.publish import publish, release_of_run
from dagster_project.runs.folder import RunFolder
from tests.conftest import Run
from tests.extracts import number
from tests.jobs import UNIT, cases, command, deliver, deliver_cases, deliver_units, said
from tests.releases.small import described, overwrite

FIRST, SECOND = "2022-08-31", "2022-09-30"
BUH_UNIT = "SE2321000164-BUH1"
WAITS = (
    "vardkontakt_id;status;matperiod;fas;vardgaranti;avvikelsekod;beslut_datum;start_datum;medicinskt_maldatum;"
    "hsaid_enhet;kon"
)
MEASURES = "vardkontakt_id;kva_kod;personnummer;hsaid_enhet;atgardsdatum"
PERSONS = [number(date(1980 + i, 3, 4)) for i in range(6)]


def visits(prefix: str, day: date, kon: str, waits: list[int], unit: str = UNIT, guarantee: str = "Ja") -> list[str]:
    """Performed first visits on one day after so many days of waiting."""
    decided = [date.fromordinal(day.toordinal() - n) for n in waits]
    return [
        f"{prefix}{kon}{i};GENOMFORD;{day:%Y-%m};1;{guarantee};;{decision};{day};;{unit};{kon}"
        for i, decision in enumerate(decided)
    ]


def waiting(prefix: str, month: str, waits: int, kon: str, late: bool = False) -> list[str]:
    """People who wait at a month's end, since the month before or since the year before."""
    decided = "2021-12-01" if late else f"{month}-01"
    return [f"{prefix}{kon}{late}{i};VANTANDE;{month};1;Ja;;{decided};;;{UNIT};{kon}" for i in range(waits)]


def measures(prefix: str, n: int, unit: str, code: str = "DU055") -> list[str]:
    return [f"{prefix}{i};{code};{PERSONS[0]};{unit};2022-03-01" for i in range(n)]


class Story(NamedTuple):
    """Two releases of one data folder: the second has new cases and held-back measures; the warehouse is gone."""

    data: DataPaths
    first: str
    second: str

    def ask(self, indicator: str, period: str, **more) -> Explanation:
        return explain(self.data, Query(indicator, period, **more))


@pytest.fixture(scope="module")
def story(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("explain")
    raw = folder / "raw"
    deliver_units(raw, FIRST)
    # Twelve cases of August: ten in time, one late, one so young that it counts nowhere yet.
    deliver_cases(
        raw,
        FIRST,
        *cases(10, "2022-08-10"),
        f"A0011;{UNIT};2022-08-10;2022-08-30;",
        f"A0012;{UNIT};2022-08-29;;",
    )
    # Waits come monthly. In May only three women: hidden inside a year that is shown.
    march, april, may, august = (date(2022, m, 10) for m in (3, 4, 5, 8))
    deliver(
        raw,
        "vantetider_2022-04-05.csv",
        WAITS,
        *visits("m", march, "K", [10, 20, 30, 40, 50, 60, 100, 110]),
        *visits("m", march, "M", [15, 25, 35, 45, 95, 105, 115]),
        *visits("n", march, "K", [70] * 3, guarantee="Nej"),
        *visits("n", march, "M", [70] * 3, guarantee="Nej"),
    )
    deliver(raw, "vantetider_2022-05-05.csv", WAITS, *visits("a", april, "K", [10, 20, 30, 40, 50, 60]))
    deliver(raw, "vantetider_2022-06-05.csv", WAITS, *visits("j", may, "K", [5] * 3), *visits("j", may, "M", [5] * 6))
    deliver(
        raw,
        f"vantetider_{FIRST}.csv",
        WAITS,
        *visits("g", august, "K", [5] * 7),
        *visits("h", august, "K", [5] * 6, unit=BUH_UNIT),
        *waiting("v", "2022-08", 6, "K"),
        *waiting("v", "2022-08", 2, "K", late=True),
    )
    # Codes for children, and advice to anyone, which one of two indicators leaves out.
    deliver(
        raw,
        f"kva_{FIRST}.csv",
        MEASURES,
        *measures("d", 9, UNIT),
        *measures("q", 8, UNIT, "QT016"),
        *measures("b", 3, BUH_UNIT),
    )
    deliver(
        raw,
        f"gas_{FIRST}.csv",
        "gas_id;mal_nr;personnummer;hsaid_enhet;baslinje;baslinjedatum;utfall;utfallsdatum",
        *(f"G{i};1;{PERSONS[0]};{BUH_UNIT};-1;2022-01-10;{0 if i < 4 else 1};2022-06-10" for i in range(6)),
        *(f"H{i};1;{PERSONS[0]};{BUH_UNIT};-1;2022-01-10;;" for i in range(3)),
    )
    deliver(
        raw,
        f"register_population_{FIRST}.csv",
        "register;personnummer;hsaid_enhet;inklusionsdatum;utgangsdatum;diagnoskod",
        *(f"cpup;{p};{BUH_UNIT};2020-01-0{1 + i};;" for i, p in enumerate(PERSONS)),
        f"cpup;{PERSONS[0]};{BUH_UNIT};2021-05-01;;",
    )
    deliver(
        raw,
        f"register_registreringar_{FIRST}.csv",
        "register;personnummer;hsaid_enhet;registreringsdatum;formular",
        *(f"cpup;{p};{BUH_UNIT};2022-02-01;" for p in PERSONS[:4]),
    )
    first = run(raw, folder / "data")
    assert first.exit_code == 2, first.error
    # Nothing is held back but what reads sources that never came.
    never = {"aktiviteter", "bhk", "ekonomi", "etjanster", "klimatinkop", "ronder"}
    assert {s for sources in first.release.held_back.values() for s in sources} == never
    # A month later: A0012 was never taken up, A0013 is new, A0001 is withdrawn; more women in May; broken measures.
    deliver_units(raw, SECOND)
    deliver_cases(
        raw,
        SECOND,
        f"A0012;{UNIT};2022-08-29;;;Nej",
        f"A0013;{UNIT};2022-08-30;2022-08-30;;Nej",
        f"A0001;{UNIT};2022-08-10;2022-08-10;2022-08-10;Ja",
        header=";makulerad",
    )
    deliver(
        raw, f"vantetider_{SECOND}.csv", WAITS, *visits("x", may, "K", [120] * 3), *visits("y", april, "K", [120] * 5)
    )
    deliver(raw, f"kva_{SECOND}.csv", MEASURES, *measures("d", 50, UNIT, "fel"))
    second = run(raw, folder / "data")
    assert second.exit_code == 2, second.error
    told = DataPaths(folder / "data")
    # Evidence that was lost is written again by the same inputs.
    index = told.evidence / f"{second.release.id}.json"
    before = json.loads(index.read_text(encoding="utf-8"))
    index.unlink()
    identity = RunFolder(told).identity()
    assert release_of_run(told, identity.run_id) is None
    assert publish(told, identity).id == second.release.id
    assert json.loads(index.read_text(encoding="utf-8")) == before
    again = release_of_run(told, identity.run_id)
    assert again is not None and again.id == second.release.id
    told.warehouse.unlink()
    return Story(told, first.release.id, second.release.id)


def text(explanation: Explanation) -> str:
    """All that is printed, on one line."""
    return " ".join(
        " ".join([s.title, *s.sentences, *(" ".join(row) for row in s.rows)]) for s in sections(explanation)
    )


# --- Known answers ---------------------------------------------------------------------------------------------


def test_a_share_has_its_formula_and_its_exclusions(story: Story) -> None:
    e = story.ask("vg_forsta_besok_90", "2022-03", enhet=UNIT.lower())
    assert (e.calculation.taljare, e.calculation.namnare) == (10, 15)
    assert "100 × 10 / 15 = 66,6667 %" in text(e)
    assert e.address.verksamhet == "AUD"
    # The waits' median counts them: they are told of T. An older release hides other cells of the month: then not.
    told = story.ask("vg_forsta_besok_90", "2022-03", enhet=UNIT, release=story.first)
    assert [(x.reason, x.count) for x in told.exclusions] == [("ej_vardgaranti", 6)]
    assert [(x.reason, x.count) for x in e.exclusions] == [("ej_vardgaranti", None)]
    women = story.ask("vg_forsta_besok_90", "2022-03", enhet=UNIT, kon="k")
    assert "100 × 6 / 8 = 75 %" in text(women)
    assert [x.count for x in women.exclusions] == [None]
    assert "visas inte" in text(women)
    assert "Mål: ≥ 100." in text(women)
    assert "målet är inte uppfyllt" in text(women)
    interval = re.search(r"till ([0-9,]+) %\.", text(women))
    assert interval
    assert float(interval[1].replace(",", ".")) == pytest.approx(women.cell["ki_hog"], abs=1e-4)


def test_a_median_shows_its_middle(story: Story) -> None:
    e = story.ask("vantetid_median", "2022-03")
    assert "det mittersta av 21 värden (nummer 11 i storleksordning) = 70 dagar" in text(e)
    even = story.ask("vantetid_median", "2022-04", release=story.first)
    assert "två mittersta av 6 värden (nummer 3 och 4 i storleksordning): (30 + 40) / 2 = 35 dagar" in text(even)


def test_a_mean_a_count_and_a_coverage(story: Story) -> None:
    mean = story.ask("gas_t_forandring", "2022-06", verksamhet="BUH")
    assert "80 / 6 = 13,3333" in text(mean)
    count = story.ask("gas_antal", "2022")
    assert "6 (observationerna summerade)" in text(count)
    assert [(x.reason, x.count) for x in count.exclusions] == [("utan_datum:inget_bedomt_mal", None)]
    assert "utan datum, hör till ingen period" in text(count)
    # Six persons, one of them with two inclusions; four registered within a year. A stock: August's last day.
    coverage = story.ask("cpup_tackning", "2022-T2", verksamhet="BUH")
    assert "personer, var och en räknad en gång: 100 × 4 / 6 = 66,6667 %" in text(coverage)
    assert "periodens sista månad, 2022-08" in text(coverage)
    assert [g.count for g in coverage.files or ()] == [7]


def test_a_stock_takes_its_last_month(story: Story) -> None:
    month, year = (story.ask("vg_vantande_90", p, kon="K", release=story.first) for p in ("2022-08", "2022-D"))
    assert month.calculation == year.calculation
    assert "100 × 6 / 8 = 75 %" in text(year)


def test_deviations_come_with_every_line(story: Story, tmp_path: Path) -> None:
    e = story.ask("avvikelser_7d", "2022-08", enhet=UNIT, release=story.first)
    assert "100 × 10 / 11 = 90,9091 %" in text(e)
    assert [(x.reason, x.count) for x in e.exclusions] == [("oppet_arende", 1)]
    file = f"avvikelser/avvikelser_{FIRST}.csv"
    assert [(x.file, x.line, x.reason) for x in e.lines or ()] == [
        *((file, n, None) for n in range(2, 13)),
        (file, 13, "oppet_arende"),
    ]
    assert f"{file}: rad 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12." in text(e)
    assert e.files is not None
    assert [(g.files, g.count) for g in e.files] == [((file,), 11)]
    write_lines_csv(e.lines or (), tmp_path / "rader.csv")
    assert (tmp_path / "rader.csv").read_text(encoding="utf-8").splitlines()[0] == "file,line,reason"
    assert pl.read_csv(tmp_path / "rader.csv").height == 12


def test_a_prorated_target_shows_its_days(story: Story) -> None:
    """The target of the plan, as the seed has it today (750 in 2022: 63,6986)."""
    (annual,) = (t.value for t in targets() if t.indicator_id == "avvikelser_antal" and t.main)
    assert annual is not None
    e = story.ask("avvikelser_antal", "2022-08", release=story.first)
    assert f"≥ {swedish(annual * 31 / 365)} ({swedish(annual)} per år × 31 / 365 dagar)" in text(e)


@pytest.mark.parametrize(
    ("shown", "annual", "told"),
    [
        (63.69863013698630, 750.0, "Mål: ≥ 63,6986 (750 per år × 31 / 365 dagar)."),
        (63.69863013698630, 800.0, "Mål: ≥ 63,6986."),
        (90.0, 90.0, "Mål: ≥ 90."),
        (90.0, 85.0, "Mål: ≥ 90."),
    ],
)
def test_a_target_of_another_year_is_not_explained_by_this_ones(shown: float, annual: float, told: str) -> None:
    """The release's definition has the target of its own year, a cell of an earlier year what held then."""
    period = Period("manad", date(2021, 1, 1), date(2021, 1, 31))
    cell = {"malvarde": shown, "mal_operator": ">=", "jamforelse_varde": None}
    e = SimpleNamespace(cell=cell, period=period, indicator=SimpleNamespace(target=annual, target_base=None))
    assert list(text_numbers._target(cast(Explanation, e))) == [told]


def test_deliveries_gates_and_versions(story: Story) -> None:
    e = story.ask("avvikelser_7d", "2022-08")
    manifest = json.loads((story.data.current / "manifest.json").read_text(encoding="utf-8"))
    wanted = {
        (d["file"], d["sha256"])
        for d in manifest["inputs"]
        if d["source"] in ("avvikelser", "enheter") and d["status"] == "accepterad"
    }
    assert {(d.file, d.sha256) for d in e.deliveries} == wanted
    assert e.code_version == manifest["code_version"]
    assert e.catalogue_version == manifest["catalogue_version"]
    assert [(c.severity, c.source) for c in e.checks] == [("info", "avvikelser")]
    told = next(t for t in text(e).split("Upplysning ")[1:])
    assert told.startswith("avvikelser (Avvikelser ur Platina): ") and "gräns 50" in told and "kravet: " in told
    # A checksum is long: its beginning tells files apart, the rest is shown when asked for.
    shas = [d.sha256 for d in e.deliveries]
    assert all(f"sha256 {sha[:12]} " in text(e) + " " and sha not in text(e) for sha in shas)
    whole = next(s for s in sections(e, whole_hashes=True) if s.title.startswith("Lästa leveranser"))
    assert all(sha in " ".join(whole.sentences) for sha in shas)
    assert e.checks_passed > 10
    frozen = story.ask("levnadsvanor", "2022-03")
    assert any(c.severity == "critical" and "Karantänen" in c.title for c in frozen.checks)


def test_why_a_cell_has_no_number(story: Story) -> None:
    assert "gäller inte den här verksamheten" in text(story.ask("gas_antal", "2022-06", verksamhet="AUD"))
    assert "Underlaget börjar 2022-08" in text(story.ask("avvikelser_7d", "2022-07"))
    assert "Nämnaren är 0" in text(story.ask("gas_maluppfyllelse", "2022-07"))
    late = text(story.ask("gas_antal", "2022", release=story.first))
    assert "preliminärt" in late
    assert "Källorna når till 2022-08-31, perioden till 2022-12-31." in late


# --- Earlier releases ------------------------------------------------------------------------------------------


def test_ids_have_their_names_and_statuses_are_words(story: Story) -> None:
    assert "avvikelser_7d: hela området Habilitering och hjälpmedel (HH), månad 2022-08" in text(
        story.ask("avvikelser_7d", "2022-08")
    )
    unit = story.ask("avvikelser_7d", "2022-08")
    unit = replace(unit, address=Address("BUH", "SE2321000164-DEMO01", "T"))
    named = sections(unit, units={"SE2321000164-DEMO01": "Mottagning ett"})[0].sentences[0]
    assert "SE2321000164-DEMO01 (Mottagning ett), Barn- och ungdomshabiliteringen (BUH), månad" in named
    e = story.ask("avvikelser_7d", "2022-08")
    changed = replace(e, change=replace(e.change, status="preliminar"))  # type: ignore[type-var, arg-type]
    assert "Status: preliminärt: perioden är inte komplett → målet " in text(changed)


def test_what_changed_since_the_release_before(story: Story) -> None:
    e = story.ask("avvikelser_7d", "2022-08")
    assert "100 × 10 / 12 = 83,3333 %" in text(e)
    change = e.change
    assert change is not None
    assert change.release_id == story.first
    assert change.before == (10, 11, pytest.approx(100 * 10 / 11))
    assert change.new_files == (f"enheter/enheter_{SECOND}.csv", f"avvikelser/avvikelser_{SECOND}.csv")
    assert (change.added, change.gone) == (2, 1)
    assert change.by_file == (
        (f"avvikelser/avvikelser_{FIRST}.csv", 0, 1),
        (f"avvikelser/avvikelser_{SECOND}.csv", 2, 0),
    )
    assert change.code_version is None
    assert "Nämnare: 11 → 12." in text(e)
    assert story.ask("avvikelser_7d", "2022-08", release=story.first).change is None


def test_the_release_before_is_judged_by_its_own_definition(story: Story, tmp_path: Path) -> None:
    """A stock then, a flow now: of the year December alone was counted, and that the definition changed is said."""
    copy = DataPaths(tmp_path / "data")
    shutil.copytree(story.data.root, copy.root, symlinks=True)
    described(copy.releases / story.first, "avvikelser_7d", version="0.9", bestand=True)
    e = explain(copy, Query("avvikelser_7d", "2022"))
    now = explain(story.data, Query("avvikelser_7d", "2022"))
    assert e.change is not None and now.change is not None
    assert e.change.definition == ("0.9", "1.0") and now.change.definition is None
    assert "Definitionen har ändrats: version 0.9 → 1.0." in text(e)
    assert (now.change.added, e.change.added) == (2, e.calculation.namnare) and e.calculation.namnare == 12


def test_an_older_release_explains_its_own_numbers(story: Story) -> None:
    old = story.ask("vg_forsta_besok_90", "2022-04", release=story.first)
    new = story.ask("vg_forsta_besok_90", "2022-04")
    assert (old.calculation.namnare, new.calculation.namnare) == (6, 11)
    assert old.release_id == story.first
    assert {d.uttagsdatum for d in old.deliveries} <= {"2022-04-05", "2022-05-05", "2022-06-05", FIRST}
    # Five came and none went: both numbers may be told; nothing inside is hidden.
    assert new.change is not None
    assert (new.change.added, new.change.gone) == (5, 0)


def test_a_number_that_was_hidden_before_is_not_compared(story: Story) -> None:
    e = story.ask("vg_forsta_besok_90", "2022-05", kon="K")
    assert e.calculation.namnare == 6
    assert e.change is not None
    assert e.change.hidden
    assert (e.change.before, e.change.added, e.change.note) == ((None, None, None), None, None)
    assert "ingen jämförelse mellan utgåvorna visas" in text(e)
    # By delivery the women and men of before could be told: the month is not split.
    men = story.ask("vg_forsta_besok_90", "2022-05", kon="M", lines=True)
    assert story.ask("vg_forsta_besok_90", "2022-05").files is None
    assert (men.files, men.lines) == (None, None)
    assert "i en annan sparad utgåva" in (men.files_note or "")
    # The whole is shown in both, but a part of it was hidden: nothing by observation.
    whole = story.ask("vg_forsta_besok_90", "2022-05")
    assert whole.change is not None
    assert whole.change.before[1] == 9
    assert whole.change.added is None


def test_frozen_rows_are_explained_by_the_release_that_computed_them(story: Story) -> None:
    e = story.ask("barn_narstaende", "2022-03", release=story.second)
    old = story.ask("barn_narstaende", "2022-03", release=story.first)
    assert e.cell["kvalitet"] == "fryst"
    assert e.frozen_from == story.first
    assert e.calculation == old.calculation
    assert {d.uttagsdatum for d in e.deliveries if d.source == "kva"} == {FIRST}
    assert f"räknades i utgåvan {story.first}" in text(e)


def test_evidence_is_shared_pruned_and_missed(story: Story, tmp_path: Path) -> None:
    copy = DataPaths(tmp_path / "data")
    shutil.copytree(story.data.root, copy.root, symlinks=True)
    files = {i: {p.name for p in (copy.evidence / i).glob("*.parquet")} for i in ("gas_antal", "avvikelser_7d")}
    assert [len(f) for f in files.values()] == [1, 2]
    evidence.prune(copy, [story.second])
    assert {p.stem for p in copy.evidence.glob("*.json")} == {story.second}
    assert len(list((copy.evidence / "avvikelser_7d").iterdir())) == 1
    assert evidence.is_whole(copy, story.second)
    assert not evidence.is_whole(copy, story.first)
    # The frozen rows of a kept release keep their evidence.
    assert explain(copy, Query("barn_narstaende", "2022-03")).frozen_from == story.first
    with pytest.raises(ResultattavlaError, match="run --as-of 2022-08-31"):
        explain(copy, Query("gas_antal", "2022-06", release=story.first))
    # Without the earlier release's evidence its numbers are still compared.
    change = explain(copy, Query("avvikelser_7d", "2022-08")).change
    assert change is not None
    assert change.before[1] == 11
    assert change.added is None


def test_evidence_that_disagrees_is_an_error(story: Story, tmp_path: Path) -> None:
    copy = DataPaths(tmp_path / "data")
    shutil.copytree(story.data.root, copy.root, symlinks=True)
    for path in (copy.evidence / "avvikelser_7d").glob("*.parquet"):
        pl.read_parquet(path).head(-1).write_parquet(path)
    with pytest.raises(ResultattavlaError, match="underlaget ger inte det publicerade talet"):
        explain(copy, Query("avvikelser_7d", "2022-08"))


def test_a_damaged_release_is_not_compared_with_but_what_it_hid_stays_hidden(story: Story, tmp_path: Path) -> None:
    copy = DataPaths(tmp_path / "data")
    shutil.copytree(story.data.root, copy.root, symlinks=True)
    overwrite(copy.releases / story.first / "manifest.json", b"{")
    e = explain(copy, Query("vg_forsta_besok_90", "2022-05"))
    assert e.change is None
    assert e.files is None


def test_evidence_from_before_the_column_was_renamed_is_explained(story: Story, tmp_path: Path) -> None:
    copy = DataPaths(tmp_path / "data")
    shutil.copytree(story.data.root, copy.root, symlinks=True)
    for path in copy.evidence.glob("*/*.parquet"):
        pl.read_parquet(path).rename({"exclusion": "exkludering"}).write_parquet(path)
    for query in (Query("avvikelser_7d", "2022-08"), Query("vg_forsta_besok_90", "2022-04", lines=True)):
        assert explain(copy, query) == explain(story.data, query)


# --- Confidentiality -------------------------------------------------------------------------------------------


def test_a_hidden_cell_is_refused(story: Story, tmp_path: Path) -> None:
    e = story.ask("vg_forsta_besok_90", "2022-05", kon="K", release=story.first, lines=True)
    assert e.refusal is not None
    assert (e.cell, e.files, e.lines, e.exclusions, e.change, e.deliveries) == ({}, None, None, (), None, ())
    assert len(sections(e)) == 1
    arguments = ("explain", "vg_forsta_besok_90", "--period", "2022-05", "--kon", "K", "--release", story.first)
    shown = said(*arguments, "--data", story.data.root, "--rader", "--csv", tmp_path / "rader.csv")
    assert shown.returncode == 1
    assert "dold av sekretesskäl" in shown.stderr
    assert not (tmp_path / "rader.csv").exists()
    assert not set("123456789") & set(
        shown.stdout.replace("2022-05", "")
        .replace("vg_forsta_besok_90", "")
        .replace("90 ", "")
        .replace("90:", "")
        .replace("90\n", "")
    )


def test_a_hidden_month_takes_the_split_of_the_year_with_it(story: Story) -> None:
    year = story.ask("vg_forsta_besok_90", "2022-D", verksamhet="AUD", kon="K", release=story.first, lines=True)
    assert year.calculation.namnare == 8 + 6 + 3 + 7
    assert year.files is None
    assert year.lines is None
    assert "ett kön eller en månad) är dolt" in text(year)
    # All months are shown for both sexes together, so that they are told apart; lines would tell the women of May.
    both = story.ask("vg_forsta_besok_90", "2022-D", verksamhet="AUD", release=story.first, lines=True)
    assert [g.count for g in both.files or ()] == [15, 6, 9, 7]
    assert both.lines is None
    assert "något inom cellen" in (both.lines_note or "")


def test_lines_about_patients_are_given_when_asked_for(story: Story) -> None:
    quiet = story.ask("vg_forsta_besok_90", "2022-04", release=story.first)
    assert quiet.lines is None
    asked = story.ask("vg_forsta_besok_90", "2022-04", release=story.first, lines=True)
    assert [(x.file, x.line, x.reason) for x in asked.lines or ()] == [
        ("vantetider/vantetider_2022-05-05.csv", n, None) for n in range(2, 8)
    ]


def test_nothing_personal_is_told(story: Story) -> None:
    told = " ".join(
        text(story.ask(i, p, lines=True))
        for i, p in [
            ("vg_forsta_besok_90", "2022-04"),
            ("barn_narstaende", "2022"),
            ("gas_t_forandring", "2022-06"),
            ("cpup_tackning", "2022-08"),
            ("avvikelser_7d", "2022-08"),
        ]
        if not story.ask(i, p).refusal
    )
    assert "gas/gas_" in told
    person_ids = set(pl.read_parquet(story.data.bronze / "kva" / "2022*.accepted.parquet")["person_id"])
    forbidden = {*PERSONS, *(p[-10:] for p in PERSONS), *person_ids, "A0011", "G0", "aK0"}
    assert [f for f in forbidden if f in told] == []


def test_evidence_holds_no_person(story: Story) -> None:
    person_ids = {
        p
        for source in ("kva", "gas", "register_population", "register_registreringar")
        for p in pl.read_parquet(story.data.bronze / source / "2022*.accepted.parquet")["person_id"].drop_nulls()
    }
    assert person_ids
    files = list(story.data.evidence.rglob("*.parquet"))
    assert len(files) >= 20
    for path in files:
        frame = pl.read_parquet(path)
        assert tuple(frame.columns) == evidence.COLUMNS
        for column in frame.select(pl.col(pl.String)).iter_columns():
            assert set(column.drop_nulls()).isdisjoint(person_ids)
    assert not (story.data.published / "evidence").exists()
    covered = pl.read_parquet(next((story.data.evidence / "cpup_tackning").glob("*.parquet")))
    assert set(covered["person"]) == set(range(1, 7))


# --- Questions that cannot be answered -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"indicator": "vantan"}, "avvikelser_7d"),
        ({"period": "2022-13"}, "2022-T2"),
        ({"period": "i maj"}, "2022-T2"),
        ({"period": "2022", "period_typ": "manad"}, "som manad"),
        ({"period_typ": "kvartal"}, "tertial"),
        ({"period": "2017-05"}, "finns 2019-01 till 2022-09"),
        ({"verksamhet": "IVA"}, "AUD, BUH"),
        ({"enhet": "SE2321000164-X"}, UNIT),
        ({"enhet": UNIT, "verksamhet": "BUH"}, "utan till AUD"),
        ({"kon": "X"}, "T"),
        ({"kon": "K"}, "redovisas för T"),
        ({"release": "2022-01-01-000000000000"}, "Sparade utgåvor: 2022-09-30"),
    ],
)
def test_wrong_questions_are_told_what_exists(story: Story, asked: dict, says: str) -> None:
    with pytest.raises(ResultattavlaError, match=re.escape(says)):
        explain(story.data, Query(**({"indicator": "avvikelser_7d", "period": "2022-08"} | asked)))


def test_the_command_answers_and_refuses_in_one_sentence(story: Story, tmp_path: Path) -> None:
    shown = command("explain", "avvikelser_7d", "--period", "2022-08", "--data", story.data.root, COLUMNS="80")
    assert shown.returncode == 0, shown.stderr
    assert "100 × 10 / 12 = 83,3333 %" in shown.stdout
    assert max(len(line) for line in shown.stdout.splitlines()) <= 80
    wrong = said("explain", "avvikelser_7d", "--period", "2022-8", "--data", story.data.root)
    assert wrong.returncode == 64
    assert "Traceback" not in wrong.stderr
    nothing = said("explain", "avvikelser_7d", "--period", "2022-08", "--data", tmp_path)
    assert "resultattavla run" in nothing.stderr
    unasked = said(
        "explain", "gas_antal", "--period", "2022-06", "--data", story.data.root, "--csv", tmp_path / "x.csv"
    )
    assert unasked.returncode == 1
    assert "--rader" in unasked.stderr


@pytest.mark.parametrize(
    ("typ", "written", "start", "end"),
    [
        ("manad", "2022-08", date(2022, 8, 1), date(2022, 8, 31)),
        ("tertial", "2022-T3", date(2022, 9, 1), date(2022, 12, 31)),
        ("delar", "2022-D", date(2022, 1, 1), date(2022, 8, 31)),
        ("ar", "2022", date(2022, 1, 1), date(2022, 12, 31)),
        ("r12", "2022-08", date(2021, 9, 1), date(2022, 8, 31)),
        ("r12", "2021-12", date(2021, 1, 1), date(2021, 12, 31)),
    ],
)
def test_periods_are_written_as_they_are_read(typ: str, written: str, start: date, end: date) -> None:
    assert period_name(typ, start, end) == written
    assert parse_period(written, "r12" if typ == "r12" else None) == (typ, start)
