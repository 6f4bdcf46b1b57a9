"""The plan as data: what the seeds say, and every way in which they can contradict themselves."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from typing import Any

import pytest

from dagster_project.catalogue import plan, sql_vars, vocabulary
from dagster_project.catalogue.indicators import load_catalogue
from dagster_project.catalogue.organisation import verksamhet_codes
from dagster_project.catalogue.plan import PlanError, read_plan
from dagster_project.catalogue.seeds import seed
from dagster_project.core.paths import PROJECT

CATALOGUE = {i.id: i for i in load_catalogue()}
COUNTED = next(i for i in load_catalogue() if i.kind == vocabulary.COUNT and i.comparison_base == vocabulary.LAST_YEAR)
OTHER = next(i for i in load_catalogue() if i.kind == vocabulary.SHARE)
ITEMS = pytest.mark.parametrize("item", plan.followed_up_items(), ids=lambda item: item.id)


# --- The plans as they are ------------------------------------------------------------------------------------------


@ITEMS
def test_an_item_that_is_followed_up_has_a_number_or_is_reported(item: plan.Item) -> None:
    assert item.computed or item.reported
    assert item.computed == bool(plan.measures_of(item.id))
    assert item.goal_id is not None and item.reporting and item.title and item.short_title


@ITEMS
def test_a_short_title_begins_a_sentence(item: plan.Item) -> None:
    assert item.short_title[0].isupper() and not item.short_title.endswith((".", ":"))
    assert ":" not in item.short_title and len(item.short_title) <= 60


def test_short_titles_tell_items_apart() -> None:
    titles = [item.short_title for item in plan.followed_up_items()]
    assert len(titles) == len(set(titles))


def test_the_documentation_says_what_follows_what() -> None:
    """The table of docs/plan.md, whose ids leave out that of the plan."""
    text = (PROJECT / "docs" / "plan.md").read_text(encoding="utf-8")
    said = {
        how: ids.split(", ") for how, ids in re.findall(r"^\| (beraknad|sjalvrapporterad|bada) \| (.+) \|$", text, re.M)
    }
    found: dict[str, list[str]] = {}
    for item in plan.followed_up_items():
        found.setdefault(item.follow_up, []).append(item.id.removeprefix("HH-2022-"))
    assert said == found and f"{len(plan.followed_up_items())} items" in text


def test_every_indicator_follows_up_an_item_or_the_whole_plan() -> None:
    assert plan.untied_indicators() == []


def test_an_item_without_scope_is_about_all_and_one_of_the_area_about_none() -> None:
    assert plan._scope("") == verksamhet_codes()
    assert plan._scope("HH") == ()
    assert plan._scope("VUH|BUH") == ("BUH", "VUH"), "in the order of reports"
    assert any(item.scope == () and not item.reported for item in plan.followed_up_items())


def test_parents_are_the_items_with_parts_and_only_supporting_indicators() -> None:
    parents = {item.id: [part.id for part in plan.parts_of(item.id)] for item in plan.followed_up_items()}
    assert {id: parts for id, parts in parents.items() if parts} == {
        "HH-2022-12": ["HH-2022-12a", "HH-2022-12b", "HH-2022-12c"],
        "HH-2022-21": ["HH-2022-21a", "HH-2022-21b", "HH-2022-21c"],
    }
    assert [item.id for item in plan.items() if item.parent == "HH-2022-03"] == ["HH-2022-03a"]


# --- Contradictions -------------------------------------------------------------------------------------------------


def _tables() -> dict[str, list[dict[str, str]]]:
    """A small plan that is right: an item with a number, one that is reported, one that is a part of the first."""
    item = {
        "plan_id": "P", "mal_id": "M", "typ": "aktivitet", "titel": "Titel", "kort_titel": "Kort", "omfattning": "",
        "uppfoljning": "beraknad", "overordnad_item": "", "ansvarig": "", "nr": "", "rapportering": "delarsrapport",
    }  # fmt: skip
    target = {
        "item_id": "P-1", "indicator_id": COUNTED.id, "operator": ">=", "varde": "5", "bas": "", "basar": "",
        "nivaer": "verksamhet|omrade", "prorateras": "ja", "bedoms_pa": "ar|r12", "giltig_fran_ar": "",
        "giltig_till_ar": "2022", "huvudmal": "ja",
    }  # fmt: skip
    relative = {"varde": "", "bas": "foregaende_ar", "prorateras": "nej", "huvudmal": "nej", "giltig_till_ar": ""}
    return {
        "plan": [
            {"plan_id": "P", "titel": "Plan", "agare": "HH", "giltig_fran": "2022-01-01", "giltig_till": "2022-12-31",
             "foljs_upp": "ja"},
        ],
        "planmal": [{"plan_id": "P", "mal_id": "M", "perspektiv": "process", "titel": "Mål", "ordning": "1"}],
        "planpunkt": [
            item | {"item_id": "P-2", "uppfoljning": "sjalvrapporterad", "ordning": "2", "omfattning": "BUH"},
            item | {"item_id": "P-1", "ordning": "1"},
            item | {"item_id": "P-1a", "ordning": "3", "overordnad_item": "P-1", "omfattning": "BUH"},
        ],
        "planmatt": [
            {"item_id": "P-1", "indicator_id": COUNTED.id, "roll": "huvud"},
            {"item_id": "P-1", "indicator_id": OTHER.id, "roll": "stod"},
            {"item_id": "P-1a", "indicator_id": OTHER.id, "roll": "huvud"},
        ],
        "maltal": [target, target | relative],
    }  # fmt: skip


def test_a_plan_that_fits_together_is_read() -> None:
    found = read_plan(_tables(), CATALOGUE)
    assert [item.id for item in found.items] == ["P-1", "P-2", "P-1a"], "in the order of the plan"
    assert found.items[0].scope == verksamhet_codes() and found.items[1].scope == ("BUH",)
    first, second = found.targets
    assert (first.value, first.base, first.prorated, first.judged_on) == (5.0, None, True, ("ar", "r12"))
    assert (first.from_year, first.to_year, first.main) == (None, 2022, True)
    assert (second.value, second.base, second.judged_on, second.main) == (None, "foregaende_ar", ("ar", "r12"), False)


@pytest.mark.parametrize(
    ("table", "row", "change", "said"),
    [
        ("plan", 0, {"foljs_upp": "nej"}, "har 0 planer med foljs_upp = ja"),
        ("plan", 0, {"foljs_upp": "kanske"}, "rad 2 kan inte läsas: kanske står där något av ja, nej ska stå"),
        ("plan", 0, {"giltig_till": "31/12"}, "rad 2 kan inte läsas: 31/12 i giltig_till är inget datum"),
        ("plan", 0, {"giltig_till": "2021-12-31"}, "P slutar innan den börjar"),
        ("plan", 0, {"agare": "XX"}, "P ägs av XX"),
        ("planmal", 0, {"plan_id": "Q"}, "M hör till planen Q"),
        ("planmatt", 2, {"indicator_id": "ny"}, "P-1a följs med ny, som saknas i catalogue.csv: rätta namnet"),
        ("planpunkt", 0, {"plan_id": "Q"}, "P-2 hör till planen Q"),
        ("planpunkt", 0, {"item_id": "P-1"}, "har 2 rader för P-1"),
        ("planpunkt", 0, {"mal_id": "M2"}, "P-2 har målet M2"),
        ("planpunkt", 0, {"typ": "annat"}, "rad 2 kan inte läsas: annat står där"),
        ("planpunkt", 0, {"kort_titel": " "}, "rad 2 kan inte läsas: kort_titel är tom"),
        ("planpunkt", 0, {"omfattning": "BUH|XX"}, "rad 2 kan inte läsas: XX står där"),
        ("planpunkt", 0, {"omfattning": "BUH|BUH"}, "nämner samma sak två gånger"),
        ("planpunkt", 0, {"omfattning": "HH"}, "P-2 gäller området som helhet"),
        ("planpunkt", 0, {"uppfoljning": "ingen"}, "P-2 följs inte upp alls"),
        ("planpunkt", 0, {"uppfoljning": "beraknad"}, "P-2 ska beräknas men har ingen indikator"),
        ("planpunkt", 1, {"uppfoljning": "sjalvrapporterad"}, "P-1 har indikatorer i planmatt.csv men uppfoljning"),
        ("planpunkt", 2, {"overordnad_item": "P-9"}, "P-1a har den överordnade punkten P-9"),
        ("planpunkt", 0, {"overordnad_item": "P-1a"}, "P-2 är del av P-1a, som själv är del"),
        ("planpunkt", 1, {"omfattning": "VUH"}, "P-1a gäller verksamheter som den överordnade punkten P-1 inte"),
        ("planmatt", 0, {"item_id": "P-9"}, "punkten P-9 saknas"),
        ("planmatt", 0, {"roll": "annan"}, "rad 2 kan inte läsas: annan står där"),
        ("planmatt", 1, {"roll": "huvud"}, "P-1 har 2 indikatorer med roll huvud"),
        ("planmatt", 2, {"roll": "stod"}, "P-1a har ingen indikator med roll huvud och inga delar"),
        ("planmatt", 1, {"indicator_id": COUNTED.id}, f"har 2 rader för P-1 {COUNTED.id}"),
        ("maltal", 0, {"item_id": "P-2"}, "hör till en indikator som punkten inte följs med"),
        ("maltal", 0, {"operator": "="}, "rad 2 kan inte läsas: = står där"),
        ("maltal", 0, {"varde": "fem"}, "rad 2 kan inte läsas: fem i varde är inget tal"),
        ("maltal", 0, {"varde": "99,5"}, "rad 2 kan inte läsas: 99,5 i varde är inget tal"),
        ("maltal", 0, {"varde": "nan"}, "rad 2 kan inte läsas: nan i varde är inget tal"),
        ("planpunkt", 0, {"ordning": ""}, "rad 2 kan inte läsas: ordning är tom"),
        ("planpunkt", 0, {"ordning": "sist"}, "rad 2 kan inte läsas: sist i ordning är inget heltal"),
        ("maltal", 0, {"varde": ""}, "antingen varde eller bas"),
        ("maltal", 0, {"bas": "foregaende_ar"}, "antingen varde eller bas"),
        ("maltal", 1, {"basar": "2020"}, "basar ska vara ifylld när bas är basar, annars tom"),
        ("maltal", 1, {"bas": "basar"}, "basar ska vara ifylld när bas är basar, annars tom"),
        ("maltal", 1, {"bas": "basar", "basar": "2020"}, "jämför med basar, indikatorn med foregaende_ar"),
        ("maltal", 1, {"prorateras": "ja"}, "prorateras kan bara vara ja för ett mål med varde"),
        ("maltal", 0, {"nivaer": ""}, "rad 2 kan inte läsas: nivaer är tom"),
        ("maltal", 0, {"nivaer": "region"}, "rad 2 kan inte läsas: region står där"),
        ("maltal", 0, {"bedoms_pa": "ar|vecka"}, "rad 2 kan inte läsas: vecka står där"),
        ("maltal", 0, {"giltig_fran_ar": "2023"}, "giltig_fran_ar ligger efter giltig_till_ar"),
        ("maltal", 0, {"giltig_fran_ar": "tjugo"}, "tjugo i giltig_fran_ar är inget heltal"),
        ("maltal", 1, {"huvudmal": "ja"}, f"{COUNTED.id} har två mål med huvudmal = ja för samma år"),
        ("maltal", 0, {"indicator_id": OTHER.id}, "prorateras, men bara antal och belopp växer under året"),
    ],
)  # fmt: skip
def test_a_contradiction_is_one_sentence_that_names_the_row(
    table: str, row: int, change: dict[str, str], said: str
) -> None:
    tables = _tables()
    tables[table][row] = tables[table][row] | change
    with pytest.raises(PlanError) as caught:
        read_plan(tables, CATALOGUE)
    sentence = str(caught.value)
    assert sentence.startswith(f"dbt/seeds/{table}.csv") and said in sentence and sentence.endswith(".")
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("indicator", "target", "said"),
    [
        ({"levels": ("omrade",)}, {}, "gäller nivåer som indikatorn inte har (omrade)"),
        ({"comparison_base": None}, {}, "jämför med foregaende_ar, indikatorn med ingenting"),
        (
            {"comparison_base": "basar", "base_year": 2019},
            {"bas": "basar", "basar": "2020"},
            "jämför med år 2020, indikatorn med 2019",
        ),
    ],
)
def test_a_target_asks_for_what_its_indicator_has(indicator: dict[str, Any], target: dict[str, str], said: str) -> None:
    tables = _tables()
    tables["maltal"][1] = tables["maltal"][1] | target
    with pytest.raises(PlanError) as caught:
        read_plan(tables, CATALOGUE | {COUNTED.id: replace(COUNTED, **indicator)})
    assert said in str(caught.value)


def test_a_contradiction_stops_dbt_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads the same seeds, and would compute with what contradicts itself."""

    def contradicting() -> plan.PlanData:
        return read_plan(_tables() | {"plan": []}, CATALOGUE)

    monkeypatch.setattr(sql_vars, "load_plan", contradicting)
    with pytest.raises(PlanError, match="har 0 planer med foljs_upp = ja"):
        sql_vars.sql_vars()


def test_a_target_may_follow_another_in_the_next_year() -> None:
    tables = _tables()
    tables["maltal"].append(tables["maltal"][0] | {"varde": "6", "giltig_fran_ar": "2023", "giltig_till_ar": ""})
    assert [t.value for t in read_plan(tables, CATALOGUE).targets if t.main] == [5.0, 6.0]


def test_a_missing_column_is_named() -> None:
    tables = _tables()
    del tables["maltal"][0]["bedoms_pa"]
    with pytest.raises(PlanError, match=r"^dbt/seeds/maltal\.csv saknar kolumnen bedoms_pa\.$"):
        read_plan(tables, CATALOGUE)


@pytest.mark.parametrize("line", ["P-1", f"P-1,{COUNTED.id},huvud,extra"])
def test_a_line_with_too_few_or_too_many_cells_is_named(line: str) -> None:
    rows = csv.DictReader(["item_id,indicator_id,roll", line])
    with pytest.raises(
        PlanError, match=r"^dbt/seeds/planmatt\.csv rad 2 kan inte läsas: den har fler eller färre celler"
    ):
        read_plan(_tables() | {"planmatt": list(rows)}, CATALOGUE)


def test_a_plan_that_is_not_followed_up_needs_no_indicators() -> None:
    """What another plan says is kept as it stands, whether or not anything here can follow it up."""
    tables = _tables()
    tables["plan"].append(tables["plan"][0] | {"plan_id": "Q", "agare": "ANNAN", "foljs_upp": "nej"})
    item = tables["planpunkt"][0] | {"plan_id": "Q", "mal_id": "", "omfattning": ""}
    tables["planpunkt"] += [
        item | {"item_id": "Q-1", "uppfoljning": "ingen"},
        item | {"item_id": "Q-2", "uppfoljning": "beraknad"},
    ]
    assert [i.id for i in read_plan(tables, CATALOGUE).items if i.plan_id == "Q"] == ["Q-1", "Q-2"]


def test_the_seeds_have_exactly_the_columns_of_the_specification() -> None:
    assert {name: "|".join(seed(name)[0]) for name in plan.SEEDS} == {
        "plan": "plan_id|titel|agare|giltig_fran|giltig_till|foljs_upp",
        "planmal": "plan_id|mal_id|perspektiv|titel|ordning",
        "planpunkt": "item_id|plan_id|mal_id|typ|titel|kort_titel|omfattning|uppfoljning|overordnad_item|ansvarig|nr|"
        "rapportering|ordning",
        "planmatt": "item_id|indicator_id|roll",
        "maltal": "item_id|indicator_id|operator|varde|bas|basar|nivaer|prorateras|bedoms_pa|giltig_fran_ar|"
        "giltig_till_ar|huvudmal",
    }
